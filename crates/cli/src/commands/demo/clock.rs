//! The clock of a demo: the story's while it is told, then the machine's, so that who looks
//! around afterwards lives in the present.

use std::sync::atomic::{AtomicBool, Ordering};

use tillroll_events::Timestamp;
use tillroll_runtime::{BookClock, ManualClock, SystemClock};

#[derive(Debug)]
pub(super) struct DemoClock {
    story: ManualClock,
    is_over: AtomicBool,
}

impl Default for DemoClock {
    fn default() -> Self {
        Self {
            story: ManualClock::at(Timestamp::from_micros(0)),
            is_over: AtomicBool::new(false),
        }
    }
}

impl DemoClock {
    /// The story is told.
    pub(super) fn finish(&self) {
        self.is_over.store(true, Ordering::SeqCst);
    }
}

impl BookClock for DemoClock {
    fn now(&self) -> Timestamp {
        match self.is_over.load(Ordering::SeqCst) {
            false => self.story.now(),
            // The story may play in the future.
            true => self.story.now().max(SystemClock.now()),
        }
    }
}

impl tillroll_demo::StoryClock for DemoClock {
    fn set(&self, unix_micros: i64) {
        self.story.set(Timestamp::from_micros(unix_micros));
    }
}
