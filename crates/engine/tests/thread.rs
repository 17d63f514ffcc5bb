//! The engine on its thread: shared syncs, overload, failure, a good end.

mod support;

use std::sync::{Arc, mpsc};
use std::thread;

use support::{Gate, Gated, apply, balance, engine, folded, fund, opening, pay, start, wallet};
use tillroll_book::{Action, Book, Command, PostEntries};
use tillroll_engine::{
    Engine, EngineOptions, EngineThread, Failure, Handle, Outcome, Position, SubmitError, spawn,
};
use tillroll_events::Event;
use tillroll_log::{
    AppendError, AppendFault, Batch, Committed, Deadline, Head, Log, LogId, LogReadError,
    LogReader, MemoryLog,
};

/// An engine with accounts, whose later appends wait at a gate.
fn gated(queue: usize) -> (Handle, EngineThread, Gate, MemoryLog) {
    let mut plain = engine();
    apply(&mut plain, opening(8));
    let log = plain.into_log();
    let gate = Gate::default();
    let engine: Engine<Gated<MemoryLog>> = start(Gated {
        log: log.clone(),
        gate: gate.clone(),
    });
    gate.close();
    let (handle, thread) = spawn(engine, EngineOptions { queue });
    (handle, thread, gate, log)
}

type Submitted = thread::JoinHandle<Result<Outcome, SubmitError>>;

fn submit(handle: &Handle, command: tillroll_book::Command) -> Submitted {
    let handle = handle.clone();
    thread::spawn(move || handle.submit_blocking(command))
}

/// Waits until so many requests are in the queue.
fn queued(handle: &Handle, requests: usize) {
    while handle.metrics().queue_depth < requests {
        thread::yield_now();
    }
}

fn runtime() -> tokio::runtime::Runtime {
    let built = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build();
    built.expect("a runtime")
}

#[test]
fn all_that_waits_shares_one_sync() {
    let (handle, thread, gate, log) = gated(512);
    let first = submit(&handle, fund(1, "wallet:0", 1));
    gate.reached();
    let waiting: Vec<_> = (2..=200)
        .map(|id| submit(&handle, fund(id, &wallet(id as usize % 8), 1)))
        .collect();
    queued(&handle, 199);
    assert_eq!(handle.metrics().batches(), 0, "nothing is acknowledged yet");
    gate.open();
    let mut positions = vec![first.join().unwrap().unwrap().last];
    for submitted in waiting {
        positions.push(submitted.join().unwrap().unwrap().last);
    }
    positions.sort_unstable();
    let expected: Vec<_> = (10..=209).map(Position::new).collect();
    assert_eq!(positions, expected);
    let metrics = handle.metrics();
    assert_eq!((metrics.batches(), metrics.records), (2, 200));
    assert_eq!(metrics.batch_records.sum, 200);
    drop(handle);
    thread.join().unwrap();
    let total: i64 = (0..8)
        .map(|number| balance(&folded(&log, None), &wallet(number)))
        .sum();
    assert_eq!(total, 200);
}

/// Ids that come in order, and again, and from the middle.
#[test]
fn a_long_command_by_itself_is_answered_when_it_is_durable() {
    let (handle, thread, gate, log) = gated(8);
    let long = |first: u128| {
        let funding = |id| match fund(id, &wallet(id as usize % 8), 1).action {
            Action::PostEntry(entry) => entry,
            _ => unreachable!("funding posts an entry"),
        };
        Command {
            action: Action::PostEntries(PostEntries {
                entries: (first..first + 3_000).map(funding).collect(),
                all_or_nothing: false,
            }),
            ..fund(first, "wallet:0", 1)
        }
    };
    let unkeyed = |command| Command {
        key: None,
        ..command
    };
    let before = handle.head();
    let first = submit(&handle, unkeyed(long(1)));
    gate.reached();
    assert!(!first.is_finished());
    assert_eq!(handle.head(), before);
    gate.open();
    assert!(first.join().unwrap().is_ok());
    // All of them are known at once, and after any pause.
    for (from, accepted) in [(1, 0), (3_001, 3_000), (4_501, 1_500), (2_000, 0)] {
        let outcome = handle.submit_blocking(unkeyed(long(from))).unwrap();
        let closed = outcome
            .records
            .iter()
            .find_map(|(_, record)| match &record.event {
                Event::BulkClosed(closed) => Some(closed.accepted),
                _ => None,
            });
        assert_eq!(closed, Some(accepted), "from {from}");
    }
    drop(handle);
    thread.join().unwrap();
    let book = folded(&log, None);
    let total: i64 = (0..8).map(|number| balance(&book, &wallet(number))).sum();
    assert_eq!(total, 7_500);
}

