//! Failures by operation, with the facts in fields.

use std::fmt;
use std::io;
use std::sync::Arc;

use crate::batch::TooLarge;
use crate::damage::Damage;
use crate::identity::{Head, LogId, Position};
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

/// What became of a batch that was not acknowledged.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// Nothing of the batch is in the log, nor will it be.
    #[error("nothing was appended: {fault}")]
    NotAppended {
        /// What went wrong.
        fault: AppendFault,
    },
    /// The batch may be in the log, or may still arrive there; as a whole if at all. The caller
    /// must say neither yes nor no before that is settled: see [`AppendError::remedy`].
    #[error("whether the batch was appended is not known: {fault}")]
    InDoubt {
        /// What went wrong.
        fault: AppendFault,
    },
    /// The log does not end where this writer thinks, and what follows there is not this batch:
    /// another writer is ahead. Nothing of the batch is in the log, nor will it be.
    #[error(
        "another writer has appended: the log ends at {}, not at {}",
        actual.position, expected.position
    )]
    Superseded {
        /// Where this writer thought that the log ends.
        expected: Head,
        /// Where it does.
        actual: Head,
    },
}

impl AppendError {
    /// What went wrong; `None` when another writer is ahead, which is nothing wrong.
    #[must_use]
    pub fn fault(&self) -> Option<&AppendFault> {
        match self {
            Self::NotAppended { fault } | Self::InDoubt { fault } => Some(fault),
            Self::Superseded { .. } => None,
        }
    }

    /// What the caller can do about it.
    #[must_use]
    pub fn remedy(&self) -> Remedy {
        match self.fault() {
            None => Remedy::StepDown,
            Some(AppendFault::Empty | AppendFault::TooLarge(_)) => Remedy::OtherBatch,
            Some(AppendFault::DeadlinePassed) => Remedy::Retry,
            Some(AppendFault::Backend { transient, .. }) if *transient => Remedy::Retry,
            Some(AppendFault::Read(error)) if error.is_transient() => Remedy::Retry,
            Some(
                AppendFault::OutOfSpace(_)
                | AppendFault::Storage(_)
                | AppendFault::Stopped(_)
                | AppendFault::Read(_)
                | AppendFault::Backend { .. },
            ) => Remedy::Restart,
        }
    }
}

/// What the caller of a failed append can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Append the same batch behind the same head again. That settles a doubt, too.
    Retry,
    /// Open the log again: this writer appends nothing more, and recovery settles a doubt.
    Restart,
    /// Append no more: another writer is ahead.
    StepDown,
    /// Append another batch: this one cannot be.
    OtherBatch,
}

/// What went wrong with an append.
#[derive(Debug, thiserror::Error)]
pub enum AppendFault {
    /// Nothing to append.
    #[error("a batch without records cannot be appended")]
    Empty,
    /// More than this log takes in one append.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    /// The deadline passed without an answer.
    #[error("the deadline passed")]
    DeadlinePassed,
    /// The device is full. This writer appends nothing more.
    #[error("no space left for the log: {0}; make room and restart")]
    OutOfSpace(#[source] StorageError),
    /// Writing or syncing failed. This writer appends nothing more.
    #[error("the storage failed: {0}; restart to recover")]
    Storage(#[source] StorageError),
    /// An earlier append failed, and this writer appends nothing more. Reading goes on; opening
    /// the log again recovers.
    #[error("the log takes no more records since an earlier failure: {0}; restart to recover")]
    Stopped(#[source] StorageError),
    /// The frame that may be this batch could not be read.
    #[error("the end of the log could not be read: {0}")]
    Read(#[source] Box<LogReadError>),
    /// A backend other than files failed.
    #[error("the log's backend failed: {source}")]
    Backend {
        /// What it says.
        source: Box<dyn std::error::Error + Send + Sync>,
        /// Whether it may work when asked again.
        transient: bool,
    },
}

impl AppendFault {
    /// The storage's failure by its kind.
    pub(crate) fn of_storage(error: StorageError) -> Self {
        match error.is_out_of_space() {
            true => Self::OutOfSpace(error),
            false => Self::Storage(error),
        }
    }
}

/// Why committed records could not be read.
#[derive(Debug, thiserror::Error)]
pub enum LogReadError {
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Committed bytes do not check. Nothing wrong was handed out.
    #[error(transparent)]
    Damaged(#[from] Damage),
    /// The deadline passed without an answer.
    #[error("the log did not answer before the deadline")]
    DeadlinePassed,
    /// A backend other than files failed.
    #[error("the log's backend failed: {0}")]
    Backend(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl LogReadError {
    /// Whether the same question may be answered when it is asked again.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        !matches!(self, Self::Damaged(_))
    }
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
    /// Files say this with [`OpenError::Damaged`], which names the place.
    #[error("the log ends at {found}, before {expected}, which was durable: records are lost")]
    Lost {
        /// Known to have been durable.
        expected: Position,
        /// Where the log ends.
        found: Position,
    },
    /// Files say this with [`OpenError::Damaged`], which names the place.
    #[error("the log holds another history: {} at position {}, not {}", found.hash, found.position, expected.hash)]
    OtherHistory {
        /// Known to have been durable.
        expected: Head,
        /// What is there.
        found: Head,
    },
    /// The log cannot be read.
    #[error(transparent)]
    Read(#[from] LogReadError),
}
