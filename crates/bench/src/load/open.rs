//! The open loop: calls are due at a constant rate, whatever becomes of the ones before.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use super::{LoadCaller, LoopResult, Percentiles};
use crate::{BenchError, nanos};

const NANOS: u128 = 1_000_000_000;

/// When each call is due: the nth (from 0) at n / rate seconds after the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallSchedule {
    rate: u64,
    calls: u64,
}

impl CallSchedule {
    /// So many calls a second, at least one, and so many in all.
    #[must_use]
    pub fn new(rate: u64, calls: u64) -> Self {
        Self {
            rate: rate.max(1),
            calls,
        }
    }

    #[must_use]
    pub fn calls(&self) -> u64 {
        self.calls
    }

    #[must_use]
    pub fn rate(&self) -> u64 {
        self.rate
    }

    /// When a call is due, after the start.
    #[must_use]
    pub fn due(&self, call: u64) -> Duration {
        let nanos = u128::from(call) * NANOS / u128::from(self.rate);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// How many calls are due by a moment: those whose [`CallSchedule::due`] is not after it.
    #[must_use]
    pub fn due_by(&self, moment: Duration) -> u64 {
        // floor(n * NANOS / rate) <= moment, solved for n.
        let last = ((moment.as_nanos() + 1) * u128::from(self.rate) - 1) / NANOS;
        let due = u64::try_from(last).map_or(u64::MAX, |last| last.saturating_add(1));
        due.min(self.calls)
    }
}

/// Tells a caller when to make the next call. Time counts from the start of the loop.
pub trait CallTimer: Send + Sync {
    /// Waits until the next call is due that no other caller makes. `None` when there are no more.
    fn next(&self) -> impl Future<Output = Option<u64>> + Send;

    fn now(&self) -> Duration;
}

/// One caller's part: the latencies of its calls, each from when it was due to its answer.
///
/// # Errors
/// The first call that failed.
pub async fn drive(
    caller: &mut impl LoadCaller,
    schedule: CallSchedule,
    pace: &impl CallTimer,
) -> Result<Vec<u64>, BenchError> {
    let mut latencies = Vec::new();
    while let Some(call) = pace.next().await {
        if !caller.call().await? {
            break;
        }
        latencies.push(nanos(pace.now().saturating_sub(schedule.due(call))));
    }
    Ok(latencies)
}

/// Real time. A thread of its own lets calls go when they are due: an async timer's millisecond
/// would be longer than many of the latencies.
#[derive(Clone, Debug)]
pub struct Pacer {
    started: Instant,
    /// A place for each call that is due and not yet made.
    due: Arc<Semaphore>,
    made: Arc<AtomicU64>,
}

impl Pacer {
    /// Starts the clock. After `patience`, calls that are still not made are given up.
    ///
    /// # Errors
    /// When the system starts no thread.
    pub fn start(schedule: CallSchedule, patience: Duration) -> Result<Self, BenchError> {
        let pacer = Self {
            started: Instant::now(),
            due: Arc::new(Semaphore::new(0)),
            made: Arc::default(),
        };
        let own = pacer.clone();
        let thread = thread::Builder::new().name("tillroll-pacer".into());
        let spawned = thread.spawn(move || own.release(schedule, patience));
        spawned.map_err(BenchError::io("start a thread"))?;
        Ok(pacer)
    }

    fn release(&self, schedule: CallSchedule, patience: Duration) {
        let mut released = 0;
        while released < schedule.calls() {
            let now = self.started.elapsed();
            let due = schedule.due_by(now);
            self.due
                .add_permits(usize::try_from(due - released).unwrap_or(0));
            released = due;
            if released < schedule.calls() {
                thread::sleep(schedule.due(released).saturating_sub(now));
            }
        }
        while self.due.available_permits() > 0 && self.started.elapsed() < patience {
            thread::sleep(Duration::from_millis(1));
        }
        // Callers that wait now learn that there are no more.
        self.due.close();
    }
}

impl CallTimer for Pacer {
    async fn next(&self) -> Option<u64> {
        self.due.acquire().await.ok()?.forget();
        Some(self.made.fetch_add(1, Ordering::Relaxed))
    }

    fn now(&self) -> Duration {
        self.started.elapsed()
    }
}

/// Calls at a constant rate. When the callers cannot keep up, calls are given up after three
/// times the time that the schedule takes: then fewer were made than were scheduled.
///
/// # Errors
/// The first call that failed.
///
/// # Panics
/// When a caller panics; outside of an async runtime.
pub async fn open_loop<C: LoadCaller>(
    callers: Vec<C>,
    schedule: CallSchedule,
) -> Result<LoopResult, BenchError> {
    let patience = schedule.due(schedule.calls()) * 3;
    let pacer = Pacer::start(schedule, patience)?;
    let tasks: Vec<_> = callers
        .into_iter()
        .map(|mut caller| {
            let pacer = pacer.clone();
            tokio::spawn(async move {
                let latencies = drive(&mut caller, schedule, &pacer).await?;
                Ok::<_, BenchError>((latencies, pacer.now()))
            })
        })
        .collect();
    let mut all = Vec::new();
    let mut ended = Duration::ZERO;
    for task in tasks {
        let (mut latencies, end) = task.await.expect("a caller does not panic")?;
        all.append(&mut latencies);
        ended = ended.max(end);
    }
    Ok(LoopResult {
        calls: all.len() as u64,
        elapsed: ended,
        latency: Percentiles::of(&all),
    })
}
