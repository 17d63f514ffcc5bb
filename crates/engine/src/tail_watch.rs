//! Wakes a writer that does not lead when another one has appended.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use tillroll_log::{Deadline, LogReader, Position};

use crate::settlement::Patience;

/// How long one question for the end of the log may wait. The thread ends at most so long after
/// it was told to.
const WAIT: Duration = Duration::from_secs(1);

/// A thread that waits for the log to grow. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct TailWatch {
    stop: Arc<AtomicBool>,
}

impl TailWatch {
    /// `wake` is called whenever the log has grown past `position`, and past where it ended then.
    ///
    /// # Panics
    /// When the system starts no thread.
    pub(crate) fn start(
        reader: Arc<dyn LogReader>,
        mut position: Position,
        patience: Patience,
        wake: impl Fn() + Send + 'static,
    ) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let work = move || {
            let mut errors = 0;
            while !stopped.load(Ordering::SeqCst) {
                match reader.wait_past(position, Deadline::after(WAIT)) {
                    Ok(head) if head.position > position => {
                        position = head.position;
                        errors = 0;
                        wake();
                    }
                    Ok(_) => errors = 0,
                    Err(error) => {
                        tracing::warn!(%error, "the log cannot be followed");
                        errors += 1;
                        patience.wait_after(errors);
                    }
                }
            }
        };
        thread::Builder::new()
            .name("tillroll-tail".into())
            .spawn(work)
            .expect("the system starts a thread");
        Self { stop }
    }
}

impl Drop for TailWatch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
    }
}
