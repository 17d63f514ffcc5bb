//! Bytes of every released format stay readable, and the current one is
//! written to the byte as it was released. A golden file is never changed: a
//! new format gets a new directory beside the old.

mod support;

use support::{ID, batch, damage, open, options, segment, texts, with};
use tillroll_log::testing::{MemoryStorage, TestLog};
use tillroll_log::verify;

const SEGMENT_BYTES: u64 = 640;
const BATCHES: &[&[&str]] = &[
    &["the first record", "", "the third"],
    &["alone"],
    &["in a segment of its own"],
];
const HEAD: &str = "ac03e4c74de1d6629e9ad4233ec67e555125361f7b98efc8e0c70e10108df743";
type Golden = [(u64, &'static str); 2];

const FORMAT_1: Golden = [
    (1, include_str!("golden/format-1/00000000000000000001.hex")),
    (5, include_str!("golden/format-1/00000000000000000005.hex")),
];
const FORMAT_2: Golden = [
    (1, include_str!("golden/format-2/00000000000000000001.hex")),
    (5, include_str!("golden/format-2/00000000000000000005.hex")),
];
/// Where the version is in a segment's header.
const VERSION: usize = 8;

/// Hexadecimal bytes; the rest of a line after `#` explains them.
fn parse(text: &str) -> Vec<u8> {
    let lines = text
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default());
    let digits: Vec<char> = lines
        .flat_map(str::chars)
        .filter(|c| !c.is_whitespace())
        .collect();
    let pairs = digits.chunks(2).map(|pair| pair.iter().collect::<String>());
    pairs
        .map(|pair| u8::from_str_radix(&pair, 16).unwrap())
        .collect()
}

fn stored(golden: Golden) -> MemoryStorage {
    let storage = MemoryStorage::new();
    for (first, text) in golden {
        storage.put(&segment(first), parse(text));
    }
    storage
}

#[test]
fn every_format_is_read() {
    for golden in [FORMAT_1, FORMAT_2] {
        let report = verify(&stored(golden), |_| {}).unwrap();
        assert_eq!(
            (report.log, report.frames, report.records),
            (Some(ID), 3, 5)
        );
        assert_eq!(report.head.hash.to_string(), HEAD);
        let (log, report) = open(stored(golden), SEGMENT_BYTES).unwrap();
        assert_eq!((report.torn_tail, report.removed_segment), (None, None));
        assert_eq!(texts(&log), BATCHES.concat());
    }
}

#[test]
fn format_2_is_written_to_the_byte() {
    let storage = MemoryStorage::new();
    let (mut log, _) = open(storage.clone(), SEGMENT_BYTES).unwrap();
    for records in BATCHES {
        log.append_next(&mut batch(*records)).unwrap();
    }
    let names = FORMAT_2.map(|(first, _)| segment(first));
    assert_eq!(storage.names(), names);
    for (first, text) in FORMAT_2 {
        assert!(
            storage.bytes(&segment(first)) == parse(text),
            "segment {first} is written otherwise"
        );
    }
}

/// Opening changes no byte of the old segments, and the next one is of the new format.
#[test]
fn a_log_of_format_1_goes_on_in_format_2() {
    let storage = stored(FORMAT_1);
    let (mut log, _) = open(storage.clone(), SEGMENT_BYTES).unwrap();
    for (first, text) in FORMAT_1 {
        assert!(
            storage.bytes(&segment(first)) == parse(text),
            "segment {first} is as it was"
        );
    }
    let long = "long enough for a segment of its own".repeat(20);
    log.append_next(&mut batch([&long])).unwrap();
    let versions = [1, 5, 6].map(|first| storage.bytes(&segment(first))[VERSION]);
    assert_eq!(versions, [1, 1, 2]);
    drop(log);
    let (log, _) = open(storage, SEGMENT_BYTES).unwrap();
    assert_eq!(texts(&log), [BATCHES.concat(), vec![&*long]].concat());
}

/// A newer format is refused by name, and nothing is changed.
#[test]
fn a_newer_format_is_refused() {
    let newer = with(&stored(FORMAT_2), &segment(5), |bytes| {
        bytes[VERSION] = 3;
        let crc = crc32c::crc32c(&bytes[..124]);
        bytes[124..128].copy_from_slice(&crc.to_le_bytes());
    });
    let damage = damage(&newer, options(SEGMENT_BYTES));
    let text = damage.to_string();
    assert!(text.contains("format version 3"), "{text}");
}
