//! Why nothing was measured.

use std::fmt;
use std::io;

/// What went wrong while measuring. A figure of something that failed or was refused would be a
/// figure of something else, so each of these ends the run.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    #[error("cannot {action}: {source}")]
    Io { action: String, source: io::Error },
    /// What was measured did not do its work.
    #[error("{doing}: {why}")]
    Failed { doing: String, why: String },
    /// A program that is compared with is missing or did not end well.
    #[error("{program}: {why}")]
    Program {
        program: String,
        why: String,
        /// What to do about it.
        next: Option<String>,
    },
}

impl BenchError {
    pub(crate) fn io(action: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let action = action.into();
        move |source| Self::Io { action, source }
    }

    pub(crate) fn failed<E: fmt::Display>(doing: &str) -> impl FnOnce(E) -> Self {
        let doing = doing.to_owned();
        move |why| Self::Failed {
            doing,
            why: why.to_string(),
        }
    }
}
