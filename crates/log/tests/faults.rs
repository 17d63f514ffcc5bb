//! Every call of the storage fails once, and from then on: nothing that was not
//! durable is acknowledged, and the next start is clean.

mod support;

use support::{Record, all, batch, open, open_with_room};
use tillroll_log::testing::{
    Injection, MemoryStorage, PowerCut, StorageFailure, TestLog, TestReader,
};
use tillroll_log::{AppendError, AppendFault, Deadline, FileLog, Log, Position, Remedy, verify};

const SEGMENT_BYTES: u64 = 700;
/// Three times open, and ten appends of one, two, three, one … records.
const LIVES: u8 = 3;
const APPENDS: u8 = 10;
const RECORDS: usize = 57;
const FAILURES: [StorageFailure; 3] = [
    StorageFailure::Io,
    StorageFailure::Full,
    StorageFailure::Short,
];

/// What a run sent, batch by batch, and how many records were acknowledged.
#[derive(Default)]
struct Run {
    sent: Vec<Vec<Record>>,
    acknowledged: usize,
}

impl Run {
    /// Records that may be there: everything that was sent.
    fn records(&self) -> Vec<Record> {
        self.sent.iter().flatten().cloned().collect()
    }

    /// Opens and appends, several times. Stops at the first error of
    /// an open, and goes on appending after an error of an append.
    fn go(&mut self, storage: &MemoryStorage) {
        for life in 0..LIVES {
            let Ok((mut log, _)) = open_with_room(storage.clone(), SEGMENT_BYTES) else {
                return;
            };
            let mut poisoned = false;
            for number in 0..APPENDS {
                let records = vec![vec![life, number, 7]; usize::from(number) % 3 + 1];
                match log.append_next(&mut batch(&records)) {
                    Ok(committed) => {
                        assert!(!poisoned, "an append after a failure was acknowledged");
                        self.sent.push(records);
                        self.acknowledged = self.records().len();
                        assert_eq!(committed.last, Position::new(self.acknowledged as u64));
                    }
                    Err(AppendError::NotAppended {
                        fault: AppendFault::Stopped(_),
                    }) => assert!(poisoned),
                    Err(error) => {
                        assert!(!poisoned, "only the first failure touches the storage");
                        assert_eq!(error.remedy(), Remedy::Restart, "{error}");
                        poisoned = true;
                        if matches!(error, AppendError::InDoubt { .. }) {
                            self.sent.push(records);
                        }
                    }
                }
                // Made, used up, and left behind when the segment ends.
                while number % 3 != 1 && !poisoned {
                    match log.idle() {
                        Ok(true) => {}
                        Ok(false) => break,
                        Err(_) => poisoned = true,
                    }
                }
                let head = log.end();
                assert_eq!(head.position, Position::new(self.acknowledged as u64));
                assert_eq!(
                    log.reader().head_now(),
                    head,
                    "readers see what is acknowledged"
                );
            }
            if poisoned {
                return;
            }
        }
    }

    /// What was acknowledged is there, what is there was sent, in order and in
    /// whole batches; and the log takes more, durably.
    fn check(&self, storage: &MemoryStorage, what: &str) {
        let (mut log, _) = open_with_room(storage.clone(), SEGMENT_BYTES)
            .unwrap_or_else(|error| panic!("{what}: no clean start: {error}"));
        let mut expected = self.records();
        let found = all(&log);
        assert!(
            found.len() >= self.acknowledged,
            "{what}: an acknowledged record is lost"
        );
        assert_eq!(found, expected[..found.len()], "{what}");
        let mut ends = self.sent.iter().scan(0, |end, batch| {
            *end += batch.len();
            Some(*end)
        });
        let whole = found.is_empty() || ends.any(|end| end == found.len());
        assert!(whole, "{what}: a part of a batch is there");
        expected.truncate(found.len());
        for more in [b"more", b"most"] {
            let appended = log.append_next(&mut batch([more]));
            appended.unwrap_or_else(|error| panic!("{what}: {error}"));
            expected.push(more.to_vec());
        }
        drop(log);
        let after = storage.power_cut(PowerCut::LoseAll);
        let (log, _) = open_with_room(after.clone(), SEGMENT_BYTES)
            .unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(
            all(&log),
            expected,
            "{what}: what recovery accepted is durable"
        );
        verify(&after, |_| {}).unwrap_or_else(|error| panic!("{what}: {error}"));
    }

    /// Every way in which the next process may find the storage.
    fn check_all(&self, storage: &MemoryStorage, what: &str) {
        self.check(&storage.restarted(), &format!("{what}, restarted"));
        self.check(
            &storage.power_cut(PowerCut::LoseAll),
            &format!("{what}, power cut"),
        );
        self.check(
            &storage.power_cut(PowerCut::KeepAll),
            &format!("{what}, all kept"),
        );
        for seed in 0..6 {
            let cut = PowerCut::Torn(seed);
            self.check(&storage.power_cut(cut), &format!("{what}, {cut:?}"));
        }
    }
}

fn calls_of(run: impl FnOnce(&MemoryStorage)) -> u64 {
    let storage = MemoryStorage::new();
    run(&storage);
    storage.calls()
}

