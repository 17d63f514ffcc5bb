//! Snapshots: the whole state of a book in a file, so that a start folds only what came after.
//!
//! # Purpose
//! `SNAPSHOT.md` beside this crate is the format in prose. [`Snapshots`] is the directory,
//! [`Engine::open_store_from`](crate::Engine::open_store_from) is the start that uses it,
//! [`SnapshotMaker`] makes new ones beside a running writer.
//!
//! # Invariants
//! - A snapshot is disposable: nothing is lost with it but time. It is believed only when every
//!   byte of it checks *and* the roll holds the very frame that it was made at.
//! - The same state has the same bytes, so a snapshot can be compared with a replay.
//! - A snapshot is whole and durable before it has its name; a crash while it is written leaves
//!   those that were there.
//! - A roll that ends before a snapshot has lost acknowledged events, and is refused.
//!
//! # It is not
//! A backup, or evidence: a process that can write to the directory can write a snapshot that checks.
//! `tillroll verify` compares each with a replay.

mod error;
mod fixed;
mod format;
mod maker;
mod read;
mod rows;
mod section;
mod start;
mod store;
mod write;

use tillroll_book::Book;
use tillroll_events::Timestamp;
use tillroll_log::{Head, LogId};

pub(crate) use error::failed;
pub use error::{SnapshotError, SnapshotFault};
pub use format::SnapshotHeader;
pub use maker::{SnapshotMakeError, SnapshotMaker, SnapshotOptions, Weight};
pub use section::Section;
pub use start::{SkippedSnapshot, StartReport};
pub use store::{SnapshotComparison, SnapshotFile, Snapshots};

/// A book at a place of its roll: what a snapshot is made of.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'a> {
    pub book: &'a Book,
    pub log: LogId,
    /// The end of a frame.
    pub head: Head,
    /// Of the last record; the next one is not recorded earlier.
    pub recorded_at: Timestamp,
}
