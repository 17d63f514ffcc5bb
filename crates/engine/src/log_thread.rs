//! The thread that writes and syncs. While one frame is with it, the writer decides and encodes
//! the next. One frame is under way at a time, so frames are appended in the order in which they
//! were handed over, and after a failure nothing more is written.

use std::sync::mpsc::{self, Receiver, SyncSender, TryRecvError};
use std::thread::{self, JoinHandle};

use crate::log_driver::AppendReport;
use crate::sequencer::PendingFrame;

#[derive(Debug)]
pub(crate) struct LogThread {
    frames: Option<SyncSender<PendingFrame>>,
    appended: Receiver<AppendReport>,
    under_way: bool,
    thread: Option<JoinHandle<()>>,
}

/// The thread has panicked, and the frame that was under way is in doubt.
#[derive(Debug)]
pub(crate) struct LogThreadPanicked;

impl LogThread {
    /// `append` is called on the thread for each frame, and `wake` after it.
    ///
    /// # Panics
    /// When the system starts no thread.
    pub(crate) fn start(
        mut append: impl FnMut(PendingFrame) -> AppendReport + Send + 'static,
        wake: impl Fn() + Send + 'static,
    ) -> Self {
        let (frames, handed) = mpsc::sync_channel::<PendingFrame>(1);
        let (done, appended) = mpsc::sync_channel(1);
        let work = move || {
            for frame in handed {
                if done.send(append(frame)).is_err() {
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
            frames: Some(frames),
            appended,
            under_way: false,
            thread: Some(thread),
        }
    }

    /// Hands a frame over. None may be under way.
    pub(crate) fn hand_over(&mut self, frame: PendingFrame) -> Result<(), LogThreadPanicked> {
        assert!(!self.under_way, "frames are appended in order");
        let frames = self.frames.as_ref().ok_or(LogThreadPanicked)?;
        frames.send(frame).map_err(|_| LogThreadPanicked)?;
        self.under_way = true;
        Ok(())
    }

    pub(crate) fn is_under_way(&self) -> bool {
        self.under_way
    }

    /// What became of the frame under way, if that is known, or once it is.
    pub(crate) fn finished(
        &mut self,
        wait: bool,
    ) -> Result<Option<AppendReport>, LogThreadPanicked> {
        if !self.under_way {
            return Ok(None);
        }
        let appended = match wait {
            true => self.appended.recv().map_err(|_| LogThreadPanicked)?,
            false => match self.appended.try_recv() {
                Ok(appended) => appended,
                Err(TryRecvError::Empty) => return Ok(None),
                Err(TryRecvError::Disconnected) => return Err(LogThreadPanicked),
            },
        };
        self.under_way = false;
        Ok(Some(appended))
    }
}

/// The caller that sees the writer end may open the log again: the log has to be closed by then.
impl Drop for LogThread {
    fn drop(&mut self) {
        drop(self.frames.take());
        if let Some(thread) = self.thread.take() {
            // Its panic was reported as a failure.
            drop(thread.join());
        }
    }
}
