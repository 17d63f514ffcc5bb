//! What one writer was asked, what must come of it, and what came of it.

use tillroll_book::{Command, Refusal};
use tillroll_engine::{ExecuteError, Outcome};

use super::connection::Landing;
use crate::reference::BatchForecast;
use crate::request::ClientRequest;

pub(crate) type Answers = Result<Vec<Result<Outcome, Refusal>>, ExecuteError>;

/// One batch, sent to one writer.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) number: u64,
    pub(crate) writer: usize,
    pub(crate) requests: Vec<ClientRequest>,
    pub(crate) commands: Vec<Command>,
    pub(crate) answers: Answers,
}

/// A call between two attempts of another one.
#[derive(Debug)]
pub(crate) struct Intruder {
    pub(crate) call: Call,
    /// Frames that had landed before.
    pub(crate) landed_before: Vec<Landing>,
}

/// The frames that a call makes when the log is at `base`, and its answers then.
#[derive(Debug)]
pub(crate) struct Forecast {
    pub(crate) base: u64,
    pub(crate) foretold: BatchForecast,
    /// The records of each frame, and the position of the first.
    pub(crate) frames: Vec<(u64, Vec<Box<[u8]>>)>,
    pub(crate) landed: usize,
    /// The writer has said that nothing more of it will happen.
    pub(crate) is_over: bool,
}

/// Marks what was on the log before its call as replayed. A writer that has not followed decides a
/// command again that another one has applied. Its frame is the same to the last byte when their
/// clocks say the same, and then the log calls it committed: the one effect is there, and only
/// the writer does not know that it is not its own.
pub(crate) fn marked(answers: &mut [Result<Outcome, Refusal>], base: u64) {
    for outcome in answers.iter_mut().flatten() {
        outcome.replayed |= !outcome.is_empty() && outcome.last.get() <= base;
    }
}

/// What came of a call, in a word.
pub(crate) fn word(answers: &Answers) -> &'static str {
    match answers {
        Ok(_) => "answered",
        Err(ExecuteError::Superseded) => "superseded",
        Err(ExecuteError::Unavailable(_)) => "unavailable",
        Err(ExecuteError::Failed(_)) => "failed",
    }
}
