//! The thread that follows, and whoever waits for it.

mod harness;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::time::Duration;
use tillroll_log::testing::TestLog;

use harness::random::Story;
use harness::{Models, Roll, append, reader};
use tillroll_events::{AccountNames, OrderId};
use tillroll_ledger::AccountId;
use tillroll_log::{Batch, Deadline, Frames, Head, LogReader, MemoryLog, Position, ReadError};
use tillroll_projections::{Checkpoint, Follower, NameCache, ProjectError, ReadModels, follow};

/// A stand-in for the engine's watch of committed positions.
#[derive(Clone, Default)]
struct Committed(Arc<(Mutex<(u64, bool)>, Condvar)>);

impl Committed {
    fn set(&self, position: u64) {
        self.0.0.lock().expect("not poisoned").0 = position;
        self.0.1.notify_all();
    }

    fn stop(&self) {
        self.0.0.lock().expect("not poisoned").1 = true;
        self.0.1.notify_all();
    }

    fn wait(&self) -> impl FnMut(u64) -> Option<u64> + Send + 'static {
        let Self(shared) = self.clone();
        move |seen| {
            let mut state = shared.0.lock().expect("not poisoned");
            loop {
                match *state {
                    (_, true) => return None,
                    (position, false) if position > seen => return Some(position),
                    _ => state = shared.1.wait(state).expect("not poisoned"),
                }
            }
        }
    }
}

fn following(
    models: &Models,
    reader: Arc<dyn LogReader>,
    checkpoint: &Checkpoint,
    committed: &Committed,
) -> Follower {
    let (projector, checkpoint) = (models.projector(), checkpoint.clone());
    follow(projector, reader, checkpoint, committed.wait()).expect("a thread")
}

/// Long enough for any machine; only a broken test waits it out.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn a_follower_projects_what_is_committed_until_it_is_stopped() {
    let story = Story::of(70, 300);
    let models = Models::default();
    let mut log = MemoryLog::new();
    let committed = Committed::default();
    let checkpoint = Checkpoint::new(0);
    let (send, receive) = mpsc::channel();
    checkpoint.subscribe(move |position| send.send(position).expect("the test listens"));
    let follower = following(&models, reader(&log), &checkpoint, &committed);
    for records in story.roll.records.chunks(90) {
        append(&mut log, records, 8);
        let head = log.end().position.get();
        committed.set(head);
        // Read your own write.
        assert!(checkpoint.wait_for(head, PATIENCE));
        assert!(models.read().checkpoint().expect("an answer") >= head);
    }
    committed.stop();
    let projector = follower.join().expect("it stops without a failure");
    assert_eq!(projector.checkpoint(), story.roll.head());
    assert_eq!(checkpoint.failure(), None);
    let published: Vec<u64> = receive.try_iter().collect();
    assert!(published.is_sorted(), "{published:?}");
    assert_eq!(published.last(), Some(&story.roll.head()));
    assert_eq!(models.dump(), Models::of(&story.roll.numbered()).dump());
}

/// Whoever says how far may gather what comes meanwhile.
#[test]
fn a_follower_goes_no_further_than_it_is_told() {
    let story = Story::of(71, 200);
    let models = Models::default();
    let log = story.roll.log(7);
    let committed = Committed::default();
    let checkpoint = Checkpoint::new(0);
    let follower = following(&models, reader(&log), &checkpoint, &committed);
    let middle = story.roll.head() / 2;
    committed.set(middle);
    assert!(checkpoint.wait_for(middle, PATIENCE));
    committed.stop();
    let projector = follower.join().expect("it stops without a failure");
    assert_eq!(projector.checkpoint(), middle);
    let half = usize::try_from(middle).expect("small");
    let expected = Models::of(&story.roll.numbered()[..half]);
    assert_eq!(models.dump(), expected.dump());
}

#[test]
fn waiting_for_a_position_that_does_not_come_ends() {
    let checkpoint = Checkpoint::new(5);
    assert!(checkpoint.wait_for(5, Duration::ZERO));
    assert!(!checkpoint.wait_for(6, Duration::ZERO));
}

/// A reader that fails until it is told to work.
struct Flaky {
    inner: Arc<dyn LogReader>,
    works: Arc<AtomicBool>,
    asked: Arc<AtomicU64>,
}

impl LogReader for Flaky {
    fn head(&self, deadline: Deadline) -> Result<Head, ReadError> {
        self.inner.head(deadline)
    }

    fn wait_past(&self, position: Position, deadline: Deadline) -> Result<Head, ReadError> {
        self.inner.wait_past(position, deadline)
    }

    fn frames(&self, from: Position, deadline: Deadline) -> Result<Box<dyn Frames>, ReadError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.works.load(Ordering::SeqCst) {
            self.inner.frames(from, deadline)
        } else {
            Err(ReadError::Backend("the cable is out".into()))
        }
    }
}

#[test]
fn a_failure_that_may_pass_is_published_and_tried_again() {
    let story = Story::of(71, 50);
    let log = story.roll.log(10);
    let models = Models::default();
    let (works, asked) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicU64::new(0)),
    );
    let flaky = Flaky {
        inner: reader(&log),
        works: works.clone(),
        asked: asked.clone(),
    };
    let committed = Committed::default();
    committed.set(story.roll.head());
    let checkpoint = Checkpoint::new(0);
    let follower = following(&models, Arc::new(flaky), &checkpoint, &committed);
    while asked.load(Ordering::SeqCst) < 2 {
        std::thread::yield_now();
    }
    let failure = checkpoint
        .failure()
        .expect("the first failure was published");
    assert!(failure.contains("the cable is out"), "{failure}");
    works.store(true, Ordering::SeqCst);
    assert!(checkpoint.wait_for(story.roll.head(), PATIENCE));
    assert_eq!(checkpoint.failure(), None);
    committed.stop();
    assert!(follower.join().is_ok());
}

