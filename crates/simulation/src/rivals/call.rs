//! What one writer was asked, what must come of it, and what came of it.

use tillroll_book::{Command, Refusal};
use tillroll_engine::{ExecuteError, Outcome};

use crate::reference::Foretold;
use crate::request::Request;

pub(crate) type Answers = Result<Vec<Result<Outcome, Refusal>>, ExecuteError>;

/// One batch, sent to one writer.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) number: u64,
    pub(crate) writer: usize,
    pub(crate) requests: Vec<Request>,
    pub(crate) commands: Vec<Command>,
    pub(crate) answers: Answers,
}

/// A call between two attempts of another one.
#[derive(Debug)]
pub(crate) struct Intruding {
    pub(crate) call: Call,
    /// Frames that had landed before.
    pub(crate) landed_before: usize,
}

/// The frames that a call makes when the log is at `base`, and its answers then.
#[derive(Debug)]
pub(crate) struct Forecast {
    pub(crate) base: u64,
    pub(crate) foretold: Foretold,
    /// The records of each frame, and the position of the first.
    pub(crate) frames: Vec<(u64, Vec<Box<[u8]>>)>,
    pub(crate) landed: usize,
    /// The writer has said that nothing more of it will happen.
    pub(crate) is_over: bool,
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
