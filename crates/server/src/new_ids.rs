//! Ids for what clients leave without one: UUIDv7, so that they sort by time.

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use tillroll_events::Timestamp;
use uuid::{Builder, Uuid};

/// The last field of a UUIDv7: 62 bits that are random.
const RANDOM: u128 = (1 << 62) - 1;

/// A keyed hash of a counter, the key drawn from the system once: asking the system for every id
/// costs more than making a command of it.
static SOURCE: LazyLock<(RandomState, AtomicU64)> = LazyLock::new(Default::default);

fn random() -> [u8; 10] {
    let (keyed, counter) = &*SOURCE;
    let number = counter.fetch_add(1, Ordering::Relaxed);
    let mut bytes = [0; 10];
    bytes[..8].copy_from_slice(&keyed.hash_one((number, 0_u8)).to_le_bytes());
    bytes[8..].copy_from_slice(&keyed.hash_one((number, 1_u8)).to_le_bytes()[..2]);
    bytes
}

/// An id of this moment.
pub(crate) fn new_id(now: Timestamp) -> Uuid {
    let millis = u64::try_from(now.micros() / 1000).unwrap_or(0);
    Builder::from_unix_timestamp_millis(millis, &random()).into_uuid()
}

/// Ids for one request: the first is random, each that follows is one more, so that they are in
/// the order of the request.
#[derive(Clone, Debug)]
pub(crate) struct NewIds {
    next: u128,
}

impl NewIds {
    pub(crate) fn at(now: Timestamp) -> Self {
        Self {
            next: new_id(now).as_u128(),
        }
    }

    pub(crate) fn take(&mut self) -> u128 {
        let id = self.next;
        self.next = (id & !RANDOM) | (id.wrapping_add(1) & RANDOM);
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_of_version_7_and_their_time_and_differ() {
        let now = Timestamp::from_micros(1_800_000_000_123_456);
        let mut ids = NewIds::at(now);
        // At the end of the range it goes on from its start, and leaves the rest as it is.
        ids.next |= RANDOM;
        let (last, first) = (ids.take(), ids.take());
        assert_ne!(last, first);
        for id in [last, first, NewIds::at(now).take()] {
            let uuid = Uuid::from_u128(id);
            assert_eq!(uuid.get_version_num(), 7);
            assert_eq!(uuid.get_variant(), uuid::Variant::RFC4122);
            assert_eq!(id >> 80, 1_800_000_000_123);
        }
    }

    #[test]
    fn a_hundred_thousand_ids_of_one_moment_differ_in_all_their_random_bits() {
        let now = Timestamp::from_seconds(1_800_000_000);
        let ids: Vec<u128> = (0..100_000).map(|_| new_id(now).as_u128()).collect();
        let distinct: std::collections::HashSet<_> = ids.iter().collect();
        assert_eq!(distinct.len(), ids.len());
        // Every bit that is neither time nor version nor variant is sometimes set, and not always.
        let (any, all) = ids
            .iter()
            .fold((0, u128::MAX), |(any, all), id| (any | id, all & id));
        let random = 0xfff << 64 | RANDOM;
        assert_eq!((any & random, all & random), (random, 0));
    }
}
