//! One suite for every backend of the log: whatever passes it can stand under
//! the engine.
//!
//! Call [`check`] from a test. It panics on the first promise that is broken.

use crate::deadline::Deadline;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::thread;

use crate::batch::Batch;
use crate::error::{AppendError, AppendFault};
use crate::identity::{Committed, FrameHash, Head, Position};
use crate::log::{Log, LogReader};
use crate::testing::{Random, TestLog, TestReader};

/// A backend under test.
pub trait Backend {
    /// A log without records.
    fn fresh(&mut self) -> Box<dyn Log>;

    /// Closes a log and opens it again.
    fn reopen(&mut self, log: Box<dyn Log>) -> Box<dyn Log>;
}

/// Runs every check on a log of its own.
///
/// # Panics
/// When a promise is broken.
pub fn check(backend: &mut dyn Backend) {
    an_empty_log_has_no_head(backend);
    positions_are_dense_from_one(backend);
    every_record_is_read_back_as_it_was(backend);
    an_empty_batch_is_refused(backend);
    a_batch_is_reused(backend);
    a_reader_ends_at_the_head_it_started_with(backend);
    a_visitor_can_stop(backend);
    frames_chain_up_to_the_head(backend);
    the_head_depends_on_the_whole_history(backend);
    reopening_continues(backend);
    readers_follow_from_other_threads(backend);
}

fn batch(records: &[Vec<u8>]) -> Batch {
    let mut batch = Batch::new();
    for record in records {
        batch.push(record).expect("the suite's records are small");
    }
    batch
}

fn append(log: &mut dyn Log, records: &[Vec<u8>]) -> Committed {
    let appended = log.append_next(&mut batch(records));
    appended.unwrap_or_else(|error| panic!("{} records: {error}", records.len()))
}

/// Batches of 1 to 9 records of 0 to 2,000 bytes, and one long record.
fn batches(seed: u64, count: usize) -> Vec<Vec<Vec<u8>>> {
    let mut random = Random::new(seed);
    let mut record = |longest: usize| -> Vec<u8> {
        let length = random.below(longest + 1);
        (0..length)
            .map(|_| random.number().to_le_bytes()[0])
            .collect()
    };
    let mut batches: Vec<Vec<_>> = (0..count)
        .map(|batch| (0..=batch % 9).map(|_| record(2000)).collect())
        .collect();
    batches.push(vec![Vec::new(), record(100_000), b"last".to_vec()]);
    batches
}

fn read(reader: &dyn LogReader, from: Position) -> Vec<(Position, Vec<u8>)> {
    let records = reader
        .read_from(from, Deadline::NEVER)
        .expect("committed records are found");
    records
        .map(|record| record.expect("committed records can be read"))
        .collect()
}

fn numbered(records: impl IntoIterator<Item = Vec<u8>>) -> Vec<(Position, Vec<u8>)> {
    (1..).map(Position::new).zip(records).collect()
}

fn an_empty_log_has_no_head(backend: &mut dyn Backend) {
    let log = backend.fresh();
    let reader = log.reader();
    assert_eq!((log.end(), reader.head_now()), (Head::EMPTY, Head::EMPTY));
    assert_eq!(read(&*reader, Position::ZERO), []);
    for position in [0, 1, u64::MAX].map(Position::new) {
        assert_eq!(
            reader
                .read_one(position, Deadline::NEVER)
                .expect("nothing to fail"),
            None
        );
        assert_eq!(read(&*reader, position), []);
    }
}

fn positions_are_dense_from_one(backend: &mut dyn Backend) {
    let mut log = backend.fresh();
    let mut next = 1;
    for records in batches(1, 20) {
        let committed = append(&mut *log, &records);
        let last = next + records.len() as u64 - 1;
        assert_eq!(committed.first, Position::new(next));
        assert_eq!(committed.last, Position::new(last));
        assert_eq!(committed.head.position, committed.last);
        assert_eq!(log.end(), committed.head);
        assert_eq!(log.reader().head_now(), committed.head);
        next = last + 1;
    }
}

fn every_record_is_read_back_as_it_was(backend: &mut dyn Backend) {
    let mut log = backend.fresh();
    let batches = batches(2, 30);
    for records in &batches {
        append(&mut *log, records);
    }
    let expected = numbered(batches.into_iter().flatten());
    let reader = log.reader();
    assert_eq!(read(&*reader, Position::ZERO), expected);
    for (index, (position, record)) in expected.iter().enumerate() {
        let one = reader
            .read_one(*position, Deadline::NEVER)
            .expect("it is committed");
        assert_eq!(one.as_ref(), Some(record), "position {position}");
        assert_eq!(
            read(&*reader, *position),
            expected[index..],
            "from {position}"
        );
    }
    let after = log.end().position.next();
    assert_eq!(
        reader
            .read_one(after, Deadline::NEVER)
            .expect("nothing to fail"),
        None
    );
    assert_eq!(read(&*reader, after), []);
}

fn an_empty_batch_is_refused(backend: &mut dyn Backend) {
    let mut log = backend.fresh();
    append(&mut *log, &[b"one".to_vec()]);
    let head = log.end();
    let refused = log.append_next(&mut Batch::new());
    let fault = refused.as_ref().err().and_then(AppendError::fault);
    assert!(matches!(fault, Some(AppendFault::Empty)), "{refused:?}");
    assert_eq!(log.end(), head);
    append(&mut *log, &[b"two".to_vec()]);
}

