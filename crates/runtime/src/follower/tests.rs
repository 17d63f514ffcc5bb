//! A follower applies every record once and in order, whatever fails on the way.

use std::sync::Arc;

use futures_util::FutureExt;
use tillroll_log::{Batch, Deadline, Log, LogReader, MemoryLog};
use tokio::sync::mpsc;

use super::*;

/// A linear congruential generator.
struct Lcg(u64);

impl Lcg {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }
}

/// Appends so many records, which hold their own positions.
fn append(log: &mut MemoryLog, records: usize) -> Position {
    let mut batch = Batch::new();
    let mut head = log.head(Deadline::NEVER).unwrap();
    for number in 1..=records as u64 {
        let text = (head.position.get() + number).to_le_bytes();
        batch.push(&text).unwrap();
    }
    head = log.append(head, &mut batch, Deadline::NEVER).unwrap().head;
    head.position
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ConsumerError {
    Passes,
    Stays,
}

impl fmt::Display for ConsumerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "trouble that {self:?}")
    }
}

/// What a consumer does the next time: applies so many records at most, then fails or not.
type ApplyStep = (usize, Option<ConsumerError>);

/// Sends on what it applies.
struct Recorder {
    reader: Arc<dyn LogReader>,
    checkpoint: Position,
    steps: Box<dyn FnMut() -> ApplyStep + Send>,
    applied: mpsc::UnboundedSender<u64>,
}

impl Consumer for Recorder {
    type Output = usize;
    type Error = ConsumerError;

    fn checkpoint(&self) -> Position {
        self.checkpoint
    }

    fn apply(&mut self, head: Position) -> Result<usize, ConsumerError> {
        let (most, trouble) = (self.steps)();
        let records = self
            .reader
            .read_from(self.checkpoint.next(), Deadline::NEVER)
            .unwrap();
        let mut applied = 0;
        for record in records.take(most) {
            let (position, bytes) = record.unwrap();
            if position > head {
                break;
            }
            let number = u64::from_le_bytes(bytes.try_into().unwrap());
            self.applied.send(number).unwrap();
            self.checkpoint = position;
            applied += 1;
        }
        match trouble {
            Some(trouble) => Err(trouble),
            None => Ok(applied),
        }
    }

    fn is_transient(error: &ConsumerError) -> bool {
        *error == ConsumerError::Passes
    }
}

struct Fixture {
    log: MemoryLog,
    committed: watch::Sender<Position>,
    tail: Tail,
}

impl Fixture {
    fn new() -> Self {
        let log = MemoryLog::new();
        let (committed, receiver) = watch::channel(Position::ZERO);
        let tail = Tail::of_watch(log.reader(), receiver);
        Self {
            log,
            committed,
            tail,
        }
    }

    fn commit(&mut self, records: usize) -> Position {
        let head = append(&mut self.log, records);
        self.committed.send_replace(head);
        head
    }

    fn follower(
        &self,
        steps: impl FnMut() -> ApplyStep + Send + 'static,
    ) -> (Follower<Recorder, AtOnce>, mpsc::UnboundedReceiver<u64>) {
        let (applied, receiver) = mpsc::unbounded_channel();
        let recorder = Recorder {
            reader: self.log.reader(),
            checkpoint: Position::ZERO,
            steps: Box::new(steps),
            applied,
        };
        let follower = Follower::new(recorder, AtOnce, self.tail.clone());
        (follower, receiver)
    }
}

/// The clock of these tests jumps to the end of a pause when nothing else is left to do, so there
/// is no limit on how long this waits: it would be over at once.
async fn next(applied: &mut mpsc::UnboundedReceiver<u64>, context: &str) -> u64 {
    applied.recv().await.expect(context)
}

#[tokio::test(start_paused = true)]
async fn every_record_is_applied_once_and_in_order() {
    for seed in 0..30 {
        let mut random = Lcg(seed);
        let mut fixture = Fixture::new();
        let mut own = Lcg(seed ^ 0xf011);
        let (follower, mut applied) = fixture.follower(move || {
            let trouble = (own.below(4) == 0).then_some(ConsumerError::Passes);
            (own.below(9), trouble)
        });
        let (stop, stopping) = watch::channel(false);
        let thread = follower
            .spawn("follower", ThreadPriority::Normal, stopping)
            .unwrap();
        let mut expected = 0;
        for round in 0..20 {
            let context = format!("seed {seed}, round {round}");
            let head = fixture.commit(1 + random.below(12));
            // Sometimes it lags behind what is committed next.
            if random.below(2) == 0 {
                while expected < head.get() {
                    expected += 1;
                    assert_eq!(next(&mut applied, &context).await, expected, "{context}");
                }
            }
        }
        let head = fixture.commit(1);
        while expected < head.get() {
            expected += 1;
            let context = format!("seed {seed}, at the end");
            assert_eq!(next(&mut applied, &context).await, expected, "{context}");
        }
        stop.send_replace(true);
        assert_eq!(thread.join(), Ok(()), "seed {seed}");
        assert_eq!(applied.recv().await, None, "seed {seed}");
    }
}

