//! Two writers on one log: appends that are in doubt, late or turned away, writers that are
//! superseded, follow and take over.
//!
//! The judge is the plain model that judges the disk, too. Besides, it is told by the log what
//! came in when and of whose call, and compares: a frame lands where it was decided, as a whole;
//! what was answered has landed; what a writer has given up never lands.

mod call;
mod connection;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tillroll_book::{Chart, Command};
use tillroll_engine::{Engine, ExecuteError, FrameLimits, Patience, Succession};
use tillroll_log::testing::AppendInjection;
use tillroll_log::{Log, LogId};

use crate::chance::Chance;
use crate::clock::ClientClock;
use crate::expected::shown;
use crate::judge::Judge;
use crate::law::{Judgement, Law};
use crate::planted::PlantedBug;
use crate::reference::Reference;
use crate::request::ClientRequest;
use crate::schedule::Schedule;
use crate::tally::{Count, Tally};
use crate::workload::{Plot, Workload};
use call::{Answers, Call, Forecast, Intruder, marked, word};
use connection::{Landing, RivalConnection};

type SharedEngine = Arc<Mutex<Engine<RivalConnection>>>;

/// A process that writes to the log, or follows it.
struct Rival {
    engine: SharedEngine,
    patience: Patience,
    succession: Succession,
}

impl Rival {
    fn engine(&self) -> MutexGuard<'_, Engine<RivalConnection>> {
        lock(&self.engine)
    }
}

fn lock(engine: &SharedEngine) -> MutexGuard<'_, Engine<RivalConnection>> {
    engine.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One seed's story of two writers.
pub(crate) struct Rivals<'a> {
    chance: Chance,
    clock: ClientClock,
    workload: Workload,
    outstanding: Vec<ClientRequest>,
    judge: Judge,
    pub(crate) tally: Tally,
    schedule: &'a mut Schedule,
    trace: blake3::Hasher,
    log: RivalConnection,
    limits: FrameLimits,
    rivals: Vec<Rival>,
    calls: u64,
    forecasts: BTreeMap<u64, Forecast>,
}

const NAMES: [&str; 2] = ["the first writer", "the second writer"];

impl<'a> Rivals<'a> {
    pub(crate) fn new(
        seed: u64,
        steps: u64,
        planted: Option<PlantedBug>,
        schedule: &'a mut Schedule,
    ) -> Self {
        let mut chance = Chance::of(seed, "rivals");
        let mut id = [0; 16];
        id[..8].copy_from_slice(&seed.to_le_bytes());
        let limits = FrameLimits {
            batch_records: chance.pick(&[2, 6, 24, 1000]),
            batch_bytes: chance.pick(&[1024, 8 * 1024, 1024 * 1024]),
            frame_bytes: 40 * 1024,
        };
        let log = RivalConnection::new(LogId::new(id), planted);
        let rivals = NAMES.map(|_| {
            let patience = Patience {
                attempts: chance.pick(&[1, 2, 4]),
                pause: Duration::ZERO,
                longest_pause: Duration::ZERO,
                ..Patience::default()
            };
            let succession = chance.pick(&[Succession::Follow, Succession::TakeOver]);
            let engine = opened(&log, limits, patience, succession);
            Rival {
                engine: Arc::new(Mutex::new(engine)),
                patience,
                succession,
            }
        });
        Self {
            chance,
            clock: ClientClock::steady(),
            workload: Workload::new(!seed, steps),
            outstanding: Vec::new(),
            judge: Judge::new(id, limits),
            tally: Tally::default(),
            schedule,
            trace: blake3::Hasher::new(),
            log,
            limits,
            rivals: rivals.into(),
            calls: 0,
            forecasts: BTreeMap::new(),
        }
    }

    /// Lives the story. Answers a fingerprint of everything that was answered and appended.
    pub(crate) fn run(&mut self, steps: u64) -> Judgement<[u8; 32]> {
        self.tally.add(Count::RivalStories);
        self.schedule.note("two writers on one log");
        for step in 1..=steps {
            self.schedule.step = step;
            self.clock.tick(&mut self.chance, &mut self.tally);
            self.step(step)?;
        }
        self.schedule.step = steps + 1;
        self.schedule
            .note("nothing goes wrong any more; all that is on its way arrives");
        self.drain()?;
        self.finish()?;
        self.trace.update(self.log.end_of_log().hash.as_bytes());
        Ok(*self.trace.finalize().as_bytes())
    }

