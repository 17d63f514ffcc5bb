//! Owns the log, and its thread where there is one: frames in, and what became of them out.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tillroll_log::{AppendError, Head, Log, LogReadError};

use crate::log_thread::{LogThread, LogThreadPanicked};
use crate::sequencer::PendingFrame;
use crate::settlement::{Patience, Settlement, settle};

/// What became of a frame.
#[derive(Debug)]
pub(crate) struct AppendReport {
    pub(crate) frame: PendingFrame,
    pub(crate) settlement: Settlement,
    pub(crate) took: Duration,
}

pub(crate) struct LogDriver<L> {
    /// Shared with the thread, so that a single command need not go over to it and back.
    log: Arc<Mutex<L>>,
    thread: Option<LogThread>,
    patience: Patience,
}

impl<L: Log> LogDriver<L> {
    /// A driver that appends where it is called.
    pub(crate) fn new(log: L, patience: Patience) -> Self {
        Self {
            log: Arc::new(Mutex::new(log)),
            thread: None,
            patience,
        }
    }

    pub(crate) fn patience(&self) -> Patience {
        self.patience
    }

    /// Holds for a thread that is started later.
    pub(crate) fn set_patience(&mut self, patience: Patience) {
        self.patience = patience;
    }

    /// Gives the log a thread. `wake` is called there after each frame.
    pub(crate) fn start_thread(&mut self, wake: impl Fn() + Send + 'static)
    where
        L: 'static,
    {
        let (log, patience) = (Arc::clone(&self.log), self.patience);
        let append = move |frame| append(&mut *lock(&log), frame, &patience);
        self.thread = Some(LogThread::start(append, wake));
    }

    /// Ends the thread. Nothing may be under way.
    pub(crate) fn end_thread(&mut self) {
        self.thread = None;
    }

    /// Ends the thread and gives the log back.
    pub(crate) fn into_log(mut self) -> L {
        self.end_thread();
        let log = Arc::into_inner(self.log).expect("the thread has ended");
        log.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends a frame before it returns. None may be under way.
    pub(crate) fn append(&mut self, frame: PendingFrame) -> AppendReport {
        assert!(!self.is_under_way(), "frames are appended in order");
        append(&mut *lock(&self.log), frame, &self.patience)
    }

    /// Gives a frame to the thread, and does not wait. None may be under way.
    ///
    /// # Panics
    /// Without a thread.
    pub(crate) fn hand_over(&mut self, frame: PendingFrame) -> Result<(), LogThreadPanicked> {
        let thread = self.thread.as_mut().expect("the log has a thread");
        thread.hand_over(frame)
    }

    pub(crate) fn is_under_way(&self) -> bool {
        self.thread.as_ref().is_some_and(LogThread::is_under_way)
    }

    /// What became of the frame under way, if that is known, or once it is.
    pub(crate) fn finished(
        &mut self,
        wait: bool,
    ) -> Result<Option<AppendReport>, LogThreadPanicked> {
        match &mut self.thread {
            None => Ok(None),
            Some(thread) => thread.finished(wait),
        }
    }

    /// Where the log ends, as it says itself. No frame may be under way.
    pub(crate) fn head(&mut self) -> Result<Head, LogReadError> {
        lock(&self.log).head(self.patience.deadline())
    }

    /// See [`Log::idle`]. No frame may be under way.
    pub(crate) fn idle(&mut self) -> Result<bool, AppendError> {
        assert!(!self.is_under_way(), "idle is when nothing is written");
        lock(&self.log).idle()
    }
}

fn append<L: Log>(log: &mut L, mut frame: PendingFrame, patience: &Patience) -> AppendReport {
    let started = Instant::now();
    let settlement = settle(log, &mut frame, patience);
    AppendReport {
        frame,
        settlement,
        took: started.elapsed(),
    }
}

/// A panic while appending is known to the writer by the thread's end; what the log makes of
/// a later call is its own business.
fn lock<L>(log: &Mutex<L>) -> MutexGuard<'_, L> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}
