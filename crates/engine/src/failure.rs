//! Failures: what must never be answered with an acknowledgement. Refusals are the book's.

use std::error::Error;
use std::fmt::Write;
use std::sync::Arc;

use tillroll_book::{ColdFault, Refusal};
use tillroll_events::DecodeError;
use tillroll_log::{AppendError, LogReadError, Position};

use crate::sequencer::MisplacedFrame;
use crate::standby::{Divergence, FollowError};

/// Why the engine has stopped. It is cheap to clone, because every later call repeats it.
///
/// What was being applied may or may not be on the roll: only reading it again will tell, and
/// the caller must be told neither yes nor no.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Failure {
    #[error(transparent)]
    Append(Arc<AppendError>),
    #[error("a command that was applied at position {position} cannot be read back: {source}")]
    Read {
        position: Position,
        source: Arc<LogReadError>,
    },
    #[error("the record at position {position} cannot be understood: {}", in_full(.source))]
    Decode {
        position: Position,
        source: Arc<DecodeError>,
    },
    #[error("the log ends before position {position}, where a command was applied")]
    Missing { position: Position },
    /// A bug of the log.
    #[error(transparent)]
    Misplaced(#[from] MisplacedFrame),
    /// The log has lost or changed what was acknowledged.
    #[error(transparent)]
    Diverged(#[from] Divergence),
    /// The log could not be folded again after another writer had appended to it.
    #[error("the log cannot be folded again: {0}")]
    Refold(Arc<ReplayError>),
    /// Rows of the state could not be put away or read back, so nothing can be decided on it.
    #[error(transparent)]
    Cold(#[from] ColdFault),
    /// A bug. The text is what the panic said.
    #[error("the writer panicked: {0}")]
    Panicked(String),
}

/// Why commands were not applied, or not acknowledged.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ExecuteError {
    /// Another writer has appended to the log, or leads already. Nothing was done of what was not
    /// acknowledged; the same commands may be sent to the writer that leads.
    #[error("this engine does not lead: another writer has appended to the log")]
    Superseded,
    /// The log took nothing for as long as it was tried. Nothing was done of what was not
    /// acknowledged; the same commands may be sent again in a moment.
    #[error("the log takes no records at the moment: {0}")]
    Unavailable(Arc<dyn Error + Send + Sync>),
    /// The engine has failed.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// Why a submitted command has no outcome.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SubmitError {
    /// The book refuses the command, by name.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The queue is full. Nothing was done; the same command may be sent again in a moment.
    #[error("too many commands are waiting: try again")]
    Overloaded,
    /// Another writer leads. Nothing was done; the same command may be sent to that one, or here
    /// again when this engine leads.
    #[error("this engine does not lead: another writer has appended to the log")]
    Superseded,
    /// The log took nothing for as long as it was tried. Nothing was done; the same command may
    /// be sent again in a moment.
    #[error("the log takes no records at the moment: {0}")]
    Unavailable(Arc<dyn Error + Send + Sync>),
    /// The engine has failed. Whether the command was applied is not known.
    #[error("{0}")]
    Failed(Failure),
    /// The engine is ending or has ended in good order. Nothing was done.
    #[error("the engine has been stopped")]
    Stopped,
}

impl From<ExecuteError> for SubmitError {
    fn from(error: ExecuteError) -> Self {
        match error {
            ExecuteError::Superseded => Self::Superseded,
            ExecuteError::Unavailable(cause) => Self::Unavailable(cause),
            ExecuteError::Failed(failure) => Self::Failed(failure),
        }
    }
}

impl From<FollowError> for Failure {
    fn from(error: FollowError) -> Self {
        match error {
            FollowError::Diverged(diverged) => Self::Diverged(diverged),
            FollowError::Replay(ReplayError::Cold(fault)) => Self::Cold(fault),
            FollowError::Replay(error) => Self::Refold(Arc::new(error)),
        }
    }
}

/// Why a log could not be folded into a book.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    #[error(transparent)]
    Read(#[from] LogReadError),
    #[error("the record at position {position} cannot be understood: {}", in_full(.source))]
    Decode {
        position: Position,
        source: DecodeError,
    },
    #[error(transparent)]
    Cold(#[from] ColdFault),
    #[error("position {found} follows {after}: records are missing")]
    Gap { found: Position, after: Position },
}

/// Why an engine did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Log(#[from] tillroll_log::OpenError),
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// The state that was given is not that of this log.
    #[error("the state was folded up to position {folded}, the log ends at {head}")]
    NotAtHead { folded: Position, head: Position },
}

/// An error with its causes on one line. The decoder keeps what was wrong with a value, such as
/// an entry that does not balance, as the cause of an error that only says that there is one.
pub(crate) fn in_full(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.contains(&next) {
            write!(text, ": {next}").expect("writing to memory cannot fail");
        }
        cause = error.source();
    }
    text
}
