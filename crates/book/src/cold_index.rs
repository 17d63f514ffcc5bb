//! Where the rows of one table are that are not in memory: twelve to twenty-five bytes for each,
//! whatever is in it.
//!
//! It is told hashes and places and knows neither keys nor rows: whoever asks compares the key
//! that is at a place. It is in parts that grow one at a time, so that no row ever waits for all
//! of history to be moved.

use hashbrown::HashTable;

use crate::cold::Place;
use crate::parts::{PARTS, Parts};

/// Bits of a hash that choose its part.
const PART_BITS: u32 = PARTS.trailing_zeros();
/// Bits of a hash that are kept with a place. With those that choose the part, two rows of a
/// thousand million have the same in one case of a hundred, and then both are read.
const KEPT_BITS: u32 = 48;
const KEPT_BYTES: usize = 6;
const PLACE_BYTES: usize = 5;

/// Bytes, because numbers would be padded to sixteen.
#[derive(Clone, Copy, Debug)]
struct Slot([u8; KEPT_BYTES + PLACE_BYTES]);

impl Slot {
    fn new(kept: u64, place: Place) -> Self {
        let mut bytes = [0; KEPT_BYTES + PLACE_BYTES];
        bytes[..KEPT_BYTES].copy_from_slice(&kept.to_le_bytes()[..KEPT_BYTES]);
        bytes[KEPT_BYTES..].copy_from_slice(&place.get().to_le_bytes()[..PLACE_BYTES]);
        Self(bytes)
    }

    fn kept(&self) -> u64 {
        let mut bytes = [0; 8];
        bytes[..KEPT_BYTES].copy_from_slice(&self.0[..KEPT_BYTES]);
        u64::from_le_bytes(bytes)
    }

    fn place(&self) -> Place {
        let mut bytes = [0; 8];
        bytes[..PLACE_BYTES].copy_from_slice(&self.0[KEPT_BYTES..]);
        Place::new(u64::from_le_bytes(bytes)).expect("five bytes are a place")
    }
}

/// What a part's table finds its place by: it takes the lowest bits and the seven highest.
fn spread(kept: u64) -> u64 {
    kept | (kept >> (KEPT_BITS - 7)) << (64 - 7)
}

fn split(hash: u64) -> (usize, u64) {
    let part = hash & ((1 << PART_BITS) - 1);
    let kept = (hash >> PART_BITS) & ((1 << KEPT_BITS) - 1);
    (usize::try_from(part).expect("eight bits"), kept)
}

/// Places by hash.
#[derive(Debug, Default)]
pub(crate) struct ColdIndex {
    parts: Parts<HashTable<Slot>>,
}

impl ColdIndex {
    /// Whether `is` says so of one of the places of a hash.
    pub(crate) fn find(&self, hash: u64, mut is: impl FnMut(Place) -> bool) -> bool {
        let (part, kept) = split(hash);
        let Some(part) = self.parts.get(part) else {
            return false;
        };
        let found = part.find(spread(kept), |slot| slot.kept() == kept && is(slot.place()));
        found.is_some()
    }

    /// Forgets the place of a hash of which `is` says so; false when it does of none.
    pub(crate) fn take(&mut self, hash: u64, mut is: impl FnMut(Place) -> bool) -> bool {
        let (part, kept) = split(hash);
        let Some(part) = self.parts.get_mut(part) else {
            return false;
        };
        let found = part.find_entry(spread(kept), |slot| slot.kept() == kept && is(slot.place()));
        found.map(|entry| entry.remove()).is_ok()
    }

    pub(crate) fn insert(&mut self, hash: u64, place: Place) {
        let (part, kept) = split(hash);
        let slot = Slot::new(kept, place);
        let part = self.parts.begin(part, HashTable::new);
        part.insert_unique(spread(kept), slot, |slot| spread(slot.kept()));
    }

    /// All places, in ascending order: as they were put.
    pub(crate) fn places(&self) -> Vec<Place> {
        let slots = self.parts.begun().iter().flat_map(HashTable::iter);
        let mut places: Vec<Place> = slots.map(Slot::place).collect();
        places.sort_unstable();
        places
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_one_hash_are_all_asked_about() {
        let mut index = ColdIndex::default();
        let place = |number| Place::new(number).unwrap();
        let last = (1 << 40) - 1;
        for (hash, number) in [(7, 1), (7, 2), (7 << 20, 3), (u64::MAX, last)] {
            index.insert(hash, place(number));
        }
        assert_eq!(index.places(), [1, 2, 3, last].map(place));
        let mut asked = Vec::new();
        assert!(!index.find(7, |place| {
            asked.push(place.get());
            false
        }));
        asked.sort_unstable();
        assert_eq!(asked, [1, 2]);
        assert!(index.find(u64::MAX, |found| found == place(last)));
        assert!(index.take(7, |found| found == place(2)));
        assert!(!index.take(7, |found| found == place(2)));
        assert!(index.find(7, |found| found == place(1)));
        assert!(!index.find(8, |_| true));
    }

    #[test]
    fn many_places_are_found_again() {
        let hash = |number: u64| number.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(31);
        let mut index = ColdIndex::default();
        for number in 0..20_000 {
            index.insert(hash(number), Place::new(number).unwrap());
        }
        for number in 0..20_000 {
            assert!(index.find(hash(number), |place| place.get() == number));
        }
        assert_eq!(index.places().len(), 20_000);
    }

    #[test]
    fn there_is_no_place_beyond_five_bytes() {
        assert_eq!(Place::new(1 << 40), None);
        assert_eq!(Place::new((1 << 40) - 1).unwrap().get(), (1 << 40) - 1);
    }
}
