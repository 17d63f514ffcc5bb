//! How a command ends: its exit code, and what it says when it did not do what was asked.
//!
//! 0: done. 1: damage, a mismatch or a failure. 2: the command line was wrong. What is said on
//! the way out ends with the next command to try.

use std::fmt;
use std::io;
use std::process::ExitCode;

/// The three exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0
    Done,
    /// 1: damage, a mismatch, a failure.
    Failed,
    /// 2: the command line cannot be understood, or asks for what cannot be.
    Usage,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Done => Self::SUCCESS,
            Exit::Failed => Self::from(1),
            Exit::Usage => Self::from(2),
        }
    }
}

/// Why a command stopped before its end.
#[derive(Debug)]
pub enum Stop {
    /// It could not be done.
    Failed(Advice),
    /// It cannot be asked like that.
    Usage(Advice),
    /// It has said everything itself, and the answer is bad.
    Said,
    /// Standard output was closed by its reader, as behind `| head`: no reason to complain.
    PipeClosed,
    /// Standard output or standard error cannot be written.
    Output(io::Error),
}

/// What is wrong, and what to do about it.
#[derive(Debug)]
pub struct Advice {
    what: String,
    next: Option<String>,
}

impl Stop {
    /// A failure, exit code 1.
    pub fn failed(what: impl fmt::Display) -> Self {
        Self::Failed(Advice::new(what))
    }

    /// A wrong command line, exit code 2.
    pub fn usage(what: impl fmt::Display) -> Self {
        Self::Usage(Advice::new(what))
    }

    /// The same with the next command to try.
    #[must_use]
    pub fn next(mut self, command: impl fmt::Display) -> Self {
        if let Self::Failed(advice) | Self::Usage(advice) = &mut self {
            advice.next = Some(command.to_string());
        }
        self
    }

    /// The exit code.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Failed(_) | Self::Said | Self::Output(_) => Exit::Failed,
            Self::Usage(_) => Exit::Usage,
            Self::PipeClosed => Exit::Done,
        }
    }
}

impl Advice {
    fn new(what: impl fmt::Display) -> Self {
        Self {
            what: what.to_string(),
            next: None,
        }
    }
}

/// The system refuses what a command needs: `cannot write x.svg: …`, exit code 1.
pub fn cannot(action: &str, error: &dyn fmt::Display) -> Stop {
    Stop::failed(format!("cannot {action}: {error}"))
}

/// What goes to standard error, empty when there is nothing to say.
impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(advice) | Self::Usage(advice) => {
                write!(f, "error: {}", advice.what)?;
                match &advice.next {
                    Some(next) => write!(f, "\n  try: {next}"),
                    None => Ok(()),
                }
            }
            Self::Output(error) => write!(f, "error: the output cannot be written: {error}"),
            Self::Said | Self::PipeClosed => Ok(()),
        }
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::PipeClosed,
            _ => Self::Output(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_ends_with_the_next_command() {
        let stop = Stop::failed("there is no roll in ./x").next("tillroll demo --data ./x");
        assert_eq!(
            stop.to_string(),
            "error: there is no roll in ./x\n  try: tillroll demo --data ./x"
        );
        assert_eq!(stop.exit(), Exit::Failed);
        assert_eq!(Stop::usage("no").exit(), Exit::Usage);
    }

    #[test]
    fn a_closed_pipe_is_no_failure() {
        let stop = Stop::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!((stop.exit(), stop.to_string()), (Exit::Done, String::new()));
    }
}