#[test]
fn a_full_queue_turns_away_at_once() {
    let (handle, thread, gate, _) = gated(3);
    let first = submit(&handle, fund(1, "wallet:0", 1));
    gate.reached();
    let waiting: Vec<_> = (2..=4)
        .map(|id| submit(&handle, fund(id, "wallet:0", 1)))
        .collect();
    queued(&handle, 3);
    let refused = handle.submit_blocking(fund(5, "wallet:0", 1));
    assert!(
        matches!(refused, Err(SubmitError::Overloaded)),
        "{refused:?}"
    );
    let metrics = handle.metrics();
    assert_eq!((metrics.overloaded, metrics.queue_capacity), (1, 3));
    gate.open();
    for submitted in waiting.into_iter().chain([first]) {
        assert!(submitted.join().unwrap().is_ok());
    }
    let now = handle.submit_blocking(fund(5, "wallet:0", 1)).unwrap();
    assert!(!now.replayed, "nothing was done the first time");
    drop(handle);
    thread.join().unwrap();
}

#[test]
fn a_duplicate_waits_for_the_sync_of_the_first() {
    let (handle, thread, gate, _) = gated(8);
    let before = handle.head();
    let blocker = submit(&handle, fund(1, "wallet:0", 1));
    gate.reached();
    let twins = [(); 2].map(|()| submit(&handle, fund(2, "wallet:0", 1)));
    queued(&handle, 2);
    assert!(twins.iter().all(|twin| !twin.is_finished()));
    assert_eq!(handle.head(), before);
    gate.open();
    let _first = blocker.join().unwrap().unwrap();
    let twins = twins.map(|twin| twin.join().unwrap().unwrap());
    let replayed = twins.iter().filter(|twin| twin.replayed).count();
    assert_eq!(replayed, 1);
    assert_eq!(twins[0].records, twins[1].records);
    // Later, the log answers, on the caller's thread or a runtime's.
    let later = handle.submit_blocking(fund(2, "wallet:0", 1)).unwrap();
    let async_later = runtime().block_on(handle.submit(fund(2, "wallet:0", 1)));
    for later in [later, async_later.unwrap()] {
        assert!(later.replayed);
        assert_eq!(later.records, twins[0].records);
    }
    drop(handle);
    thread.join().unwrap();
}

#[test]
fn a_duplicate_fails_with_its_original() {
    let (handle, thread, gate, _) = gated(8);
    let blocker = submit(&handle, fund(1, "wallet:0", 1));
    gate.reached();
    let twins = [(); 2].map(|()| submit(&handle, fund(2, "wallet:0", 1)));
    queued(&handle, 2);
    gate.open_for(1);
    assert!(blocker.join().unwrap().is_ok());
    for twin in twins {
        let failed = twin.join().unwrap();
        let of_the_log = matches!(failed, Err(SubmitError::Failed(Failure::Append(_))));
        assert!(of_the_log, "{failed:?}");
    }
    assert!(thread.join().is_err());
}

#[test]
fn a_failure_is_told_to_all_who_wait_and_all_who_come() {
    let (handle, thread, gate, log) = gated(64);
    let before = handle.head();
    let digest = folded(&log, None).digest();
    let mut waiting = vec![submit(&handle, fund(1, "wallet:0", 1))];
    gate.reached();
    waiting.extend((2..=9).map(|id| submit(&handle, fund(id, "wallet:0", 1))));
    queued(&handle, 8);
    let runtime = runtime();
    let looking = runtime.spawn({
        let handle = handle.clone();
        async move { handle.inspect(Book::digest).await }
    });
    queued(&handle, 9);
    gate.open_for(0);
    for submitted in waiting {
        let failed = submitted.join().unwrap();
        assert!(matches!(failed, Err(SubmitError::Failed(_))), "{failed:?}");
    }
    let looked = runtime.block_on(looking).unwrap();
    assert!(matches!(looked, Err(SubmitError::Failed(_))), "{looked:?}");
    let late = handle.submit_blocking(fund(10, "wallet:0", 1));
    assert!(matches!(late, Err(SubmitError::Failed(_))), "{late:?}");
    let looked = runtime.block_on(handle.inspect(Book::digest));
    assert!(matches!(looked, Err(SubmitError::Failed(_))), "{looked:?}");
    let ended = runtime.block_on(handle.ended());
    assert!(matches!(ended, Err(Failure::Append(_))), "{ended:?}");
    assert_eq!(handle.head(), before);
    let failure = thread
        .join()
        .expect_err("the process has to end with an error");
    assert!(failure.to_string().contains("the gate fails"), "{failure}");
    assert_eq!(folded(&log, None).digest(), digest);
}

