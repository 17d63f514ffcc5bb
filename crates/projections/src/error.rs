//! What can go wrong, by who has to act on it.

use std::path::PathBuf;
use std::sync::Arc;

use tillroll_events::DecodeError;

/// Why records did not become rows. Nothing of the batch that failed is kept: neither rows nor
/// checkpoint.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// Positions are dense from the checkpoint on; anything else would leave a hole.
    #[error("position {found} was offered where {expected} comes next")]
    Gap { expected: u64, found: u64 },
    /// A record that cannot follow from the ones before it: the book never writes such a
    /// history.
    #[error("the record at position {position} contradicts those before it: {detail}")]
    Contradiction { position: u64, detail: String },
    #[error("the record at position {position} cannot be read: {source}")]
    Record { position: u64, source: DecodeError },
    #[error("the log cannot be read: {0}")]
    Log(#[from] tillroll_log::LogReadError),
    #[error("the read models failed: {0}")]
    Sql(#[from] rusqlite::Error),
    #[error("the read models were moved on by another writer: {found} in place of {expected}")]
    OtherWriter { expected: u64, found: u64 },
    /// Never removed and never written to: it was made by something else.
    #[error("{} is another program's database", .0.display())]
    NotOurs(PathBuf),
    /// The book closes. What was committed stands.
    #[error("the rest of the log is left for the next start")]
    Leaving,
    #[error("there is no room for a scratch database: {0}")]
    Scratch(#[source] std::io::Error),
    #[error("{} cannot be replaced: {source}", path.display())]
    Replace {
        path: PathBuf,
        source: std::io::Error,
    },
}

impl ProjectError {
    /// Whether the database itself is broken, so that building it anew is what helps.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Sql(error) => is_damage(error),
            _ => false,
        }
    }

    /// Whether the same step may succeed a moment later: a full disk, a busy file.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Log(_) | Self::Replace { .. } | Self::Leaving => true,
            Self::Sql(error) => matches!(
                error.sqlite_error_code(),
                Some(
                    rusqlite::ErrorCode::DatabaseBusy
                        | rusqlite::ErrorCode::DatabaseLocked
                        | rusqlite::ErrorCode::DiskFull
                        | rusqlite::ErrorCode::SystemIoFailure
                        | rusqlite::ErrorCode::CannotOpen
                        | rusqlite::ErrorCode::OutOfMemory
                )
            ),
            _ => false,
        }
    }
}

pub(crate) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase)
    )
}

/// Why a question was not answered.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ReadError {
    /// A refusal: the caller's cursor names nothing that this list holds.
    #[error("`{0}` is not in this list: a cursor is the id of an item of the page before")]
    UnknownCursor(String),
    /// No read models of this version are here: the projector makes them.
    #[error("{0} holds no read models of this version")]
    NotBuilt(Arc<str>),
    /// A failure: the database cannot be read, or holds what this version never writes.
    #[error("the read models cannot be read: {0}")]
    Failed(Arc<str>),
}

impl From<rusqlite::Error> for ReadError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Failed(error.to_string().into())
    }
}
