//! Runs seeds and says what they exercised.

mod side_by_side;

use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::process::ExitCode;

use clap::Parser;
use comfy_table::{CellAlignment, LineStyle, Table, TableStyle};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tillroll_simulation::{Count, PlantedBug, SimulationOptions, Tally};

/// Simulates Tillroll's durable core under faults and crashes, one seed after the other.
#[derive(Debug, Parser)]
#[command(name = "tillroll-simulation", version)]
struct Arguments {
    /// How many seeds to run
    #[arg(long, default_value_t = 500, value_name = "N", conflicts_with = "seed")]
    seeds: u64,
    /// The first of them
    #[arg(
        long,
        default_value_t = 0,
        value_name = "SEED",
        conflicts_with = "seed"
    )]
    start: u64,
    /// Run this seed alone
    #[arg(long, value_name = "SEED")]
    seed: Option<u64>,
    /// Batches of each seed's story
    #[arg(long, default_value_t = SimulationOptions::default().steps, value_name = "N")]
    steps: u64,
    /// Compare read models with a replay every so many seeds; 0 for never
    #[arg(long, default_value_t = SimulationOptions::default().read_models_every, value_name = "N")]
    read_models_every: u64,
    /// Tell a story of two writers on one log, too, every so many seeds; 0 for never
    #[arg(long, default_value_t = SimulationOptions::default().rivals_every, value_name = "N")]
    rivals_every: u64,
    /// Run every so many seeds twice and compare the bytes; 0 for never
    #[arg(long, default_value_t = SimulationOptions::default().twice_every, value_name = "N")]
    twice_every: u64,
    /// Threads; as many as there are cores unless told otherwise. What is found is the same
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Plant a bug that has to be found
    #[arg(long, value_name = "BUG", value_parser = planted)]
    plant: Option<PlantedBug>,
    /// Tell what happens, on standard error
    #[arg(long)]
    verbose: bool,
}

fn planted(name: &str) -> Result<PlantedBug, String> {
    let mut all = PlantedBug::ALL.into_iter();
    all.find(|planted| planted.name() == name).ok_or_else(|| {
        let names = PlantedBug::ALL.map(PlantedBug::name);
        format!("one of {}", names.join(", "))
    })
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let options = SimulationOptions {
        steps: arguments.steps,
        read_models_every: arguments.read_models_every,
        rivals_every: arguments.rivals_every,
        twice_every: arguments.twice_every,
        planted: arguments.plant,
        verbose: arguments.verbose,
    };
    let (start, seeds) = match arguments.seed {
        Some(seed) => (seed, 1),
        None => (arguments.start, arguments.seeds),
    };
    let bar = bar(seeds, arguments.verbose);
    let mut tally = Tally::default();
    let mut kept = 0;
    let mut failed = None;
    let mut fingerprints = blake3::Hasher::new();
    let jobs = match arguments.verbose {
        // Two stories at once cannot be read.
        true => Some(NonZeroUsize::MIN),
        false => arguments.jobs.or(std::thread::available_parallelism().ok()),
    };
    let jobs = jobs.unwrap_or(NonZeroUsize::MIN);
    let seeds = start..start.saturating_add(seeds);
    side_by_side::run(seeds, jobs, &options, |end| {
        match end {
            Ok(run) => {
                tally.merge(&run.tally);
                fingerprints.update(&run.fingerprint);
            }
            Err(failure) => {
                tally.merge(&failure.tally);
                failed = Some(failure);
                return ControlFlow::Break(());
            }
        }
        kept += 1;
        bar.inc(1);
        // A bar over what is done within a second would only flicker.
        if bar.is_hidden() && !arguments.verbose && bar.elapsed().as_secs() >= 1 {
            bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        ControlFlow::Continue(())
    });
    let seconds = bar.elapsed().as_secs();
    bar.finish_and_clear();
    println!("{}", exercised(&tally));
    match failed {
        None => {
            println!("{kept} seeds from {start} kept every promise, in {seconds} s");
            // Of every answer and every byte: what changes it has changed what seeds do.
            println!(
                "fingerprint of them all: {}",
                fingerprints.finalize().to_hex()
            );
            ExitCode::SUCCESS
        }
        Some(failure) => {
            println!("{kept} seeds kept every promise, and then:");
            println!("{failure}");
            ExitCode::FAILURE
        }
    }
}

fn bar(seeds: u64, verbose: bool) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(seeds), ProgressDrawTarget::hidden());
    if verbose {
        return bar;
    }
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} seeds, {per_sec}, {eta} left");
    bar.with_style(style.expect("the template is fixed").progress_chars("=> "))
}

const STYLE: TableStyle =
    TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// What was exercised, zeros included: they say what the run proves nothing about.
fn exercised(tally: &Tally) -> Table {
    let mut table = Table::new();
    table.load_style(STYLE);
    table.set_header(["", "exercised", "times"]);
    let mut group = "";
    for count in Count::ALL {
        let (of, text) = count.text();
        let shown = if of == group { "" } else { of };
        group = of;
        let times = match tally.of(*count) {
            0 => "never".to_owned(),
            times => times.to_string(),
        };
        table.add_row([shown, text, &times]);
    }
    for (index, (code, times)) in tally.refusals().enumerate() {
        let group = if index == 0 { "refusals by code" } else { "" };
        table.add_row([group, code, &times.to_string()]);
    }
    if let Some(times) = table.column_mut(2) {
        times.set_cell_alignment(CellAlignment::Right);
    }
    table
}
