//! Where frames go: to the log right here, or to a thread beside the writer.
//!
//! While one frame is written and synced beside it, the writer decides and encodes the next. One
//! frame is under way at a time, so the order of frames is that in which they were handed over,
//! and after a failure nothing more is written.

use std::sync::mpsc::{self, Receiver, SyncSender, TryRecvError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tillroll_log::{AppendError, Batch, Committed, Log};

/// What became of a frame, and its memory.
#[derive(Debug)]
pub struct Appended {
    pub(crate) batch: Batch,
    pub(crate) result: Result<Committed, AppendError>,
    pub(crate) took: Duration,
}

/// Where an engine's frames go. A log is such a place by itself: nothing is ever under way.
pub trait FrameSink {
    /// Writes and syncs a frame before it returns. None may be under way.
    fn write(&mut self, batch: &mut Batch) -> Result<Committed, AppendError>;

    /// See [`Log::make_room`]. No frame may be under way.
    fn room(&mut self) -> Result<bool, AppendError>;

    fn is_under_way(&self) -> bool {
        false
    }

    /// What became of the frame under way, if that is known, or once it is.
    fn settle(&mut self, _wait: bool) -> Result<Option<Appended>, Gone> {
        Ok(None)
    }
}

impl<J: Log> FrameSink for J {
    fn write(&mut self, batch: &mut Batch) -> Result<Committed, AppendError> {
        self.append(batch)
    }

    fn room(&mut self) -> Result<bool, AppendError> {
        self.make_room()
    }
}

/// The thread that writes and syncs.
#[derive(Debug)]
pub struct Beside<J> {
    /// Shared, so that a single command need not go over to the thread and back.
    log: Arc<Mutex<J>>,
    frames: Option<SyncSender<Batch>>,
    appended: Receiver<Appended>,
    under_way: bool,
    thread: Option<JoinHandle<()>>,
}

/// The thread has panicked, and the frame that was under way is in doubt.
#[derive(Debug)]
pub struct Gone;

impl<J: Log + 'static> Beside<J> {
    /// Gives a log a thread. `wake` is called there after each frame.
    ///
    /// # Panics
    /// When the system starts no thread.
    pub(crate) fn start(log: J, wake: impl Fn() + Send + 'static) -> Self {
        let log = Arc::new(Mutex::new(log));
        let (frames, handed) = mpsc::sync_channel::<Batch>(1);
        let (done, appended) = mpsc::sync_channel(1);
        let shared = Arc::clone(&log);
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
        Self {
            log,
            frames: Some(frames),
            appended,
            under_way: false,
            thread: Some(thread),
        }
    }
}

impl<J> Beside<J> {
    /// Hands a frame to the thread. None may be under way.
    pub(crate) fn hand_over(&mut self, batch: Batch) -> Result<(), Gone> {
        assert!(!self.under_way, "frames are appended in order");
        let frames = self.frames.as_ref().ok_or(Gone)?;
        frames.send(batch).map_err(|_| Gone)?;
        self.under_way = true;
        Ok(())
    }

    /// Ends the thread and gives the log back.
    pub(crate) fn end(self) -> J {
        let log = Arc::clone(&self.log);
        drop(self);
        let log = Arc::into_inner(log).expect("the thread has ended");
        log.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<J: Log> FrameSink for Beside<J> {
    fn write(&mut self, batch: &mut Batch) -> Result<Committed, AppendError> {
        assert!(!self.under_way, "frames are appended in order");
        lock(&self.log).append(batch)
    }

    fn room(&mut self) -> Result<bool, AppendError> {
        assert!(!self.under_way, "room is made when nothing is written");
        lock(&self.log).make_room()
    }

    fn is_under_way(&self) -> bool {
        self.under_way
    }

    fn settle(&mut self, wait: bool) -> Result<Option<Appended>, Gone> {
        if !self.under_way {
            return Ok(None);
        }
        let appended = match wait {
            true => self.appended.recv().map_err(|_| Gone)?,
            false => match self.appended.try_recv() {
                Ok(appended) => appended,
                Err(TryRecvError::Empty) => return Ok(None),
                Err(TryRecvError::Disconnected) => return Err(Gone),
            },
        };
        self.under_way = false;
        Ok(Some(appended))
    }
}

/// A panic while appending is known to the writer by the thread's end; what the log makes of
/// a later call is its own business.
fn lock<J>(log: &Mutex<J>) -> MutexGuard<'_, J> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whoever sees the writer end may open the log again: the log has to be closed by then.
impl<J> Drop for Beside<J> {
    fn drop(&mut self) {
        drop(self.frames.take());
        if let Some(thread) = self.thread.take() {
            // A panic of it has been told of as a failure.
            drop(thread.join());
        }
    }
}
