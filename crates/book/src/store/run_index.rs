//! Where the rows of one table are that never change and of which there are ever more: in memory
//! only for the newest, and below that in the store.
//!
//! Each of its parts has the newest places in a small table of fixed size. A full one becomes a
//! *run*: places sorted by hash, in blocks that the store keeps, of which memory has the first hash
//! of each and a filter that says what is not in it. Four runs of about one length become one. So a
//! place takes some thirteen bits of memory, a search for what is not there asks a few filters and
//! reads a block about once in a hundred, and one for what is there reads a block and the row.
//!
//! It takes hashes and addresses and knows neither keys nor rows: the caller compares the key at
//! an address. Nothing is ever taken out of it.

use hashbrown::HashTable;

use super::cold::{ColdTier, RowAddress};
use super::hash_filter::HashFilter;
use super::parts::Parts;

/// Bytes of a hash beside the one that chooses the part.
const HASH_BYTES: usize = 7;
const ADDRESS_BYTES: usize = 5;
const PLACE_BYTES: usize = HASH_BYTES + ADDRESS_BYTES;
/// Places in memory before they become a run, where rows stay in memory for more records than
/// that: a table of 2,048 is full then, and no larger one is ever made.
const RECENT: u64 = 1_792;
/// Runs of about one length that become one.
const FAN: usize = 4;
/// Places in a block: 3 KiB.
const BLOCK: usize = 256;

/// A hash without the byte that chooses the part, and an address. Bytes, because numbers would be
/// padded to sixteen.
#[derive(Clone, Copy, Debug)]
struct ColdPlace([u8; PLACE_BYTES]);

impl ColdPlace {
    fn new(rest: u64, address: RowAddress) -> Self {
        let mut bytes = [0; PLACE_BYTES];
        bytes[..HASH_BYTES].copy_from_slice(&rest.to_le_bytes()[..HASH_BYTES]);
        bytes[HASH_BYTES..].copy_from_slice(&address.get().to_le_bytes()[..ADDRESS_BYTES]);
        Self(bytes)
    }

