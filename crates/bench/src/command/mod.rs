//! The command line of `tillroll-bench`: arguments and tables. [`run_in`] takes the arguments and a
//! console, so that a test sees what a person would see.

mod tables;
mod target;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use clap::{Parser, ValueEnum};
use serde_json::json;
use tempfile::TempDir;
use tillroll_runtime::{BookClock, SystemClock};
use tillroll_terminal::{Console, Exit, Signals, Stop, cannot, logs};

use crate::against::{Comparison, ComparisonOptions};
use crate::workload::Ids;
use crate::{
    BenchError, BenchOptions, BenchPlan, BenchStage, ReadSample, Size, THINGS, chart, measure,
    memory, read_costs,
};
use target::Peer;

/// Measure every stage beside the bounds of this machine
///
/// From the log and the engine to requests over HTTP, durable figures first. Each figure stands
/// beside the bound of the same machine, measured in the same run: what the disk, the memory, the
/// hash or an HTTP server that does nothing give by themselves.
#[derive(Debug, Parser)]
#[command(
    name = "tillroll-bench",
    version,
    max_term_width = 100,
    after_help = "Examples:
  tillroll-bench --quick                under a minute
  tillroll-bench --data /mnt/disk --plot bench.svg
  tillroll-bench --only http engine --json
  tillroll-bench --memory
  tillroll-bench --reads --full         reads on 10,000 and on a million orders: some minutes
  tillroll-bench --against tigerbeetle=./tigerbeetle --rounds 5
  tillroll-bench --against postgres=postgres://user@localhost/database"
)]
struct BenchArguments {
    /// Less of everything, in under a minute
    #[arg(long, conflicts_with = "full")]
    quick: bool,
    /// Ten million accounts, and runs that outgrow the caches
    #[arg(long)]
    full: bool,
    /// Measure only these stages
    #[arg(long, value_name = "STAGE", num_args = 1.., value_delimiter = ',', value_parser = stage)]
    only: Vec<BenchStage>,
    /// Where durable files go, in a new directory that is removed at the end
    #[arg(long, value_name = "DIR", default_value = ".")]
    data: PathBuf,
    /// Draw stages against bounds into this file, as SVG
    #[arg(long, value_name = "FILE", conflicts_with_all = ["memory", "against"])]
    plot: Option<PathBuf>,
    /// Measure instead what accounts, entries and orders take in memory
    #[arg(long, conflicts_with_all = ["only", "against"])]
    memory: bool,
    /// Measure instead what reads take on a small book and on a large one
    #[arg(long, conflicts_with_all = ["only", "against", "memory", "plot"])]
    reads: bool,
    /// Compare instead with another ledger on the same disk: tigerbeetle=PATH of its binary, or
    /// postgres=URL of a database in which the schema tillroll_bench may be made
    #[arg(long, value_name = "NAME=WHERE", conflicts_with = "only")]
    against: Vec<Peer>,
    /// Rounds of each side of a comparison
    #[arg(long, value_name = "N", default_value_t = 3, requires = "against")]
    rounds: u32,
    /// Transfers in each round [default: 1,000,000 against TigerBeetle, 100,000 against
    /// PostgreSQL]
    #[arg(long, value_name = "N", requires = "against")]
    transfers: Option<u32>,
    /// Accounts in a comparison
    #[arg(long, value_name = "N", default_value_t = 10_000, requires = "against", value_parser = clap::value_parser!(u32).range(2..10_000_000))]
    accounts: u32,
    /// Transfers in a request [default: 8,189 against TigerBeetle, 1 and 1,000 against
    /// PostgreSQL]
    #[arg(long, value_name = "N", requires = "against", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    batch: Option<u32>,
    /// Clients with a request under way each [default: 1; 16 for single transfers against
    /// PostgreSQL]
    #[arg(long, value_name = "N", requires = "against", value_parser = clap::value_parser!(u32).range(1..=1024))]
    clients: Option<u32>,
    /// How the ids of transfers follow each other
    #[arg(
        long,
        value_name = "ORDER",
        default_value = "sequential",
        requires = "against"
    )]
    id_order: IdOrder,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum IdOrder {
    Sequential,
    Random,
}

fn stage(text: &str) -> Result<BenchStage, String> {
    BenchStage::parse(text).ok_or_else(|| {
        let known = BenchStage::ALL.map(BenchStage::as_str).join(", ");
        format!("no such stage: {known}")
    })
}

/// Runs a command line, of which the first argument is the program's name.
pub fn run_in(
    args: impl IntoIterator<Item = impl Into<OsString> + Clone>,
    console: &mut Console<'_>,
) -> Exit {
    let args = match BenchArguments::try_parse_from(args) {
        Ok(args) => args,
        Err(error) => return console.explain(&error),
    };
    if console.is_process() {
        logs::start(true);
    }
    let ended = run(&args, console);
    console.end(ended)
}

fn run(args: &BenchArguments, console: &mut Console<'_>) -> Result<(), Stop> {
    let directory = Directory::below(&args.data, console)?;
    if args.memory {
        return held(args, console);
    }
    if args.reads {
        return asked(args, directory.path(), console);
    }
    if !args.against.is_empty() {
        return compare(args, directory.path(), console);
    }
    let options = BenchOptions {
        size: args.size(),
        stages: match args.only.is_empty() {
            true => BenchStage::ALL.into(),
            false => args.only.clone(),
        },
        directory: directory.path().to_owned(),
    };
    let at = SystemClock.now();
    let mut progress = console.progress("measuring", options.stages.len() as u64);
    let report = measure(&options, at, |done, what| {
        progress.set(done as u64, || what.to_owned());
    });
    drop(progress);
    let report = report.map_err(stop)?;
    for warning in &report.warnings {
        console.note(format!("warning: {warning}"))?;
    }
    if let Some(path) = &args.plot {
        fs::write(path, chart(&report))
            .map_err(|error| cannot(&format!("write {}", path.display()), &error))?;
    }
    match args.json {
        true => console.json(&report.json()),
        false => tables::report(&report, console),
    }
}

