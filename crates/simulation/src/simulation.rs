//! One seed's story: batches, troubles, looks at the result.

use tillroll_engine::{Engine, Limits};
use tillroll_journal::testing::PowerCut;
use tillroll_journal::{FileJournal, Head};

use crate::chance::Chance;
use crate::clock::Clock;
use crate::death::Death;
use crate::disk::{Disk, Hit};
use crate::image;
use crate::judge::Judge;
use crate::law::{Judged, Law};
use crate::models::Models;
use crate::planted::Planted;
use crate::reference::{Foretold, Reference};
use crate::request::{Kind, Request};
use crate::rot::Sound;
use crate::schedule::Schedule;
use crate::tally::{Count, Tally};
use crate::trouble::Trouble;
use crate::workload::{Plot, Workload};

/// How this seed's book is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup {
    pub(crate) book_id: [u8; 16],
    pub(crate) limits: Limits,
    pub(crate) segment_bytes: u64,
    pub(crate) planted: Option<Planted>,
}

/// A process: the engine and the disk that it writes to.
#[derive(Debug)]
pub(crate) struct Life {
    pub(crate) engine: Engine<FileJournal<Disk>>,
    pub(crate) disk: Disk,
}

#[derive(Debug)]
pub(crate) struct Simulation<'a> {
    pub(crate) setup: Setup,
    /// For batches and troubles.
    pub(crate) chance: Chance,
    clock: Clock,
    workload: Workload,
    /// Sent and not answered.
    outstanding: Vec<Request>,
    pub(crate) judge: Judge,
    pub(crate) tally: Tally,
    pub(crate) schedule: &'a mut Schedule,
    /// Over every image that a crash left, and every answer.
    pub(crate) trace: blake3::Hasher,
    pub(crate) life: Option<Life>,
    pub(crate) models: Option<Models>,
}

impl<'a> Simulation<'a> {
    pub(crate) fn new(
        seed: u64,
        steps: u64,
        planted: Option<Planted>,
        read_models: bool,
        schedule: &'a mut Schedule,
    ) -> Self {
        let mut chance = Chance::of(seed, "troubles");
        let mut book_id = [0; 16];
        book_id[..8].copy_from_slice(&seed.to_le_bytes());
        book_id[8..].copy_from_slice(&chance.number().to_le_bytes());
        let limits = Limits {
            batch_records: chance.pick(&[2, 6, 24, 1000]),
            batch_bytes: chance.pick(&[1024, 8 * 1024, 1024 * 1024]),
            frame_bytes: 40 * 1024,
        };
        let setup = Setup {
            book_id,
            limits,
            segment_bytes: chance.pick(&[1024, 4096, 16 * 1024, 128 * 1024]),
            planted,
        };
        schedule.note(format!(
            "frames of {} records or {} bytes, segments of {} bytes",
            limits.batch_records, limits.batch_bytes, setup.segment_bytes
        ));
        Self {
            setup,
            chance,
            clock: Clock::new(),
            workload: Workload::new(seed, steps),
            outstanding: Vec::new(),
            judge: Judge::new(book_id, limits),
            tally: Tally::default(),
            schedule,
            trace: blake3::Hasher::new(),
            life: None,
            models: read_models.then(Models::new),
        }
    }

