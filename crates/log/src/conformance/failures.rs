//! The checks of what goes wrong: doubt, late arrivals, other writers, readers that lose their
//! connection.

use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use super::{Backend, InjectedFault, Suite, append, batch, numbered, read};
use crate::batch::Batch;
use crate::deadline::Deadline;
use crate::error::{AppendError, AppendFault, LogReadError, Remedy};
use crate::identity::{Committed, FrameHash, Head, Position};
use crate::log::{Log, LogReader};

fn one(record: &str) -> Batch {
    batch(&[record.as_bytes().to_vec()])
}

fn end(log: &mut dyn Log) -> Head {
    let mut asked = 0;
    loop {
        match log.head(Deadline::NEVER) {
            Ok(head) => return head,
            Err(error) => {
                asked += 1;
                assert!(error.is_transient() && asked < 1000, "no head: {error}");
            }
        }
    }
}

/// All records, whatever becomes of single connections.
fn records(reader: &dyn LogReader) -> Vec<Vec<u8>> {
    let all = read(reader, Position::ZERO);
    let expected = numbered(all.iter().map(|(_, record)| record.clone()));
    assert_eq!(all, expected, "positions are dense");
    all.into_iter().map(|(_, record)| record).collect()
}

/// Does what the answers' remedies say until the batch is committed.
fn settle(
    backend: &mut dyn Backend,
    log: &mut Box<dyn Log>,
    after: Head,
    batch: &mut Batch,
) -> Committed {
    for _ in 0..100 {
        let error = match log.append(after, batch, Deadline::NEVER) {
            Ok(committed) => return committed,
            Err(error) => error,
        };
        match error.remedy() {
            Remedy::Retry => {}
            Remedy::Restart => {
                let closed = std::mem::replace(log, Box::new(crate::MemoryLog::new()));
                *log = backend.reopen(closed);
            }
            Remedy::StepDown | Remedy::OtherBatch => panic!("the only writer is told: {error}"),
        }
    }
    panic!("an append is never settled");
}

/// The answer to an append that an injected fault hits, and what becomes of it.
fn an_append_that_fails_is_settled_by_appending_again(
    suite: &mut Suite<'_>,
    fault: InjectedFault,
    is_expected: fn(&AppendError) -> bool,
) {
    let mut log = suite.backend.fresh();
    let after = append(&mut *log, &[b"one".to_vec()]).head;
    if !suite.inject(fault) {
        return;
    }
    let mut two = one("two");
    let hash = two.hash_behind(after);
    let answer = log.append(after, &mut two, Deadline::NEVER);
    let error = answer.expect_err("the fault hits this append");
    assert!(is_expected(&error), "{fault:?}: {error}");
    assert_eq!(two.len(), 1, "the batch is as it was");
    let committed = settle(suite.backend, &mut log, after, &mut two);
    let head = Head {
        position: Position::new(2),
        hash,
    };
    assert_eq!(committed.first, Position::new(2), "{fault:?}");
    assert_eq!((committed.last, committed.head), (head.position, head));
    // What was late arrives now, and finds its place taken.
    suite.backend.deliver();
    let third = settle(suite.backend, &mut log, head, &mut one("three"));
    assert_eq!(third.last, Position::new(3), "{fault:?}");
    let reader = suite.backend.reader(&*log);
    assert_eq!(
        records(&*reader),
        [&b"one"[..], b"two", b"three"],
        "{fault:?}"
    );
    log = suite.backend.reopen(log);
    let reader = suite.backend.reader(&*log);
    assert_eq!(
        records(&*reader),
        [&b"one"[..], b"two", b"three"],
        "{fault:?}"
    );
    assert_eq!(end(&mut *log), third.head, "{fault:?}");
}

pub(super) fn failed_appends_are_settled(suite: &mut Suite<'_>) {
    let in_doubt: fn(&AppendError) -> bool = |error| matches!(error, AppendError::InDoubt { .. });
    for (fault, is_expected) in [
        (InjectedFault::DoubtLanded, in_doubt),
        (InjectedFault::DoubtLost, in_doubt),
        (InjectedFault::DoubtLate, in_doubt),
        (InjectedFault::NotAppended, |error| {
            matches!(error, AppendError::NotAppended { .. })
        }),
    ] {
        an_append_that_fails_is_settled_by_appending_again(suite, fault, is_expected);
    }
}

