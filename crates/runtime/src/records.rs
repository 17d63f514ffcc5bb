//! Committed records, decoded.

use std::ops::ControlFlow;

use tillroll_events::{DecodeError, Record};
use tillroll_log::{Deadline, LogReadError, LogReader, Position};

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

/// How much is read at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadSize {
    pub records: usize,
    /// As the log holds them. The record that exceeds it is the last; one is read in any case.
    pub bytes: usize,
}

impl ReadSize {
    /// A single record.
    pub const ONE: Self = Self {
        records: 1,
        bytes: usize::MAX,
    };
}

/// Records that follow each other.
#[derive(Debug, Default)]
pub struct RecordBatch {
    pub records: Vec<(Position, Record)>,
    /// How long they are in the log.
    pub bytes: usize,
}

/// Reads committed records from `from` on, none past `until`. It blocks.
///
/// # Errors
/// [`RecordsError`].
pub(crate) fn read_records(
    reader: &dyn LogReader,
    from: Position,
    until: Position,
    size: ReadSize,
) -> Result<RecordBatch, RecordsError> {
    let mut batch = RecordBatch::default();
    let mut undecoded = None;
    let visited = reader.for_each(from, Deadline::NEVER, &mut |position, bytes| {
        let is_full = batch.records.len() >= size.records || batch.bytes >= size.bytes;
        if position > until || (is_full && !batch.records.is_empty()) {
            return ControlFlow::Break(());
        }
        match Record::decode(bytes) {
            Ok(record) => {
                batch.records.push((position, record));
                batch.bytes += bytes.len();
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
        (Ok(_), None) => Ok(batch),
    }
}