    /// Lives the story. Answers a fingerprint of everything that was answered and written.
    pub(crate) fn run(&mut self, steps: u64) -> Judged<[u8; 32]> {
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

    pub(crate) fn life(&mut self) -> &mut Life {
        self.life
            .as_mut()
            .expect("an engine is running between crashes")
    }

    fn step(&mut self, step: u64) -> Judged<()> {
        let mut requests = self.compose(step);
        let trouble = self.plan(requests.len());
        if let Some(Trouble::Rot { file, offset, .. }) = &trouble {
            requests.extend(self.of_frame(file, *offset));
        }
        self.batch(requests, trouble)?;
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

    /// New requests, and old ones that were not answered, in any order.
    fn compose(&mut self, step: u64) -> Vec<Request> {
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
    fn of_frame(&mut self, file: &str, offset: u64) -> Vec<Request> {
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

    fn batch(&mut self, requests: Vec<Request>, trouble: Option<Trouble>) -> Judged<()> {
        let labels: Vec<String> = requests.iter().map(Request::label).collect();
        let troubled = trouble
            .as_ref()
            .map_or_else(String::new, |trouble| format!("; {trouble}"));
        self.schedule
            .note(format!("{}{troubled}", labels.join(", ")));
        self.count(&requests);

        let commands: Vec<_> = requests
            .iter()
            .map(|request| request.command(self.clock.read(&mut self.chance)))
            .collect();
        let foretold = self.judge.foretell(&commands);
        let again = commands.first().cloned();
        let life = self.life();
        life.disk.arm(trouble);
        let answers = life.engine.execute(commands);
        let hit = life.disk.disarm();
        hit.count(&mut self.tally);
        match answers {
            Ok(answers) => {
                Law::Failures.holds(!hit.wrote() && hit.died.is_none(), || {
                    format!("the storage failed ({hit:?}), and everything was acknowledged")
                })?;
                for (label, answer) in labels.iter().zip(&answers) {
                    let shown = crate::expected::shown(answer);
                    self.trace.update(shown.as_bytes());
                    self.schedule.detail(|| format!("{label}: {shown}"));
                }
                let Self { judge, tally, .. } = self;
                judge.answered(&requests, &foretold, &answers, tally)?;
                let life = self.life.as_ref().expect("it has just answered");
                self.judge.laws(life.engine.book())?;
                self.judge.follow(&*life.engine.reader(), foretold.end())
            }
            Err(failure) => {
                self.schedule.note(format!("failed: {failure}"));
                self.tally.add(Count::Poisoned);
                if is_out_of_space(&failure) {
                    self.tally.add(Count::OutOfSpace);
                }
                Law::Failures.holds(hit.any(), || format!("nothing had failed: {failure}"))?;
                self.poisoned(again, &failure.to_string())?;
                self.failed(requests, foretold, &hit)
            }
        }
    }

    fn count(&mut self, requests: &[Request]) {
        self.tally.add(Count::Batches);
        self.tally.add_many(Count::Commands, requests.len() as u64);
        for request in requests {
            if request.again {
                self.tally.add(Count::Resent);
            }
            match (request.kind, &request.action) {
                (Kind::Webhook, _) => self.tally.add(Count::Webhooks),
                (Kind::Import, _) => self.tally.add(Count::Imports),
                (Kind::Asked, tillroll_book::Action::PlaceOrder(_)) => {
                    self.tally.add(Count::Orders);
                }
                (Kind::Asked, _) => {}
            }
        }
    }

    /// An engine that has failed says so again, and changes nothing.
    fn poisoned(&mut self, again: Option<tillroll_book::Command>, failure: &str) -> Judged<()> {
        let life = self.life();
        let before = image::files(life.disk.memory());
        let head = life.engine.head();
        let answer = life.engine.execute(again.into_iter().collect());
        let said = answer.map_err(|error| error.to_string());
        let unchanged = image::files(life.disk.memory()) == before && life.engine.head() == head;
        Law::Poisoned.holds(unchanged, || "it went on writing".into())?;
        match said {
            Err(said) if said == failure => Ok(()),
            Err(said) => Err(Law::Poisoned.broken(format!("first {failure}, then {said}"))),
            Ok(answers) => Err(Law::Poisoned.broken(format!("it answers {answers:?}"))),
        }
    }

    /// The engine has failed: nobody is answered, the process ends, and the next one recovers.
    fn failed(&mut self, requests: Vec<Request>, foretold: Foretold, hit: &Hit) -> Judged<()> {
        let durable = self.life().engine.head().get();
        Law::Whole.holds(foretold.ends.contains(&durable), || {
            format!(
                "{durable} is called durable, frames end at {:?}",
                foretold.ends
            )
        })?;
        // Readers may have been shown so much already.
        let reader = self.life().engine.reader();
        self.judge.follow_failed(&*reader, durable)?;
        self.tally
            .add_many(Count::Unanswered, requests.len() as u64);
        for mut request in requests {
            let gives_up = self.workload.plot == Plot::Everything
                && request.kind == Kind::Asked
                && self.chance.percent(4);
            if gives_up {
                self.tally.add(Count::GivenUp);
            } else {
                request.again = true;
                self.outstanding.push(request);
            }
        }
        let death = match hit.died {
            Some(death) => death,
            None if hit.rotten_reads > 0 => Death::Kill,
            None => Death::of(&mut self.chance),
        };
        let ends: Vec<u64> = foretold
            .ends
            .into_iter()
            .filter(|end| *end >= durable)
            .collect();
        let survived = self.recover(death, &ends)?;
        if ends.len() > 1 {
            self.tally.add(match survived > ends[0] {
                true => Count::Survived,
                false => Count::Lost,
            });
        }
        Ok(())
    }

    fn crash_between_batches(&mut self) -> Judged<()> {
        self.tally.add(Count::CalmCrashes);
        let death = Death::of(&mut self.chance);
        let head = self.life().engine.head().get();
        self.recover(death, &[head]).map(drop)
    }

    /// Compares everything that can be compared.
    fn look(&mut self) -> Judged<()> {
        let Self {
            life, judge, tally, ..
        } = self;
        let engine = &life.as_ref().expect("an engine is running").engine;
        let reader = engine.reader();
        judge.replayed(&*reader, engine.book(), tally)?;
        judge.audited(&*reader, tally)?;
        if let Some(models) = &mut self.models {
            models.compare(&*reader)?;
            self.tally.add(Count::ReadModels);
        }
        Ok(())
    }

    /// Lets copies of what is durable rot.
    fn rot(&mut self, times: usize) -> Judged<()> {
        if self.setup.planted.is_some() {
            return Ok(());
        }
        let Self {
            life,
            judge,
            tally,
            chance,
            schedule,
            setup,
            ..
        } = self;
        let life = life.as_ref().expect("an engine is running");
        let durable = life.disk.memory().power_cut(PowerCut::LoseAll);
        let head: Head = life.engine.reader().head();
        let sound = Sound::of(&durable, judge.reference.roll(), head, setup.book_id);
        for _ in 0..times {
            let fate = sound.rot(chance, tally)?;
            schedule.note(format!("on a copy, {fate}"));
        }
        Ok(())
    }

    /// Everything that was sent is answered in the end.
    fn drain(&mut self) -> Judged<()> {
        let mut rest = self.workload.rest();
        rest.append(&mut self.outstanding);
        self.chance.shuffle(&mut rest);
        let mut rest = rest.into_iter().peekable();
        while rest.peek().is_some() {
            let size = self.chance.below(12) + 1;
            let requests = rest.by_ref().take(size).collect();
            self.batch(requests, None)?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Judged<()> {
        self.look()?;
        self.rot(4)?;
        self.crash_between_batches()?;
        self.look()?;
        self.judge.finish()?;
        if self.workload.plot == Plot::Convergence {
            self.converged()?;
        }
        let head = self.life().engine.head().get();
        self.tally.add_many(Count::Records, head);
        self.hash_image();
        Ok(())
    }

    /// A book that was told the same in order, once and in peace, says the same.
    fn converged(&mut self) -> Judged<()> {
        let mut calm = Reference::new(self.setup.book_id, Limits::default());
        let mut clock = Clock::new();
        let mut chance = Chance::of(0, "calm");
        for request in self.workload.happened() {
            let told = calm.tell_one(request.command(clock.read(&mut chance)));
            told.map_err(|refusal| {
                Law::Convergence.broken(format!("{} in peace: {refusal}", request.label()))
            })?;
        }
        self.tally.add(Count::Converged);
        let (found, expected) = (self.life().engine.book().digest(), calm.book.digest());
        Law::Convergence.holds(found == expected, || {
            format!("the digest is {found}, told in peace it is {expected}")
        })
    }

    pub(crate) fn hash_image(&mut self) {
        let files = image::files(self.life().disk.memory());
        for (name, bytes) in &files {
            self.trace.update(name.as_bytes());
            self.trace.update(&(bytes.len() as u64).to_le_bytes());
            self.trace.update(bytes);
        }
    }
}

fn is_out_of_space(failure: &tillroll_engine::Failure) -> bool {
    use tillroll_journal::AppendError;
    matches!(failure, tillroll_engine::Failure::Append(cause)
        if matches!(**cause, AppendError::OutOfSpace(_)))
}
