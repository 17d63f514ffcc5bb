//! Every call of the storage fails, once and from then on: what was acknowledged is there
//! whatever becomes of the machine, and readers were shown nothing else.

use tillroll_journal::testing::{Failure, Injection, MemoryStorage, PowerCut};
use tillroll_journal::{AppendError, FileJournal, Journal, OpenError, Options, RecoveryReport};

use super::log::{self, Record};
use super::{Caught, Verdict, ensure};

const SEGMENT_BYTES: u64 = 700;
const LIVES: u8 = 2;
const APPENDS: u8 = 8;

/// A log whose writer makes room.
fn open(
    storage: &MemoryStorage,
) -> Result<(FileJournal<MemoryStorage>, RecoveryReport), OpenError> {
    let options = Options {
        room: true,
        ..log::options(SEGMENT_BYTES)
    };
    FileJournal::open(storage.clone(), options)
}

/// What a run sent, batch by batch, and how many records were acknowledged.
#[derive(Default)]
struct Run {
    sent: Vec<Vec<Record>>,
    acknowledged: usize,
}

pub(super) fn check() -> Verdict {
    let storage = MemoryStorage::new();
    let calls = Run::lived(&storage, "no fault")?;
    for at in 0..calls {
        for failure in [Failure::Io, Failure::Full, Failure::Short] {
            for sticky in [false, true] {
                let injection = Injection {
                    at,
                    failure,
                    sticky,
                };
                let storage = MemoryStorage::new();
                storage.inject(injection);
                Run::lived(&storage, &format!("{failure:?} at call {at}"))?;
            }
        }
    }
    Ok(())
}

impl Run {
    /// Lives on a storage, and looks at everything that the next process may find. Answers how
    /// many calls of the storage it took.
    fn lived(storage: &MemoryStorage, what: &str) -> Result<u64, Caught> {
        let mut run = Self::default();
        run.live(storage, what)?;
        let calls = storage.calls();
        for (end, left) in [
            ("restart", storage.restarted()),
            ("power cut", storage.power_cut(PowerCut::LoseAll)),
            ("torn power cut", storage.power_cut(PowerCut::Torn(calls))),
        ] {
            run.judge(&left, &format!("{what}, then {end}"))?;
        }
        Ok(calls)
    }

    /// Opens and appends, several times. Stops at the first open that fails, and goes on
    /// appending after an append that failed.
    fn live(&mut self, storage: &MemoryStorage, what: &str) -> Verdict {
        for life in 0..LIVES {
            let Ok((mut journal, _)) = open(storage) else {
                return Ok(());
            };
            let mut failed = false;
            for number in 0..APPENDS {
                let records = vec![vec![life, number, 7]; usize::from(number) % 3 + 1];
                let appended = journal.append(&mut log::batch(&records));
                match appended {
                    Ok(_) => {
                        ensure(!failed, || {
                            format!("{what}: an append after a failure is acknowledged")
                        })?;
                        self.sent.push(records);
                        self.acknowledged = self.sent.iter().map(Vec::len).sum();
                    }
                    Err(AppendError::Poisoned { .. }) => {}
                    Err(_) => {
                        failed = true;
                        self.sent.push(records);
                    }
                }
                while number % 3 != 1 && !failed {
                    match journal.make_room() {
                        Ok(true) => {}
                        Ok(false) => break,
                        Err(_) => failed = true,
                    }
                }
                let acknowledged = self.acknowledged as u64;
                let shown = journal.reader().head().position.get();
                ensure(shown == acknowledged, || {
                    format!(
                        "{what}: readers are shown {shown} records, {acknowledged} are acknowledged"
                    )
                })?;
            }
            if failed {
                return Ok(());
            }
        }
        Ok(())
    }

    /// What was acknowledged is there, what is there was sent, in whole batches; and the log
    /// takes more, durably.
    fn judge(&self, storage: &MemoryStorage, what: &str) -> Verdict {
        let start = format!("{what}: no clean start");
        let opened = open(storage);
        let (mut journal, _) = opened.map_err(Caught::unexpected(&start))?;
        let mut found = log::read(&journal)?;
        ensure(found.len() >= self.acknowledged, || {
            format!(
                "{what}: {} records were acknowledged, {} are there",
                self.acknowledged,
                found.len()
            )
        })?;
        let sent: Vec<&Record> = self.sent.iter().flatten().collect();
        let same = found.iter().eq(sent.into_iter().take(found.len()));
        ensure(same, || format!("{what}: other records than were sent"))?;
        let mut ends = self.sent.iter().scan(0, |end, batch| {
            *end += batch.len();
            Some(*end)
        });
        let whole = found.is_empty() || ends.any(|end| end == found.len());
        ensure(whole, || format!("{what}: a part of a batch is there"))?;

        let appended = journal.append(&mut log::batch(&["more"]));
        appended.map_err(Caught::unexpected(what))?;
        found.push(b"more".to_vec());
        drop(journal);
        let after = storage.power_cut(PowerCut::LoseAll);
        let again = open(&after);
        let (journal, _) = again.map_err(Caught::unexpected(&start))?;
        ensure(log::read(&journal)? == found, || {
            format!("{what}: what recovery accepted is lost with the power")
        })
    }
}
