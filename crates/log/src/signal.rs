//! Wakes readers that wait for the log to grow.

use std::sync::{Condvar, Mutex, PoisonError};

use crate::deadline::Deadline;
use crate::identity::{Head, Position};

/// Wakes readers of this process once a frame is committed. Without readers that wait, it costs
/// the writer an uncontended lock.
#[derive(Debug, Default)]
pub(crate) struct CommitSignal {
    /// Readers that wait.
    waiting: Mutex<usize>,
    grown: Condvar,
}

impl CommitSignal {
    /// The log has grown: [`CommitSignal::wait_past`] finds the new head by now.
    pub(crate) fn notify(&self) {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if *waiting > 0 {
            self.grown.notify_all();
        }
    }

    /// The head once it is past `position`, or at the deadline.
    pub(crate) fn wait_past(
        &self,
        position: Position,
        deadline: Deadline,
        head: impl Fn() -> Head,
    ) -> Head {
        let found = head();
        if found.position > position {
            return found;
        }
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        *waiting += 1;
        loop {
            // Looked at with the lock held, which a writer takes after it has published: what is
            // committed after this look wakes this reader.
            let found = head();
            if found.position > position || deadline.has_passed() {
                *waiting -= 1;
                return found;
            }
            waiting = match deadline.remaining() {
                None => (self.grown.wait(waiting)).unwrap_or_else(PoisonError::into_inner),
                Some(left) => {
                    let woken = self.grown.wait_timeout(waiting, left);
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }
}
