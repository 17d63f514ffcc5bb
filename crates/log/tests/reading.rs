//! Finding records in long segments: many small frames, and frames longer than
//! anything that is read ahead.

mod support;

use std::ops::ControlFlow;

use support::{batch, open, options};
use tillroll_log::testing::{MemoryStorage, TestLog, TestReader};
use tillroll_log::{Deadline, FileLog, Log, LogOptions, LogReader, MAX_RECORD_BYTES, Position};

fn record(position: u64) -> Vec<u8> {
    let length = usize::try_from(position % 90).unwrap();
    [position.to_le_bytes().to_vec(), vec![7; length]].concat()
}

/// 3,000 records in frames of one and two, in segments of 200 KB: several index
/// entries in each.
fn many_small_frames() -> MemoryStorage {
    let storage = MemoryStorage::new();
    let (mut log, _) = open(storage.clone(), 200_000).unwrap();
    let mut next = 1;
    while next <= 3000 {
        let records: Vec<_> = (next..=next + next % 2).map(record).collect();
        next += records.len() as u64;
        log.append_next(&mut batch(records)).unwrap();
    }
    assert!(storage.names().len() > 2);
    storage
}

fn check_every_position(reader: &dyn LogReader) {
    for position in 1..=reader.head_now().position.get() {
        let one = reader
            .read_one(Position::new(position), Deadline::NEVER)
            .unwrap();
        assert_eq!(one, Some(record(position)), "position {position}");
    }
    for from in [1, 2, 1500, 2999] {
        let mut next = from;
        let visited = reader.for_each(
            Position::new(from),
            Deadline::NEVER,
            &mut |position, bytes| {
                assert_eq!((position.get(), bytes), (next, &record(next)[..]));
                next += 1;
                ControlFlow::Continue(())
            },
        );
        assert!(visited.unwrap().is_continue());
        assert_eq!(next, reader.head_now().position.get() + 1, "from {from}");
    }
}

#[test]
fn every_record_of_many_small_frames_is_found() {
    let (log, _) = open(many_small_frames(), 200_000).unwrap();
    check_every_position(&*log.reader());
}

#[test]
fn segments_that_open_skipped_are_indexed_when_they_are_needed() {
    let late = LogOptions {
        check_from: Position::new(2900),
        ..options(200_000)
    };
    let (log, report) = FileLog::open(many_small_frames(), late).unwrap();
    assert!(
        report.segments_skipped > 1 && report.records < 2000,
        "{report:?}"
    );
    check_every_position(&*log.reader());
}

#[test]
fn finding_one_record_reads_a_small_part_of_its_segment() {
    let storage = many_small_frames();
    let (log, _) = open(storage.clone(), 200_000).unwrap();
    let reader = log.reader();
    for position in [1, 700, 1400, 2950].map(Position::new) {
        let before = storage.calls();
        reader.read_one(position, Deadline::NEVER).unwrap();
        // One to open the file, and reads of 32 KiB and then 64.
        let calls = storage.calls() - before;
        assert!(calls <= 4, "{calls} calls for position {position}");
    }
}

#[test]
fn the_longest_record_is_written_and_read() {
    let storage = MemoryStorage::new();
    let (mut log, _) = open(storage.clone(), 1 << 20).unwrap();
    let longest: Vec<u8> = (0..MAX_RECORD_BYTES)
        .map(|at| at.to_le_bytes()[1])
        .collect();
    log.append_next(&mut batch([&b"before"[..]])).unwrap();
    log.append_next(&mut batch([&longest[..], b"beside"]))
        .unwrap();
    log.append_next(&mut batch([&b"after"[..]])).unwrap();
    drop(log);
    assert_eq!(
        storage.names().len(),
        3,
        "a long frame has a segment of its own"
    );
    let (log, report) = open(storage, 1 << 20).unwrap();
    assert_eq!(report.torn_tail, None);
    let reader = log.reader();
    assert!(reader.read_one(Position::new(2), Deadline::NEVER).unwrap() == Some(longest));
    assert_eq!(
        reader
            .read_one(Position::new(4), Deadline::NEVER)
            .unwrap()
            .unwrap(),
        b"after"
    );
}