pub(super) fn an_append_after_its_deadline_is_not_appended(suite: &mut Suite<'_>) {
    let mut log = suite.backend.fresh();
    let head = append(&mut *log, &[b"one".to_vec()]).head;
    let passed = Deadline::after(Duration::ZERO);
    let answer = log.append(head, &mut one("two"), passed);
    let is_refused = matches!(
        &answer,
        Err(AppendError::NotAppended {
            fault: AppendFault::DeadlinePassed
        })
    );
    assert!(is_refused, "{answer:?}");
    assert_eq!(answer.expect_err("it is").remedy(), Remedy::Retry);
    let two = append(&mut *log, &[b"two".to_vec()]);
    assert_eq!(two.last, Position::new(2), "nothing was appended before");
}

pub(super) fn the_same_batch_again_is_committed_once(suite: &mut Suite<'_>) {
    let mut log = suite.backend.fresh();
    let mut batches = [
        one("one"),
        batch(&[b"two".to_vec(), b"three".to_vec()]),
        one("four"),
    ];
    let mut head = Head::EMPTY;
    let mut answers = Vec::new();
    for batch in &mut batches {
        let after = head;
        let committed = log
            .append(after, batch, Deadline::NEVER)
            .expect("it is behind");
        head = committed.head;
        answers.push((after, committed));
        // Whichever batch it is, also long after it.
        for (again, (after, committed)) in answers.iter().enumerate() {
            let mut copies = [one("one"), batch_of(&["two", "three"]), one("four")];
            let answer = log.append(*after, &mut copies[again], Deadline::NEVER);
            assert_eq!(answer.expect("it is there"), *committed);
        }
        assert_eq!(end(&mut *log), head);
    }
    let reader = suite.backend.reader(&*log);
    assert_eq!(records(&*reader), [&b"one"[..], b"two", b"three", b"four"]);
}

fn batch_of(records: &[&str]) -> Batch {
    let records: Vec<_> = records
        .iter()
        .map(|record| record.as_bytes().to_vec())
        .collect();
    batch(&records)
}

pub(super) fn a_batch_behind_a_wrong_head_is_superseded(suite: &mut Suite<'_>) {
    let mut log = suite.backend.fresh();
    let first = append(&mut *log, &[b"one".to_vec()]).head;
    let head = append(&mut *log, &[b"two".to_vec(), b"three".to_vec()]).head;
    let other = FrameHash::new([9; 32]);
    for (what, position, hash) in [
        ("an earlier frame", first.position, first.hash),
        ("the start", Position::ZERO, FrameHash::GENESIS),
        ("the middle of a frame", Position::new(2), first.hash),
        ("another history", head.position, other),
        ("another history before", first.position, other),
        ("a longer log", Position::new(9), head.hash),
    ] {
        let expected = Head { position, hash };
        // The first has the positions of the frame that is there, and another record.
        for records in [&["two", "four"][..], &["one more"]] {
            let answer = log.append(expected, &mut batch_of(records), Deadline::NEVER);
            let error = answer.expect_err(what);
            assert_eq!(error.remedy(), Remedy::StepDown, "{what}: {error}");
            match error {
                AppendError::Superseded {
                    expected: said,
                    actual,
                } => assert_eq!((said, actual), (expected, head), "{what}"),
                error => panic!("{what}: {error}"),
            }
            assert_eq!(end(&mut *log), head, "{what}");
        }
    }
    append(&mut *log, &[b"four".to_vec()]);
    let reader = suite.backend.reader(&*log);
    assert_eq!(records(&*reader), [&b"one"[..], b"two", b"three", b"four"]);
}

pub(super) fn of_two_writers_the_one_behind_is_superseded(suite: &mut Suite<'_>) {
    let mut first = suite.backend.fresh();
    let Some(mut second) = suite.second_writer() else {
        return;
    };
    let mut expected = vec![b"one".to_vec()];
    let mut stale = Head::EMPTY;
    let mut head = append(&mut *first, &expected).head;
    for round in 0..6 {
        // The one that is behind tries, is refused, and takes over from the end.
        let (behind, ahead) = match round % 2 {
            0 => (&mut second, &mut first),
            _ => (&mut first, &mut second),
        };
        let lost = behind.append(stale, &mut one("never"), Deadline::NEVER);
        let superseded =
            matches!(&lost, Err(AppendError::Superseded { actual, .. }) if *actual == head);
        assert!(superseded, "round {round}: {lost:?}");
        stale = head;
        for record in ["a", "b"] {
            let record = format!("{record} of {round}");
            let from = end(&mut **behind);
            let committed = behind.append(from, &mut one(&record), Deadline::NEVER);
            head = committed.expect("it is the one ahead now").head;
            expected.push(record.into_bytes());
        }
        let lost = ahead.append(stale, &mut one("never"), Deadline::NEVER);
        assert!(
            matches!(lost, Err(AppendError::Superseded { .. })),
            "{lost:?}"
        );
    }
    let reader = suite.backend.reader(&*first);
    assert_eq!(records(&*reader), expected);
}

