//! Records out of the journal, decoded, in batches.

use tillroll_events::Record;
use tillroll_journal::{JournalReader, Position};

use crate::ProjectError;

pub(crate) fn decode(position: u64, bytes: &[u8]) -> Result<Record, ProjectError> {
    Record::decode(bytes).map_err(|source| ProjectError::Record { position, source })
}

/// Hands the records after `after`, up to `last`, to `take`, at most `size` at a time.
pub(crate) fn read_batches(
    reader: &dyn JournalReader,
    after: u64,
    last: u64,
    size: usize,
    mut take: impl FnMut(Vec<(u64, Record)>) -> Result<(), ProjectError>,
) -> Result<(), ProjectError> {
    let mut frames = reader.frames(Position::new(after).next())?;
    let mut batch = Vec::new();
    while let Some(frame) = frames.next_frame()? {
        for (position, bytes) in frame.records() {
            let position = position.get();
            if position <= after {
                continue;
            }
            if position > last {
                break;
            }
            batch.push((position, decode(position, bytes)?));
            if batch.len() >= size {
                take(std::mem::take(&mut batch))?;
            }
        }
    }
    if batch.is_empty() {
        return Ok(());
    }
    take(batch)
}
