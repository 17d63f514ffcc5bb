//! Bytes that an attacker wrote with care: every checksum holds, and the log still
//! refuses them.

mod support;

use support::{BATCHES, FRAMES, batch, damage, open, options, segment, with, written};
use tillroll_log::frame::{self, FrameLink, FramePlace};
use tillroll_log::{Deadline, Fault, FrameHash, Log, Position};

#[test]
fn a_changed_record_with_honest_checksums_does_not_match_its_hash() {
    let (storage, _) = written(BATCHES, 1 << 20);
    let tampered = with(&storage, &segment(1), |bytes| {
        let payload = FRAMES[2] + 160..FRAMES[3] - 8;
        bytes[payload.start + 4] = b'F';
        let crc = crc32c::crc32c(&bytes[payload]);
        let header = &mut bytes[FRAMES[2]..FRAMES[2] + 160];
        header[144..148].copy_from_slice(&crc.to_le_bytes());
        let crc = crc32c::crc32c(&header[..156]);
        header[156..].copy_from_slice(&crc.to_le_bytes());
        bytes[FRAMES[3] - 4..].copy_from_slice(&crc.to_le_bytes());
    });
    assert_eq!(damage(&tampered, options(1 << 20)).fault, Fault::Hash);
}

#[test]
fn a_newer_format_is_refused_and_never_cut() {
    let (storage, _) = written(BATCHES, 1 << 20);
    for (at, fault) in [
        (
            4,
            Fault::Unsupported {
                version: 2,
                flags: 0,
            },
        ),
        (
            6,
            Fault::Unsupported {
                version: 1,
                flags: 2,
            },
        ),
        (70, Fault::Reserved),
    ] {
        let newer = with(&storage, &segment(1), |bytes| {
            let header = &mut bytes[FRAMES[2]..FRAMES[2] + 160];
            header[at] = 2;
            let crc = crc32c::crc32c(&header[..156]);
            header[156..].copy_from_slice(&crc.to_le_bytes());
        });
        assert_eq!(damage(&newer, options(1 << 20)).fault, fault);
    }
}

#[test]
fn a_frame_from_another_place_of_the_same_history_is_damage() {
    let (storage, _) = written(BATCHES, 1 << 20);
    let (small, _) = written(BATCHES, 200);
    let moved = small.bytes(&segment(3))[128..].to_vec();
    let broken = with(&storage, &segment(1), |bytes| {
        bytes[FRAMES[1]..FRAMES[2]].copy_from_slice(&moved);
    });
    let elsewhere = Fault::Misplaced {
        segment: 2,
        offset: 128,
    };
    assert_eq!(damage(&broken, options(1 << 20)).fault, elsewhere);
}

#[test]
fn a_frame_of_another_history_is_damage() {
    let (storage, _) = written(BATCHES, 1 << 20);
    let (other, _) = written(&[&["one", "TWO"], &["three"]], 1 << 20);
    for end in [FRAMES[2], FRAMES[3]] {
        let broken = with(&storage, &segment(1), |bytes| {
            let theirs = other.bytes(&segment(1));
            bytes[FRAMES[1]..FRAMES[2]].copy_from_slice(&theirs[FRAMES[1]..]);
            bytes.truncate(end);
        });
        let damage = damage(&broken, options(1 << 20));
        assert_eq!(
            (damage.fault, damage.position),
            (Fault::Chain, Position::new(3))
        );
    }
}

#[test]
fn a_frame_with_another_position_is_damage_for_open_and_for_readers() {
    let (storage, _) = written(BATCHES, 1 << 20);
    let (log, _) = open(storage.clone(), 1 << 20).unwrap();
    let place = FramePlace {
        segment: 1,
        offset: FRAMES[0] as u64,
    };
    let link = FrameLink {
        first: Position::new(2),
        previous: FrameHash::GENESIS,
    };
    let mut records = batch(["one", "two"]);
    let crafted = frame::seal(&mut records, place, link).bytes().to_vec();
    let mut bytes = storage.bytes(&segment(1));
    bytes[FRAMES[0]..FRAMES[1]].copy_from_slice(&crafted);
    storage.put(&segment(1), bytes);
    let skipped = Fault::Position {
        found: Position::new(2),
        expected: Position::new(1),
    };
    let reader = log.reader();
    assert!(reader.read_one(Position::new(1), Deadline::NEVER).is_err());
    assert!(
        reader
            .read_from(Position::new(1), Deadline::NEVER)
            .unwrap()
            .any(|record| record.is_err())
    );
    assert_eq!(damage(&storage, options(1 << 20)).fault, skipped);
}
