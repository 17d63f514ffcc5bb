//! Committed records, decoded.

use std::ops::ControlFlow;

use tillroll_events::{DecodeError, Record};
use tillroll_log::{Deadline, LogReader, Position, ReadError};

/// Why records of the log were not read.
#[derive(Debug, thiserror::Error)]
pub enum RecordsError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("the record at position {position}: {source}")]
    Decode {
        position: Position,
        source: DecodeError,
    },
    #[error("the async runtime is shutting down")]
    ShuttingDown,
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