#[test]
fn a_record_of_a_newer_version_ends_the_follower_with_its_position() {
    let story = Story::of(72, 20);
    let mut log = story.roll.log(10);
    let mut batch = Batch::new();
    batch.push(&[0xff, 0xff, 1, 0]).expect("small");
    assert_eq!(
        log.append_next(&mut batch).expect("memory").last.get(),
        story.roll.head() + 1
    );
    let models = Models::default();
    let committed = Committed::default();
    committed.set(story.roll.head() + 1);
    let checkpoint = Checkpoint::new(0);
    let follower = following(&models, reader(&log), &checkpoint, &committed);
    let error = follower.join().expect_err("it cannot be read");
    assert!(
        matches!(error, ProjectError::Record { position, .. } if position == story.roll.head() + 1),
        "{error}"
    );
    assert!(checkpoint.failure().expect("published").contains("65535"));
}

#[test]
fn readers_see_whole_commits_and_a_database_that_was_built_anew() {
    let story = Story::of(73, 200);
    let log = story.roll.log(10);
    let models = Models::default();
    let mut projector = models.projector();
    let read = models.read();
    assert_eq!(read.checkpoint().expect("an answer"), 0);
    let records = story.roll.numbered();
    projector
        .apply(records[..100].to_vec())
        .expect("a valid roll");
    assert_eq!(read.checkpoint().expect("an answer"), 100);
    drop(projector);
    // The same handle goes on after a rebuild.
    let projector =
        tillroll_projections::Projector::rebuild(&models.path(), &*reader(&log), &mut |_| {})
            .expect("a valid roll");
    assert_eq!(
        read.checkpoint().expect("an answer"),
        projector.checkpoint()
    );
    let order = story.orders[0];
    assert!(read.order(order, None).expect("an answer").value.is_some());
    assert!(
        read.order(OrderId::from_u128(1), None)
            .expect("an answer")
            .value
            .is_none()
    );
}

#[test]
fn many_threads_share_the_few_connections() {
    let story = Story::of(74, 200);
    let models = Models::of(&story.roll.numbered());
    let read = models.read();
    let expected = read.trial_balance(None).expect("an answer");
    std::thread::scope(|scope| {
        for _ in 0..12 {
            let (read, expected) = (read.clone(), &expected);
            scope.spawn(move || {
                for _ in 0..20 {
                    assert_eq!(&read.trial_balance(None).expect("an answer"), expected);
                }
            });
        }
    });
}

#[test]
fn nothing_is_read_where_nothing_was_built() {
    let models = Models::default();
    let error = ReadModels::open(&models.path()).expect_err("nothing there");
    assert!(
        matches!(error, tillroll_projections::ReadError::NotBuilt(_)),
        "{error}"
    );
    assert!(!models.path().exists());
}

#[test]
fn accounts_have_names_as_soon_as_they_are_projected_or_learnt() {
    let mut roll = Roll::default();
    let first = roll.account("stripe:balance", "EUR");
    let second = roll.account("sales:web", "JPY");
    let records = roll.numbered();
    let models = Models::default();
    let mut projector = models.projector();
    projector
        .apply(records[..1].to_vec())
        .expect("a valid roll");
    let names = NameCache::new(models.read());
    let name = |account: AccountId| {
        names
            .name(account)
            .map(|(path, unit)| format!("{path} {unit}"))
    };
    assert_eq!(name(first).as_deref(), Some("stripe:balance EUR"));
    assert_eq!(name(second), None);
    names.learn(&records[1].1);
    assert_eq!(name(second).as_deref(), Some("sales:web JPY"));
    // Without learning, once it is projected.
    let names = NameCache::new(models.read());
    assert_eq!(names.name(second), None);
    projector
        .apply(records[1..].to_vec())
        .expect("a valid roll");
    assert!(names.name(second).is_some());
}

/// Where nobody waits, everything that is there goes into one commit.
#[test]
fn a_commit_ends_early_for_whoever_waits() {
    let story = Story::of(73, 1_500);
    let head = story.roll.head();
    for (wanted, commits) in [(None, 1), (Some(300), 2), (Some(head), 1)] {
        let models = Models::default();
        let log = story.roll.log(40);
        let committed = Committed::default();
        committed.set(log.end().position.get());
        let checkpoint = Checkpoint::new(0);
        wanted.inspect(|position| checkpoint.want(*position));
        let (send, receive) = mpsc::channel();
        checkpoint.subscribe(move |position| send.send(position).expect("it is listened to"));
        let follower = follow(
            models.projector(),
            reader(&log),
            checkpoint.clone(),
            committed.wait(),
        )
        .expect("a thread");
        assert!(checkpoint.wait_for(wanted.unwrap_or(head), PATIENCE));
        assert!(checkpoint.wait_for(head, PATIENCE));
        committed.stop();
        follower.join().expect("it stops without a failure");
        let ends: Vec<u64> = receive.try_iter().filter(|end| *end > 0).collect();
        assert_eq!(
            (ends.len(), ends.last()),
            (commits, Some(&head)),
            "{wanted:?}: {ends:?}"
        );
        assert!(ends[0] >= wanted.unwrap_or(1), "{wanted:?}: {ends:?}");
    }
}
