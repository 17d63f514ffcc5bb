//! Bytes of every released format stay readable, and the current one is
//! written to the byte as it was released. A golden file is never changed: a
//! new format gets a new directory beside the old.

mod support;

use support::{ID, batch, open, segment, texts};
use tillroll_log::testing::{MemoryStorage, TestLog};
use tillroll_log::verify;

const SEGMENT_BYTES: u64 = 640;
const BATCHES: &[&[&str]] = &[
    &["the first record", "", "the third"],
    &["alone"],
    &["in a segment of its own"],
];
const HEAD: &str = "ac03e4c74de1d6629e9ad4233ec67e555125361f7b98efc8e0c70e10108df743";
const GOLDEN: [(u64, &str); 2] = [
    (1, include_str!("golden/format-1/00000000000000000001.hex")),
    (5, include_str!("golden/format-1/00000000000000000005.hex")),
];

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

fn golden() -> MemoryStorage {
    let storage = MemoryStorage::new();
    for (first, text) in GOLDEN {
        storage.put(&segment(first), parse(text));
    }
    storage
}

#[test]
fn format_1_is_read() {
    let report = verify(&golden(), |_| {}).unwrap();
    assert_eq!(
        (report.log, report.frames, report.records),
        (Some(ID), 3, 5)
    );
    assert_eq!(report.head.hash.to_string(), HEAD);
    let (log, report) = open(golden(), SEGMENT_BYTES).unwrap();
    assert_eq!((report.torn_tail, report.removed_segment), (None, None));
    assert_eq!(texts(&log), BATCHES.concat());
}

#[test]
fn format_1_is_written_to_the_byte() {
    let storage = MemoryStorage::new();
    let (mut log, _) = open(storage.clone(), SEGMENT_BYTES).unwrap();
    for records in BATCHES {
        log.append_next(&mut batch(*records)).unwrap();
    }
    let names = GOLDEN.map(|(first, _)| segment(first));
    assert_eq!(storage.names(), names);
    for (first, text) in GOLDEN {
        assert!(
            storage.bytes(&segment(first)) == parse(text),
            "segment {first} is written otherwise"
        );
    }
}
