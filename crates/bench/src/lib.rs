//! How fast this is, and how fast the machine would let it be.
//!
//! Purpose: measure every stage from the core in memory to a request over HTTP, put the bound
//! of the same machine beside each figure, measured in the same run, and say which figures are
//! durable. It also holds the workload that the criterion benches share, measures what things
//! take in memory, and runs other ledgers on the same disk for comparison.
//!
//! Invariants: what a figure counts was done (one refusal or failure ends the run); a bound is
//! measured without the code that it bounds; the open loop counts a call's latency from when it
//! was due; all work is drawn from fixed seeds.
//!
//! It is not: a test (nothing here fails because it is slow), nor a way into the book of its
//! own: it uses what the other crates offer to all.

pub mod against;
pub mod bounds;
mod chart;
pub mod command;
mod error;
mod figure;
pub mod http;
pub mod load;
mod machine;
mod memory;
mod plan;
mod rate;
mod reads;
mod report;
mod scratch;
pub mod stages;
mod threads;
pub mod workload;

pub use chart::chart;
pub use error::BenchError;
pub use figure::{Bound, Figure, LoadShape};
pub use machine::Machine;
pub use memory::{MemoryUse, THINGS, memory};
pub use plan::{BenchPlan, Size};
pub use rate::{median, nanos, per_second, permille};
pub use reads::{ReadCost, ReadSample, read_costs};
pub use report::{BenchOptions, BenchReport, commit, measure};
pub use scratch::{BenchScratch, FileEngine, execute, memory_engine};
pub use stages::BenchStage;
pub use threads::ThreadTimes;

use std::time::{Duration, Instant};

/// How long something took.
pub fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let started = Instant::now();
    let made = work();
    (made, started.elapsed())
}
