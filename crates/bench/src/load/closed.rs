//! The closed loop: every caller waits for an answer before calling again.

use std::time::{Duration, Instant};

use super::{LoadCaller, LoopResult, Percentiles};
use crate::{BenchError, nanos};

/// Lets all callers call until the time is over or nothing is left to call for. Each calls
/// at least once, also where the machine is so busy that the time is over before.
///
/// # Errors
/// The first call that failed.
///
/// # Panics
/// When a caller panics; outside of an async runtime.
pub async fn closed_loop<C: LoadCaller>(
    callers: Vec<C>,
    limit: Duration,
) -> Result<LoopResult, BenchError> {
    let started = Instant::now();
    let tasks: Vec<_> = callers
        .into_iter()
        .map(|caller| tokio::spawn(calls(caller, started, limit)))
        .collect();
    let mut all = Vec::new();
    for task in tasks {
        all.append(&mut task.await.expect("a caller does not panic")?);
    }
    let elapsed = started.elapsed();
    Ok(LoopResult {
        calls: all.len() as u64,
        elapsed,
        latency: Percentiles::of(&all),
    })
}

async fn calls<C: LoadCaller>(
    mut caller: C,
    started: Instant,
    limit: Duration,
) -> Result<Vec<u64>, BenchError> {
    let mut latencies = Vec::new();
    let mut before = Instant::now();
    while caller.call().await? {
        let after = Instant::now();
        latencies.push(nanos(after - before));
        before = after;
        if before - started >= limit {
            break;
        }
    }
    Ok(latencies)
}
