//! Snapshots through crashes: written now and then, by a disk that may fail, cut like the log
//! when the power goes; and after each recovery a second start, from them, on a copy.
//!
//! They have chances of their own, so that a seed's story is the same with and without.

use std::sync::atomic::AtomicBool;

use tillroll_engine::{Engine, Moment, ReplayError, Snapshots, StartError};
use tillroll_log::testing::{Injection, MemoryTree, PowerCut, StorageFailure};
use tillroll_log::{LogId, LogOptions};

use crate::chance::Chance;
use crate::death::Death;
use crate::law::{Judgement, Law};
use crate::simulation::Simulation;
use crate::tally::Count;

#[derive(Debug)]
pub(crate) struct KeptSnapshots {
    chance: Chance,
    tree: MemoryTree,
}

impl KeptSnapshots {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            chance: Chance::of(seed, "snapshots"),
            tree: MemoryTree::new(),
        }
    }

    /// What the next process finds.
    pub(crate) fn leave(&mut self, death: Death) {
        let storage = self.tree.storage();
        self.tree = MemoryTree::of(match death {
            Death::Kill => storage.restarted(),
            // Not torn in the same way as the log: they are other files.
            Death::Power(PowerCut::Torn(_)) => {
                storage.power_cut(PowerCut::Torn(self.chance.number()))
            }
            Death::Power(cut) => storage.power_cut(cut),
        });
    }
}

/// The bytes that a state is kept as.
fn bytes(moment: &Moment<'_>) -> Judgement<Vec<u8>> {
    let tree = MemoryTree::new();
    let written = Snapshots::new(tree.clone()).write(moment, &AtomicBool::new(false));
    match written {
        Ok((stored, _)) => Ok(tree.storage().bytes(&stored.file)),
        Err(error) => Err(Law::Replay.broken(format!("no snapshot in memory: {error}"))),
    }
}

impl Simulation<'_> {
    /// Perhaps writes one, which may fail.
    pub(crate) fn keep(&mut self) -> Judgement<()> {
        let (Some(kept), Some(life)) = (&mut self.kept, &self.life) else {
            return Ok(());
        };
        if !kept.chance.percent(12) {
            return Ok(());
        }
        // None after a failure, whose end is still to come.
        let Some(moment) = life.engine.moment() else {
            return Ok(());
        };
        let hurt = kept.chance.percent(30);
        let injection = Injection {
            at: if hurt {
                kept.chance.number() % 12
            } else {
                u64::MAX
            },
            failure: kept.chance.pick(&[
                StorageFailure::Io,
                StorageFailure::Full,
                StorageFailure::Short,
            ]),
            sticky: kept.chance.coin(),
        };
        kept.tree.storage().inject(injection);
        let cold_trouble = self.cold.trouble(20, 60);
        life.rows.arm(cold_trouble);
        let snapshots = Snapshots::new(kept.tree.clone());
        let written = snapshots.write(&moment, &AtomicBool::new(false));
        // Only the fault ends here; what was written stays as durable as it was.
        kept.tree.storage().inject(Injection {
            at: u64::MAX,
            ..injection
        });
        let cold = life.rows.disarm();
        cold.count(&mut self.tally);
        match written {
            Ok(_) => self.tally.add(Count::Snapshots),
            Err(_) => self.tally.add(Count::SnapshotFaults),
        }
        Law::Failures.holds(hurt || cold.any() || written.is_ok(), || {
            format!("a snapshot is not written, and nothing fails: {written:?}")
        })?;
        Law::Failures.holds(cold.errors == 0 || written.is_err(), || {
            format!("cold rows cannot be read, and a snapshot is made of them: {written:?}")
        })?;
        if life.engine.book().fault().is_none() {
            return Ok(());
        }
        Law::Failures.holds(written.is_err() && cold.any(), || {
            format!("the rows of the state are unfit, and a snapshot is: {written:?}")
        })?;
        if let Some(trouble) = cold_trouble {
            self.schedule.note(format!("no snapshot: {trouble}"));
        }
        self.replace_after_cold()
    }

    /// A start from what is kept, on a copy of the log, comes to the state of the writer.
    pub(crate) fn start_from_kept(&mut self) -> Judgement<()> {
        let (Some(kept), Some(life)) = (&self.kept, &self.life) else {
            return Ok(());
        };
        let snapshots = Snapshots::new(MemoryTree::of(kept.tree.storage().restarted()));
        let options = LogOptions {
            segment_bytes: self.setup.segment_bytes,
            id: Some(LogId::new(self.setup.book_id)),
            ..LogOptions::default()
        };
        let copy = life.disk.memory().restarted();
        let (book_options, rows) = self.setup.book_options();
        rows.arm(self.cold.trouble(20, 200));
        let (store, request) = options.store(copy);
        let opened = Engine::open_store_from(store, &request, book_options, &snapshots, |_| {});
        let cold = rows.disarm();
        cold.count(&mut self.tally);
        let (started, start) = match opened {
            Ok(opened) => opened,
            Err(StartError::Replay(ReplayError::Cold(_))) if cold.any() => {
                self.tally.add(Count::ColdStarts);
                return Ok(());
            }
            Err(error) => {
                let detail = format!("the log does not open from a snapshot: {error}");
                return Err(Law::Recovery.broken(detail));
            }
        };
        // ScratchRows that could not be put away may end a fold from a snapshot, and another is tried.
        let passed_over = !start.passed_over.is_empty();
        Law::Recovery.holds(!passed_over || cold.any(), || {
            format!("snapshots are passed over: {:?}", start.passed_over)
        })?;
        Law::Failures.holds(passed_over || cold.errors == 0, || {
            "cold rows could not be put away, and a start from a snapshot went well".into()
        })?;
        if start.snapshot.is_some() {
            self.tally.add(Count::SnapshotStarts);
        }
        let moments = (life.engine.moment(), started.moment());
        let same = match &moments {
            (Some(writer), Some(started)) => bytes(writer)? == bytes(started)?,
            (writer, started) => writer.is_none() && started.is_none(),
        };
        Law::Replay.holds(same, || {
            format!(
                "a start from {:?} comes to another state at {}",
                start.snapshot,
                started.head()
            )
        })
    }
}
