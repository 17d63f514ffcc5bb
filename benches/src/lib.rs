//! The workload that the benchmarks share: accounts and entries, Stripe's webhooks, logs, and a
//! place on a real disk.
//!
//! Everything is made from seeds and counters, before the clock starts. What a benchmark
//! measures, and what it does not, is in its own file and in `README.md`.

mod clients;
mod entries;
mod logs;
mod scratch;
mod webhooks;

pub use clients::{Clients, runtime};
pub use entries::{Entries, Legs, at, id};
pub use logs::{bulk_log, bulk_log_of, commerce_log};
pub use scratch::{FileEngine, Scratch};
pub use webhooks::{Delivery, SECRET, Webhooks};

use std::time::{Duration, Instant};

/// How long something took.
pub fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let started = Instant::now();
    let made = work();
    (made, started.elapsed())
}
