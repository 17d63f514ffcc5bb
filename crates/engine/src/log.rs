//! Where frames go: to the journal right here, or to a thread beside the writer.
//!
//! While one frame is written and synced beside it, the writer decides and encodes the next. One
//! frame is under way at a time, so the order of frames is that in which they were handed over,
//! and after a failure nothing more is written.

use std::sync::mpsc::{self, Receiver, SyncSender, TryRecvError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tillroll_journal::{AppendError, Batch, Committed, Journal};

/// What became of a frame, and its memory.
pub(crate) struct Appended {
    pub(crate) batch: Batch,
    pub(crate) result: Result<Committed, AppendError>,
    pub(crate) took: Duration,
}

pub(crate) enum Log<J> {
    Here(J),
    Beside(Beside<J>),
}

/// The thread that writes and syncs.
pub(crate) struct Beside<J> {
    /// Shared, so that a single command need not go over to the thread and back.
    journal: Arc<Mutex<J>>,
    frames: Option<SyncSender<Batch>>,
    appended: Receiver<Appended>,
    under_way: bool,
    thread: Option<JoinHandle<()>>,
}

/// The thread has panicked, and the frame that was under way is in doubt.
pub(crate) struct Gone;

impl<J: Journal + 'static> Log<J> {
    /// Gives the journal a thread. `wake` is called there after each frame.
    ///
    /// # Panics
    /// When the system starts no thread.
    pub(crate) fn beside(self, wake: impl Fn() + Send + 'static) -> Self {
        let journal = match self {
            Self::Here(journal) => Arc::new(Mutex::new(journal)),
            Self::Beside(_) => return self,
        };
        let (frames, handed) = mpsc::sync_channel::<Batch>(1);
        let (done, appended) = mpsc::sync_channel(1);
        let shared = Arc::clone(&journal);
        let work = move || {
            for mut batch in handed {
                let started = Instant::now();
                let result = lock(&shared).append(&mut batch);
                let took = started.elapsed();
                let answer = Appended {
                    batch,
                    result,
                    took,
                };
                if done.send(answer).is_err() {
                    return;
                }
                wake();
            }
        };
        let thread = thread::Builder::new()
            .name("tillroll-log".into())
            .spawn(work)
            .expect("the system starts a thread");
        Self::Beside(Beside {
            journal,
            frames: Some(frames),
            appended,
            under_way: false,
            thread: Some(thread),
        })
    }
}

impl<J: Journal> Log<J> {
    pub(crate) fn is_under_way(&self) -> bool {
        matches!(self, Self::Beside(beside) if beside.under_way)
    }

    /// Writes and syncs a frame before it returns. None may be under way.
    pub(crate) fn append(&mut self, batch: &mut Batch) -> Result<Committed, AppendError> {
        assert!(!self.is_under_way(), "frames are appended in order");
        match self {
            Self::Here(journal) => journal.append(batch),
            Self::Beside(beside) => lock(&beside.journal).append(batch),
        }
    }

    /// See [`Journal::make_room`]. No frame may be under way.
    pub(crate) fn make_room(&mut self) -> Result<bool, AppendError> {
        assert!(
            !self.is_under_way(),
            "room is made when nothing is to be written"
        );
        match self {
            Self::Here(journal) => journal.make_room(),
            Self::Beside(beside) => lock(&beside.journal).make_room(),
        }
    }

    /// Hands a frame to the thread; gives it back where there is none. None may be under way.
    pub(crate) fn hand_over(&mut self, batch: Batch) -> Result<Option<Batch>, Gone> {
        assert!(!self.is_under_way(), "frames are appended in order");
        let Self::Beside(beside) = self else {
            return Ok(Some(batch));
        };
        let frames = beside.frames.as_ref().ok_or(Gone)?;
        frames.send(batch).map_err(|_| Gone)?;
        beside.under_way = true;
        Ok(None)
    }

    /// What became of the frame under way, if that is known, or once it is.
    pub(crate) fn settle(&mut self, wait: bool) -> Result<Option<Appended>, Gone> {
        let Self::Beside(beside) = self else {
            return Ok(None);
        };
        if !beside.under_way {
            return Ok(None);
        }
        let appended = match wait {
            true => beside.appended.recv().map_err(|_| Gone)?,
            false => match beside.appended.try_recv() {
                Ok(appended) => appended,
                Err(TryRecvError::Empty) => return Ok(None),
                Err(TryRecvError::Disconnected) => return Err(Gone),
            },
        };
        beside.under_way = false;
        Ok(Some(appended))
    }

    /// Gives the journal back.
    ///
    /// # Panics
    /// When it has a thread.
    pub(crate) fn into_journal(self) -> J {
        match self {
            Self::Here(journal) => journal,
            Self::Beside(_) => panic!("the thread keeps the journal"),
        }
    }
}

/// A panic while appending is known to the writer by the thread's end; what the journal makes of
/// a later call is its own business.
fn lock<J>(journal: &Mutex<J>) -> MutexGuard<'_, J> {
    journal.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whoever sees the writer end may open the log again: the journal has to be closed by then.
impl<J> Drop for Beside<J> {
    fn drop(&mut self) {
        drop(self.frames.take());
        if let Some(thread) = self.thread.take() {
            // A panic of it has been told of as a failure.
            drop(thread.join());
        }
    }
}