/// What one of several writers was told: each record that was committed, once.
fn contend(mut log: Box<dyn Log>, name: &str, count: usize) -> Vec<Vec<u8>> {
    let mut head = end(&mut *log);
    let mut committed = Vec::new();
    for number in 0..count {
        let records = [
            format!("{name} {number} first"),
            format!("{name} {number} second"),
        ];
        let records = records.map(String::into_bytes);
        loop {
            match log.append(head, &mut batch(&records), Deadline::NEVER) {
                Ok(done) => {
                    head = done.head;
                    break;
                }
                Err(AppendError::Superseded { .. }) => head = end(&mut *log),
                Err(error) => panic!("{name}: {error}"),
            }
        }
        committed.extend(records);
        thread::yield_now();
    }
    committed
}

pub(super) fn writers_that_contend_interleave_nothing(suite: &mut Suite<'_>) {
    const BATCHES: usize = 60;
    let first = suite.backend.fresh();
    let Some(second) = suite.second_writer() else {
        return;
    };
    let reader = suite.backend.reader(&*first);
    let following = follow(Arc::clone(&reader), 4 * BATCHES as u64);
    let writers = [(first, "a"), (second, "b")]
        .map(|(log, name)| thread::spawn(move || contend(log, name, BATCHES)));
    let [a, b] = writers.map(|writer| writer.join().expect("a writer goes on"));
    let all = records(&*reader);
    assert_eq!(all.len(), 4 * BATCHES);
    for pair in all.chunks(2) {
        let (first, second) = (text(&pair[0]), text(&pair[1]));
        let batch = first.strip_suffix(" first").expect("a frame begins");
        assert_eq!(second, format!("{batch} second"), "a frame is whole");
    }
    for (own, name) in [(a, "a "), (b, "b ")] {
        let found = all.iter().filter(|record| text(record).starts_with(name));
        assert!(found.eq(&own), "{name}: committed once and in order");
    }
    assert_eq!(suite.joined(following), all, "a follower saw it all");
}

fn text(record: &[u8]) -> &str {
    std::str::from_utf8(record).expect("the suite writes text")
}

pub(super) fn a_reader_waits_for_the_log_to_grow(suite: &mut Suite<'_>) {
    let mut log = suite.backend.fresh();
    let head = append(&mut *log, &[b"one".to_vec()]).head;
    let reader = suite.backend.reader(&*log);
    let passed = Deadline::after(Duration::ZERO);
    let wait = |position, deadline| {
        reader
            .wait_past(position, deadline)
            .expect("it can be asked")
    };
    assert_eq!(wait(Position::ZERO, Deadline::NEVER), head, "it is past");
    assert_eq!(wait(head.position, passed), head, "the deadline has passed");
    let soon = Deadline::after(Duration::from_millis(5));
    assert_eq!(wait(head.position, soon), head, "the deadline passes");
    // Some are woken by the first frame, others only by a later one.
    let waiting: Vec<_> = [1, 1, 2, 3]
        .map(|position| {
            let reader = Arc::clone(&reader);
            let (done, woken) = mpsc::channel();
            thread::spawn(move || {
                let woken = reader.wait_past(Position::new(position), Deadline::NEVER);
                drop(done.send(woken));
            });
            (position, woken)
        })
        .into();
    for record in ["two", "three", "four"] {
        append(&mut *log, &[record.as_bytes().to_vec()]);
    }
    for (position, woken) in waiting {
        let woken = woken.recv_timeout(suite.patience);
        let head = woken
            .expect("a reader that waits is woken")
            .expect("it can be asked");
        assert!(
            head.position > Position::new(position),
            "past {position}: {head:?}"
        );
    }
}

type Followed = mpsc::Receiver<Result<Vec<Vec<u8>>, String>>;

/// Follows the log up to a position on a thread of its own. Connections are given up in the middle
/// and made again, also after errors that may pass.
fn follow(reader: Arc<dyn LogReader>, last: u64) -> Followed {
    let (done, followed) = mpsc::channel();
    thread::spawn(move || drop(done.send(follow_to(&*reader, last))));
    followed
}

