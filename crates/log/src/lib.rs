//! The append-only log of one book: opaque records, laid down in frames, kept
//! in segments, chained by hash.
//!
//! # Purpose
//! One writer appends batches; each batch is one frame, one write and one
//! sync, and is acknowledged only after that. Any number of readers follow by
//! [`Position`]. `FORMAT.md` beside this crate is the format in prose.
//!
//! # Invariants
//! - Positions are dense from 1: no gap, no repetition, no reordering.
//! - A batch is in the log as a whole or not at all.
//! - What was acknowledged survives a crash; what a reader has seen was
//!   durable before it was seen.
//! - A failed write or sync ends the life of the writer ([`AppendFault::Stopped`]):
//!   a sync is never tried twice, because a second one may answer "done" for
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
pub mod conformance;
mod damage;
mod deadline;
mod dir_storage;
mod error;
mod file_log;
mod file_reader;
mod file_store;
mod file_tail;
pub mod frame;
mod head_at;
mod identity;
mod index;
mod log;
mod memory_log;
mod recovery;
mod room;
mod scan;
pub mod segment;
mod signal;
mod storage;
mod store;
pub mod testing;
mod verify;
mod window;

pub use backup::{
    BackupError, BackupProgress, BackupReport, BackupSource, BackupSummary, DirTree, ManifestFault,
    PathFault, RestoreError, RestoreReport, Stage, Tree, VerifyBackupError, backup, restore,
    verify_backup,
};
pub use batch::{Batch, TooLarge};
pub use damage::{Damage, Fault};
pub use deadline::Deadline;
pub use dir_storage::{DirFile, DirStorage, DirStorageError};
pub use error::{AppendError, AppendFault, OpenError, Operation, ReadError, Remedy, StorageError};
pub use file_log::{FileLog, Options};
pub use file_reader::FileReader;
pub use file_store::FileStore;
pub use file_tail::FileTail;
pub use frame::{Frame, RecordsOf};
pub use identity::{Committed, FrameHash, Head, LogId, Position};
pub use log::{Frames, Log, LogReader, Records};
pub use memory_log::MemoryLog;
pub use recovery::{RecoveryReport, TornTail};
pub use storage::{Storage, StorageFile};
pub use store::{LogStore, OpenRequest};
pub use verify::{Progress, VerifyError, VerifyReport, verify};

/// Longest record that can be appended, in bytes.
pub const MAX_RECORD_BYTES: usize = 8 * 1024 * 1024;

/// Longest frame, in bytes, its header and end mark included.
pub const MAX_FRAME_BYTES: usize = 64 * 1024 * 1024;
