//! One suite for every backend of the log: what passes it can stand under the
//! engine.
//!
//! Call [`check`] from a test. It panics when a promise is broken.

use crate::deadline::Deadline;
mod failures;

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::batch::Batch;
use crate::error::{AppendError, AppendFault};
use crate::identity::{Committed, FrameHash, Head, Position};
use crate::log::{Log, LogReader};
use crate::testing::{Random, TestLog, TestReader};

/// A backend under test, and what a test can do to it.
pub trait Backend {
    /// A log without records.
    fn fresh(&mut self) -> Box<dyn Log>;

    /// Closes a log and opens it again.
    fn reopen(&mut self, log: Box<dyn Log>) -> Box<dyn Log>;

    /// What cannot be done to this backend. The suite insists on it, so that nothing is left out
    /// without being named.
    fn cannot(&self) -> &'static [Ability];

    /// A reader of the log that was opened last.
    fn reader(&mut self, log: &dyn Log) -> Arc<dyn LogReader> {
        log.reader()
    }

    /// Another writer of the log that was opened last, unless it lets only one in.
    fn second_writer(&mut self) -> Option<Box<dyn Log>> {
        None
    }

    /// Has the next call of its kind meet a fault, once. There is a record by then. Answers
    /// whether that can be done.
    fn inject(&mut self, fault: InjectedFault) -> bool {
        let _ = fault;
        false
    }

    /// What is late arrives now.
    fn deliver(&mut self) {}
}

/// What one call meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum InjectedFault {
    /// An append is not done, and its caller is told so.
    NotAppended,
    /// An append is done, and its caller is in doubt.
    DoubtLanded,
    /// An append is not done, and its caller is in doubt.
    DoubtLost,
    /// An append is done later, and its caller is in doubt.
    DoubtLate,
    /// A reader cannot ask for the head.
    HeadFails,
    /// A reader loses its connection between two frames.
    ReadFails,
}

/// What can be done to some backends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ability {
    /// See [`Backend::inject`].
    Inject(InjectedFault),
    /// See [`Backend::second_writer`].
    SecondWriter,
}

/// A backend, and what the checks asked of it in vain.
struct Suite<'a> {
    backend: &'a mut dyn Backend,
    left_out: BTreeSet<Ability>,
    /// How long something may take that has to happen. Nothing passes because of it.
    patience: Duration,
}

impl Suite<'_> {
    fn inject(&mut self, fault: InjectedFault) -> bool {
        let done = self.backend.inject(fault);
        if !done {
            self.left_out.insert(Ability::Inject(fault));
        }
        done
    }

    fn second_writer(&mut self) -> Option<Box<dyn Log>> {
        let writer = self.backend.second_writer();
        if writer.is_none() {
            self.left_out.insert(Ability::SecondWriter);
        }
        writer
    }
}

type ConformanceCheck = (&'static str, fn(&mut Suite<'_>));

macro_rules! checks {
    ($($module:ident :: { $($check:ident),* $(,)? })*) => {
        &[$($((stringify!($check), $module::$check)),*),*]
    };
}

const CHECKS: &[ConformanceCheck] = checks! {
    self::{
        an_empty_log_has_no_head,
        positions_are_dense_from_one,
        every_record_is_read_back_as_it_was,
        an_empty_batch_is_refused,
        a_batch_is_reused,
        a_reader_ends_at_the_head_it_started_with,
        a_visitor_can_stop,
        frames_chain_up_to_the_head,
        the_head_depends_on_the_whole_history,
        reopening_continues,
        readers_follow_from_other_threads,
    }
    failures::{
        an_append_after_its_deadline_is_not_appended,
        failed_appends_are_settled,
        the_same_batch_again_is_committed_once,
        a_batch_behind_a_wrong_head_is_superseded,
        of_two_writers_the_one_behind_is_superseded,
        writers_that_contend_interleave_nothing,
        a_reader_waits_for_the_log_to_grow,
        a_follower_misses_and_repeats_nothing,
        a_follower_goes_on_while_writers_take_over,
        a_head_that_cannot_be_asked_for_fails,
    }
};

/// Runs every check, each on a log of its own.
///
/// # Panics
/// When a promise is broken, or the backend cannot do what it did not name.
pub fn check(backend: &mut dyn Backend) {
    let broken = broken_promises(backend, Duration::from_secs(120));
    assert!(broken.is_empty(), "these checks failed: {broken:?}");
}

