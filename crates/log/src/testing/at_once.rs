//! Short ways to ask a log that answers at once.

use crate::batch::Batch;
use crate::deadline::Deadline;
use crate::error::AppendError;
use crate::identity::{Committed, Head, Position};
use crate::log::{Log, LogReader};

/// A log under test with one writer, whose head is known without asking anyone else.
pub trait TestLog: Log {
    /// Appends behind the head that the log has.
    ///
    /// # Errors
    /// As [`Log::append`].
    fn append_next(&mut self, batch: &mut Batch) -> Result<Committed, AppendError> {
        let after = self.end();
        self.append(after, batch, Deadline::NEVER)
    }

    /// The log's head.
    ///
    /// # Panics
    /// When the log does not know it.
    fn end(&self) -> Head {
        self.reader().head_now()
    }
}

impl<L: Log + ?Sized> TestLog for L {}

/// A reader under test.
pub trait TestReader: LogReader {
    /// The log's head.
    ///
    /// # Panics
    /// When the reader does not know it.
    fn head_now(&self) -> Head {
        self.head(Deadline::NEVER).expect("the head is known")
    }

    /// One record.
    ///
    /// # Panics
    /// When it cannot be read.
    fn record(&self, at: Position) -> Option<Vec<u8>> {
        let read = self.read_one(at, Deadline::NEVER);
        read.unwrap_or_else(|error| panic!("record {at}: {error}"))
    }
}

impl<R: LogReader + ?Sized> TestReader for R {}