#[test]
fn a_look_never_sees_what_is_not_durable() {
    let (handle, thread, gate, _) = gated(8);
    let first = submit(&handle, fund(1, "wallet:0", 1));
    gate.reached();
    let second = submit(&handle, fund(2, "wallet:0", 1));
    queued(&handle, 1);
    let runtime = runtime();
    let looking = runtime.spawn({
        let handle = handle.clone();
        async move { handle.inspect(|book| balance(book, "wallet:0")).await }
    });
    queued(&handle, 2);
    // The look comes behind the second command, whose sync fails.
    gate.open_for(1);
    assert!(first.join().unwrap().is_ok());
    assert!(second.join().unwrap().is_err());
    let looked = runtime.block_on(looking).unwrap();
    assert!(matches!(looked, Err(SubmitError::Failed(_))), "{looked:?}");
    assert!(thread.join().is_err());
}

/// A log with a bug.
struct Buggy(MemoryLog);

impl Log for Buggy {
    fn id(&self) -> LogId {
        self.0.id()
    }

    fn append(&mut self, _: Head, _: &mut Batch, _: Deadline) -> Result<Committed, AppendError> {
        panic!("a bug in the log")
    }

    fn head(&mut self, deadline: Deadline) -> Result<Head, LogReadError> {
        Log::head(&mut self.0, deadline)
    }

    fn reader(&self) -> Arc<dyn LogReader> {
        self.0.reader()
    }
}

#[test]
fn a_panic_of_the_writer_is_answered_as_a_failure() {
    let (handle, thread) = spawn(start(Buggy(MemoryLog::new())), EngineOptions::default());
    for _ in 0..2 {
        let failed = handle.submit_blocking(opening(1).remove(0));
        assert!(
            matches!(&failed, Err(SubmitError::Failed(Failure::Panicked(text))) if text.contains("a bug")),
            "{failed:?}"
        );
    }
    assert!(matches!(thread.join(), Err(Failure::Panicked(_))));
}

/// A log whose appends say that they have begun, and wait for a word: to work, or to fail.
struct Stepped {
    log: MemoryLog,
    begun: mpsc::Sender<()>,
    word: mpsc::Receiver<bool>,
}

impl Log for Stepped {
    fn id(&self) -> LogId {
        self.log.id()
    }

    fn append(
        &mut self,
        after: Head,
        batch: &mut Batch,
        deadline: Deadline,
    ) -> Result<Committed, AppendError> {
        self.begun.send(()).expect("the test listens");
        match self.word.recv().expect("the test speaks") {
            true => self.log.append(after, batch, deadline),
            false => Err(AppendError::InDoubt {
                fault: AppendFault::Backend {
                    source: "the disk is gone".into(),
                    transient: false,
                },
            }),
        }
    }

    fn head(&mut self, deadline: Deadline) -> Result<Head, LogReadError> {
        Log::head(&mut self.log, deadline)
    }

    fn reader(&self) -> Arc<dyn LogReader> {
        self.log.reader()
    }
}

/// While a frame is under way, the next commands are decided on what it holds. Nobody is told
/// before their own frame is durable, and when the one under way fails, all of them fail.
#[test]
fn the_next_frame_is_decided_while_one_is_under_way() {
    for works in [true, false] {
        let mut plain = engine();
        apply(&mut plain, opening(2));
        let log = plain.into_log();
        let (begun, begins) = mpsc::channel();
        let (say, word) = mpsc::channel();
        let (handle, thread) = spawn(
            start(Stepped {
                log: log.clone(),
                begun,
                word,
            }),
            EngineOptions::default(),
        );
        let before = handle.head();
        let first = submit(&handle, fund(1, "wallet:0", 10));
        begins.recv().unwrap();
        let second = [2, 3].map(|id| submit(&handle, fund(id, "wallet:0", 10)));
        queued(&handle, 2);
        say.send(true).unwrap();
        assert!(first.join().unwrap().is_ok());
        begins.recv().unwrap();
        // 30 are there only when the frame under way is believed.
        let third = [4, 5].map(|id| submit(&handle, pay(id, "wallet:0", "wallet:1", 15)));
        while handle.metrics().commands < 5 {
            thread::yield_now();
        }
        assert!(second.iter().chain(&third).all(|one| !one.is_finished()));
        assert_eq!(handle.head().get(), before.get() + 1);
        say.send(works).unwrap();
        if works {
            assert!(
                second
                    .map(|one| one.join().unwrap().is_ok())
                    .iter()
                    .all(|ok| *ok)
            );
            begins.recv().unwrap();
            assert!(third.iter().all(|one| !one.is_finished()));
            say.send(true).unwrap();
            assert!(
                third
                    .map(|one| one.join().unwrap().is_ok())
                    .iter()
                    .all(|ok| *ok)
            );
            assert_eq!(handle.head().get(), before.get() + 5);
            assert_eq!(balance(&folded(&log, None), "wallet:1"), 30);
            drop(handle);
            thread.join().unwrap();
        } else {
            for one in second.into_iter().chain(third) {
                let failed = one.join().unwrap();
                assert!(matches!(failed, Err(SubmitError::Failed(_))), "{failed:?}");
            }
            assert!(thread.join().is_err());
            assert!(begins.try_recv().is_err(), "nothing more is appended");
            assert_eq!(balance(&folded(&log, None), "wallet:0"), 10);
        }
    }
}

