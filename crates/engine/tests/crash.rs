//! Failing storage: nothing is acknowledged that is not durable, and a restart finds exactly
//! what was.

mod support;

use support::commerce::shop;
use support::{apply, batches, folded, fund, on_files, opening, story};
use tillroll_book::Chart;
use tillroll_engine::{Engine, ExecuteError, Failure, Position};
use tillroll_log::testing::{Injection, MemoryStorage, PowerCut, StorageFailure as Fault, TestLog};
use tillroll_log::{AppendFault, Batch, FileLog};

type FileEngine = Engine<FileLog<MemoryStorage>>;

/// Runs a story until it ends or the engine fails; answers the acknowledged position.
fn run(engine: &mut FileEngine, seed: u64) -> (Position, Result<(), ExecuteError>) {
    let script = match seed.is_multiple_of(2) {
        true => story(seed, 60),
        false => shop(seed, 60),
    };
    for batch in batches(seed, script, 6) {
        let before = engine.head();
        match engine.execute(batch) {
            Ok(answers) => {
                let acknowledged = answers.iter().flatten().map(|outcome| outcome.last).max();
                assert!(acknowledged.is_none_or(|last| last <= engine.head()));
            }
            Err(failure) => {
                // What was appended before a duplicate could not be read back is durable, and
                // yet not acknowledged.
                let appended = matches!(failure, ExecuteError::Failed(Failure::Read { .. }));
                assert!(appended || engine.head() == before, "seed {seed}");
                return (before, Err(failure));
            }
        }
    }
    (engine.head(), Ok(()))
}

fn calls_of(seed: u64) -> u64 {
    let storage = MemoryStorage::new();
    let mut engine = on_files(storage.clone());
    let before = storage.calls();
    run(&mut engine, seed).1.expect("nothing fails");
    storage.calls() - before
}

#[test]
fn a_failure_at_any_call_loses_and_invents_nothing() {
    let faults = [Fault::Io, Fault::Full, Fault::Short];
    for (seed, failure) in (0..12).zip(faults.into_iter().cycle()) {
        let model = {
            let mut engine = on_files(MemoryStorage::new());
            run(&mut engine, seed).1.expect("nothing fails");
            engine.reader()
        };
        let calls = calls_of(seed);
        let mut failures = 0;
        for call in 0..calls {
            let context = format!("seed {seed}, {failure:?} at call {call} of {calls}");
            let storage = MemoryStorage::new();
            let mut engine = on_files(storage.clone());
            storage.inject(Injection {
                at: call,
                failure,
                sticky: false,
            });
            let (acknowledged, ended) = run(&mut engine, seed);
            // A short read is no error, and a failing read of a duplicate is one.
            let Err(first) = ended else { continue };
            failures += 1;

            let again = engine.execute(opening(1)).expect_err(&context);
            assert_eq!(again.to_string(), first.to_string(), "{context}: poisoned");

            // With the power cut, exactly what was durable is there.
            let durable = engine.head();
            assert!(durable >= acknowledged, "{context}");
            let cut = on_files(storage.power_cut(PowerCut::LoseAll));
            assert_eq!(cut.head(), durable, "{context}");
            let expected = folded(&*model, Some(durable)).digest();
            assert_eq!(cut.book().digest(), expected, "{context}");

            // With the system alive, or the cut in the middle of a write, the batch that was
            // under way may be there, but only the whole of it.
            for storage in [
                storage.restarted(),
                storage.power_cut(PowerCut::Torn(call)),
                storage.power_cut(PowerCut::KeepAll),
            ] {
                let mut engine = on_files(storage);
                assert!(engine.head() >= durable, "{context}");
                let expected = folded(&*model, Some(engine.head())).digest();
                assert_eq!(engine.book().digest(), expected, "{context}");
                // And it goes on.
                run(&mut engine, seed).1.expect(&context);
            }
        }
        assert!(failures > 20, "seed {seed}: {failures} of {calls}");
    }
}

#[test]
fn a_failing_sync_acknowledges_nothing_of_its_batch() {
    let storage = MemoryStorage::new();
    let mut engine = on_files(storage.clone());
    apply(&mut engine, opening(1));
    apply(&mut engine, vec![fund(1, "wallet:0", 5)]);
    let (head, digest) = (engine.head(), engine.book().digest());
    // The first call of an append is the write, the second the sync.
    storage.inject(Injection {
        at: 1,
        failure: Fault::Io,
        sticky: false,
    });
    // A refusal and a command with nothing new, decided on what was not durable, and
    // duplicates, of the lost command and of an old one.
    let batch = vec![
        fund(2, "wallet:0", 7),
        support::pay(3, "wallet:0", "wallet:0", 100),
        opening(1).remove(0),
        fund(2, "wallet:0", 7),
        fund(1, "wallet:0", 5),
    ];
    let failure = engine.execute(batch).expect_err("the sync fails");
    assert!(
        matches!(&failure, ExecuteError::Failed(Failure::Append(cause)) if matches!(cause.fault(), Some(AppendFault::Storage(_)))),
        "{failure:?}"
    );
    assert!(engine.failure().is_some());
    assert_eq!(engine.head(), head);
    for _ in 0..2 {
        assert!(engine.execute(vec![fund(1, "wallet:0", 5)]).is_err());
    }
    assert_eq!(engine.metrics().batches(), 2);
    let recovered = on_files(storage.power_cut(PowerCut::KeepAll));
    assert_eq!(
        (recovered.head(), recovered.book().digest()),
        (head, digest)
    );
}

#[test]
fn a_log_in_files_that_cannot_be_understood_is_not_opened() {
    let storage = MemoryStorage::new();
    let mut engine = on_files(storage.clone());
    apply(&mut engine, opening(1));
    let mut log = engine.into_log();
    let mut batch = Batch::new();
    batch.push(&[0xff, 0xff, 1, 0, 0]).unwrap();
    assert!(log.append_next(&mut batch).is_ok());
    drop(log);
    let options = tillroll_log::LogOptions::default();
    let (store, request) = options.store(storage);
    let refused = Engine::open_store(store, &request, Chart::default(), |_| {});
    let refused = refused.map(|_| ()).expect_err("it is not understood");
    assert!(refused.to_string().contains("position 3"), "{refused}");
}
