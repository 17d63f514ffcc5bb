//! Ids of events: computed, not drawn at random, so that folding the same commands in the same order
//! gets the same roll, byte for byte.

use tillroll_events::{EventId, Timestamp};
use tillroll_log::Position;

/// The id of the event that a book records at a position and a time.
///
/// It has the shape of a UUID of version 7: 48 bits of milliseconds, so that ids sort by time,
/// then 74 bits of BLAKE3 over book and position. Times before 1970 count as 1970.
#[must_use]
pub fn event_id(book: &[u8; 16], position: Position, recorded_at: Timestamp) -> EventId {
    let mut seed = [0; 24];
    seed[..16].copy_from_slice(book);
    seed[16..].copy_from_slice(&position.get().to_le_bytes());
    let hash = blake3::hash(&seed);
    let (bits, _) = hash
        .as_bytes()
        .split_first_chunk::<16>()
        .expect("a hash has 32 bytes");
    let bits = u128::from_le_bytes(*bits);

    let version = 7 << 76;
    let random_a = (bits & 0xfff) << 64;
    let variant = 0b10 << 62;
    let random_b = (bits >> 64) & ((1 << 62) - 1);
    EventId::from_u128(milliseconds(recorded_at) << 80 | version | random_a | variant | random_b)
}

/// The time within an id: the reader's half of [`event_id`].
pub(crate) fn carries_time(id: EventId, recorded_at: Timestamp) -> bool {
    let number = id.as_u128();
    let shape = (number >> 76 & 0xf, number >> 62 & 0b11);
    shape == (7, 0b10) && number >> 80 == milliseconds(recorded_at)
}

fn milliseconds(time: Timestamp) -> u128 {
    // A timestamp ends with the year 9999, which takes 48 bits of milliseconds.
    u128::try_from(time.micros().max(0) / 1000).expect("it was raised to zero")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn an_id_is_fixed_by_book_position_and_time() {
        let id = |book, position, micros| {
            event_id(
                &[book; 16],
                Position::new(position),
                Timestamp::from_micros(micros),
            )
        };
        // Golden: ids are history, and must come out the same in every later version.
        assert_eq!(
            id(1, 1, 1_767_225_600_000_000).to_string(),
            "evt_01kdvdna00eymrdt056w1x0hkx"
        );
        assert_eq!(id(1, 1, 1_000), id(1, 1, 1_999), "within a millisecond");
        let different = [
            id(1, 1, 0),
            id(2, 1, 0),
            id(1, 2, 0),
            id(1, 1, 1_000),
            id(1, 1, i64::MAX),
        ];
        assert_eq!(different.iter().collect::<BTreeSet<_>>().len(), 5);
        assert_eq!(id(1, 1, -5_000_000), id(1, 1, 0));
    }

    #[test]
    fn ids_sort_by_time_and_show_it() {
        let at = |millis: i64| Timestamp::from_micros(millis * 1000);
        let ids: Vec<_> = (0..200)
            .map(|n| event_id(&[7; 16], Position::new(n), at(n.cast_signed())))
            .collect();
        assert!(ids.is_sorted());
        for (id, millis) in ids.iter().zip(0..) {
            assert!(carries_time(*id, at(millis)), "{id}");
            assert!(!carries_time(*id, at(millis + 1)), "{id}");
        }
        assert!(!carries_time(EventId::from_u128(0), at(0)), "no version");
    }
}
