//! TigerBeetle's own `benchmark`: it formats a data file in the current directory, starts one
//! replica on it, loads it over a socket, and prints what it measured.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::ours::{TransferWork, run};
use super::program::output;
use super::{Comparison, ComparisonOptions, Round, alternate};
use crate::load::Percentiles;
use crate::stages::grouped;
use crate::workload::Ids;
use crate::{BenchError, BenchScratch, Machine};

/// The most that one of its messages holds, and its benchmark's default.
pub const BATCH: usize = 8_189;

const MISSING: &str =
    "tillroll-bench --against tigerbeetle=PATH, where PATH is a binary from its releases";

/// Its binary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TigerBeetle {
    pub binary: PathBuf,
}

impl TigerBeetle {
    /// Both in turn, on the disk below a directory. `progress` is told the rounds.
    ///
    /// # Errors
    /// When either cannot be run, or prints what is not understood.
    pub fn compare(
        &self,
        versus: ComparisonOptions,
        directory: &Path,
        mut progress: impl FnMut(&str),
    ) -> Result<Comparison, BenchError> {
        let batch = versus.batch.unwrap_or(BATCH);
        let clients = versus.clients.unwrap_or(1);
        let work = TransferWork {
            transfers: versus.transfers,
            accounts: versus.accounts,
            batch,
            clients,
            ids: versus.ids,
            // Its benchmark opens accounts without limits.
            limits: false,
        };
        let scratch = std::cell::RefCell::new(BenchScratch::below(directory)?);
        let progress = std::cell::RefCell::new(&mut progress);
        let name = match (batch, clients) {
            (1, 1) => "single transfers, 1 client".to_owned(),
            (1, many) => format!("single transfers, {many} clients"),
            (batch, 1) => format!("batches of {}, 1 client", grouped(batch)),
            (batch, many) => format!("batches of {}, {many} clients", grouped(batch)),
        };
        let row = alternate(
            versus.rounds,
            name,
            || {
                progress.borrow_mut()("TigerBeetle");
                self.run(&work, &scratch.borrow_mut().fresh()?)
            },
            || {
                progress.borrow_mut()("tillroll");
                run(&work, &scratch.borrow_mut().fresh()?)
            },
        )?;
        let machine = Machine::of(scratch.borrow().path());
        Ok(Comparison {
            peer: "TigerBeetle".into(),
            versus,
            rows: vec![row],
            differences: differences(),
            machine,
        })
    }

    fn run(&self, work: &TransferWork, directory: &Path) -> Result<Round, BenchError> {
        let binary = self.binary.canonicalize();
        let binary = binary.map_err(|error| BenchError::Program {
            program: "TigerBeetle".into(),
            why: format!("{}: {error}", self.binary.display()),
            next: Some(MISSING.into()),
        })?;
        let run = |batch_flag| {
            let mut command = Command::new(&binary);
            command.args(arguments(work, batch_flag));
            output(command.current_dir(directory), MISSING)
        };
        let printed = match run(BATCH_FLAGS[0]) {
            // It reads its arguments before it does anything.
            Err(BenchError::Program { why, .. }) if why.contains(BATCH_FLAGS[0]) => {
                run(BATCH_FLAGS[1])
            }
            ran => ran,
        }?;
        parse(&printed).ok_or_else(|| BenchError::Program {
            program: "TigerBeetle".into(),
            why: format!("it printed no `load accepted = N tx/s`: {printed:?}"),
            next: None,
        })
    }
}

/// What its command line calls the transfers in a request: this, or in older versions (0.16.78 is
/// one) that.
pub const BATCH_FLAGS: [&str; 2] = ["--transfer-batch-size", "--transfer-batch-count"];

/// Its flags.
#[must_use]
pub fn arguments(work: &TransferWork, batch_flag: &str) -> Vec<String> {
    let order = match work.ids {
        Ids::Increasing => "sequential",
        Ids::Random => "random",
    };
    let mut arguments = vec![
        "benchmark".to_owned(),
        format!("--transfer-count={}", work.transfers),
        format!("{batch_flag}={}", work.batch),
        format!("--account-count={}", work.accounts),
        format!("--id-order={order}"),
    ];
    if work.clients != 1 {
        arguments.push(format!("--clients={}", work.clients));
    }
    arguments
}

/// What it prints when it has loaded: `load accepted = N tx/s`, and lines of
/// `batch latency pN = M ms`. Latencies are whole milliseconds, and there is no p99.9: the
/// maximum stands for it.
#[must_use]
pub fn parse(printed: &str) -> Option<Round> {
    let mut round = Round::default();
    let mut accepted = None;
    for line in printed.lines() {
        let Some((name, value)) = line.split_once(" = ") else {
            continue;
        };
        let number = value.split_whitespace().next();
        let number = number.and_then(|number| number.parse::<u64>().ok());
        match (name.trim(), number) {
            ("load accepted", Some(rate)) => accepted = Some(rate),
            ("rss" | "datafile" | "datafile empty", Some(_)) => {
                round.notes.push(line.trim().to_owned());
            }
            (name, Some(millis)) => {
                if let Some(percentile) = name.strip_prefix("batch latency p") {
                    set(&mut round.latency, percentile, millis * 1_000_000);
                }
            }
            (_, None) => {}
        }
    }
    round.per_second = accepted?;
    Some(round)
}

fn set(latency: &mut Percentiles, percentile: &str, nanos: u64) {
    match percentile {
        "50" => latency.p50 = nanos,
        "99" => latency.p99 = nanos,
        "100" => (latency.p999, latency.max) = (nanos, nanos),
        _ => {}
    }
}

fn differences() -> Vec<String> {
    [
        "both: durable before the answer, one machine, unique ids over all history, no limits on the accounts",
        "TigerBeetle also writes its indexes before it answers: transfers can be found by id and account at once; ours can be found when the read models have followed (see the notes)",
        "TigerBeetle speaks a binary protocol of 128 bytes a transfer; ours is JSON over HTTP with text names and ids, about 200 bytes",
        "TigerBeetle replicates when it is given more replicas; ours does not",
        "ours takes entries of many postings in many units, and keeps the history of balances in the read models; TigerBeetle's benchmark has transfers between two accounts and no history",
        "its latencies are whole milliseconds; its p99.9 is its maximum",
    ]
    .map(str::to_owned)
    .into()
}
