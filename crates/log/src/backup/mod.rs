//! Backup and restore of a data directory: the log, segment by segment, and
//! the few small files beside it that the caller names.
//!
//! # Invariants
//! - What is copied was checked frame by frame on the way, so damage never
//!   enters a backup, and a frame that is being written stays out of it.
//! - Until the new manifest is in place, everything that the old one names is
//!   there as it was: a backup that is interrupted anywhere leaves the one
//!   before usable. Segments only grow and other contents are stored under
//!   their hash, so nothing is ever written over with something else.
//! - A restore counts only when all of it is there and verified; before that
//!   no log opens in the directory.
//!
//! # It is not
//! It neither locks nor changes the log that it copies, and it knows nothing
//! of what is in the records or in the other files. It does not compress,
//! encrypt, or keep older states: the history is in the log itself.
//!
//! `BACKUP.md` beside this crate describes the directory and the manifest.

mod check;
mod dir_tree;
mod error;
mod extra;
mod manifest;
mod meter;
mod new_file;
mod plan;
mod restore;
mod save;
mod target;
mod tree;

pub use check::{BackupSummary, verify_backup};
pub use dir_tree::DirTree;
pub use error::{BackupError, PathFault, RestoreBackupError, VerifyBackupError};
pub use manifest::ManifestFault;
pub use meter::{BackupProgress, BackupStage};
pub use restore::{RestoreReport, restore};
pub use save::{BackupReport, BackupSource, backup};
pub use tree::Tree;

/// Where the segments are, in a data directory and in a backup.
const LOG: &str = "log";
/// Where the contents of the other files are, in a backup.
const FILES: &str = "files";
/// What makes a directory a backup.
const MANIFEST: &str = "BACKUP";
/// The manifest while it is written.
const NEW_MANIFEST: &str = "BACKUP.new";
/// Held while a backup is written, and never removed. In a directory without a
/// manifest it says that what lies beside it is from a first backup that did
/// not finish.
const LOCK: &str = "BACKUP.lock";
/// The end of a name whose file is not whole yet.
const NEW: &str = ".new";

fn log_path(name: &str) -> String {
    format!("{LOG}/{name}")
}
