//! Following a log step by step, and waiting for that.

mod harness;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;
use tillroll_log::testing::TestLog;

use harness::random::Story;
use harness::{Models, Roll, append, reader};
use tillroll_events::{AccountNames, OrderId};
use tillroll_ledger::AccountId;
use tillroll_log::{Batch, Deadline, Frames, Head, LogReadError, LogReader, MemoryLog, Position};
use tillroll_projections::{Checkpoint, NameCache, ProjectError, Projector, ReadModels};

/// Long enough for any machine; only a broken test waits it out.
const PATIENCE: Duration = Duration::from_secs(600);

fn publishing(models: &Models, checkpoint: &Checkpoint) -> Projector {
    models.projector().publishing(checkpoint.clone())
}

#[test]
fn every_commit_is_published_once_it_can_be_read() {
    let story = Story::of(70, 300);
    let models = Models::default();
    let mut log = MemoryLog::new();
    let checkpoint = Checkpoint::new(0);
    let (send, receive) = mpsc::channel();
    checkpoint.subscribe(move |position| send.send(position).expect("the test listens"));
    let mut projector = publishing(&models, &checkpoint);
    std::thread::scope(|scope| {
        // A read that was asked for before there was anything.
        let end = scope.spawn(|| checkpoint.wait_for(story.roll.head(), PATIENCE));
        for records in story.roll.records.chunks(90) {
            append(&mut log, records, 8);
            let head = log.end().position.get();
            let reached = projector.catch_up_to(head, &*reader(&log), &mut |_| {});
            assert_eq!(reached.expect("a valid roll"), head);
            // Read your own write.
            assert!(checkpoint.wait_for(head, Duration::ZERO));
            assert_eq!(models.read().checkpoint().expect("an answer"), head);
        }
        assert!(end.join().expect("it does not panic"));
    });
    assert_eq!(projector.checkpoint(), story.roll.head());
    let published: Vec<u64> = receive.try_iter().collect();
    assert!(published.is_sorted(), "{published:?}");
    assert_eq!(published.last(), Some(&story.roll.head()));
    assert_eq!(models.dump(), Models::of(&story.roll.numbered()).dump());
}

/// The caller may gather what comes meanwhile.
#[test]
fn it_goes_no_further_than_it_is_asked_to() {
    let story = Story::of(71, 200);
    let models = Models::default();
    let log = story.roll.log(7);
    let mut projector = models.projector();
    let middle = story.roll.head() / 2;
    let reached = projector.catch_up_to(middle, &*reader(&log), &mut |_| {});
    assert_eq!(reached.expect("a valid roll"), middle);
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
}

impl LogReader for Flaky {
    fn head(&self, deadline: Deadline) -> Result<Head, LogReadError> {
        self.inner.head(deadline)
    }

    fn wait_past(&self, position: Position, deadline: Deadline) -> Result<Head, LogReadError> {
        self.inner.wait_past(position, deadline)
    }

    fn frames(&self, from: Position, deadline: Deadline) -> Result<Box<dyn Frames>, LogReadError> {
        if self.works.load(Ordering::SeqCst) {
            self.inner.frames(from, deadline)
        } else {
            Err(LogReadError::Backend("the cable is out".into()))
        }
    }
}

#[test]
fn a_failure_that_may_pass_leaves_the_checkpoint_where_it_is() {
    let story = Story::of(71, 50);
    let log = story.roll.log(10);
    let models = Models::default();
    let works = Arc::new(AtomicBool::new(true));
    let flaky = Flaky {
        inner: reader(&log),
        works: works.clone(),
    };
    let mut projector = models.projector();
    let mut catch_up = |last| projector.catch_up_to(last, &flaky, &mut |_| {});
    assert_eq!(catch_up(20).expect("it works"), 20);
    works.store(false, Ordering::SeqCst);
    let error = catch_up(u64::MAX).expect_err("it does not work");
    assert!(error.is_transient());
    assert!(error.to_string().contains("the cable is out"), "{error}");
    assert_eq!(models.read().checkpoint().expect("an answer"), 20);
    works.store(true, Ordering::SeqCst);
    assert_eq!(catch_up(u64::MAX).expect("it works"), story.roll.head());
    assert_eq!(models.dump(), Models::of(&story.roll.numbered()).dump());
}

#[test]
fn a_record_of_a_newer_version_is_final_and_has_a_position() {
    let story = Story::of(72, 20);
    let mut log = story.roll.log(10);
    let mut batch = Batch::new();
    batch.push(&[0xff, 0xff, 1, 0]).expect("small");
    assert_eq!(
        log.append_next(&mut batch).expect("memory").last.get(),
        story.roll.head() + 1
    );
    let models = Models::default();
    let caught_up = models.projector().catch_up(&*reader(&log), &mut |_| {});
    let error = caught_up.expect_err("it cannot be read");
    assert!(
        matches!(error, ProjectError::Record { position, .. } if position == story.roll.head() + 1),
        "{error}"
    );
    assert!(!error.is_transient());
    assert!(
        error.to_string().contains("65535") || format!("{error:?}").contains("65535"),
        "{error:?}"
    );
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
    let expected = read.trial_balance_sums(None).expect("an answer");
    std::thread::scope(|scope| {
        for _ in 0..12 {
            let (read, expected) = (read.clone(), &expected);
            scope.spawn(move || {
                for _ in 0..20 {
                    assert_eq!(&read.trial_balance_sums(None).expect("an answer"), expected);
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

/// Where no reader waits, everything that is there goes into one commit.
#[test]
fn a_commit_ends_early_for_a_read_that_waits() {
    let story = Story::of(73, 1_500);
    let head = story.roll.head();
    for (wanted, commits) in [(None, 1), (Some(300), 2), (Some(head), 1)] {
        let models = Models::default();
        let log = story.roll.log(40);
        let checkpoint = Checkpoint::new(0);
        wanted.inspect(|position| checkpoint.want(*position));
        let (send, receive) = mpsc::channel();
        checkpoint.subscribe(move |position| send.send(position).expect("it is listened to"));
        let mut projector = publishing(&models, &checkpoint);
        let reached = projector.catch_up(&*reader(&log), &mut |_| {});
        assert_eq!(reached.expect("a valid roll"), head);
        let ends: Vec<u64> = receive.try_iter().collect();
        assert_eq!(
            (ends.len(), ends.last()),
            (commits, Some(&head)),
            "{wanted:?}: {ends:?}"
        );
        assert!(ends[0] >= wanted.unwrap_or(1), "{wanted:?}: {ends:?}");
    }
}
