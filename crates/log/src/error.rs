//! Failures by operation, with the facts in fields.

use std::fmt;
use std::io;
use std::sync::Arc;

use crate::batch::TooLarge;
use crate::damage::Damage;
use crate::identity::{LogId, Position};
use crate::segment::UNFINISHED_RESTORE;

/// What was asked of the storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Listing the files.
    List,
    /// Opening a file.
    Open,
    /// Creating a file.
    Create,
    /// Asking for a file's length.
    Length,
    /// Reading.
    Read,
    /// Writing.
    Write,
    /// Making a file durable.
    Sync,
    /// Making the directory durable.
    SyncDirectory,
    /// Cutting a file.
    Truncate,
    /// Removing a file.
    Remove,
    /// Giving a file another name.
    Rename,
    /// Creating a directory.
    MakeDirectory,
    /// Locking a file.
    Lock,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::List => "list files of",
            Self::Open => "open",
            Self::Create => "create",
            Self::Length => "get the length of",
            Self::Read => "read",
            Self::Write => "write",
            Self::Sync => "sync",
            Self::SyncDirectory => "sync the directory of",
            Self::Truncate => "truncate",
            Self::Remove => "remove",
            Self::Rename => "rename",
            Self::MakeDirectory => "create the directory",
            Self::Lock => "lock",
        })
    }
}

/// A failed operation of the storage.
#[derive(Clone, Debug, thiserror::Error)]
#[error("cannot {operation} {file} at byte {offset}: {source}")]
pub struct StorageError {
    /// What was asked.
    pub operation: Operation,
    /// Name of the file, or `the log` for what concerns all of it.
    pub file: String,
    /// Where in the file, 0 when that makes no sense.
    pub offset: u64,
    /// What the system said. Shared, because a poisoned log repeats it.
    pub source: Arc<io::Error>,
}

impl StorageError {
    pub(crate) fn new(operation: Operation, file: &str, offset: u64, source: io::Error) -> Self {
        Self {
            operation,
            file: file.to_owned(),
            offset,
            source: Arc::new(source),
        }
    }

    /// Whether the device, or the user's share of it, is full.
    #[must_use]
    pub fn is_out_of_space(&self) -> bool {
        matches!(
            self.source.kind(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
        )
    }
}

/// Why a batch was not acknowledged. None of its records is visible to
/// readers.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// Nothing to append. The log is as it was.
    #[error("a batch without records cannot be appended")]
    Empty,
    /// More than this log takes in one append. The log is as it was.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    /// The device is full. The log is poisoned: make room, then open it
    /// again.
    #[error(
        "no space left for the log: {0}; nothing of the batch is acknowledged; make room and restart"
    )]
    OutOfSpace(#[source] StorageError),
    /// Writing or syncing failed. The log is poisoned. Whether the batch
    /// is there after the next open is unknown, so the caller must say neither
    /// yes nor no.
    #[error(
        "the batch could not be made durable: {0}; nothing of it is acknowledged; restart to recover"
    )]
    Storage(#[source] StorageError),
    /// An earlier append failed and this log takes no more. Reading goes
    /// on; opening the log again recovers.
    #[error("the log takes no more records since an earlier failure: {cause}; restart to recover")]
    Poisoned {
        /// The failure that poisoned it.
        cause: StorageError,
    },
    /// Another writer is ahead: this one lost its place and must catch up.
    /// Only backends that share a log answer this.
    #[error("another writer has appended: the log ends at {actual}, not at {expected}")]
    Superseded {
        /// Where this writer thought that the log ends.
        expected: Position,
        /// Where it does.
        actual: Position,
    },
    /// A backend other than files failed.
    #[error("the log's backend failed: {0}")]
    Backend(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Why committed records could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Committed bytes do not check. Nothing wrong was handed out.
    #[error(transparent)]
    Damaged(#[from] Damage),
    /// A backend other than files failed.
    #[error("the log's backend failed: {0}")]
    Backend(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// What to say about a name that no segment has.
pub(crate) fn stray_file(file: &str) -> String {
    match file {
        UNFINISHED_RESTORE => format!(
            "a restore into this directory did not finish ({file} is there): throw the directory away and restore again"
        ),
        file => format!("{file} is not a segment's name; move it elsewhere"),
    }
}

/// Why a log was not opened. No record was cut.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Something other than an unacknowledged tail does not check.
    #[error("the log is damaged: {0}")]
    Damaged(#[from] Damage),
    /// The directory holds another log than the one asked for.
    #[error("the log here belongs to log {found}, not to {expected}")]
    OtherLog {
        /// Id that was asked for.
        expected: LogId,
        /// Id that is there.
        found: LogId,
    },
    /// A file has the suffix of segments and no segment's name.
    #[error("{}", stray_file(file))]
    StrayFile {
        /// Name of the file.
        file: String,
    },
}
