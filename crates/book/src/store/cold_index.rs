//! Where the rows of one table are that are not in memory: twelve to twenty-five bytes for each,
//! whatever is in it.
//!
//! It takes hashes and addresses and knows neither keys nor rows: the caller compares the key at
//! an address. It is in parts that grow one at a time, so that no row ever waits for all
//! of history to be moved.

use hashbrown::HashTable;

use super::cold::RowAddress;
use super::parts::{PARTS, Parts};

/// Bits of a hash that choose its part.
const PART_BITS: u32 = PARTS.trailing_zeros();
/// Bits of a hash that are kept with an address. With those that choose the part, two rows of a
/// thousand million have the same in one case of a hundred, and then both are read.
const HASH_BITS: u32 = 48;
const HASH_BYTES: usize = 6;
const ADDRESS_BYTES: usize = 5;

/// Bytes, because numbers would be padded to sixteen.
#[derive(Clone, Copy, Debug)]
struct Slot([u8; HASH_BYTES + ADDRESS_BYTES]);

impl Slot {
    fn new(kept: u64, address: RowAddress) -> Self {
        let mut bytes = [0; HASH_BYTES + ADDRESS_BYTES];
        bytes[..HASH_BYTES].copy_from_slice(&kept.to_le_bytes()[..HASH_BYTES]);
        bytes[HASH_BYTES..].copy_from_slice(&address.get().to_le_bytes()[..ADDRESS_BYTES]);
        Self(bytes)
    }

    fn kept(&self) -> u64 {
        let mut bytes = [0; 8];
        bytes[..HASH_BYTES].copy_from_slice(&self.0[..HASH_BYTES]);
        u64::from_le_bytes(bytes)
    }

    fn address(&self) -> RowAddress {
        let mut bytes = [0; 8];
        bytes[..ADDRESS_BYTES].copy_from_slice(&self.0[HASH_BYTES..]);
        RowAddress::new(u64::from_le_bytes(bytes)).expect("five bytes are an address")
    }
}

/// What a part's table finds its bucket by: it takes the lowest bits and the seven highest.
fn spread(kept: u64) -> u64 {
    kept | (kept >> (HASH_BITS - 7)) << (64 - 7)
}

fn split(hash: u64) -> (usize, u64) {
    let part = hash & ((1 << PART_BITS) - 1);
    let kept = (hash >> PART_BITS) & ((1 << HASH_BITS) - 1);
    (usize::try_from(part).expect("eight bits"), kept)
}

/// Places by hash.
#[derive(Debug, Default)]
pub(super) struct ColdIndex {
    parts: Parts<HashTable<Slot>>,
}

impl ColdIndex {
    /// Whether `is` says so of one of the addresses of a hash.
    pub(super) fn find(&self, hash: u64, mut is: impl FnMut(RowAddress) -> bool) -> bool {
        let (part, kept) = split(hash);
        let Some(part) = self.parts.get(part) else {
            return false;
        };
        let found = part.find(spread(kept), |slot| {
            slot.kept() == kept && is(slot.address())
        });
        found.is_some()
    }

    /// Forgets the address of a hash of which `is` says so; false when it does of none.
    pub(super) fn take(&mut self, hash: u64, mut is: impl FnMut(RowAddress) -> bool) -> bool {
        let (part, kept) = split(hash);
        let Some(part) = self.parts.get_mut(part) else {
            return false;
        };
        let found = part.find_entry(spread(kept), |slot| {
            slot.kept() == kept && is(slot.address())
        });
        found.map(|entry| entry.remove()).is_ok()
    }

    pub(super) fn insert(&mut self, hash: u64, address: RowAddress) {
        let (part, kept) = split(hash);
        let slot = Slot::new(kept, address);
        let part = self.parts.begin(part, HashTable::new);
        part.insert_unique(spread(kept), slot, |slot| spread(slot.kept()));
    }

    /// All addresses, in ascending order: as they were given.
    pub(super) fn addresses(&self) -> Vec<RowAddress> {
        let slots = self.parts.begun().iter().flat_map(HashTable::iter);
        let mut addresses: Vec<RowAddress> = slots.map(Slot::address).collect();
        addresses.sort_unstable();
        addresses
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_hash_are_all_asked_about() {
        let mut index = ColdIndex::default();
        let address = |number| RowAddress::new(number).unwrap();
        let last = (1 << 40) - 1;
        for (hash, number) in [(7, 1), (7, 2), (7 << 20, 3), (u64::MAX, last)] {
            index.insert(hash, address(number));
        }
        assert_eq!(index.addresses(), [1, 2, 3, last].map(address));
        let mut asked = Vec::new();
        assert!(!index.find(7, |address| {
            asked.push(address.get());
            false
        }));
        asked.sort_unstable();
        assert_eq!(asked, [1, 2]);
        assert!(index.find(u64::MAX, |found| found == address(last)));
        assert!(index.take(7, |found| found == address(2)));
        assert!(!index.take(7, |found| found == address(2)));
        assert!(index.find(7, |found| found == address(1)));
        assert!(!index.find(8, |_| true));
    }

    #[test]
    fn many_places_are_found_again() {
        let hash = |number: u64| number.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(31);
        let mut index = ColdIndex::default();
        for number in 0..20_000 {
            index.insert(hash(number), RowAddress::new(number).unwrap());
        }
        for number in 0..20_000 {
            assert!(index.find(hash(number), |address| address.get() == number));
        }
        assert_eq!(index.addresses().len(), 20_000);
    }

    #[test]
    fn there_is_no_place_beyond_five_bytes() {
        assert_eq!(RowAddress::new(1 << 40), None);
        assert_eq!(RowAddress::new((1 << 40) - 1).unwrap().get(), (1 << 40) - 1);
    }
}
