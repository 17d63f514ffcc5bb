//! How far the read models are, for callers that wait for their own write to show.
//!
//! It knows no async: an async caller subscribes and wakes its own tasks.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

type Subscriber = Arc<dyn Fn(u64) + Send + Sync>;

/// A shared handle on the position up to which rows are committed. Clones are the same handle.
#[derive(Clone, Default)]
pub struct Checkpoint {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    position: AtomicU64,
    /// The last position that a reader waits for, or has waited for.
    awaited: AtomicU64,
    /// Whether the book closes: what is not committed is left for another time.
    leaving: AtomicBool,
    state: Mutex<CheckpointState>,
    moved: Condvar,
}

#[derive(Default)]
struct CheckpointState {
    subscribers: Vec<Subscriber>,
}

impl Checkpoint {
    #[must_use]
    pub fn new(position: u64) -> Self {
        let checkpoint = Self::default();
        checkpoint.publish(position);
        checkpoint
    }

    /// The last position whose rows are committed, 0 before the first.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.shared.position.load(Ordering::Acquire)
    }

    /// Calls `notify` with every new checkpoint from now on, on the projecting thread: it must
    /// return at once (send to a watch channel, wake a task).
    pub fn subscribe(&self, notify: impl Fn(u64) + Send + Sync + 'static) {
        self.state().subscribers.push(Arc::new(notify));
    }

    /// Says that a reader waits for the rows of `position`, so that they are committed before
    /// more is gathered.
    pub fn want(&self, position: u64) {
        self.shared.awaited.fetch_max(position, Ordering::Relaxed);
    }

    /// The last position beyond `checkpoint` that a reader waits for.
    pub(crate) fn awaited_after(&self, checkpoint: u64) -> Option<u64> {
        let awaited = self.shared.awaited.load(Ordering::Relaxed);
        (awaited > checkpoint).then_some(awaited)
    }

    /// Has the projector commit what it has at hand, and leave the rest for another time.
    pub fn leave(&self) {
        self.shared.leaving.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_leaving(&self) -> bool {
        self.shared.leaving.load(Ordering::Relaxed)
    }

    /// Blocks until the rows of `position` are committed; false when `timeout` passed first.
    #[must_use]
    pub fn wait_for(&self, position: u64, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        if self.position() < position {
            self.want(position);
        }
        let mut state = self.state();
        while self.position() < position {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self
                .shared
                .moved
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        true
    }

    /// Says that rows up to `position` are committed.
    pub(crate) fn publish(&self, position: u64) {
        let subscribers = {
            let state = self.state();
            self.shared.position.store(position, Ordering::Release);
            self.shared.moved.notify_all();
            state.subscribers.clone()
        };
        for notify in subscribers {
            notify(position);
        }
    }

    fn state(&self) -> MutexGuard<'_, CheckpointState> {
        self.shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checkpoint")
            .field("position", &self.position())
            .finish_non_exhaustive()
    }
}