/// Runs every check and answers the names of those that fail: for controls, which show that a
/// defect is found. A reader that is not woken is waited for as long as `patience`.
pub fn broken_promises(backend: &mut dyn Backend, patience: Duration) -> Vec<&'static str> {
    let mut suite = Suite {
        backend,
        left_out: BTreeSet::new(),
        patience,
    };
    let fails = |suite: &mut Suite<'_>, check: &ConformanceCheck| {
        let run = catch_unwind(AssertUnwindSafe(|| (check.1)(suite)));
        run.is_err()
    };
    let mut broken: Vec<_> = (CHECKS.iter())
        .filter(|check| fails(&mut suite, check))
        .map(|(name, _)| *name)
        .collect();
    let named: BTreeSet<_> = suite.backend.cannot().iter().copied().collect();
    if named != suite.left_out {
        let left_out = &suite.left_out;
        eprintln!("it cannot {left_out:?}, and said that it cannot {named:?}");
        broken.push("what it cannot is named");
    }
    broken
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

fn an_empty_log_has_no_head(suite: &mut Suite<'_>) {
    let log = suite.backend.fresh();
    let reader = suite.backend.reader(&*log);
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

fn positions_are_dense_from_one(suite: &mut Suite<'_>) {
    let mut log = suite.backend.fresh();
    let mut next = 1;
    for records in batches(1, 20) {
        let committed = append(&mut *log, &records);
        let last = next + records.len() as u64 - 1;
        assert_eq!(committed.first, Position::new(next));
        assert_eq!(committed.last, Position::new(last));
        assert_eq!(committed.head.position, committed.last);
        assert_eq!(log.end(), committed.head);
        assert_eq!(suite.backend.reader(&*log).head_now(), committed.head);
        next = last + 1;
    }
}

fn every_record_is_read_back_as_it_was(suite: &mut Suite<'_>) {
    let mut log = suite.backend.fresh();
    let batches = batches(2, 30);
    for records in &batches {
        append(&mut *log, records);
    }
    let expected = numbered(batches.into_iter().flatten());
    let reader = suite.backend.reader(&*log);
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

fn an_empty_batch_is_refused(suite: &mut Suite<'_>) {
    let mut log = suite.backend.fresh();
    append(&mut *log, &[b"one".to_vec()]);
    let head = log.end();
    let refused = log.append_next(&mut Batch::new());
    let fault = refused.as_ref().err().and_then(AppendError::fault);
    assert!(matches!(fault, Some(AppendFault::Empty)), "{refused:?}");
    assert_eq!(log.end(), head);
    append(&mut *log, &[b"two".to_vec()]);
}

fn a_batch_is_reused(suite: &mut Suite<'_>) {
    let mut log = suite.backend.fresh();
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
    assert_eq!(
        read(&*suite.backend.reader(&*log), Position::FIRST),
        expected
    );
}

fn a_reader_ends_at_the_head_it_started_with(suite: &mut Suite<'_>) {
    let mut log = suite.backend.fresh();
    append(&mut *log, &[b"one".to_vec()]);
    let reader = suite.backend.reader(&*log);
    let records = reader
        .read_from(Position::FIRST, Deadline::NEVER)
        .expect("it is committed");
    append(&mut *log, &[b"two".to_vec()]);
    assert_eq!(records.count(), 1);
    assert_eq!(reader.head_now(), log.end());
    assert_eq!(read(&*reader, Position::FIRST).len(), 2);
}

fn a_visitor_can_stop(suite: &mut Suite<'_>) {
    let mut log = suite.backend.fresh();
    for records in batches(3, 12) {
        append(&mut *log, &records);
    }
    let reader = suite.backend.reader(&*log);
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

fn frames_chain_up_to_the_head(suite: &mut Suite<'_>) {
    let mut log = suite.backend.fresh();
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

fn the_head_depends_on_the_whole_history(suite: &mut Suite<'_>) {
    let mut heads = Vec::new();
    for first in ["a", "a", "b"] {
        let mut log = suite.backend.fresh();
        append(&mut *log, &[first.into()]);
        heads.push(append(&mut *log, &[b"same".to_vec()]).head.hash);
    }
    assert_eq!(heads[0], heads[1], "the same history has the same hash");
    assert_ne!(heads[0], heads[2], "another history has another hash");
    assert_ne!(heads[0], FrameHash::GENESIS);
}

fn reopening_continues(suite: &mut Suite<'_>) {
    let mut log = suite.backend.fresh();
    let mut expected = Vec::new();
    for records in batches(5, 12) {
        let head = append(&mut *log, &records).head;
        expected.extend(records);
        log = suite.backend.reopen(log);
        assert_eq!(log.end(), head);
        assert_eq!(suite.backend.reader(&*log).head_now(), head);
    }
    assert_eq!(
        read(&*suite.backend.reader(&*log), Position::FIRST),
        numbered(expected)
    );
}

fn readers_follow_from_other_threads(suite: &mut Suite<'_>) {
    let mut log = suite.backend.fresh();
    let batches = batches(6, 60);
    let expected = Arc::new(numbered(batches.iter().flatten().cloned()));
    let followers: Vec<_> = (0..2)
        .map(|_| {
            let (reader, expected) = (suite.backend.reader(&*log), Arc::clone(&expected));
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
