//! Ids for what clients leave without one: UUIDv7, so that they sort by time.

use tillroll_events::Timestamp;
use uuid::{NoContext, Uuid};

/// The last field of a UUIDv7: 62 bits that are random.
const RANDOM: u128 = (1 << 62) - 1;

/// Ids for one request: the first is random, each that follows is one more. That costs one
/// question to the system's source of randomness rather than thousands, and ids in the order
/// of the request.
#[derive(Clone, Debug)]
pub(crate) struct NewIds {
    next: u128,
}

impl NewIds {
    pub(crate) fn at(now: Timestamp) -> Self {
        let seconds = u64::try_from(now.seconds()).unwrap_or(0);
        let nanos = u32::try_from(now.micros().rem_euclid(1_000_000) * 1000).unwrap_or(0);
        let time = uuid::Timestamp::from_unix(NoContext, seconds, nanos);
        Self {
            next: Uuid::new_v7(time).as_u128(),
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
}