    fn rest(&self) -> u64 {
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

/// What the table of a part finds its bucket by: it takes the lowest bits and the seven highest.
fn spread(rest: u64) -> u64 {
    rest | (rest >> 48) << 56
}

/// As a filter wants it, with the upper bits as good as any.
fn shifted(rest: u64) -> u64 {
    rest << 8
}

#[derive(Debug)]
struct RunBlock {
    /// Of its places.
    first: u64,
    address: RowAddress,
}

#[derive(Debug)]
struct PlaceRun {
    /// How often runs have become one for it.
    level: u8,
    filter: HashFilter,
    blocks: Box<[RunBlock]>,
}

#[derive(Debug, Default)]
struct RunPart {
    recent: HashTable<ColdPlace>,
    /// The longest first.
    runs: Vec<PlaceRun>,
}

/// Places by part and hash.
#[derive(Debug, Default)]
pub(super) struct RunIndex {
    parts: Parts<RunPart>,
}

impl RunIndex {
    /// Whether `is` says so of one of the addresses of a hash, the newest first.
    pub(super) fn find(
        &self,
        (part, rest): (usize, u64),
        cold: &ColdTier,
        mut is: impl FnMut(RowAddress) -> bool,
    ) -> bool {
        let Some(part) = self.parts.get(part) else {
            return false;
        };
        let recent = part.recent.find(spread(rest), |place| {
            place.rest() == rest && is(place.address())
        });
        recent.is_some()
            || part
                .runs
                .iter()
                .rev()
                .any(|run| run.filter.may_have(shifted(rest)) && run.find(rest, cold, &mut is))
    }

    pub(super) fn insert(
        &mut self,
        (part, rest): (usize, u64),
        address: RowAddress,
        cold: &mut ColdTier,
    ) {
        let number = part;
        let part = self.parts.begin(part, RunPart::default);
        let place = ColdPlace::new(rest, address);
        let hasher = |place: &ColdPlace| spread(place.rest());
        part.recent.insert_unique(spread(rest), place, hasher);
        // Whoever wants few rows in memory wants few places there.
        let recent = cold.after(true).clamp(2, RECENT);
        let recent = usize::try_from(recent).expect("it is small");
        // The parts fill alike. The first run is shorter by another measure in each, so that they
        // are not all full at once.
        let full = match part.runs.is_empty() {
            true => recent / 2 + number * recent / 512,
            false => recent,
        };
        if part.recent.len() >= full {
            part.sort_away(cold);
        }
    }

    /// Rests of hashes and addresses of a part, sorted by hash.
    pub(super) fn places(&self, part: usize, cold: &ColdTier) -> Vec<(u64, RowAddress)> {
        let Some(part) = self.parts.get(part) else {
            return Vec::new();
        };
        let mut places: Vec<ColdPlace> = part.recent.iter().copied().collect();
        for run in &part.runs {
            run.read_into(&mut places, cold);
        }
        let mut places: Vec<(u64, RowAddress)> = places
            .iter()
            .map(|place| (place.rest(), place.address()))
            .collect();
        places.sort_unstable();
        places
    }

    /// Bytes of memory, but for what the allocator adds.
    #[cfg(test)]
    fn bytes(&self) -> usize {
        let part = |part: &RunPart| {
            let buckets = match part.recent.capacity() {
                0 => 0,
                _ => part.recent.num_buckets(),
            };
            let runs = part
                .runs
                .iter()
                .map(|run| size_of::<PlaceRun>() + run.filter.bytes() + size_of_val(&*run.blocks));
            size_of::<RunPart>() + buckets * (PLACE_BYTES + 1) + runs.sum::<usize>()
        };
        self.parts.begun().iter().map(part).sum()
    }
}

impl RunPart {
    /// Makes a run of what is in memory, and of the runs that are as short.
    fn sort_away(&mut self, cold: &mut ColdTier) {
        let mut places: Vec<ColdPlace> = self.recent.drain().collect();
        places.sort_unstable_by_key(ColdPlace::rest);
        let mut level = 0;
        loop {
            let alike = self.runs.iter().rev().take_while(|run| run.level == level);
            let alike = alike.count();
            if alike + 1 < FAN {
                break;
            }
            for run in self.runs.drain(self.runs.len() - alike..) {
                run.read_into(&mut places, cold);
            }
            // It finds what is sorted already.
            places.sort_by_key(ColdPlace::rest);
            level += 1;
        }
        self.runs.extend(PlaceRun::of(&places, level, cold));
    }
}

impl PlaceRun {
    /// None when the store fails, and then the places are lost with the book.
    fn of(places: &[ColdPlace], level: u8, cold: &mut ColdTier) -> Option<Self> {
        let mut bytes = Vec::with_capacity(BLOCK * PLACE_BYTES);
        let blocks = places.chunks(BLOCK).map(|block| {
            bytes.clear();
            block
                .iter()
                .for_each(|place| bytes.extend_from_slice(&place.0));
            let address = cold.put(&bytes)?;
            let first = block[0].rest();
            Some(RunBlock { first, address })
        });
        let blocks = blocks.collect::<Option<_>>()?;
        let filter = HashFilter::of(places.iter().map(|place| shifted(place.rest())));
        Some(Self {
            level,
            filter,
            blocks,
        })
    }

    fn find(&self, rest: u64, cold: &ColdTier, is: &mut impl FnMut(RowAddress) -> bool) -> bool {
        // The places of one hash may go on in the next block.
        let before = self.blocks.partition_point(|block| block.first < rest);
        let blocks = &self.blocks[before.saturating_sub(1)..];
        let mut blocks = blocks.iter().take_while(|block| block.first <= rest);
        blocks.any(|block| {
            let places = block.places(cold);
            let start = places.partition_point(|place| place.rest() < rest);
            let mut same = places[start..]
                .iter()
                .take_while(|place| place.rest() == rest);
            same.any(|place| is(place.address()))
        })
    }

    fn read_into(&self, places: &mut Vec<ColdPlace>, cold: &ColdTier) {
        for block in &self.blocks {
            places.extend(block.places(cold));
        }
    }
}

impl RunBlock {
    /// None after a fault.
    fn places(&self, cold: &ColdTier) -> Vec<ColdPlace> {
        let bytes = cold.get_bytes(self.address).unwrap_or_default();
        let (places, _) = bytes.as_chunks::<PLACE_BYTES>();
        places.iter().copied().map(ColdPlace).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::cold::{ColdFault, ColdStore, MemoryColdStore};
    use super::super::parts::PARTS;
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    fn hash(number: u64) -> (usize, u64) {
        let mixed = (number ^ 0x5bd1).wrapping_mul(0xd6e8_feb8_6659_fd93);
        let mixed = (mixed ^ (mixed >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
        let mixed = mixed ^ (mixed >> 32);
        (usize::from(mixed.to_le_bytes()[7]), mixed & ((1 << 56) - 1))
    }

    fn address(number: u64) -> RowAddress {
        RowAddress::new(number).unwrap()
    }

    /// Counts what is read.
    #[derive(Debug, Default)]
    struct CountingStore(MemoryColdStore, Arc<AtomicU64>);

    impl ColdStore for CountingStore {
        fn put(&mut self, row: &[u8]) -> Result<RowAddress, ColdFault> {
            self.0.put(row)
        }

        fn get(&self, address: RowAddress) -> Result<Vec<u8>, ColdFault> {
            self.1.fetch_add(1, Ordering::Relaxed);
            self.0.get(address)
        }
    }

    fn tier() -> (ColdTier, Arc<AtomicU64>) {
        let store = CountingStore::default();
        let reads = Arc::clone(&store.1);
        (ColdTier::new(Box::new(store), 1, 100_000), reads)
    }

    #[test]
    fn places_are_found_in_bounded_memory_and_few_reads() {
        let (mut cold, reads) = tier();
        let mut index = RunIndex::default();
        let mut checked = 0;
        for number in 0..1_500_000 {
            index.insert(hash(number), address(number), &mut cold);
            checked += 1;
            if ![400_000, 1_500_000].contains(&checked) {
                continue;
            }
            let table = PARTS * (2_048 * (PLACE_BYTES + 1) + size_of::<RunPart>());
            let most = table + usize::try_from(checked * 17 / 10).unwrap();
            assert!(
                index.bytes() <= most,
                "{} bytes for {checked}",
                index.bytes()
            );
            let longest = index.parts.begun().iter().map(|part| part.runs.len()).max();
            assert!(longest <= Some(9), "{longest:?} runs for {checked}");
            for number in (0..checked).step_by(61) {
                let is = |found| found == address(number);
                assert!(index.find(hash(number), &cold, is), "{number} of {checked}");
            }
            reads.store(0, Ordering::Relaxed);
            let strange = (1 << 40)..(1 << 40) + 100_000;
            let found = strange.filter(|number| index.find(hash(*number), &cold, |_| true));
            assert_eq!(found.count(), 0);
            let reads = reads.load(Ordering::Relaxed);
            assert!(
                reads < 5_000,
                "{reads} blocks for 100,000 that are not there"
            );
        }
        let all = (0..PARTS).map(|part| index.places(part, &cold).len());
        assert_eq!(all.sum::<usize>(), 1_500_000);
        assert!(cold.fault().is_none());
    }

    #[test]
    fn addresses_of_one_hash_are_all_asked_about() {
        let (mut cold, _) = tier();
        let mut index = RunIndex::default();
        let same = (7, 12);
        // So many that they fill blocks, with others on both sides.
        for number in 0..5_000 {
            index.insert((7, 5), address(3 * number), &mut cold);
            index.insert(same, address(3 * number + 1), &mut cold);
            index.insert((7, 90), address(3 * number + 2), &mut cold);
        }
        let mut asked = Vec::new();
        assert!(!index.find(same, &cold, |address| {
            asked.push(address.get());
            false
        }));
        asked.sort_unstable();
        let expected: Vec<u64> = (0..5_000).map(|number| 3 * number + 1).collect();
        assert_eq!(asked, expected);
        assert!(!index.find((7, 13), &cold, |_| true));
        assert!(!index.find((8, 12), &cold, |_| true));
        assert!(index.places(7, &cold).is_sorted());
    }

    #[test]
    fn a_place_keeps_all_of_a_hash_and_an_address() {
        let last = (1 << 40) - 1;
        let place = ColdPlace::new((1 << 56) - 1, address(last));
        assert_eq!(
            (place.rest(), place.address()),
            ((1 << 56) - 1, address(last))
        );
    }
}