fn follow_to(reader: &dyn LogReader, last: u64) -> Result<Vec<Vec<u8>>, String> {
    let mut head = Head::EMPTY;
    let mut seen = Vec::new();
    let mut connections = 0u64;
    while head.position.get() < last {
        connections += 1;
        match follow_once(reader, &mut head, &mut seen, connections % 3 + 1) {
            Err(Interrupted::Connection(error)) if !error.is_transient() => {
                return Err(error.to_string());
            }
            Err(Interrupted::Broken(what)) => return Err(what),
            Err(Interrupted::Connection(_)) | Ok(()) => {}
        }
    }
    Ok(seen)
}

enum Interrupted {
    Connection(LogReadError),
    Broken(String),
}

impl From<LogReadError> for Interrupted {
    fn from(error: LogReadError) -> Self {
        Self::Connection(error)
    }
}

/// Takes a few frames behind `head`, over one connection.
fn follow_once(
    reader: &dyn LogReader,
    head: &mut Head,
    seen: &mut Vec<Vec<u8>>,
    count: u64,
) -> Result<(), Interrupted> {
    reader.wait_past(head.position, Deadline::NEVER)?;
    let mut frames = reader.frames(head.position.next(), Deadline::NEVER)?;
    for _ in 0..count {
        let Some(frame) = frames.next_frame()? else {
            break;
        };
        if frame.first != head.position.next() || frame.previous != head.hash {
            let first = frame.first;
            let what = format!("a frame from {first} on follows position {}", head.position);
            return Err(Interrupted::Broken(what));
        }
        seen.extend(frame.records().map(|(_, record)| record.to_vec()));
        *head = frame.head();
    }
    Ok(())
}

pub(super) fn a_follower_misses_and_repeats_nothing(suite: &mut Suite<'_>) {
    let mut log = suite.backend.fresh();
    let all: Vec<Vec<u8>> = (0..90)
        .map(|number: u32| number.to_le_bytes().into())
        .collect();
    let reader = suite.backend.reader(&*log);
    let followers = [follow(Arc::clone(&reader), 90), follow(reader, 90)];
    for records in all.chunks(3) {
        append(&mut *log, records);
        suite.inject(InjectedFault::ReadFails);
    }
    for following in followers {
        assert_eq!(suite.joined(following), all);
    }
}

pub(super) fn a_follower_goes_on_while_writers_take_over(suite: &mut Suite<'_>) {
    let first = suite.backend.fresh();
    let Some(second) = suite.second_writer() else {
        return;
    };
    let reader = suite.backend.reader(&*first);
    let following = follow(reader, 40);
    let mut writers = [first, second];
    let mut all = Vec::new();
    for round in 0..20u8 {
        // The next writer finds the end by itself; what the one before has in doubt may come first.
        let log = &mut writers[usize::from(round / 3 % 2)];
        let mut batch = batch_of(&[&format!("{round} first"), &format!("{round} second")]);
        if round % 4 == 1 {
            suite.inject(InjectedFault::DoubtLanded);
        }
        let after = end(&mut **log);
        let committed = loop {
            match log.append(after, &mut batch, Deadline::NEVER) {
                Ok(committed) => break committed,
                Err(error) => assert_eq!(error.remedy(), Remedy::Retry, "{error}"),
            }
        };
        assert_eq!(committed.last.get(), u64::from(round) * 2 + 2);
        suite.inject(InjectedFault::ReadFails);
        all.extend(
            batch
                .records(Position::FIRST)
                .map(|(_, record)| record.to_vec()),
        );
    }
    assert_eq!(suite.joined(following), all);
}

pub(super) fn a_head_that_cannot_be_asked_for_fails(suite: &mut Suite<'_>) {
    let mut log = suite.backend.fresh();
    let head = append(&mut *log, &[b"one".to_vec()]).head;
    let reader = suite.backend.reader(&*log);
    if !suite.inject(InjectedFault::HeadFails) {
        return;
    }
    let failed = reader.head(Deadline::NEVER);
    assert!(failed.is_err(), "the fault hits this question: {failed:?}");
    assert_eq!(
        reader.head(Deadline::NEVER).expect("the fault has passed"),
        head
    );
    assert_eq!(end(&mut *log), head);
    assert_eq!(records(&*reader), [b"one"]);
}

impl Suite<'_> {
    /// What a follower has seen.
    fn joined(&self, following: Followed) -> Vec<Vec<u8>> {
        let followed = following.recv_timeout(self.patience);
        let followed = followed.expect("a follower comes to the end");
        followed.unwrap_or_else(|what| panic!("{what}"))
    }
}