    fn step(&mut self, step: u64) -> Judgement<()> {
        let writer = self.chance.below(2);
        match self
            .chance
            .weighted(&[(70, 0), (12, 1), (10, 2), (4, 3), (4, 4)])
        {
            0 => {
                let requests = self.compose(step);
                let intruding = match self.chance.percent(30) {
                    true => self.compose(step),
                    false => Vec::new(),
                };
                self.batch(writer, requests, intruding, true)
            }
            1 => self.take_over(writer, true),
            2 => self.follow(writer),
            3 => {
                self.schedule
                    .note(format!("{} starts again", NAMES[writer]));
                self.restart(writer)
            }
            _ => self.stand_by(writer),
        }?;
        self.compare(writer)
    }

    /// New requests, and old ones that were not answered, in any order.
    fn compose(&mut self, step: u64) -> Vec<ClientRequest> {
        let most = self.chance.weighted(&[(3, 1), (4, 4), (2, 9), (1, 16)]);
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

    fn commands(&mut self, requests: &[ClientRequest]) -> Vec<Command> {
        let (clock, chance) = (&mut self.clock, &mut self.chance);
        let commands = requests.iter();
        commands
            .map(|request| request.command(clock.read(chance)))
            .collect()
    }

    /// What becomes of the next appends: `None` is that they are answered.
    fn fates(&mut self) -> Vec<Option<AppendInjection>> {
        let count = self.chance.pick(&[0, 0, 1, 2, 4, 6]);
        (0..count)
            .map(|_| {
                let appends = u64::try_from(self.chance.below(4)).expect("below 4");
                self.chance.weighted(&[
                    (3, None),
                    (3, Some(AppendInjection::Refused)),
                    (3, Some(AppendInjection::AnswerLost)),
                    (3, Some(AppendInjection::RequestLost)),
                    (3, Some(AppendInjection::Overtaken { appends })),
                ])
            })
            .collect()
    }

    fn failing_reads(&mut self) -> Vec<bool> {
        match self.chance.percent(25) {
            true => (0..4).map(|_| self.chance.percent(60)).collect(),
            false => Vec::new(),
        }
    }

    /// Sends one batch to a writer, and maybe another one to the other, between two attempts to
    /// append the first.
    fn batch(
        &mut self,
        writer: usize,
        requests: Vec<ClientRequest>,
        intruding: Vec<ClientRequest>,
        troubled: bool,
    ) -> Judgement<()> {
        let labels: Vec<String> = requests.iter().map(ClientRequest::label).collect();
        let (fates, reads) = match troubled {
            true => (self.fates(), self.failing_reads()),
            false => (Vec::new(), Vec::new()),
        };
        self.schedule.note(format!(
            "{}: {}; {fates:?}, failing reads {reads:?}",
            NAMES[writer],
            labels.join(", "),
        ));
        let commands = self.commands(&requests);
        let number = self.next_call();
        let slot: Arc<Mutex<Option<(Vec<Landing>, Answers)>>> = Arc::default();
        let intruder = (!intruding.is_empty()).then(|| {
            let commands = self.commands(&intruding);
            (self.next_call(), commands)
        });
        let intrusion = intruder.as_ref().map(|(number, commands)| {
            let engine = Arc::clone(&self.rivals[1 - writer].engine);
            let (log, number, commands) = (self.log.clone(), *number, commands.clone());
            let slot = Arc::clone(&slot);
            let intrude = move || {
                let landed_before = log.intrude(number);
                let answers = lock(&engine).execute(commands);
                let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
                *slot = Some((landed_before, answers));
            };
            Box::new(intrude) as Box<dyn FnOnce() + Send>
        });
        self.log.begin(number, fates, reads, intrusion);
        let answers = self.rivals[writer].engine().execute(commands.clone());
        let (doubts, failed_reads) = self.log.end();
        self.tally.add_many(Count::Doubts, doubts);
        self.tally.add_many(Count::SharedReads, failed_reads);
        let call = Call {
            number,
            writer,
            requests,
            commands,
            answers,
        };
        let intruded = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
        let intruding = match (intruder, intruded) {
            (Some((number, commands)), Some((landed_before, answers))) => Some(Intruder {
                landed_before,
                call: Call {
                    number,
                    writer: 1 - writer,
                    requests: intruding,
                    commands,
                    answers,
                },
            }),
            (Some(_), None) => {
                // There was no second attempt to come between.
                self.outstanding.extend(intruding);
                None
            }
            (None, _) => None,
        };
        self.judge_calls(call, intruding)
    }

    fn next_call(&mut self) -> u64 {
        self.calls += 1;
        self.calls
    }

    fn judge_calls(&mut self, call: Call, intruding: Option<Intruder>) -> Judgement<()> {
        self.forecast(&call)?;
        let intruding = match intruding {
            Some(Intruder {
                call,
                landed_before,
            }) => {
                self.adopt_all(landed_before)?;
                self.tally.add(Count::Intrusions);
                self.schedule
                    .note(format!("meanwhile, {}", NAMES[call.writer]));
                self.forecast(&call)?;
                Some(call)
            }
            None => None,
        };
        self.adopt_all(self.log.take_landings())?;
        self.judge
            .follow(&self.log.reader_at_rest(), self.judge.reference.head())?;
        self.close(call)?;
        match intruding {
            Some(call) => self.close(call),
            None => Ok(()),
        }
    }

    /// What comes of a call when the log is where the model is.
    fn forecast(&mut self, call: &Call) -> Judgement<()> {
        let base = self.judge.reference.head();
        let foretold = self.judge.foretell(&call.commands, &mut self.tally)?;
        let ends = foretold.ends.windows(2);
        let frames = ends.map(|ends| {
            let records = self.judge.reference.slice(ends[0] + 1..=ends[1]);
            (ends[0] + 1, records)
        });
        let frames = frames.collect();
        self.judge.reference.rewind(base);
        let forecast = Forecast {
            base,
            foretold,
            frames,
            landed: 0,
            is_over: false,
        };
        self.forecasts.insert(call.number, forecast);
        Ok(())
    }

    fn adopt_all(&mut self, landings: Vec<Landing>) -> Judgement<()> {
        landings
            .into_iter()
            .try_for_each(|landing| self.adopt(landing))
    }

    /// A frame has come into the log: it has to be the next one of its call, decided on all that
    /// is before it.
    fn adopt(&mut self, landing: Landing) -> Judgement<()> {
        let first = landing.first;
        let forecast = self.forecasts.get_mut(&landing.call);
        let forecast = forecast.expect("a call is foretold before its frames are looked at");
        Law::Succession.holds(!forecast.is_over, || {
            format!("a frame landed at {first} whose writer had said that nothing was done")
        })?;
        let expected = forecast.frames.get(forecast.landed);
        let is_expected = expected.is_some_and(|(at, records)| {
            *at == first && *records == landing.records && first == self.judge.reference.head() + 1
        });
        Law::Sent.holds(is_expected, || {
            format!("the frame at {first} was decided on another log than it came into")
        })?;
        forecast.landed += 1;
        if landing.is_late {
            self.tally.add(Count::LateLandings);
        }
        self.judge.reference.adopt(&landing.records);
        Ok(())
    }

    /// Compares the answers of a call with what came into the log.
    fn close(&mut self, call: Call) -> Judgement<()> {
        let Call {
            number,
            writer,
            requests,
            answers,
            ..
        } = call;
        self.schedule
            .note(format!("{} {}", NAMES[writer], word(&answers)));
        self.trace.update(word(&answers).as_bytes());
        let forecast = self.forecasts.get_mut(&number);
        let forecast = forecast.expect("it was foretold");
        let error = match answers {
            Ok(mut answers) => {
                marked(&mut answers, forecast.base);
                // By what they say: where an earlier call with the same commands was in doubt, its
                // frame may have arrived instead, and is the same.
                let reference = &self.judge.reference;
                let frames = forecast.frames.iter();
                let missing = frames.filter(|(first, records)| {
                    let last = first + records.len() as u64 - 1;
                    reference.slice(*first..=last) != *records
                });
                let (missing, base) = (missing.count(), forecast.base);
                Law::Acknowledged.holds(missing == 0, || {
                    format!("{missing} frames from {base} on are missing, and all was answered")
                })?;
                for answer in &answers {
                    self.trace.update(shown(answer).as_bytes());
                }
                let Self { judge, tally, .. } = self;
                return judge.answered(&requests, &forecast.foretold, &answers, tally);
            }
            Err(error) => error,
        };
        let (landed, confirmed) = (forecast.landed, self.log.confirmed(number));
        let has_failed = matches!(error, ExecuteError::Failed(_));
        Law::Succession.holds(has_failed || landed <= confirmed, || {
            format!("{landed} frames landed, {confirmed} are known to have, and it says: {error}")
        })?;
        match error {
            ExecuteError::Superseded => {
                forecast.is_over = true;
                self.tally.add(Count::Superseded);
            }
            ExecuteError::Unavailable(_) => {
                forecast.is_over = true;
                self.tally.add(Count::Unavailable);
            }
            ExecuteError::Failed(_) => {
                self.tally.add(Count::DoubtsForGood);
                self.restart(writer)?;
            }
        }
        self.tally
            .add_many(Count::Unanswered, requests.len() as u64);
        for mut request in requests {
            request.again = true;
            self.outstanding.push(request);
        }
        Ok(())
    }

    fn take_over(&mut self, writer: usize, troubled: bool) -> Judgement<()> {
        let reads = match troubled {
            true => self.failing_reads(),
            false => Vec::new(),
        };
        self.log.begin(0, Vec::new(), reads, None);
        let led = self.rivals[writer].engine().leads();
        let taken = self.rivals[writer].engine().take_over();
        let (_, failed) = self.log.end();
        self.tally.add_many(Count::SharedReads, failed);
        self.schedule
            .note(format!("{} takes over: {taken:?}", NAMES[writer]));
        match taken {
            Ok(position) => {
                let end = self.log.end_of_log().position;
                Law::Succession.holds(led || position == end, || {
                    format!("it leads from {position}, the log ends at {end}")
                })?;
                self.tally.add(Count::TakeOvers);
                Ok(())
            }
            Err(ExecuteError::Unavailable(_)) if failed > 0 => Ok(()),
            Err(error) => Err(Law::Succession.broken(format!("it does not take over: {error}"))),
        }
    }

    fn follow(&mut self, writer: usize) -> Judgement<()> {
        let followed = self.rivals[writer].engine().follow();
        self.tally.add(Count::Followed);
        let end = self.log.end_of_log().position;
        let engine = self.rivals[writer].engine();
        let is_there = engine.leads() || followed.as_ref().is_ok_and(|at| *at == end);
        Law::Succession.holds(is_there, || {
            format!("it follows to {followed:?}, the log ends at {end}")
        })
    }

    fn stand_by(&mut self, writer: usize) -> Judgement<()> {
        self.schedule.note(format!("{} stands by", NAMES[writer]));
        let stands = self.rivals[writer].engine().stand_by();
        stands.map_err(|error| Law::Succession.broken(format!("it does not stand by: {error}")))
    }

    /// The process ends, and another one folds the log.
    fn restart(&mut self, writer: usize) -> Judgement<()> {
        let rival = &self.rivals[writer];
        let engine = opened(&self.log, self.limits, rival.patience, rival.succession);
        *rival.engine() = engine;
        Ok(())
    }

    /// A writer that is where the log ends has the model's state.
    fn compare(&mut self, writer: usize) -> Judgement<()> {
        let engine = self.rivals[writer].engine();
        self.judge.laws(engine.book())?;
        let is_current = engine
            .moment()
            .is_some_and(|moment| moment.head == self.log.end_of_log());
        if is_current {
            self.tally.add(Count::Digests);
            self.judge.state(engine.book())?;
        }
        Ok(())
    }

    /// Everything that was sent is answered in the end.
    fn drain(&mut self) -> Judgement<()> {
        self.log.deliver_all();
        self.adopt_all(self.log.take_landings())?;
        let mut rest = self.workload.rest();
        rest.append(&mut self.outstanding);
        self.chance.shuffle(&mut rest);
        let mut rest = rest.into_iter().peekable();
        while rest.peek().is_some() {
            let writer = self.chance.below(2);
            self.rivals.iter().try_for_each(|rival| {
                let stood = rival.engine().stand_by();
                // A leader that was overtaken learns of it when it is asked the next time.
                match stood {
                    Ok(()) | Err(ExecuteError::Superseded) => Ok(()),
                    Err(error) => Err(Law::Succession.broken(error.to_string())),
                }
            })?;
            self.take_over(writer, false)?;
            let size = self.chance.below(12) + 1;
            let requests: Vec<ClientRequest> = rest.by_ref().take(size).collect();
            self.batch(writer, requests, Vec::new(), false)?;
            Law::Succession.holds(self.outstanding.is_empty(), || {
                "nothing goes wrong, and something is not answered".into()
            })?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Judgement<()> {
        for writer in 0..2 {
            let stood = self.rivals[writer].engine().stand_by();
            drop(stood);
            self.take_over(writer, false)?;
            let Self {
                rivals,
                judge,
                tally,
                log,
                ..
            } = self;
            judge.replayed(&log.reader_at_rest(), rivals[writer].engine().book(), tally)?;
        }
        self.judge.finish()?;
        if self.workload.plot == Plot::Convergence {
            let expected =
                Reference::in_peace(self.workload.happened(), *self.log.id().as_bytes())?;
            self.tally.add(Count::Converged);
            let found = self.judge.reference.digest();
            Law::Convergence.holds(found == expected, || {
                format!("the digest is {found}, told in peace it is {expected}")
            })?;
        }
        let head = self.judge.reference.head();
        self.tally.add_many(Count::SharedRecords, head);
        Ok(())
    }
}

fn opened(
    log: &RivalConnection,
    limits: FrameLimits,
    patience: Patience,
    succession: Succession,
) -> Engine<RivalConnection> {
    let opened = Engine::open(log.clone(), Chart::default(), |_| {});
    opened
        .expect("the log can be folded")
        .with_limits(limits)
        .with_patience(patience)
        .with_succession(succession)
}