#[test]
fn a_stop_finishes_what_waits() {
    for queue in [4, 64] {
        let (handle, thread, gate, _) = gated(queue);
        let mut waiting = vec![submit(&handle, fund(1, "wallet:0", 1))];
        gate.reached();
        waiting.extend((2..=5).map(|id| submit(&handle, fund(id, "wallet:0", 1))));
        // With the small queue there is no place for the word to stop.
        queued(&handle, 4);
        handle.stop();
        let late = handle.submit_blocking(fund(6, "wallet:0", 1));
        assert!(matches!(late, Err(SubmitError::Stopped)), "{late:?}");
        gate.open();
        for submitted in waiting {
            assert!(submitted.join().unwrap().is_ok(), "queue of {queue}");
        }
        thread.join().unwrap();
        runtime().block_on(handle.ended()).unwrap();
        let late = handle.submit_blocking(fund(6, "wallet:0", 1));
        assert!(matches!(late, Err(SubmitError::Stopped)), "{late:?}");
        assert_eq!(handle.head(), Position::new(14));
    }
}

#[test]
fn the_last_handle_ends_the_engine() {
    let (handle, thread, gate, _) = gated(8);
    gate.open();
    let other = handle.clone();
    drop(handle);
    assert!(other.submit_blocking(fund(1, "wallet:0", 1)).is_ok());
    let mut committed = other.committed();
    drop(other);
    thread.join().unwrap();
    assert_eq!(*committed.borrow_and_update(), Position::new(10));
    let closed = runtime().block_on(committed.changed());
    assert!(closed.is_err(), "followers learn of the end");
}

#[test]
fn a_look_at_the_book_sees_what_is_durable_and_harms_nobody() {
    let (handle, thread, gate, log) = gated(8);
    gate.open();
    let runtime = runtime();
    runtime.block_on(async {
        let outcome = handle.submit(fund(1, "wallet:3", 5)).await.unwrap();
        assert_eq!(
            handle.head(),
            outcome.last,
            "published before it is answered"
        );
        let (position, seen) = handle
            .inspect(|book| balance(book, "wallet:3"))
            .await
            .unwrap();
        assert_eq!((position, seen), (outcome.last, 5));
        let broken = handle.inspect(|_| panic!("a bug in who looks")).await;
        assert!(broken.map(|(_, ())| ()).is_err());
        let refused = handle.submit(pay(2, "wallet:4", "wallet:3", 1)).await;
        assert!(
            matches!(refused, Err(SubmitError::Refused(_))),
            "{refused:?}"
        );
        let (position, digest) = handle.inspect(Book::digest).await.unwrap();
        assert_eq!(position, handle.head());
        assert_eq!(digest, folded(&log, Some(position)).digest());
    });
    handle.stop();
    thread.join().unwrap();
}

#[test]
fn one_effect_per_key_whoever_races() {
    let mut plain = engine();
    apply(&mut plain, opening(2));
    apply(&mut plain, vec![fund(1, "wallet:0", 1000)]);
    let (handle, thread) = spawn(plain, EngineOptions { queue: 1024 });
    let clients: Vec<_> = (0..16)
        .map(|_| {
            let handle = handle.clone();
            thread::spawn(move || {
                (2..=101)
                    .map(|id| {
                        handle
                            .submit_blocking(pay(id, "wallet:0", "wallet:1", 30))
                            .map(|outcome| (id, outcome.last, outcome.replayed))
                    })
                    .collect::<Vec<_>>()
            })
        })
        .collect();
    let mut applied = std::collections::BTreeMap::new();
    let mut fresh = 0;
    for client in clients {
        for answer in client.join().unwrap() {
            match answer {
                Ok((id, position, replayed)) => {
                    let known = *applied.entry(id).or_insert(position);
                    assert_eq!(known, position, "pay-{id}");
                    fresh += usize::from(!replayed);
                }
                Err(SubmitError::Refused(_)) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
    }
    // 1000 pays for 33 times 30, and for no more.
    assert_eq!((applied.len(), fresh), (33, 33));
    let shared: Arc<_> = handle.reader();
    drop(handle);
    thread.join().unwrap();
    let book = folded(&*shared, None);
    assert_eq!(
        (balance(&book, "wallet:0"), balance(&book, "wallet:1")),
        (10, 990)
    );
}