#[tokio::test(start_paused = true)]
async fn trouble_that_passes_is_shown_while_it_lasts() {
    let mut fixture = Fixture::new();
    let (answer, mut answers) = mpsc::unbounded_channel();
    let (follower, mut applied) =
        fixture.follower(move || answers.blocking_recv().expect("the test answers"));
    let (_stop, stopping) = watch::channel(false);
    let thread = follower
        .spawn("follower", ThreadPriority::Background, stopping)
        .unwrap();
    let mut state = thread.state();
    assert_eq!(*state.borrow_and_update(), FollowerState::Following);
    fixture.commit(3);
    answer.send((1, Some(ConsumerError::Passes))).unwrap();
    state.changed().await.unwrap();
    let failure: Arc<str> = "trouble that Passes".into();
    let retrying = FollowerState::Retrying { failure };
    assert_eq!(*state.borrow_and_update(), retrying);
    answer.send((9, None)).unwrap();
    state.changed().await.unwrap();
    assert_eq!(*state.borrow_and_update(), FollowerState::Following);
    // The record that was applied before the failure is not applied again.
    for expected in 1..=3 {
        assert_eq!(next(&mut applied, "the rest").await, expected);
    }
    drop(fixture);
    // Its writer is gone: nothing more will come.
    assert_eq!(thread.join(), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn trouble_that_stays_ends_it_at_its_checkpoint() {
    let mut fixture = Fixture::new();
    fixture.commit(5);
    let (follower, mut applied) = fixture.follower(|| (2, Some(ConsumerError::Stays)));
    let (_stop, stopping) = watch::channel(false);
    let thread = follower
        .spawn("follower", ThreadPriority::Normal, stopping)
        .unwrap();
    let mut state = thread.state();
    state
        .wait_for(|state| state.failure().is_some())
        .await
        .unwrap();
    let failure: Arc<str> = "trouble that Stays".into();
    assert_eq!(*state.borrow(), FollowerState::Stuck { failure });
    assert_eq!(thread.join(), Err(ConsumerError::Stays));
    let mut all = Vec::new();
    while let Some(number) = applied.recv().await {
        all.push(number);
    }
    assert_eq!(all, [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn it_stops_while_it_waits_for_the_next_attempt() {
    let mut fixture = Fixture::new();
    fixture.commit(1);
    let (follower, mut applied) = fixture.follower(|| (0, Some(ConsumerError::Passes)));
    let (stop, stopping) = watch::channel(false);
    let thread = follower
        .spawn("follower", ThreadPriority::Normal, stopping)
        .unwrap();
    let mut state = thread.state();
    state
        .wait_for(|state| state.failure().is_some())
        .await
        .unwrap();
    stop.send_replace(true);
    assert_eq!(thread.join(), Ok(()));
    assert_eq!(applied.recv().await, None);
}

#[tokio::test]
async fn its_owner_may_take_the_steps() {
    let mut fixture = Fixture::new();
    let (mut follower, mut applied) = fixture.follower(|| (2, None));
    // A wait that is given up loses nothing.
    assert!(follower.wait().now_or_never().is_none());
    fixture.commit(3);
    let head = follower.wait().await.unwrap();
    assert_eq!(head, Position::new(3));
    assert_eq!(follower.wait().await, Some(head));
    assert_eq!(follower.apply(head).await, Ok(2));
    assert_eq!(follower.checkpoint(), Position::new(2));
    fixture.commit(4);
    follower.catch_up(Position::new(6)).await.unwrap();
    assert!(follower.checkpoint() >= Position::new(6));
    follower.catch_up(Position::new(7)).await.unwrap();
    drop(fixture);
    assert_eq!(follower.wait().await, None);
    drop(follower);
    let mut all = Vec::new();
    while let Some(number) = applied.recv().await {
        all.push(number);
    }
    assert_eq!(all, [1, 2, 3, 4, 5, 6, 7]);
}

/// What is committed by a writer that is known by its log alone.
#[tokio::test]
async fn a_log_is_followed_without_its_writer() {
    let mut log = MemoryLog::new();
    append(&mut log, 2);
    let mut tail = Tail::of_log(log.reader()).unwrap();
    let mut seen = Position::ZERO;
    while seen < Position::new(2) {
        seen = tail.past(seen).await.unwrap();
    }
    let writer = tokio::task::spawn_blocking(move || append(&mut log, 3));
    while seen < Position::new(5) {
        seen = tail.past(seen).await.unwrap();
    }
    assert_eq!(writer.await.unwrap(), seen);
    assert_eq!(tail.head(), seen);
}
