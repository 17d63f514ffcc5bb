//! Why a backup was not made, does not check, or was not restored.

use super::MANIFEST;
use super::manifest::ManifestFault;
use crate::damage::Damage;
use crate::error::{Operation, StorageError};
use crate::identity::{Head, LogId, Position};
use crate::scan::ListingError;
use crate::verify::LogVerifyError;

/// What is wrong with the path of a file beside the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathFault {
    /// It leaves the data directory, or may mean several files.
    #[error("it is not a plain path below the data directory")]
    NotPlain,
    /// It has characters that no line of a manifest can hold.
    #[error("it has control characters")]
    Control,
    /// It lies where the segments are.
    #[error("what is in the log's directory is copied, or left out, without being named")]
    InLog,
    /// It is named twice.
    #[error("it is named twice")]
    Twice,
}

/// Why a backup was not made. The one that was there before is usable.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is no log to copy.
    #[error("there is no log to back up")]
    NoLog,
    /// The log does not check. Nothing of the damaged segment was copied.
    #[error("the log is damaged: {0}")]
    Damaged(#[from] Damage),
    /// A file in the log's directory has no segment's name.
    #[error("{}", crate::error::stray_file(file))]
    StrayFile {
        /// Name of the file.
        file: String,
    },
    /// A path that cannot be in a backup.
    #[error("{path:?} cannot be backed up: {fault}")]
    Path {
        /// The path, as it was given.
        path: String,
        /// What is wrong with it.
        fault: PathFault,
    },
    /// A file beside the log is not small.
    #[error("{path:?} has more than {most} bytes: only small files are taken beside the log")]
    FileTooLarge {
        /// The path, as it was given.
        path: String,
        /// Bytes that are taken.
        most: u64,
    },
    /// The target holds something that is no backup.
    #[error("the target is neither empty nor a backup: it holds {name:?}")]
    NotABackup {
        /// One of the names that are there.
        name: String,
    },
    /// The target's manifest cannot be read.
    #[error("{MANIFEST} of the target cannot be used: {0}")]
    Manifest(#[from] ManifestFault),
    /// The target is the backup of another book.
    #[error("the target holds a backup of book {backup}, and the log is of book {log}")]
    OtherBook {
        /// The book of the backup.
        backup: LogId,
        /// The book of the log.
        log: LogId,
    },
    /// The backup holds records that the log does not have. One of the two was
    /// set back: the log was restored from an older backup, or its last,
    /// unacknowledged frame was in the backup and did not survive a crash.
    #[error(
        "the backup holds another history than the log, from {file} on: it ends at position {position}, and the log does not continue it; back up into another directory"
    )]
    Diverged {
        /// The first segment that differs.
        file: String,
        /// Where the backup ends.
        position: Position,
    },
    /// Another process is writing to the target.
    #[error("another backup is being written to the target")]
    InUse,
    /// The log could not be read.
    #[error("the log: {0}")]
    Log(#[source] StorageError),
    /// A file beside the log could not be read.
    #[error("the data directory: {0}")]
    Data(#[source] StorageError),
    /// The target could not be read or written.
    #[error("the backup: {0}")]
    Target(#[source] StorageError),
}

impl From<ListingError> for BackupError {
    fn from(error: ListingError) -> Self {
        match error {
            ListingError::Storage(error) => Self::Log(error),
            ListingError::Stray(file) => Self::StrayFile { file },
        }
    }
}

/// Why a backup does not check.
#[derive(Debug, thiserror::Error)]
pub enum VerifyBackupError {
    /// There is no manifest, so there is no backup.
    #[error(
        "there is no backup here: {MANIFEST} is missing{}",
        if *begun { ", and a first backup was begun and not finished" } else { "" }
    )]
    NoManifest {
        /// Whether a first backup was begun here.
        begun: bool,
    },
    /// The manifest cannot be read.
    #[error("{MANIFEST} cannot be used: {0}")]
    Manifest(#[from] ManifestFault),
    /// A file that the manifest names is not there.
    #[error("{file} is missing")]
    Missing {
        /// Path in the backup.
        file: String,
    },
    /// A file has fewer bytes than the manifest names.
    #[error("{file} has {found} bytes, and {MANIFEST} says {expected}")]
    Length {
        /// Path in the backup.
        file: String,
        /// Bytes that the manifest names.
        expected: u64,
        /// Bytes that are there.
        found: u64,
    },
    /// The bytes of a file have changed.
    #[error("{file} does not match its hash in {MANIFEST}")]
    Hash {
        /// Path in the backup.
        file: String,
    },
    /// Every hash holds, and the log does not verify.
    #[error("the files are as they were written, and the log in them does not verify: {0}")]
    Log(#[from] LogVerifyError),
    /// The log verifies and is another book's.
    #[error("the log is of book {found}, and {MANIFEST} says {expected}")]
    Book {
        /// Book that the manifest names.
        expected: LogId,
        /// Book of the log.
        found: LogId,
    },
    /// The log verifies and is not as long, or not the one, that the manifest
    /// names.
    #[error(
        "the log ends at position {} with frame {}, and {MANIFEST} says {} and {}",
        found.position, found.hash, expected.position, expected.hash
    )]
    Head {
        /// Head that the manifest names.
        expected: Head,
        /// Head of the log.
        found: Head,
    },
    /// The backup could not be read.
    #[error("the backup: {0}")]
    Storage(#[from] StorageError),
}

/// Why a backup was not restored. No log opens in the target.
#[derive(Debug, thiserror::Error)]
pub enum RestoreBackupError {
    /// The target holds something, perhaps the rest of a restore that was
    /// interrupted.
    #[error("the target is not empty: it holds {name:?}; restore into an empty directory")]
    NotEmpty {
        /// One of the names that are there.
        name: String,
    },
    /// The backup does not check.
    #[error(transparent)]
    Backup(#[from] VerifyBackupError),
    /// What was written does not verify.
    #[error("what was restored does not verify: {0}")]
    Restored(#[source] VerifyBackupError),
    /// The target could not be written.
    #[error("the target: {0}")]
    Target(#[source] StorageError),
}

/// A failed operation, for `map_err`.
pub(super) fn failed(
    operation: Operation,
    path: &str,
) -> impl FnOnce(std::io::Error) -> StorageError {
    let path = match path {
        "" => ".",
        path => path,
    };
    move |source| StorageError::new(operation, path, 0, source)
}

/// Whether this says that there is no such file.
pub(super) fn is_absent(error: &std::io::Error) -> bool {
    use std::io::ErrorKind;
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}
