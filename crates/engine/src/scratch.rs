//! Where rows go that no record has touched for long, and when.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tillroll_log::{DirTree, Operation, StorageError, StorageFile, Tree};

use crate::cold_file::FILE;
use crate::snapshot::failed;

type Open = dyn Fn() -> io::Result<Box<dyn StorageFile>> + Send + Sync;

/// Gives each fold of a roll a file of its own for rows that no record has touched for long. Clones
/// give files of the same kind.
#[derive(Clone)]
pub struct ScratchFiles {
    open: Arc<Open>,
    pub(crate) after: u64,
    pub(crate) keys_after: u64,
    pub(crate) buffer_bytes: usize,
}

impl fmt::Debug for ScratchFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScratchFiles")
            .field("after", &self.after)
            .finish_non_exhaustive()
    }
}

/// Two files that are made at once must not be the same one.
static FILES: AtomicU64 = AtomicU64::new(0);

impl ScratchFiles {
    /// Records for which nothing has changed a row that leaves memory.
    ///
    /// A life cycle with its webhooks is about ten records, so this many are the last hundred
    /// thousand orders: days of a shop with ten thousand a day, who will hardly hear of an older
    /// one again, and about a quarter of a gigabyte of rows. A row that comes back costs one
    /// read, which is mostly from the system's cache.
    pub const AFTER: u64 = 1_000_000;

    /// Records for which an idempotency key is in memory.
    ///
    /// Nothing changes a key, so it goes without coming back, and is asked for again only by a
    /// request that is sent again: mostly within minutes. One in memory takes about 150 bytes, so
    /// these are some 20 MB; of one that has gone, two to three bytes stay.
    pub const KEYS_AFTER: u64 = 100_000;

    /// One write for so many bytes of rows.
    const BUFFER_BYTES: usize = 64 * 1024;

    /// Files that the caller opens: readable, writable, empty, and used by nothing else.
    pub fn new(
        open: impl Fn() -> io::Result<Box<dyn StorageFile>> + Send + Sync + 'static,
    ) -> Self {
        Self {
            open: Arc::new(open),
            after: Self::AFTER,
            keys_after: Self::KEYS_AFTER,
            buffer_bytes: Self::BUFFER_BYTES,
        }
    }

    /// Files in a directory, which is made for the first of them. Their names are removed as
    /// soon as they are open, so that nothing is left of them when the process ends, however it
    /// ends. One process at a time may use a directory.
    #[must_use]
    pub fn in_directory(directory: impl Into<PathBuf>) -> Self {
        let directory = directory.into();
        Self::new(move || {
            let tree = DirTree::create(&directory).map_err(io::Error::other)?;
            let name = format!("rows-{}", FILES.fetch_add(1, Ordering::Relaxed));
            // One of this name is what a process left that was killed before it removed it.
            let file = tree.create(&name)?;
            tree.remove(&name)?;
            Ok(Box::new(file))
        })
    }

    /// The same with another time after which a row goes, in records. A key stays no longer.
    #[must_use]
    pub fn after(self, records: u64) -> Self {
        let after = records.max(1);
        Self {
            after,
            keys_after: self.keys_after.min(after),
            ..self
        }
    }

    /// The same with another time after which an idempotency key goes, in records.
    #[must_use]
    pub fn keys_after(self, records: u64) -> Self {
        let keys_after = records.max(1);
        Self { keys_after, ..self }
    }

    /// The same with another buffer. Without one every row is written at once, so that tests
    /// read it back from the file.
    #[must_use]
    pub fn buffered(self, bytes: usize) -> Self {
        Self {
            buffer_bytes: bytes,
            ..self
        }
    }

    pub(crate) fn open(&self) -> Result<Box<dyn StorageFile>, StorageError> {
        (self.open)().map_err(failed(Operation::Create, FILE, 0))
    }
}
