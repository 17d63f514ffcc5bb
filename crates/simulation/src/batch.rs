//! One batch: what is answered, or what is left when the engine fails.

use tillroll_book::{Action, Command, Refusal};
use tillroll_engine::{ExecuteError, Failure, Outcome};
use tillroll_log::testing::{MemoryStorage, TestLog};
use tillroll_log::{AppendError, AppendFault, Batch, FileLog};

use crate::cold::ColdTrouble;
use crate::death::Death;
use crate::disk::{FaultyDisk, Hit};
use crate::expected::shown;
use crate::image;
use crate::law::{Judgement, Law};
use crate::reference::BatchForecast;
use crate::request::{ClientRequest, RequestKind};
use crate::simulation::Simulation;
use crate::tally::Count;
use crate::trouble::Trouble;
use crate::workload::Plot;

impl Simulation<'_> {
    pub(crate) fn batch(
        &mut self,
        requests: Vec<ClientRequest>,
        trouble: Option<Trouble>,
        cold_trouble: Option<ColdTrouble>,
    ) -> Judgement<()> {
        let labels: Vec<String> = requests.iter().map(ClientRequest::label).collect();
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
        let foretold = self.judge.foretell(&commands, &mut self.tally)?;
        let again = commands.first().cloned();
        let makes_room = self.setup.makes_room && self.room.percent(30);
        if let Some(trouble) = &cold_trouble {
            self.schedule.note(trouble);
        }
        let life = self.life();
        life.disk.arm(trouble);
        life.rows.arm(cold_trouble);
        let mut made = Ok(makes_room);
        let mut steps = 0;
        while matches!(made, Ok(true)) {
            made = life.engine.idle();
            steps += u64::from(matches!(made, Ok(true)));
        }
        self.tally.add_many(Count::Room, steps);
        let life = self.life();
        let died = life.disk.has_died();
        let answers = match died {
            // Nothing of the batch came as far as the engine.
            true => Ok(Vec::new()),
            false => made
                .map_err(ExecuteError::from)
                .and_then(|_| life.engine.execute(commands)),
        };
        let hit = life.disk.disarm();
        let cold = life.rows.disarm();
        hit.count(&mut self.tally);
        cold.count(&mut self.tally);
        if died {
            let ends = self.failed(requests, foretold)?;
            return self.replace(&ends, &hit, false);
        }
        match answers {
            Ok(answers) => {
                Law::Failures.holds(!hit.wrote() && hit.died.is_none(), || {
                    format!("the storage failed ({hit:?}), and everything was acknowledged")
                })?;
                Law::Failures.holds(cold.errors == 0, || {
                    "cold rows could not be had, and everything was acknowledged".into()
                })?;
                for (label, answer) in labels.iter().zip(&answers) {
                    let shown = shown(answer);
                    self.trace.update(shown.as_bytes());
                    self.schedule.detail(|| format!("{label}: {shown}"));
                }
                let Self { judge, tally, .. } = self;
                judge.answered(&requests, &foretold, &answers, tally)?;
                self.keep_for_later(requests, &answers);
                let life = self.life.as_ref().expect("it has just answered");
                self.judge.laws(life.engine.book())?;
                self.judge.follow(&*life.engine.reader(), foretold.end())
            }
            Err(error @ (ExecuteError::Superseded | ExecuteError::Unavailable(_))) => {
                Err(Law::Failures.broken(format!("a disk has one writer: {error}")))
            }
            Err(ExecuteError::Failed(failure)) => {
                self.schedule.note(format!("failed: {failure}"));
                self.tally.add(Count::Poisoned);
                if let Failure::Append(cause) = &failure
                    && matches!(cause.fault(), Some(AppendFault::OutOfSpace(_)))
                {
                    self.tally.add(Count::OutOfSpace);
                }
                let is_cold = matches!(failure, Failure::Cold(_));
                let had_failed = if is_cold { cold.any() } else { hit.any() };
                Law::Failures.holds(had_failed, || format!("nothing had failed: {failure}"))?;
                self.poisoned(again, &failure.to_string())?;
                let mut ends = self.failed(requests, foretold)?;
                if is_cold {
                    self.tally.add(Count::ColdEnds);
                    // The frame was not even begun.
                    ends.truncate(1);
                }
                let is_append = matches!(failure, Failure::Append(_));
                self.replace(&ends, &hit, is_append)
            }
        }
    }

    /// What a clock was in the way of is sent again.
    fn keep_for_later(
        &mut self,
        requests: Vec<ClientRequest>,
        answers: &[Result<Outcome, Refusal>],
    ) {
        for (mut request, answer) in requests.into_iter().zip(answers) {
            if let Err(Refusal::ClockWrong(_)) = answer {
                request.again = true;
                self.outstanding.push(request);
            }
        }
    }

    fn count(&mut self, requests: &[ClientRequest]) {
        self.tally.add(Count::Batches);
        self.tally.add_many(Count::Commands, requests.len() as u64);
        for request in requests {
            if request.again {
                self.tally.add(Count::Resent);
            }
            match (request.kind, &request.action) {
                (RequestKind::Webhook, _) => self.tally.add(Count::Webhooks),
                (RequestKind::Import, _) => self.tally.add(Count::Imports),
                (RequestKind::Asked, Action::PlaceOrder(_)) => {
                    self.tally.add(Count::Orders);
                }
                (RequestKind::Asked, _) => {}
            }
        }
    }

    /// An engine that has failed says so again, and changes nothing.
    fn poisoned(&mut self, again: Option<Command>, failure: &str) -> Judgement<()> {
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

    /// The engine has failed, and no request is answered. Answers where the log may end now.
    fn failed(
        &mut self,
        requests: Vec<ClientRequest>,
        foretold: BatchForecast,
    ) -> Judgement<Vec<u64>> {
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
                && request.kind == RequestKind::Asked
                && self.chance.percent(4);
            if gives_up {
                self.tally.add(Count::GivenUp);
            } else {
                request.again = true;
                self.outstanding.push(request);
            }
        }
        let ends = foretold.ends.into_iter();
        Ok(ends.filter(|end| *end >= durable).collect())
    }

    /// The process that has failed ends, and another one takes its place.
    fn replace(&mut self, ends: &[u64], hit: &Hit, is_append: bool) -> Judgement<()> {
        let death = match hit.died {
            Some(death) => death,
            None if hit.rotten_reads > 0 => Death::Kill,
            None => Death::of(&mut self.chance),
        };
        let (storage, log) = self.end();
        if is_append {
            poisoned_log(log, &storage)?;
        }
        let survived = self.recover(death, &storage, ends)?;
        if ends.len() > 1 {
            self.tally.add(match survived > ends[0] {
                true => Count::Survived,
                false => Count::Lost,
            });
        }
        Ok(())
    }

    pub(crate) fn crash_between_batches(&mut self) -> Judgement<()> {
        self.tally.add(Count::CalmCrashes);
        self.look_at_cold()?;
        let death = Death::of(&mut self.chance);
        self.end_and_recover(death)
    }

    /// The process ends, with nothing under way, and another one takes its place.
    pub(crate) fn end_and_recover(&mut self, death: Death) -> Judgement<()> {
        let head = self.life().engine.head().get();
        let (storage, _) = self.end();
        self.recover(death, &storage, &[head]).map(drop)
    }

    /// Ends the process: its storage and its log are left.
    fn end(&mut self) -> (MemoryStorage, FileLog<FaultyDisk>) {
        let life = self.life.take().expect("an engine was running");
        let storage = life.disk.memory().clone();
        self.tally.add_many(Count::ColdBytes, life.rows.bytes());
        self.hash_image(&storage);
        (storage, life.engine.into_log())
    }
}

/// A log whose append has failed takes no more, whoever asks.
fn poisoned_log(mut log: FileLog<FaultyDisk>, storage: &MemoryStorage) -> Judgement<()> {
    let before = image::files(storage);
    let mut batch = Batch::new();
    batch.push(b"never").expect("it is short");
    let answer = log.append_next(&mut batch);
    let fault = answer.as_ref().err().and_then(AppendError::fault);
    let is_refused = matches!(fault, Some(AppendFault::Stopped(_)));
    Law::Poisoned.holds(is_refused, || format!("the log answers {answer:?}"))?;
    Law::Poisoned.holds(image::files(storage) == before, || {
        "the log went on writing".into()
    })
}
