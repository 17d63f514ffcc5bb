//! Read-only connections and the snapshots on them.

use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::{ReadError, schema};

/// Reading is memory-bound: more connections than cores only share the same bandwidth.
const MAX_CONNECTIONS: usize = 4;

#[derive(Debug)]
pub(super) struct Pool {
    path: PathBuf,
    state: Mutex<PoolState>,
    returned: Condvar,
    #[cfg(feature = "measured")]
    pub(super) steps: Option<super::StepCount>,
}

#[derive(Debug, Default)]
struct PoolState {
    idle: Vec<Lease>,
    /// Idle or lent.
    open: usize,
}

#[derive(Debug)]
struct Lease {
    connection: Connection,
    /// Which file it is: a rebuilt database is another one under the same name.
    file: Option<FileId>,
}

/// One consistent view: rows and checkpoint of the same commit.
#[derive(Debug)]
pub(super) struct Snapshot<'a> {
    pub sql: &'a Connection,
    pub checkpoint: u64,
}

impl Pool {
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            state: Mutex::default(),
            returned: Condvar::new(),
            #[cfg(feature = "measured")]
            steps: None,
        }
    }

    pub fn snapshot<T>(
        &self,
        ask: impl FnOnce(&Snapshot<'_>) -> Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        let lent = Lent::take(self)?;
        let answer = lent.ask(ask);
        // A connection that failed may be the cause: the next question gets a new one. A
        // refusal says nothing about the connection.
        if !matches!(answer, Err(ReadError::Failed(_))) {
            lent.give_back();
        }
        answer
    }

    fn state(&self) -> MutexGuard<'_, PoolState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn connect(&self) -> Result<Lease, ReadError> {
        let not_built = || ReadError::NotBuilt(self.path.display().to_string().into());
        let file = FileId::of(&self.path);
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags).map_err(|_| not_built())?;
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.set_prepared_statement_cache_capacity(64);
        if !schema::is_current(&connection) {
            return Err(not_built());
        }
        #[cfg(feature = "measured")]
        let connection = match &self.steps {
            None => connection,
            Some(steps) => steps.counting(connection)?,
        };
        Ok(Lease { connection, file })
    }
}

/// A connection that is out of the pool; dropping it closes it and makes room.
struct Lent<'a> {
    pool: &'a Pool,
    lease: Option<Lease>,
}

impl<'a> Lent<'a> {
    fn take(pool: &'a Pool) -> Result<Self, ReadError> {
        let current = FileId::of(&pool.path);
        let mut state = pool.state();
        loop {
            if let Some(lease) = state.idle.pop() {
                let lent = Self {
                    pool,
                    lease: Some(lease),
                };
                if lent
                    .lease
                    .as_ref()
                    .is_some_and(|lease| lease.file == current)
                {
                    return Ok(lent);
                }
                drop(state);
                drop(lent);
                state = pool.state();
            } else if state.open < MAX_CONNECTIONS {
                state.open += 1;
                drop(state);
                let mut lent = Self { pool, lease: None };
                lent.lease = Some(pool.connect()?);
                return Ok(lent);
            } else {
                state = pool
                    .returned
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    fn ask<T>(
        &self,
        ask: impl FnOnce(&Snapshot<'_>) -> Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        let lease = self.lease.as_ref().expect("a lent connection is open");
        // Ends with the scope, by rolling back: there is nothing to keep.
        let transaction = lease.connection.unchecked_transaction()?;
        let checkpoint = schema::checkpoint(&transaction)?;
        ask(&Snapshot {
            sql: &transaction,
            checkpoint,
        })
    }

    fn give_back(mut self) {
        let mut state = self.pool.state();
        state.idle.extend(self.lease.take());
        drop(state);
        self.pool.returned.notify_one();
        std::mem::forget(self);
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        self.lease = None;
        self.pool.state().open -= 1;
        self.pool.returned.notify_one();
    }
}

/// What tells one file from another under the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileId(u64, u64);

impl FileId {
    #[cfg(unix)]
    fn of(path: &Path) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        let metadata = std::fs::metadata(path).ok()?;
        Some(Self(metadata.dev(), metadata.ino()))
    }

    /// Elsewhere an open file cannot be removed, so that its name never means another.
    #[cfg(not(unix))]
    fn of(_: &Path) -> Option<Self> {
        Some(Self(0, 0))
    }
}
