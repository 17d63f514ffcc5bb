//! Crash, and open again: perhaps crashing once more on the way.

use tillroll_engine::{Engine, ReplayError, StartError};
use tillroll_log::testing::{MemoryStorage, TestReader};
use tillroll_log::{LogId, LogOptions, OpenError as LogError, RecoveryReport};

use crate::death::Death;
use crate::disk::FaultyDisk;
use crate::law::{Judgement, Law};
use crate::simulation::{Process, Simulation};
use crate::tally::Count;
use crate::trouble::Trouble;

/// After so many recoveries that failed, one is left in peace.
const ATTEMPTS: u32 = 4;

impl Simulation<'_> {
    /// The first start, in an empty storage. It may crash like every other.
    pub(crate) fn start(&mut self) -> Judgement<()> {
        self.open(MemoryStorage::new(), &[0]).map(drop)
    }

    /// Starts the next process, whose log must end at one of `ends`. Answers where.
    pub(crate) fn recover(
        &mut self,
        death: Death,
        storage: &MemoryStorage,
        ends: &[u64],
    ) -> Judgement<u64> {
        self.schedule.note(death);
        if let Some(models) = &mut self.models {
            models.restart();
        }
        if let Some(kept) = &mut self.kept {
            kept.leave(death);
        }
        let left = self.leave(death, storage);
        self.open(left, ends)
    }

    fn leave(&mut self, death: Death, storage: &MemoryStorage) -> MemoryStorage {
        let left = death.leave(storage, &mut self.tally);
        match self.setup.planted {
            Some(planted) => planted.spoil(left, self.setup.book_id, self.setup.segment_bytes),
            None => left,
        }
    }

    fn options(&mut self) -> LogOptions {
        LogOptions {
            segment_bytes: self.setup.segment_bytes,
            id: Some(LogId::new(self.setup.book_id)),
            // Some keep a mark of what was durable. It must never be in the way. Where a bug is
            // planted, it would find most of them before the judge has to.
            durable: (self.chance.coin() && self.setup.planted.is_none())
                .then_some(self.judge.seen),
            room: self.setup.makes_room,
            ..LogOptions::default()
        }
    }

    fn open(&mut self, mut storage: MemoryStorage, ends: &[u64]) -> Judgement<u64> {
        for attempt in 0.. {
            let trouble = (attempt < ATTEMPTS && self.chance.percent(35))
                .then(|| Trouble::of(&mut self.chance, 14));
            let disk = FaultyDisk::over(storage, self.setup.planted);
            let options = self.options();
            disk.arm(trouble.clone());
            let (book_options, rows) = self.setup.book_options();
            let cold_trouble = match attempt < ATTEMPTS {
                true => self.cold.trouble(12, 200),
                false => None,
            };
            rows.arm(cold_trouble);
            let (store, request) = options.store(disk.clone());
            let opened = Engine::open_store(store, &request, book_options, |_| {});
            let (hit, cold) = (disk.disarm(), rows.disarm());
            hit.count(&mut self.tally);
            cold.count(&mut self.tally);
            match opened {
                Ok((engine, report)) => {
                    Law::Failures.holds(!hit.wrote() && hit.died.is_none(), || {
                        format!("the storage failed ({hit:?}), and the log opened")
                    })?;
                    Law::Failures.holds(cold.errors == 0, || {
                        "cold rows could not be put away, and the log opened".into()
                    })?;
                    let engine = engine.with_limits(self.setup.limits);
                    self.life = Some(Process::new(engine, disk, rows));
                    return self.opened(&report, ends);
                }
                Err(StartError::Log(LogError::Storage(error))) if hit.any() => {
                    self.tally.add(Count::RecoveryCrashes);
                    let death = hit.died.unwrap_or_else(|| Death::of(&mut self.chance));
                    let trouble = trouble.map_or_else(String::new, |trouble| trouble.to_string());
                    self.schedule
                        .note(format!("while opening: {trouble}; {error}; then {death}"));
                    storage = self.leave(death, disk.memory());
                }
                // The log itself was opened, and what it cut stays cut.
                Err(StartError::Replay(error @ ReplayError::Cold(_))) if cold.any() => {
                    self.tally.add(Count::ColdStarts);
                    let death = hit.died.unwrap_or_else(|| Death::of(&mut self.chance));
                    let trouble =
                        cold_trouble.map_or_else(String::new, |trouble| trouble.to_string());
                    self.schedule
                        .note(format!("while opening: {trouble}; {error}; then {death}"));
                    storage = self.leave(death, disk.memory());
                }
                Err(error) => {
                    let law = match self.judge.seen.position.get() {
                        0 => Law::Recovery,
                        _ => Law::Acknowledged,
                    };
                    return Err(law.broken(format!("the log does not open: {error}")));
                }
            }
        }
        unreachable!("an attempt without trouble opens or ends in a finding")
    }

    fn opened(&mut self, report: &RecoveryReport, ends: &[u64]) -> Judgement<u64> {
        self.tally.add(Count::Recoveries);
        let head = report.head.position.get();
        let mut tail = String::new();
        if let Some(torn) = &report.torn_tail {
            self.tally.add(Count::TornTails);
            tail = format!(", {} torn bytes cut", torn.bytes);
        }
        if let Some(name) = &report.removed_segment {
            self.tally.add(Count::UnfinishedSegments);
            tail += &format!(", unfinished {name} removed");
        }
        self.schedule.note(format!("opened at {head}{tail}"));
        let was_calm = ends.len() == 1 && head > 0;
        Law::Recovery.holds(!was_calm || report.torn_tail.is_none(), || {
            format!("nothing was under way{tail}")
        })?;
        let Self { judge, life, .. } = self;
        let engine = &life.as_ref().expect("it has just been opened").engine;
        Law::Recovery.holds(engine.head().get() == head, || {
            format!(
                "the engine starts at {}, the log ends at {head}",
                engine.head()
            )
        })?;
        let reader = engine.reader();
        judge.recovered(&*reader, ends, engine.book())?;
        Law::Acknowledged.holds(reader.head_now() == report.head, || {
            format!(
                "readers see {:?}, recovery {:?}",
                reader.head_now(),
                report.head
            )
        })?;
        if let Some(models) = &mut self.models {
            models.follow(&*reader)?;
        }
        self.start_from_kept()?;
        Ok(head)
    }
}
