//! Committed records, decoded.

use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;

use tillroll_events::{DecodeError, Record};
use tillroll_log::{Deadline, LogReadError, LogReader, Position};

use crate::follower::Consumer;

/// Why records of the log were not read.
#[derive(Debug, thiserror::Error)]
pub enum RecordsError {
    #[error(transparent)]
    Read(#[from] LogReadError),
    #[error("the record at position {position}: {source}")]
    Decode {
        position: Position,
        source: DecodeError,
    },
    #[error("the async runtime is shutting down")]
    ShuttingDown,
}

impl RecordsError {
    /// Whether the same records may be read later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Read(error) if error.is_transient())
    }
}

/// Reads up to `limit` committed records from `from` on, none past `until`. It blocks.
///
/// # Errors
/// [`RecordsError`].
pub fn read_records(
    reader: &dyn LogReader,
    from: Position,
    until: Position,
    limit: usize,
) -> Result<Vec<(Position, Record)>, RecordsError> {
    let mut records = Vec::new();
    let mut undecoded = None;
    let visited = reader.for_each(from, Deadline::NEVER, &mut |position, bytes| {
        if position > until || records.len() >= limit {
            return ControlFlow::Break(());
        }
        match Record::decode(bytes) {
            Ok(record) => {
                records.push((position, record));
                ControlFlow::Continue(())
            }
            Err(source) => {
                undecoded = Some(RecordsError::Decode { position, source });
                ControlFlow::Break(())
            }
        }
    });
    match (visited, undecoded) {
        (Err(error), _) => Err(error.into()),
        (Ok(_), Some(error)) => Err(error),
        (Ok(_), None) => Ok(records),
    }
}

/// Hands out the records of a log, some at a time.
pub struct RecordFeed {
    reader: Arc<dyn LogReader>,
    checkpoint: Position,
    until: Position,
    limit: usize,
}

impl fmt::Debug for RecordFeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordFeed")
            .field("checkpoint", &self.checkpoint)
            .field("until", &self.until)
            .finish_non_exhaustive()
    }
}

impl RecordFeed {
    /// The records after `after`, none past `until`, `limit` at a time.
    #[must_use]
    pub fn new(reader: Arc<dyn LogReader>, after: Position, until: Position, limit: usize) -> Self {
        Self {
            reader,
            checkpoint: after,
            until,
            limit,
        }
    }
}

impl Consumer for RecordFeed {
    type Output = Vec<(Position, Record)>;
    type Error = RecordsError;

    fn checkpoint(&self) -> Position {
        self.checkpoint
    }

    fn apply(&mut self, head: Position) -> Result<Self::Output, RecordsError> {
        let (from, until) = (self.checkpoint.next(), head.min(self.until));
        let records = read_records(&*self.reader, from, until, self.limit)?;
        if let Some((last, _)) = records.last() {
            self.checkpoint = *last;
        }
        Ok(records)
    }

    fn is_transient(error: &RecordsError) -> bool {
        error.is_transient()
    }
}
