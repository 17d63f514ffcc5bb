//! Laws over random histories and random crashes: what was acknowledged is
//! there, what is there was sent, in order.

mod support;

use proptest::collection::vec;
use proptest::prelude::*;
use support::{Record, all, batch, open};
use tillroll_log::testing::{Injection, MemoryStorage, PowerCut, StorageFailure, TestLog};
use tillroll_log::{AppendFault, Deadline, Log, MemoryLog, Position, verify};

fn batches() -> impl Strategy<Value = Vec<Vec<Record>>> {
    let record = prop_oneof![4 => vec(any::<u8>(), 0..40), 1 => vec(any::<u8>(), 500..900)];
    vec(vec(record, 1..5), 1..12)
}

fn failure() -> impl Strategy<Value = StorageFailure> {
    prop_oneof![
        Just(StorageFailure::Io),
        Just(StorageFailure::Full),
        Just(StorageFailure::Short)
    ]
}

#[derive(Clone, Debug)]
enum Crash {
    Restart,
    Cut(PowerCut),
}

fn crash() -> impl Strategy<Value = Crash> {
    prop_oneof![
        1 => Just(Crash::Restart),
        1 => Just(Crash::Cut(PowerCut::LoseAll)),
        1 => Just(Crash::Cut(PowerCut::KeepAll)),
        4 => any::<u64>().prop_map(|seed| Crash::Cut(PowerCut::Torn(seed))),
    ]
}

/// One life of the process: what it appends, the call that fails, its end.
#[derive(Clone, Debug)]
struct Life {
    batches: Vec<Vec<Record>>,
    injection: Injection,
    crash: Crash,
}

fn lives() -> impl Strategy<Value = Vec<Life>> {
    let injection =
        (0..80u64, failure(), any::<bool>()).prop_map(|(at, failure, sticky)| Injection {
            at,
            failure,
            sticky,
        });
    let life = (batches(), injection, crash()).prop_map(|(batches, injection, crash)| Life {
        batches,
        injection,
        crash,
    });
    vec(life, 1..5)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_file_log_is_the_memory_log(batches in batches(), segment_bytes in 200..5000u64) {
        let storage = MemoryStorage::new();
        let (mut file, _) = open(storage.clone(), segment_bytes).unwrap();
        let mut memory = MemoryLog::new();
        for records in &batches {
            let on_file = file.append_next(&mut batch(records)).unwrap();
            prop_assert_eq!(on_file, memory.append_next(&mut batch(records)).unwrap());
        }
        prop_assert_eq!(all(&file), all(&memory));
        let head = file.end();
        drop(file);
        prop_assert_eq!(verify(&storage, |_| {}).unwrap().head, head);
        let (file, report) = open(storage.clone(), segment_bytes).unwrap();
        prop_assert_eq!(report.torn_tail, None);
        prop_assert_eq!(file.end(), head);
        for position in 1..=head.position.get() {
            let position = Position::new(position);
            let one = file.reader().read_one(position, Deadline::NEVER).unwrap();
            prop_assert_eq!(one, memory.reader().read_one(position, Deadline::NEVER).unwrap());
        }
        for name in storage.names() {
            let length = storage.bytes(&name).len() as u64;
            let longest = batches.iter().map(|records| {
                records.iter().map(|record| record.len() as u64 + 4).sum::<u64>() + 168
            });
            prop_assert!(length <= segment_bytes.max(128 + longest.max().unwrap_or(0)));
        }
    }

    #[test]
    fn what_was_acknowledged_is_there_and_what_is_there_was_sent(lives in lives()) {
        let mut storage = MemoryStorage::new();
        // What the log holds for certain, and batches that may follow.
        let mut certain: Vec<Record> = Vec::new();
        let mut in_doubt: Vec<Record> = Vec::new();
        for life in lives {
            storage.inject(life.injection);
            if let Ok((mut log, _)) = open(storage.clone(), 900) {
                if let Some(found) = all_or_nothing(&log, &certain, &in_doubt) {
                    found?;
                }
                // Opening settles the doubt, also when the read above failed.
                if log.end().position.get() > certain.len() as u64 {
                    certain.append(&mut in_doubt);
                }
                in_doubt.clear();
                for records in &life.batches {
                    match log.append_next(&mut batch(records)) {
                        Ok(_) => certain.extend(records.iter().cloned()),
                        Err(error) if matches!(error.fault(), Some(AppendFault::Stopped(_))) => {}
                        Err(_) => in_doubt = records.clone(),
                    }
                    prop_assert_eq!(log.end().position.get(), certain.len() as u64);
                }
            }
            storage = match life.crash {
                Crash::Restart => storage.restarted(),
                Crash::Cut(cut) => storage.power_cut(cut),
            };
        }
        let (log, _) = open(storage, 900).unwrap();
        let found = all_or_nothing(&log, &certain, &in_doubt);
        prop_assert!(found.unwrap().is_ok());
    }

    #[test]
    fn any_edit_of_the_bytes_is_refused_or_cut_and_never_served(
        batches in batches(),
        edits in vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in proptest::option::of(any::<prop::sample::Index>()),
    ) {
        let storage = MemoryStorage::new();
        let (mut log, _) = open(storage.clone(), 1500).unwrap();
        for records in &batches {
            log.append_next(&mut batch(records)).unwrap();
        }
        drop(log);
        let names = storage.names();
        for (index, byte) in edits {
            let name = &names[index.index(names.len())];
            let mut bytes = storage.bytes(name);
            let at = index.index(bytes.len());
            bytes[at] = byte;
            storage.put(name, bytes);
        }
        if let Some(index) = cut {
            let name = &names[index.index(names.len())];
            let mut bytes = storage.bytes(name);
            bytes.truncate(index.index(bytes.len()));
            storage.put(name, bytes);
        }
        let sent: Vec<Record> = batches.into_iter().flatten().collect();
        if let Ok((log, _)) = open(storage, 1500) {
            let found = all(&log);
            prop_assert_eq!(&found, &sent[..found.len()]);
        }
    }
}

/// The log is what is certain, or that and the whole batch in doubt. `None`
/// when an injected fault kept it from being read.
fn all_or_nothing(
    log: &impl Log,
    certain: &[Record],
    in_doubt: &[Record],
) -> Option<Result<Vec<Record>, TestCaseError>> {
    let records = log
        .reader()
        .read_from(Position::FIRST, Deadline::NEVER)
        .ok()?;
    let found: Result<Vec<Record>, _> = records
        .map(|record| record.map(|(_, bytes)| bytes))
        .collect();
    let found = found.ok()?;
    let with_doubt = [certain, in_doubt].concat();
    Some(match found == certain || found == with_doubt {
        true => Ok(found),
        false => Err(TestCaseError::fail(format!(
            "{} records are there, {} were acknowledged, {} are in doubt",
            found.len(),
            certain.len(),
            in_doubt.len()
        ))),
    })
}
