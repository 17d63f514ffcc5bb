//! One seed's story: what is sent when, and what goes wrong meanwhile.

use tillroll_book::Action;
use tillroll_engine::{Engine, FrameLimits};
use tillroll_log::FileLog;

use crate::chance::Chance;
use crate::clock::ClientClock;
use crate::cold::{ColdChance, ScratchRows};
use crate::disk::FaultyDisk;
use crate::image;
use crate::judge::Judge;
use crate::law::Judgement;
use crate::models::ReadModelsUnderTest;
use crate::planted::PlantedBug;
use crate::request::ClientRequest;
use crate::schedule::Schedule;
use crate::snapshots::KeptSnapshots;
use crate::tally::{Count, Tally};
use crate::trouble::Trouble;
use crate::workload::Workload;

/// How this seed's book is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup {
    pub(crate) book_id: [u8; 16],
    pub(crate) limits: FrameLimits,
    pub(crate) segment_bytes: u64,
    /// Whether the log is written over room, now and then.
    pub(crate) makes_room: bool,
    /// Records after which an untouched row leaves memory.
    pub(crate) cold_after: u64,
    pub(crate) planted: Option<PlantedBug>,
}

/// A process: the engine and the disk that it writes to.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) engine: Engine<FileLog<FaultyDisk>>,
    pub(crate) disk: FaultyDisk,
    pub(crate) rows: ScratchRows,
}

impl Process {
    pub(crate) fn new(
        engine: Engine<FileLog<FaultyDisk>>,
        disk: FaultyDisk,
        rows: ScratchRows,
    ) -> Self {
        Self { engine, disk, rows }
    }
}

#[derive(Debug)]
pub(crate) struct Simulation<'a> {
    pub(crate) setup: Setup,
    /// For batches and troubles.
    pub(crate) chance: Chance,
    /// For when room is made in the log.
    pub(crate) room: Chance,
    /// For what goes wrong with cold rows; never where a bug is planted.
    pub(crate) cold: ColdChance,
    pub(crate) clock: ClientClock,
    /// For when somebody says that the clock is right.
    operator: Chance,
    pub(crate) workload: Workload,
    /// Sent and not answered.
    pub(crate) outstanding: Vec<ClientRequest>,
    pub(crate) judge: Judge,
    pub(crate) tally: Tally,
    pub(crate) schedule: &'a mut Schedule,
    /// Over every image that a crash left, and every answer.
    pub(crate) trace: blake3::Hasher,
    pub(crate) life: Option<Process>,
    pub(crate) models: Option<ReadModelsUnderTest>,
    /// Snapshots; none where a bug is planted, which has to be found without them.
    pub(crate) kept: Option<KeptSnapshots>,
}

impl<'a> Simulation<'a> {
    pub(crate) fn new(
        seed: u64,
        steps: u64,
        planted: Option<PlantedBug>,
        read_models: bool,
        schedule: &'a mut Schedule,
    ) -> Self {
        let mut chance = Chance::of(seed, "troubles");
        // Seeds that are kept as tests make none: their histories are those of the day they failed.
        let mut room = Chance::of(seed, "noughts");
        let mut book_id = [0; 16];
        book_id[..8].copy_from_slice(&seed.to_le_bytes());
        book_id[8..].copy_from_slice(&chance.number().to_le_bytes());
        let limits = FrameLimits {
            batch_records: chance.pick(&[2, 6, 24, 1000]),
            batch_bytes: chance.pick(&[1024, 8 * 1024, 1024 * 1024]),
            frame_bytes: 40 * 1024,
        };
        let setup = Setup {
            book_id,
            limits,
            segment_bytes: chance.pick(&[1024, 4096, 16 * 1024, 128 * 1024]),
            makes_room: room.coin(),
            // By a chance of its own, so that a seed's story is the same with any.
            cold_after: Chance::of(seed, "cold rows").pick(&[1, 2, 5, 30, 200]),
            planted,
        };
        schedule.note(format!(
            "frames of {} records or {} bytes, segments of {} bytes, rows leave after {} records",
            limits.batch_records, limits.batch_bytes, setup.segment_bytes, setup.cold_after
        ));
        let cold = match planted {
            None => ColdChance::new(seed),
            Some(_) => ColdChance::never(),
        };
        Self {
            setup,
            chance,
            room,
            // Seeds that are kept as tests have histories in which clocks were put up with.
            clock: match cold.is_never() {
                true => ClientClock::steady(),
                false => ClientClock::new(),
            },
            cold,
            operator: Chance::of(seed, "operator"),
            workload: Workload::new(seed, steps),
            outstanding: Vec::new(),
            judge: Judge::new(book_id, limits),
            tally: Tally::default(),
            schedule,
            trace: blake3::Hasher::new(),
            life: None,
            models: read_models.then(ReadModelsUnderTest::new),
            kept: planted.is_none().then(|| KeptSnapshots::new(seed)),
        }
    }

