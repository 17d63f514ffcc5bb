//! What SQLite does for a read, for tests and rigs.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::Connection;

use super::ReadModels;
use super::pool::Pool;
use crate::ReadError;

/// Counts the steps of SQLite's virtual machine at which it might be stopped: about one for each
/// row that is looked at or passed over. Clones count together.
#[derive(Clone, Debug, Default)]
pub struct StepCount(Arc<AtomicU64>);

impl StepCount {
    /// Those since the last time.
    #[must_use]
    pub fn take(&self) -> u64 {
        self.0.swap(0, Ordering::Relaxed)
    }

    pub(super) fn counting(&self, mut connection: Connection) -> rusqlite::Result<Connection> {
        let count = Arc::clone(&self.0);
        let step = move || {
            count.fetch_add(1, Ordering::Relaxed);
            false
        };
        connection.progress_handler(1, Some(step))?;
        Ok(connection)
    }
}

impl ReadModels {
    /// [`ReadModels::open`], with its steps counted.
    ///
    /// # Errors
    /// As there.
    pub fn open_counting(path: &Path, steps: StepCount) -> Result<Self, ReadError> {
        let mut pool = Pool::new(path);
        pool.steps = Some(steps);
        pool.snapshot(|_| Ok(()))?;
        Ok(Self {
            pool: Arc::new(pool),
        })
    }
}
