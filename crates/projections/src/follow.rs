//! Following the log: a thread that projects what is committed, as it is committed.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tillroll_log::LogReader;

use crate::{Checkpoint, ProjectError, Projector};

/// Between attempts after a failure that may pass, such as a full disk.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// How far the thread stands back when there is less processor than work: a step is about a
/// tenth of another thread's share. Read models that lag say so; a command waits for the log.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

/// A projector at work on its own thread.
#[derive(Debug)]
pub struct Follower {
    thread: JoinHandle<Result<Projector, ProjectError>>,
}

impl Follower {
    /// Waits for the thread to end, which it does when its `wait` answers `None`, or on a
    /// failure that no retry can mend.
    pub fn join(self) -> Result<Projector, ProjectError> {
        match self.thread.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }

    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }
}

/// Lets the writer and the server go first. Elsewhere than on Linux, priority is the whole
/// process's, and is left alone.
fn stand_back() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
        tracing::debug!(%error, "the read models keep their priority");
    }
}

/// Starts a thread that keeps the read models up to date and publishes every checkpoint.
///
/// `wait(seen)` blocks until the log's committed head is beyond `seen` and answers it, at
/// once when it already is; `None` ends the thread. With tokio it is a `block_on` of
/// `watch::Receiver::wait_for`. It is called with the checkpoint, and after a failure again
/// with the checkpoint, so that stopping is noticed then too.
///
/// # Errors
/// When the thread cannot be started.
pub fn follow(
    projector: Projector,
    reader: Arc<dyn LogReader>,
    checkpoint: Checkpoint,
    mut wait: impl FnMut(u64) -> Option<u64> + Send + 'static,
) -> std::io::Result<Follower> {
    let mut projector = projector.publishing(checkpoint.clone());
    let thread = thread::Builder::new()
        .name("projections".into())
        .spawn(move || {
            stand_back();
            checkpoint.publish(projector.checkpoint());
            let mut pause = FIRST_PAUSE;
            while let Some(head) = wait(projector.checkpoint()) {
                // What comes meanwhile is not followed at once: it would come in ever smaller
                // commits. It is for whoever waits to say when.
                let result = projector.catch_up_to(head, &*reader, &mut |_| {});
                match result {
                    Ok(_) => pause = FIRST_PAUSE,
                    Err(error) => {
                        tracing::error!(%error, "the read models do not follow");
                        checkpoint.publish_failure(&error.to_string());
                        if !error.is_transient() {
                            return Err(error);
                        }
                        thread::sleep(pause);
                        pause = (pause * 2).min(LONGEST_PAUSE);
                    }
                }
            }
            Ok(projector)
        })?;
    Ok(Follower { thread })
}