impl BenchArguments {
    fn size(&self) -> Size {
        match (self.quick, self.full) {
            (true, _) => Size::Quick,
            (false, true) => Size::Full,
            (false, false) => Size::Normal,
        }
    }

    fn versus(&self, target: &Peer) -> ComparisonOptions {
        let many = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        ComparisonOptions {
            rounds: many(self.rounds),
            transfers: many(self.transfers.unwrap_or(target.transfers())),
            accounts: many(self.accounts),
            batch: self.batch.map(many),
            clients: self.clients.map(many),
            ids: match self.id_order {
                IdOrder::Sequential => Ids::Increasing,
                IdOrder::Random => Ids::Random,
            },
        }
    }
}

fn held(args: &BenchArguments, console: &mut Console<'_>) -> Result<(), Stop> {
    let mut progress = console.progress("growing a book", THINGS as u64);
    let things = memory(&BenchPlan::of(args.size()), |done, what| {
        progress.set(done as u64, || what.to_owned());
    });
    drop(progress);
    let things = things.map_err(stop)?;
    if !args.json {
        return tables::held(&things, console);
    }
    let things = things.iter().map(|held| {
        json!({
            "thing": held.thing,
            "count": held.count,
            "bytes": held.bytes,
            "bytes_each": held.each(),
        })
    });
    console.json(&json!({
        "object": "bench_memory",
        "size": args.size().as_str(),
        "held": things.collect::<Vec<_>>(),
    }))
}

fn asked(args: &BenchArguments, directory: &Path, console: &mut Console<'_>) -> Result<(), Stop> {
    let plan = BenchPlan::of(args.size());
    let mut progress = console.progress("asking", 2);
    let costs = read_costs(&plan, directory, |done, what| {
        progress.set(done as u64, || what.to_owned());
    });
    drop(progress);
    let costs = costs.map_err(stop)?;
    if !args.json {
        return tables::reads(plan.read_orders, &costs, console);
    }
    let sample = |sample: &ReadSample| {
        json!({
            "p50_ns": u64::try_from(sample.p50.as_nanos()).unwrap_or(u64::MAX),
            "rows": sample.rows,
            "bytes": sample.bytes,
        })
    };
    let costs = costs.iter().map(|cost| {
        json!({
            "read": cost.read,
            "small": sample(&cost.small),
            "large": sample(&cost.large),
        })
    });
    console.json(&json!({
        "object": "bench_reads",
        "size": args.size().as_str(),
        "orders": [plan.read_orders.0, plan.read_orders.1],
        "reads": costs.collect::<Vec<_>>(),
    }))
}

fn compare(args: &BenchArguments, directory: &Path, console: &mut Console<'_>) -> Result<(), Stop> {
    let mut comparisons: Vec<Comparison> = Vec::new();
    for target in &args.against {
        let mut progress = console.progress("comparing", 0);
        let mut runs = 0;
        let compared = target.compare(args.versus(target), directory, |who| {
            progress.set(runs, || who.to_owned());
            runs += 1;
        });
        drop(progress);
        comparisons.push(compared.map_err(stop)?);
    }
    if args.json {
        let comparisons: Vec<_> = comparisons.iter().map(Comparison::json).collect();
        return console.json(&json!({
            "object": "bench_against",
            "version": env!("CARGO_PKG_VERSION"),
            "commit": crate::commit(),
            "date": SystemClock.now().to_string(),
            "comparisons": comparisons,
        }));
    }
    comparisons
        .iter()
        .try_for_each(|comparison| tables::comparison(comparison, console))
}

fn stop(error: BenchError) -> Stop {
    match error {
        BenchError::Program {
            next: Some(ref next),
            ..
        } => {
            let next = next.clone();
            Stop::failed(error).next(next)
        }
        error => Stop::failed(error),
    }
}

/// Gone at the end, also when the end is a signal: it may hold gigabytes.
struct Directory(TempDir);

impl Directory {
    fn below(root: &Path, console: &Console<'_>) -> Result<Self, Stop> {
        let doing = format!("make a directory in {}", root.display());
        let made = fs::create_dir_all(root).and_then(|()| {
            let prefix = "tillroll-bench-";
            tempfile::Builder::new().prefix(prefix).tempdir_in(root)
        });
        let directory = made.map_err(|error| cannot(&doing, &error))?;
        // A process that runs tests keeps its signals.
        if console.is_process() {
            let path = directory.path().to_owned();
            std::thread::spawn(move || remove_at_signal(&path));
        }
        Ok(Self(directory))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

fn remove_at_signal(path: &Path) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let Ok(runtime) = runtime else {
        return;
    };
    let signalled = runtime.block_on(async {
        match Signals::catch() {
            Ok(signals) => {
                signals.stop().await;
                true
            }
            Err(_) => false,
        }
    });
    if signalled {
        // What cannot be removed stays, and the file system's own tools remove it.
        drop(fs::remove_dir_all(path));
        std::process::exit(1);
    }
}
