//! Where the time in commands comes from: the only place that reads a clock for the book.
//! Everything below gets time as a number.

use std::fmt::Debug;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tillroll_events::Timestamp;

/// A source of the time that commands carry.
pub trait BookClock: Send + Sync + Debug {
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl BookClock for SystemClock {
    fn now(&self) -> Timestamp {
        let now = SystemTime::now();
        let micros = |since: Duration| i64::try_from(since.as_micros()).unwrap_or(i64::MAX);
        Timestamp::from_micros(match now.duration_since(UNIX_EPOCH) {
            Ok(since) => micros(since),
            // It is not believed then, and has to be seen for what it is.
            Err(before) => -micros(before.duration()).max(1),
        })
    }
}

/// A clock that stands still until it is set, so that the same story has the same times in it.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    #[must_use]
    pub fn at(start: Timestamp) -> Self {
        Self(AtomicI64::new(start.micros()))
    }

    pub fn set(&self, now: Timestamp) {
        self.0.store(now.micros(), Ordering::SeqCst);
    }
}

impl BookClock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}