    /// Lives the story. Answers a fingerprint of everything that was answered and written.
    pub(crate) fn run(&mut self, steps: u64) -> Judgement<[u8; 32]> {
        self.start()?;
        for step in 1..=steps {
            self.schedule.step = step;
            self.clock.tick(&mut self.chance, &mut self.tally);
            self.step(step)?;
        }
        self.schedule.step = steps + 1;
        self.schedule
            .note("nothing fails any more; all that is on its way arrives");
        self.drain()?;
        self.finish()?;
        Ok(*self.trace.finalize().as_bytes())
    }

    pub(crate) fn life(&mut self) -> &mut Process {
        self.life
            .as_mut()
            .expect("an engine is running between crashes")
    }

    fn step(&mut self, step: u64) -> Judgement<()> {
        let patience = self.operator.below(100);
        self.confirm_clock(patience < 30)?;
        let mut requests = self.compose(step);
        let trouble = self.plan(requests.len());
        if let Some(Trouble::Rot { file, offset, .. }) = &trouble {
            requests.extend(self.of_frame(file, *offset));
        }
        let cold_trouble = self.cold.trouble(6, 4 * requests.len() + 4);
        self.batch(requests, trouble, cold_trouble)?;
        self.keep()?;
        if self.chance.percent(7) {
            self.crash_between_batches()?;
        }
        if self.chance.percent(8) {
            self.look()?;
        }
        if self.chance.percent(6) {
            self.rot(3)?;
        }
        Ok(())
    }

    /// Where the clock is not believed, somebody may say that it is right.
    pub(crate) fn confirm_clock(&mut self, somebody: bool) -> Judgement<()> {
        let now = self.clock.now();
        if !somebody || self.judge.reference.clock_fault(now).is_none() {
            return Ok(());
        }
        let Some(confirmation) = self.judge.reference.confirmation(now) else {
            return Ok(());
        };
        self.tally.add(Count::ClockConfirmed);
        let action = Action::ConfirmClock(confirmation);
        self.batch(vec![ClientRequest::asked(None, action)], None, None)
    }

    /// New requests, and old ones that were not answered, in any order.
    fn compose(&mut self, step: u64) -> Vec<ClientRequest> {
        let most = self.chance.weighted(&[(2, 1), (4, 4), (3, 9), (1, 20)]);
        let count = self.chance.below(most) + 1;
        let mut requests = Vec::with_capacity(count);
        for _ in 0..count {
            let old = !self.outstanding.is_empty() && self.chance.percent(60);
            requests.push(if old {
                let index = self.chance.below(self.outstanding.len());
                self.outstanding.swap_remove(index)
            } else {
                self.workload.next(step, self.clock.now())
            });
        }
        requests
    }

    fn plan(&mut self, requests: usize) -> Option<Trouble> {
        if !self.chance.percent(25) {
            return None;
        }
        if self.chance.percent(15) {
            return self.rotten_read();
        }
        Some(Trouble::of(&mut self.chance, 2 * requests + 4))
    }

    /// A byte of some frame rots where it is read.
    fn rotten_read(&mut self) -> Option<Trouble> {
        let files = image::files(self.life().disk.memory());
        let extents = image::extents(&files);
        let extent = extents.get(self.chance.below(extents.len()))?;
        let offset = extent.start + self.chance.below(extent.end - extent.start);
        let bit = self.chance.below(8);
        Some(Trouble::Rot {
            file: extent.file.clone(),
            offset: offset as u64,
            mask: 1 << bit,
        })
    }

    /// Commands that were acknowledged in the frame at a place: asked again, they are read back
    /// from there.
    fn of_frame(&mut self, file: &str, offset: u64) -> Vec<ClientRequest> {
        let files = image::files(self.life().disk.memory());
        let extents = image::extents(&files);
        let holds = |extent: &&image::Extent| {
            extent.file == file && (extent.start as u64..extent.end as u64).contains(&offset)
        };
        let keys: Vec<String> = match extents.iter().find(holds) {
            Some(extent) => self.judge.reference.keys(extent.first..=extent.last),
            None => Vec::new(),
        };
        self.workload.sent_under(&keys)
    }
}
