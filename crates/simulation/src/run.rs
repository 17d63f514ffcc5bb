//! Running one seed, and what a failure says.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::law::{Finding, Judgement, Law};
use crate::planted::PlantedBug;
use crate::rivals::Rivals;
use crate::schedule::Schedule;
use crate::simulation::Simulation;
use crate::tally::{Count, Tally};

/// How seeds are run. Together with the seed, it decides everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SimulationOptions {
    /// Batches, before all that is on its way arrives.
    pub steps: u64,
    /// Every so many seeds, the read models are compared too. 0: never.
    pub read_models_every: u64,
    /// Every so many seeds, two writers on one log have a story as well. 0: never.
    pub rivals_every: u64,
    /// Every so many seeds are run twice, and must give the same bytes. 0: never.
    pub twice_every: u64,
    /// A bug to be found.
    pub planted: Option<PlantedBug>,
    /// Tells the story on standard error while it happens.
    pub verbose: bool,
}

impl Default for SimulationOptions {
    fn default() -> Self {
        Self {
            steps: 40,
            read_models_every: 16,
            rivals_every: 4,
            twice_every: 16,
            planted: None,
            verbose: false,
        }
    }
}

/// A seed that kept every promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeedRun {
    /// Of every answer and of every image that a crash left: the same for the same seed.
    pub fingerprint: [u8; 32],
    pub tally: Tally,
}

/// A seed that broke a promise.
#[derive(Clone, Debug, thiserror::Error)]
pub struct FailedSeed {
    pub seed: u64,
    pub step: u64,
    pub law: Law,
    pub detail: String,
    pub options: SimulationOptions,
    /// What happened until then, a line each.
    pub schedule: Vec<String>,
    /// What had been exercised.
    pub tally: Tally,
}

impl FailedSeed {
    /// The command that runs this seed again.
    #[must_use]
    pub fn command(&self) -> String {
        let mut command = format!(
            "cargo run -p tillroll-simulation --release -- --seed {}",
            self.seed
        );
        if self.options.steps != SimulationOptions::default().steps {
            command += &format!(" --steps {}", self.options.steps);
        }
        if let Some(planted) = self.options.planted {
            command += &format!(" --plant {}", planted.name());
        }
        command + " --verbose"
    }
}

impl fmt::Display for FailedSeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}, step {}", self.seed, self.step)?;
        writeln!(f, "broken: {}", self.law)?;
        writeln!(f, "found:  {}", self.detail)?;
        writeln!(f, "schedule so far:")?;
        for line in &self.schedule {
            writeln!(f, "  {line}")?;
        }
        write!(f, "replay: {}", self.command())
    }
}

/// Runs a seed.
///
/// # Errors
/// The first promise that was broken, with everything that is needed to see it again.
pub fn simulate(seed: u64, options: &SimulationOptions) -> Result<SeedRun, Box<FailedSeed>> {
    let mut run = once(seed, options)?;
    // Others than those whose read models are compared: that would only be done again.
    if every(
        options.twice_every,
        seed.wrapping_add(options.twice_every / 2),
    ) {
        let quietly = SimulationOptions {
            verbose: false,
            ..*options
        };
        let again = once(seed, &quietly)?;
        if again != run {
            let finding = Law::Repetition.broken("the second run went another way");
            let schedule = Schedule::new(false);
            return Err(failed(seed, options, finding, schedule, run.tally));
        }
        run.tally.add(Count::Repeated);
    }
    Ok(run)
}

fn every(times: u64, seed: u64) -> bool {
    times > 0 && seed.is_multiple_of(times)
}

fn once(seed: u64, options: &SimulationOptions) -> Result<SeedRun, Box<FailedSeed>> {
    let mut schedule = Schedule::new(options.verbose);
    let mut tally = Tally::default();
    let story = AssertUnwindSafe(|| {
        let mut fingerprint = blake3::Hasher::new();
        let of_rivals = options.planted.map(PlantedBug::is_of_rivals);
        if of_rivals != Some(true) {
            fingerprint.update(&on_a_disk(seed, options, &mut schedule, &mut tally)?);
        }
        if of_rivals == Some(true) || (of_rivals.is_none() && every(options.rivals_every, seed)) {
            fingerprint.update(&of_two_writers(seed, options, &mut schedule, &mut tally)?);
        }
        Ok(*fingerprint.finalize().as_bytes())
    });
    let end = catch_unwind(story).unwrap_or_else(|panic| Err(Law::Panics.broken(text_of(&*panic))));
    match end {
        Ok(fingerprint) => Ok(SeedRun { fingerprint, tally }),
        Err(finding) => Err(failed(seed, options, finding, schedule, tally)),
    }
}

fn on_a_disk(
    seed: u64,
    options: &SimulationOptions,
    schedule: &mut Schedule,
    tally: &mut Tally,
) -> Judgement<[u8; 32]> {
    let read_models = every(options.read_models_every, seed);
    let SimulationOptions { steps, planted, .. } = *options;
    let mut simulation = Simulation::new(seed, steps, planted, read_models, schedule);
    let end = simulation.run(steps);
    tally.merge(&simulation.tally);
    end
}

fn of_two_writers(
    seed: u64,
    options: &SimulationOptions,
    schedule: &mut Schedule,
    tally: &mut Tally,
) -> Judgement<[u8; 32]> {
    let SimulationOptions { steps, planted, .. } = *options;
    let mut rivals = Rivals::new(seed, steps, planted, schedule);
    let end = rivals.run(steps);
    tally.merge(&rivals.tally);
    end
}

fn failed(
    seed: u64,
    options: &SimulationOptions,
    finding: Finding,
    schedule: Schedule,
    tally: Tally,
) -> Box<FailedSeed> {
    Box::new(FailedSeed {
        seed,
        step: schedule.step,
        law: finding.law,
        detail: finding.detail,
        options: *options,
        schedule: schedule.into_lines(),
        tally,
    })
}

pub(crate) fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
    text.unwrap_or_else(|| "a panic without words".into())
}