fn a_batch_is_reused(backend: &mut dyn Backend) {
    let mut log = backend.fresh();
    let mut batch = batch(&[b"one".to_vec(), b"two".to_vec()]);
    let append = |log: &mut dyn Log, batch: &mut Batch| {
        log.append_next(batch)
            .expect("a batch is appended twice")
            .last
    };
    assert_eq!(append(&mut *log, &mut batch), Position::new(2));
    assert_eq!(batch.len(), 2);
    batch.push(b"three").expect("it is small");
    assert_eq!(append(&mut *log, &mut batch), Position::new(5));
    batch.clear();
    batch.push(b"four").expect("it is small");
    assert_eq!(append(&mut *log, &mut batch), Position::new(6));
    let records = ["one", "two", "one", "two", "three", "four"];
    let expected = numbered(records.map(|record| record.as_bytes().to_vec()));
    assert_eq!(read(&*log.reader(), Position::FIRST), expected);
}

fn a_reader_ends_at_the_head_it_started_with(backend: &mut dyn Backend) {
    let mut log = backend.fresh();
    append(&mut *log, &[b"one".to_vec()]);
    let reader = log.reader();
    let records = reader
        .read_from(Position::FIRST, Deadline::NEVER)
        .expect("it is committed");
    append(&mut *log, &[b"two".to_vec()]);
    assert_eq!(records.count(), 1);
    assert_eq!(reader.head_now(), log.end());
    assert_eq!(read(&*reader, Position::FIRST).len(), 2);
}

fn a_visitor_can_stop(backend: &mut dyn Backend) {
    let mut log = backend.fresh();
    for records in batches(3, 12) {
        append(&mut *log, &records);
    }
    let reader = log.reader();
    let last = log.end().position;
    for (from, stop) in [(0, 1), (1, 1), (4, 9), (7, u64::MAX)] {
        let mut seen = Vec::new();
        let ended = reader
            .for_each(Position::new(from), Deadline::NEVER, &mut |position, _| {
                seen.push(position.get());
                match position.get() == stop {
                    true => ControlFlow::Break(()),
                    false => ControlFlow::Continue(()),
                }
            })
            .expect("committed records can be read");
        assert_eq!(ended.is_break(), stop <= last.get());
        let expected: Vec<_> = (from.max(1)..=stop.min(last.get())).collect();
        assert_eq!(seen, expected, "from {from}");
    }
}

fn frames_chain_up_to_the_head(backend: &mut dyn Backend) {
    let mut log = backend.fresh();
    for records in batches(4, 12) {
        append(&mut *log, &records);
    }
    let mut frames = log
        .reader()
        .frames(Position::ZERO, Deadline::NEVER)
        .expect("they are committed");
    let mut head = Head::EMPTY;
    while let Some(frame) = frames.next_frame().expect("committed frames can be read") {
        assert_eq!(frame.first, head.position.next());
        assert_eq!(frame.previous, head.hash);
        assert_eq!(frame.records().count(), frame.count as usize);
        head = Head {
            position: frame.last(),
            hash: frame.hash,
        };
    }
    assert_eq!(head, log.end());
}

fn the_head_depends_on_the_whole_history(backend: &mut dyn Backend) {
    let mut heads = Vec::new();
    for first in ["a", "a", "b"] {
        let mut log = backend.fresh();
        append(&mut *log, &[first.into()]);
        heads.push(append(&mut *log, &[b"same".to_vec()]).head.hash);
    }
    assert_eq!(heads[0], heads[1], "the same history has the same hash");
    assert_ne!(heads[0], heads[2], "another history has another hash");
    assert_ne!(heads[0], FrameHash::GENESIS);
}

fn reopening_continues(backend: &mut dyn Backend) {
    let mut log = backend.fresh();
    let mut expected = Vec::new();
    for records in batches(5, 12) {
        let head = append(&mut *log, &records).head;
        expected.extend(records);
        log = backend.reopen(log);
        assert_eq!(log.end(), head);
        assert_eq!(log.reader().head_now(), head);
    }
    assert_eq!(read(&*log.reader(), Position::FIRST), numbered(expected));
}

fn readers_follow_from_other_threads(backend: &mut dyn Backend) {
    let mut log = backend.fresh();
    let batches = batches(6, 60);
    let expected = Arc::new(numbered(batches.iter().flatten().cloned()));
    let followers: Vec<_> = (0..2)
        .map(|_| {
            let (reader, expected) = (log.reader(), Arc::clone(&expected));
            thread::spawn(move || {
                let mut seen = 0;
                while seen < expected.len() {
                    let from = expected[seen].0;
                    let records = read(&*reader, from);
                    assert_eq!(records, expected[seen..seen + records.len()]);
                    seen += records.len();
                    thread::yield_now();
                }
            })
        })
        .collect();
    for records in &batches {
        append(&mut *log, records);
    }
    for follower in followers {
        assert!(follower.join().is_ok(), "a reader saw something else");
    }
}