#[test]
fn every_call_that_fails_leaves_no_false_acknowledgement_and_a_clean_start() {
    let calls = calls_of(|storage| Run::default().go(storage));
    assert!(calls > 100, "{calls} calls are no representative run");
    let mut failed_runs = 0;
    for at in 0..calls {
        for failure in FAILURES {
            for sticky in [false, true] {
                let injection = Injection {
                    at,
                    failure,
                    sticky,
                };
                let storage = MemoryStorage::new();
                storage.inject(injection);
                let mut run = Run::default();
                run.go(&storage);
                failed_runs += usize::from(run.acknowledged < RECORDS);
                run.check_all(&storage, &format!("{injection:?}"));
            }
        }
    }
    assert!(failed_runs > 500, "{failed_runs} runs were hurt");
}

#[test]
fn power_cuts_without_faults_lose_nothing_acknowledged() {
    let storage = MemoryStorage::new();
    let mut run = Run::default();
    run.go(&storage);
    assert_eq!(run.acknowledged, RECORDS);
    run.check_all(&storage, "no fault");
}

/// Recovery is interrupted at every call, and again by a power cut.
#[test]
fn recovery_that_fails_at_any_call_can_be_repeated() {
    // An append that fails in its sync leaves a torn tail or a frame that only
    // the cache has; a rotation that fails leaves an unfinished segment.
    for broken_at in (10..70).step_by(3) {
        let storage = MemoryStorage::new();
        storage.inject(Injection {
            at: broken_at,
            failure: StorageFailure::Short,
            sticky: true,
        });
        let mut run = Run::default();
        run.go(&storage);
        for cut in [None, Some(PowerCut::Torn(1)), Some(PowerCut::Torn(2))] {
            let image = match cut {
                None => storage.restarted(),
                Some(cut) => storage.power_cut(cut),
            };
            let probe = image.restarted();
            open_with_room(probe.clone(), SEGMENT_BYTES).unwrap();
            for at in 0..probe.calls() {
                for failure in FAILURES {
                    let again = image.restarted();
                    let injection = Injection {
                        at,
                        failure,
                        sticky: true,
                    };
                    again.inject(injection);
                    let opened = open_with_room(again.clone(), SEGMENT_BYTES).is_ok();
                    let short_read = failure == StorageFailure::Short;
                    assert!(!opened || short_read, "{injection:?} went unnoticed");
                    run.check_all(
                        &again,
                        &format!("broken at {broken_at}, {cut:?}, recovery {injection:?}"),
                    );
                }
            }
        }
    }
}

#[test]
fn a_failed_append_poisons_the_log_and_reading_goes_on() {
    for (at, failure) in [
        (0, StorageFailure::Io),
        (0, StorageFailure::Short),
        (1, StorageFailure::Io),
    ] {
        let storage = MemoryStorage::new();
        let (mut log, _) = open(storage.clone(), 1 << 20).unwrap();
        let head = log.append_next(&mut batch(["one"])).unwrap().head;
        storage.inject(Injection {
            at,
            failure,
            sticky: false,
        });
        let failed = log.append_next(&mut batch(["two"])).unwrap_err();
        assert!(
            matches!(
                &failed,
                AppendError::InDoubt {
                    fault: AppendFault::Storage(_)
                }
            ),
            "{failed}"
        );
        let again = log.append_next(&mut batch(["two"])).unwrap_err();
        assert!(
            matches!(
                &again,
                AppendError::InDoubt {
                    fault: AppendFault::Stopped(_)
                }
            ),
            "the same batch is still in doubt: {again}"
        );
        let calls = storage.calls();
        for _ in 0..3 {
            let refused = log.append_next(&mut batch(["three"])).unwrap_err();
            assert!(
                matches!(
                    &refused,
                    AppendError::NotAppended {
                        fault: AppendFault::Stopped(_)
                    }
                ),
                "{refused}"
            );
            assert!(
                refused.to_string().contains("injected"),
                "the cause is named: {refused}"
            );
        }
        assert_eq!(
            storage.calls(),
            calls,
            "a poisoned log does not touch the storage"
        );
        assert!(log.failure().is_some());
        assert_eq!(log.end(), head);
        assert_eq!(all(&log), [b"one"]);
    }
}

#[test]
fn a_full_device_is_named() {
    for at in [0, 1] {
        let storage = MemoryStorage::new();
        let (mut log, _) = open(storage.clone(), 1 << 20).unwrap();
        storage.inject(Injection {
            at,
            failure: StorageFailure::Full,
            sticky: true,
        });
        let failed = log.append_next(&mut batch(["one"])).unwrap_err();
        assert!(
            matches!(failed.fault(), Some(AppendFault::OutOfSpace(_))),
            "{failed}"
        );
        assert!(failed.to_string().contains("no space left"), "{failed}");
        let roomy = storage.restarted();
        let (mut log, _) = open(roomy, 1 << 20).unwrap();
        let found = all(&log).len() as u64;
        assert!(
            found <= 1,
            "the batch that was not acknowledged may be there"
        );
        let committed = log.append_next(&mut batch(["two"])).unwrap();
        assert_eq!(committed.first, Position::new(found + 1));
    }
}

#[test]
fn a_read_that_fails_once_hurts_only_that_reader() {
    let storage = MemoryStorage::new();
    let (mut log, _) = open(storage.clone(), 1 << 20).unwrap();
    log.append_next(&mut batch(["one"])).unwrap();
    storage.inject(Injection {
        at: 1,
        failure: StorageFailure::Io,
        sticky: false,
    });
    assert!(
        log.reader()
            .read_one(Position::FIRST, Deadline::NEVER)
            .is_err()
    );
    assert_eq!(all(&log), [b"one"]);
    log.append_next(&mut batch(["two"])).unwrap();
    let reopened = FileLog::open(storage, support::options(1 << 20)).unwrap().0;
    assert_eq!(all(&reopened).len(), 2);
}
