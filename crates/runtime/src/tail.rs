//! Where the committed log ends, now and as it grows.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tillroll_engine::Handle;
use tillroll_log::{Deadline, LogReader, Position};
use tokio::sync::watch;

/// The end of a log, and its reader. Clones wait independently.
#[derive(Clone)]
pub struct Tail {
    reader: Arc<dyn LogReader>,
    committed: watch::Receiver<Position>,
}

impl fmt::Debug for Tail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tail")
            .field("head", &self.head())
            .finish_non_exhaustive()
    }
}

impl Tail {
    /// The tail of a log whose writer is in this process. Waiting costs no thread, and the writer
    /// publishes a position before it acknowledges what is there.
    #[must_use]
    pub fn of_writer(engine: &Handle) -> Self {
        Self {
            reader: engine.reader(),
            committed: engine.committed(),
        }
    }

    #[cfg(test)]
    pub(crate) fn of_watch(
        reader: Arc<dyn LogReader>,
        committed: watch::Receiver<Position>,
    ) -> Self {
        Self { reader, committed }
    }

    /// The tail of a log whose writer may be in another process. A thread waits for it to grow; it
    /// ends soon after the last clone.
    ///
    /// # Errors
    /// When the system starts no thread.
    pub fn of_log(reader: Arc<dyn LogReader>) -> io::Result<Self> {
        let (publish, committed) = watch::channel(Position::ZERO);
        let waiting = Arc::clone(&reader);
        thread::Builder::new()
            .name("tillroll-log-tail".into())
            .spawn(move || watch_log(&*waiting, &publish))?;
        Ok(Self { reader, committed })
    }

    #[must_use]
    pub fn reader(&self) -> &Arc<dyn LogReader> {
        &self.reader
    }

    /// The last committed position that is known here.
    #[must_use]
    pub fn head(&self) -> Position {
        *self.committed.borrow()
    }

    /// Waits until something behind `position` is committed, and answers where the log ends
    /// then. `None` when nothing more will come, because the writer has ended.
    pub async fn past(&mut self, position: Position) -> Option<Position> {
        let grown = self.committed.wait_for(|head| *head > position).await;
        grown.ok().map(|head| *head)
    }
}

/// Between two looks whether anyone still follows, and between attempts at a log that cannot be
/// asked.
const LOOK: Duration = Duration::from_secs(1);

fn watch_log(reader: &dyn LogReader, publish: &watch::Sender<Position>) {
    let mut known = Position::ZERO;
    while !publish.is_closed() {
        match reader.wait_past(known, Deadline::after(LOOK)) {
            Ok(head) if head.position > known => {
                known = head.position;
                publish.send_replace(known);
            }
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(%error, "the end of the log is not known");
                thread::sleep(LOOK);
            }
        }
    }
}
