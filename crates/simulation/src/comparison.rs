//! Looks at the result, on the way and at the end.

use tillroll_log::Head;
use tillroll_log::testing::{MemoryStorage, PowerCut, TestReader};

use crate::image;
use crate::law::{Judgement, Law};
use crate::reference::Reference;
use crate::rot::SoundLog;
use crate::simulation::Simulation;
use crate::tally::Count;
use crate::workload::Plot;

impl Simulation<'_> {
    /// Compares everything that can be compared.
    pub(crate) fn look(&mut self) -> Judgement<()> {
        let Self {
            life, judge, tally, ..
        } = self;
        let engine = &life.as_ref().expect("an engine is running").engine;
        let reader = engine.reader();
        judge.replayed(&*reader, engine.book(), tally)?;
        if let Some(models) = &mut self.models {
            models.compare(&*reader)?;
            self.tally.add(Count::ReadModels);
        }
        Ok(())
    }

    /// Lets copies of what is durable rot.
    pub(crate) fn rot(&mut self, times: usize) -> Judgement<()> {
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
        let head: Head = life.engine.reader().head_now();
        let sound = SoundLog::of(
            &durable,
            judge.reference.roll(),
            head,
            setup.book_id,
            setup.segment_bytes,
        );
        for _ in 0..times {
            let fate = sound.rot(chance, tally)?;
            schedule.note(format!("on a copy, {fate}"));
        }
        Ok(())
    }

    /// Everything that was sent is answered in the end.
    pub(crate) fn drain(&mut self) -> Judgement<()> {
        self.confirm_clock(true)?;
        let mut rest = self.workload.rest();
        rest.append(&mut self.outstanding);
        self.chance.shuffle(&mut rest);
        let mut rest = rest.into_iter().peekable();
        while rest.peek().is_some() {
            let size = self.chance.below(12) + 1;
            let requests = rest.by_ref().take(size).collect();
            self.batch(requests, None, None)?;
        }
        Ok(())
    }

    pub(crate) fn finish(&mut self) -> Judgement<()> {
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
        let storage = self.life().disk.memory().clone();
        self.hash_image(&storage);
        Ok(())
    }

    /// A book that was told the same in order, once and in peace, says the same.
    fn converged(&mut self) -> Judgement<()> {
        let expected = Reference::in_peace(self.workload.happened(), self.setup.book_id)?;
        self.tally.add(Count::Converged);
        let found = self.life().engine.book().digest();
        Law::Convergence.holds(found == expected, || {
            format!("the digest is {found}, told in peace it is {expected}")
        })
    }

    pub(crate) fn hash_image(&mut self, storage: &MemoryStorage) {
        for (name, bytes) in &image::files(storage) {
            self.trace.update(name.as_bytes());
            self.trace.update(&(bytes.len() as u64).to_le_bytes());
            self.trace.update(bytes);
        }
    }
}
