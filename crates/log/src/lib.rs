//! The append-only log of one book: opaque records, laid down in frames,
//! chained by hash.
//!
//! # Purpose
//! One writer appends batches, and a batch is acknowledged only once it is
//! durable. Any number of readers follow by [`Position`]. [`Log`],
//! [`LogReader`] and [`LogStore`] are what a backend offers; [`FileLog`] keeps
//! its frames in segment files, one write and one sync for each batch, and
//! `FORMAT.md` beside this crate is their format in prose.
//!
//! # What an append answers
//! - *Committed*: the batch is durable, as one frame behind the head that the
//!   caller named, and readers see it.
//! - *Not appended* ([`AppendError::NotAppended`]): nothing of it is in the
//!   log, nor will it be.
//! - *In doubt* ([`AppendError::InDoubt`]): it may be in the log, or, where
//!   requests travel, still arrive there; as a whole if at all. Readers may see
//!   it already. The caller settles the doubt: it appends the same batch
//!   behind the same head again, and is told that the batch is committed, by
//!   its hash, whether it was there already or not; or it opens the log again
//!   where [`AppendError::remedy`] says so, and reads on.
//! - *Superseded* ([`AppendError::Superseded`]): the log goes on otherwise
//!   behind that head. Nothing of the batch is in it, nor will it be. The
//!   caller drops what it has decided on that head.
//!
//! # Invariants
//! - Positions are dense from 1: no gap, no repetition, no reordering.
//! - A batch is in the log as a whole or not at all.
//! - What was acknowledged survives a crash; what a reader has seen was
//!   durable before it was seen.
//! - Of two writers behind the same head at most one is told that it has
//!   appended, and nothing of the other's is in between.
//! - A failed write or sync ends the life of a file's writer
//!   ([`AppendFault::Stopped`]): a sync is never tried twice, because a second one may answer "done" for
//!   pages that the system has already thrown away.
//! - Recovery cuts only what was never acknowledged, and says so. Anything
//!   else that does not check is damage: the log refuses to open and
//!   changes nothing.
//!
//! # It is not
//! It knows no money, no events, no clock, no randomness that matters, no
//! async and no network. It does not compact, delete or edit records, and it
//! cannot repair bit rot: it finds it. Repair is a backup or a replica, and
//! [`backup()`] and [`restore()`] are here; `BACKUP.md` describes what they write.
//!
//! ```
//! use tillroll_log::{Batch, Deadline, Head, Log, MemoryLog, Position};
//!
//! let mut log = MemoryLog::new();
//! let mut batch = Batch::new();
//! batch.push(b"first")?;
//! batch.push(b"second")?;
//! let committed = log.append(Head::EMPTY, &mut batch, Deadline::NEVER)?;
//! assert_eq!(committed.last, Position::new(2));
//! let read = log.reader().read_one(Position::FIRST, Deadline::NEVER)?;
//! assert_eq!(read.as_deref(), Some(&b"first"[..]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod backup;
mod batch;
mod catalog;
#[cfg(any(test, feature = "test-rig"))]
pub mod conformance;
mod damage;
mod deadline;
mod dir_storage;
mod error;
mod file_log;
mod file_reader;
mod file_store;
mod file_tail;
#[cfg(feature = "test-rig")]
pub mod frame;
#[cfg(not(feature = "test-rig"))]
mod frame;
mod head_at;
mod identity;
mod index;
mod log;
mod memory_log;
mod recovery;
mod room;
mod scan;
#[cfg(feature = "test-rig")]
pub mod segment;
#[cfg(not(feature = "test-rig"))]
mod segment;
mod signal;
mod storage;
mod store;
#[cfg(any(test, feature = "test-rig"))]
pub mod testing;
mod verify;
mod window;

pub use backup::{
    BackupError, BackupProgress, BackupReport, BackupSource, BackupStage, BackupSummary, DirTree,
    ManifestFault, PathFault, RestoreBackupError, RestoreReport, Tree, VerifyBackupError, backup,
    restore, verify_backup,
};
pub use batch::{Batch, TooLarge};
pub use damage::{Damage, Fault};
pub use deadline::Deadline;
pub use dir_storage::{DirFile, DirStorage, DirStorageError, LOCK_NAME};
pub use error::{
    AppendError, AppendFault, LogReadError, OpenError, Operation, Remedy, StorageError,
};
pub use file_log::{FileLog, LogOptions};
pub use file_reader::FileReader;
pub use file_store::FileStore;
pub use file_tail::FileTail;
pub use frame::{Frame, RecordsOf};
pub use identity::{Committed, FrameHash, Head, LogId, Position};
pub use log::{Frames, Log, LogReader, Records};
pub use memory_log::MemoryLog;
pub use recovery::{RecoveryReport, TornTail};
pub use segment::segment_start;
pub use storage::{Storage, StorageFile};
pub use store::{LogStore, OpenRequest};
pub use verify::{LogVerifyError, VerifyProgress, VerifyReport, verify};

/// Longest record that can be appended, in bytes.
pub const MAX_RECORD_BYTES: usize = 8 * 1024 * 1024;

/// Longest frame, in bytes, its header and end mark included.
pub const MAX_FRAME_BYTES: usize = 64 * 1024 * 1024;
