//! Load: callers that call, closed loop or open, and how long each call took.
//!
//! In a closed loop each caller waits for its answer before it calls again, so the rate is what
//! the stage gives. In an open loop calls are due at a constant rate, whatever the answers do,
//! and a call's latency counts from the moment when it was due. What waits behind a stall is
//! then counted as late, which a closed loop leaves out.

mod closed;
mod engine;
mod latency;
mod open;
mod pool;

pub use closed::closed_loop;
pub use engine::EngineCaller;
pub use latency::Percentiles;
pub use open::{CallSchedule, CallTimer, Pacer, drive, open_loop};
pub use pool::CallPool;

use std::future::Future;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use crate::{BenchError, per_second};

/// One client: it calls and waits for the answer.
pub trait LoadCaller: Send + 'static {
    /// Makes the next call and waits for its answer. `false` when there is nothing left to
    /// call for; then no call was made.
    ///
    /// # Errors
    /// When the call failed or was refused: the figure would be of something else.
    fn call(&mut self) -> impl Future<Output = Result<bool, BenchError>> + Send;
}

/// What a loop came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoopResult {
    pub calls: u64,
    /// From the first call to the last answer.
    pub elapsed: Duration,
    pub latency: Percentiles,
}

impl LoopResult {
    #[must_use]
    pub fn per_second(&self) -> u64 {
        per_second(self.calls, self.elapsed)
    }
}

/// A worker for each core, as `tillroll serve` has.
///
/// # Errors
/// When the system starts no thread.
pub fn worker_per_core() -> Result<Runtime, BenchError> {
    let built = Builder::new_multi_thread()
        .thread_name("http")
        .enable_all()
        .build();
    built.map_err(BenchError::io("start the async runtime"))
}

/// Two workers, on whatever machine: callers, who have little to do.
///
/// # Errors
/// When the system starts no thread.
pub fn two_workers() -> Result<Runtime, BenchError> {
    let built = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    built.map_err(BenchError::io("start the async runtime"))
}

/// One thread, which leaves the others to who answers.
///
/// # Errors
/// When the system gives no descriptors.
pub fn one_worker() -> Result<Runtime, BenchError> {
    let built = Builder::new_current_thread().enable_all().build();
    built.map_err(BenchError::io("start the async runtime"))
}
