//! Why a snapshot cannot be written or believed.

use std::io;
use std::sync::Arc;

use tillroll_book::ColdFault;
use tillroll_book::state::StateContradiction;
use tillroll_ledger as ledger;
use tillroll_log::{Operation, StorageError};

use super::Section;

/// Why there is no snapshot. It is never a reason not to start: the roll is the truth.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SnapshotError {
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Bytes that were not written like this.
    #[error("{file} is damaged at byte {offset}{}: {fault}", in_section(*.section))]
    Damaged {
        file: String,
        /// Where the bytes are, when that is known.
        section: Option<Section>,
        offset: u64,
        fault: SnapshotFault,
    },
    /// Rows of the state could not be put away or read back.
    #[error(transparent)]
    Cold(#[from] ColdFault),
    /// A stop was asked for.
    #[error("the snapshot was given up, because it was no longer wanted")]
    Abandoned,
}

fn in_section(section: Option<Section>) -> String {
    section.map_or_else(String::new, |section| format!(", in the {section}"))
}

/// What is wrong with bytes of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotFault {
    #[error("the file ends too early: {needed} bytes are needed and {available} are left")]
    Truncated { needed: u64, available: u64 },
    #[error("it does not begin as a snapshot does")]
    Magic,
    #[error(
        "version {version} with flags {flags:#x} is not known: another program version wrote it"
    )]
    Unsupported { version: u16, flags: u16 },
    #[error("reserved bytes are not zero")]
    Reserved,
    #[error("a header's checksum does not match")]
    HeaderChecksum,
    #[error("a block's checksum does not match")]
    Checksum,
    #[error("another block belongs here")]
    Order,
    #[error("the end mark does not agree with the file")]
    End,
    #[error("{0} bytes follow the end")]
    Trailing(u64),
    #[error("the hash of the file does not match")]
    Hash,
    #[error("there are {found} accounts, and the header says {said}")]
    Accounts { said: u64, found: u64 },
    #[error("the name of the file does not agree with its header")]
    Name,
    #[error("row {row} of the block cannot be read: {detail}")]
    Row { row: u32, detail: String },
    #[error("{0} bytes of a block belong to no row")]
    RowBytes(usize),
    #[error("the state contradicts itself: {0}")]
    Ledger(#[from] ledger::LedgerRestoreError),
    #[error("the state contradicts itself: {0}")]
    State(#[from] StateContradiction),
}

/// A failed operation on a file of the directory.
pub(crate) fn failed(
    operation: Operation,
    file: &str,
    offset: u64,
) -> impl FnOnce(io::Error) -> StorageError {
    move |source| StorageError {
        operation,
        file: file.to_owned(),
        offset,
        source: Arc::new(source),
    }
}
