//! The promises, by name, and what was found to break one.

use std::fmt;

/// What the core promises, whatever happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Law {
    /// What was acknowledged, or shown to a reader, is on the roll: same position, same bytes.
    Acknowledged,
    /// What is on the roll was sent, in this order.
    Sent,
    /// A frame is on the roll as a whole or not at all.
    Whole,
    /// Answers are those of a plain book that is told the same.
    Answers,
    /// A key has one effect, and always the same answer.
    Once,
    /// What the processor says is never refused.
    Facts,
    /// The engine fails when its storage does, and only then.
    Failures,
    /// An engine that has failed acknowledges nothing more.
    Poisoned,
    /// After any crash, also in the middle of a recovery, the log opens.
    Recovery,
    /// A writer that says that nothing was done has done nothing; one that leads or follows has
    /// folded everything.
    Succession,
    /// Every unit sums to zero.
    Sums,
    /// Every limit holds.
    Limits,
    /// By the roll's own time, no hold is captured when it is over, or expires before.
    Holds,
    /// Folding the log gives the state of the writer.
    Replay,
    /// The auditor finds nothing in the log.
    Audit,
    /// Read models are what a replay makes.
    ReadModels,
    /// Rotten bytes are refused, or were never acknowledged; nothing wrong is served.
    BitRot,
    /// Whatever the order and repetition of webhooks, the books end up the same.
    Convergence,
    /// The same seed gives the same bytes.
    Repetition,
    /// Nothing panics.
    Panics,
}

impl Law {
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Acknowledged => "what was acknowledged is not lost and not changed",
            Self::Sent => "nothing is on the roll that was not sent, and the order is kept",
            Self::Whole => "a frame is on the roll as a whole or not at all",
            Self::Answers => "answers are those of a plain book",
            Self::Once => "a key has one effect and one answer",
            Self::Facts => "what the processor says is never refused",
            Self::Failures => "the engine fails when its storage does, and only then",
            Self::Poisoned => "an engine that has failed acknowledges nothing more",
            Self::Recovery => "after any crash the log opens",
            Self::Succession => "of two writers one leads, and the other has done nothing",
            Self::Sums => "every unit sums to zero",
            Self::Limits => "every limit holds",
            Self::Holds => "no hold is captured when it is over, or expires before",
            Self::Replay => "folding the log gives the state of the writer",
            Self::Audit => "the auditor finds nothing in the log",
            Self::ReadModels => "read models are what a replay makes",
            Self::BitRot => "wrong data is never served",
            Self::Convergence => "webhooks converge in any order",
            Self::Repetition => "the same seed gives the same bytes",
            Self::Panics => "nothing panics",
        }
    }
}

impl fmt::Display for Law {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// A law that was broken, and how it shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) law: Law,
    pub(crate) detail: String,
}

pub(crate) type Judgement<T> = Result<T, Finding>;

impl Law {
    pub(crate) fn broken(self, detail: impl Into<String>) -> Finding {
        Finding {
            law: self,
            detail: detail.into(),
        }
    }

    /// Finds that this law is broken unless `holds`.
    pub(crate) fn holds(self, holds: bool, detail: impl FnOnce() -> String) -> Judgement<()> {
        match holds {
            true => Ok(()),
            false => Err(self.broken(detail())),
        }
    }
}
