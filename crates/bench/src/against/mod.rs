//! Other ledgers on the same disk, in turn with ours: N rounds of the same number of transfers
//! among the same number of accounts in batches of the same size, and medians.
//!
//! It runs what the others offer themselves (TigerBeetle's own benchmark, PostgreSQL's pgbench
//! with stored procedures of ours) and reads what they print. What is not the same work is said
//! beside the figures: a ratio without it would be a boast.

mod ours;
mod postgres;
mod program;
pub mod tigerbeetle;

use std::cell::RefCell;
use std::path::Path;

use serde_json::{Value, json};

use crate::load::Percentiles;
use crate::report::{latency, machine};
use crate::workload::Ids;
use crate::{BenchError, BenchScratch, Machine, median};

pub use ours::{TransferWork, run as run_ours};
pub use postgres::Postgres;
pub use tigerbeetle::TigerBeetle;

/// The amounts of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ComparisonOptions {
    pub rounds: usize,
    /// Transfers in each round.
    pub transfers: usize,
    pub accounts: usize,
    /// Transfers in a request; the peer's own when not said.
    pub batch: Option<usize>,
    /// Clients with one request under way each; the peer's own when not said.
    pub clients: Option<usize>,
    pub ids: Ids,
}

/// One run of either.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Round {
    pub per_second: u64,
    /// Of requests.
    pub latency: Percentiles,
    /// What else it said: memory, size of files.
    pub notes: Vec<String>,
}

/// The same work, done by both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComparisonRow {
    /// `batches of 8,189, 1 client`
    pub work: String,
    pub theirs: Vec<Round>,
    pub ours: Vec<Round>,
}

/// What came of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    pub peer: String,
    pub versus: ComparisonOptions,
    pub rows: Vec<ComparisonRow>,
    /// Where the two do different work.
    pub differences: Vec<String>,
    pub machine: Machine,
}

fn middle(rounds: &[Round], of: impl Fn(&Round) -> u64) -> u64 {
    median(rounds.iter().map(of).collect())
}

impl ComparisonRow {
    #[must_use]
    pub fn their_rate(&self) -> u64 {
        middle(&self.theirs, |round| round.per_second)
    }

    #[must_use]
    pub fn our_rate(&self) -> u64 {
        middle(&self.ours, |round| round.per_second)
    }

    /// Percentiles, each the median of its rounds.
    #[must_use]
    pub fn latency(rounds: &[Round]) -> Percentiles {
        Percentiles {
            p50: middle(rounds, |round| round.latency.p50),
            p99: middle(rounds, |round| round.latency.p99),
            p999: middle(rounds, |round| round.latency.p999),
            max: middle(rounds, |round| round.latency.max),
        }
    }

    /// Ours in thousandths of theirs.
    #[must_use]
    pub fn ratio(&self) -> Option<u64> {
        crate::permille(self.our_rate(), self.their_rate())
    }
}

impl Comparison {
    /// For programs.
    #[must_use]
    pub fn json(&self) -> Value {
        let side = |rounds: &[Round], rate: u64| {
            json!({
                "per_second": rate,
                "latency_nanos": latency(ComparisonRow::latency(rounds)),
                "rounds": rounds.iter().map(|round| round.per_second).collect::<Vec<_>>(),
                "notes": rounds.last().map(|round| &round.notes),
            })
        };
        json!({
            "peer": self.peer,
            "transfers": self.versus.transfers,
            "accounts": self.versus.accounts,
            "durable": true,
            "machine": machine(&self.machine),
            "work": self.rows.iter().map(|row| json!({
                "work": row.work,
                "theirs": side(&row.theirs, row.their_rate()),
                "ours": side(&row.ours, row.our_rate()),
                "permille": row.ratio(),
            })).collect::<Vec<_>>(),
            "differences": self.differences,
        })
    }
}

/// Runs each side once a round, in turn, so that a machine that slows down slows both.
pub(crate) fn alternate(
    rounds: usize,
    work: String,
    mut theirs: impl FnMut() -> Result<Round, BenchError>,
    mut ours: impl FnMut() -> Result<Round, BenchError>,
) -> Result<ComparisonRow, BenchError> {
    let mut row = ComparisonRow {
        work,
        theirs: Vec::new(),
        ours: Vec::new(),
    };
    for _ in 0..rounds.max(1) {
        row.theirs.push(theirs()?);
        row.ours.push(ours()?);
    }
    Ok(row)
}

/// The same work by both, in turn, each time in an empty directory. `progress` is told whose turn
/// it is.
fn in_turn(
    peer: &str,
    rounds: usize,
    work: &TransferWork,
    scratch: &mut BenchScratch,
    progress: &mut dyn FnMut(&str),
    mut theirs: impl FnMut(&TransferWork, &Path) -> Result<Round, BenchError>,
) -> Result<ComparisonRow, BenchError> {
    let turns = RefCell::new((scratch, progress));
    let turn_of = |who: &str| {
        let (scratch, progress) = &mut *turns.borrow_mut();
        progress(who);
        scratch.fresh()
    };
    alternate(
        rounds,
        work.name(),
        || theirs(work, &turn_of(peer)?),
        || run_ours(work, &turn_of("tillroll")?),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(per_second: u64) -> Round {
        Round {
            per_second,
            ..Round::default()
        }
    }

    #[test]
    fn the_two_take_turns_and_the_median_counts() {
        let (mut theirs, mut ours) = ([100, 900, 200].iter(), [1_000, 10, 500].iter());
        let order = std::cell::RefCell::new(String::new());
        let row = alternate(
            3,
            "x".into(),
            || {
                order.borrow_mut().push('t');
                Ok(round(*theirs.next().unwrap()))
            },
            || {
                order.borrow_mut().push('o');
                Ok(round(*ours.next().unwrap()))
            },
        )
        .unwrap();
        assert_eq!(order.into_inner(), "tototo");
        assert_eq!((row.their_rate(), row.our_rate()), (200, 500));
        assert_eq!(row.ratio(), Some(2_500));
    }
}
