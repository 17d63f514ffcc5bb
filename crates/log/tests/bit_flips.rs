//! No flipped bit of a segment is overlooked by any way to read.

mod support;

use std::ops::ControlFlow;

use support::{HEADER, batch, open, options, segment, written};
use tillroll_log::frame::{self, Depth, FrameHeader, FramePlace};
use tillroll_log::segment::SegmentHeader;
use tillroll_log::testing::{MemoryStorage, Random, TestLog};
use tillroll_log::{Deadline, FileLog, Log, LogOptions, Position, verify};

fn flip(storage: &MemoryStorage, name: &str, bit: usize) {
    let mut bytes = storage.bytes(name);
    bytes[bit / 8] ^= 1 << (bit % 8);
    storage.put(name, bytes);
}

#[test]
fn verification_finds_every_flipped_bit() {
    let (storage, _) = written(&[&["one", ""], &["three"], &["four", "five"]], 500);
    assert_eq!(storage.names().len(), 2);
    let mut flips = 0;
    for name in storage.names() {
        for bit in 0..storage.bytes(&name).len() * 8 {
            flip(&storage, &name, bit);
            let found = verify(&storage, |_| {});
            assert!(found.is_err(), "bit {bit} of {name}");
            flip(&storage, &name, bit);
            flips += 1;
        }
    }
    assert!(flips > 6000, "{flips}");
    verify(&storage, |_| {}).unwrap();
}

/// All 524,288 of them: each is put to the check of the structure that holds it,
/// which is the one that verification uses, and some to the whole verification.
#[test]
fn every_flipped_bit_of_a_sealed_64_kib_segment_is_found() {
    let storage = MemoryStorage::new();
    let (mut log, _) = open(storage.clone(), 1 << 16).unwrap();
    let mut random = Random::new(64);
    let mut left = (1 << 16) - HEADER;
    while left > 0 {
        // The last frame fills the segment to its last byte.
        let frame = if left < 1400 { left } else { 700 };
        let record: Vec<_> = (0..frame - 168 - 4)
            .map(|_| random.number().to_le_bytes()[0])
            .collect();
        log.append_next(&mut batch([record])).unwrap();
        left -= frame;
    }
    log.append_next(&mut batch(["in the next segment"]))
        .unwrap();
    let name = segment(1);
    let mut bytes = storage.bytes(&name);
    assert_eq!((bytes.len(), storage.names().len()), (1 << 16, 2));

    let mut flipped = 0;
    let mut start = 0;
    while start < bytes.len() {
        let place = FramePlace {
            segment: 1,
            offset: start as u64,
        };
        let end = match start {
            0 => HEADER,
            _ => start + FrameHeader::decode(&bytes[start..]).unwrap().bytes(),
        };
        for bit in start * 8..end * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            let structure = &bytes[start..end];
            let overlooked = match start {
                0 => SegmentHeader::decode(structure).is_ok(),
                _ => frame::decode(structure, place, Depth::Hash).is_ok(),
            };
            assert!(!overlooked, "bit {bit}");
            if bit % 4099 == 0 {
                storage.put(&name, bytes.clone());
                verify(&storage, |_| {}).unwrap_err();
            }
            bytes[bit / 8] ^= 1 << (bit % 8);
            flipped += 1;
        }
        start = end;
    }
    assert_eq!(flipped, 524_288);
    storage.put(&name, bytes);
    verify(&storage, |_| {}).unwrap();
}

/// Opening may cut the last frame, which looks torn; it never serves anything
/// that was not written.
#[test]
fn opening_serves_nothing_wrong_after_any_flip() {
    let (storage, _) = written(&[&["one", ""], &["three"], &["four", "five"]], 500);
    let sent = ["one", "", "three", "four", "five"];
    for name in storage.names() {
        let last = name != segment(1);
        for bit in 0..storage.bytes(&name).len() * 8 {
            let broken = storage.restarted();
            flip(&broken, &name, bit);
            let opened = open(broken, 500);
            assert!(last || opened.is_err(), "bit {bit} of a sealed segment");
            if let Ok((log, report)) = opened {
                let found = support::texts(&log);
                assert!(report.torn_tail.is_some(), "bit {bit}");
                assert_eq!(found, sent[..found.len()], "bit {bit}");
            }
        }
    }
}

/// Bits that rot while the log is open are found by the reader.
#[test]
fn readers_serve_nothing_wrong_after_any_flip_in_a_frame() {
    let (storage, _) = written(&[&["one", ""], &["three"], &["four", "five"]], 1 << 20);
    let name = segment(1);
    let skip_nothing = LogOptions {
        check_from: Position::ZERO,
        ..options(1 << 20)
    };
    let (log, _) = FileLog::open(storage.clone(), skip_nothing).unwrap();
    let reader = log.reader();
    for bit in 128 * 8..storage.bytes(&name).len() * 8 {
        flip(&storage, &name, bit);
        let mut seen = Vec::new();
        let read = reader.for_each(Position::FIRST, Deadline::NEVER, &mut |_, record| {
            seen.push(record.to_vec());
            ControlFlow::Continue(())
        });
        assert!(read.is_err(), "bit {bit}");
        let sent = [&b"one"[..], b"", b"three", b"four", b"five"];
        assert_eq!(seen, sent[..seen.len()], "bit {bit}");
        flip(&storage, &name, bit);
    }
}
