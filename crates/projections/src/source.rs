//! Records out of the log, decoded, in batches.

use std::sync::mpsc;
use std::thread;

use tillroll_events::Record;
use tillroll_log::{Deadline, LogReadError, LogReader, Position};

use crate::ProjectError;

/// What a record by itself weighs, where each entry of a record with many weighs 1.
pub(crate) const RECORD_WEIGHT: usize = 8;

/// About what projecting a record takes, in time and in memory.
pub(crate) fn weight(record: &Record) -> usize {
    record.event.posted_count().max(RECORD_WEIGHT)
}

pub(crate) fn decode(position: u64, bytes: &[u8]) -> Result<Record, ProjectError> {
    Record::decode(bytes).map_err(|source| ProjectError::Record { position, source })
}

/// As [`read_batches`], which it is for a single batch; more are read ahead.
pub(crate) fn read_to(
    reader: &dyn LogReader,
    after: u64,
    last: u64,
    size: usize,
    take: impl FnMut(Vec<(u64, Record)>) -> Result<(), ProjectError>,
) -> Result<(), ProjectError> {
    match last.saturating_sub(after) > (size / RECORD_WEIGHT) as u64 {
        true => read_batches_ahead(reader, after, last, size, take),
        false => read_batches(reader, after, last, size, take),
    }
}

/// As [`read_batches`], with reading and decoding on a thread of their own, which stays at most
/// two batches ahead. For long stretches: starting a thread costs more than a few records.
fn read_batches_ahead(
    reader: &dyn LogReader,
    after: u64,
    last: u64,
    size: usize,
    mut take: impl FnMut(Vec<(u64, Record)>) -> Result<(), ProjectError>,
) -> Result<(), ProjectError> {
    thread::scope(|scope| {
        let (send, receive) = mpsc::sync_channel(1);
        let reading = scope.spawn(move || {
            let result = read_batches(reader, after, last, size, |batch| {
                // The receiver is gone once a batch could not be taken.
                send.send(batch).map_err(|_| Stopped::Listener)
            });
            match result {
                Err(Stopped::Failed(error)) => Err(error),
                Ok(()) | Err(Stopped::Listener) => Ok(()),
            }
        });
        let mut taken = Ok(());
        for batch in receive {
            taken = take(batch);
            if taken.is_err() {
                break;
            }
        }
        let read = reading
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        taken.and(read)
    })
}

/// Why reading ahead ended early.
enum Stopped {
    Listener,
    Failed(ProjectError),
}

impl<E: Into<ProjectError>> From<E> for Stopped {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Hands the records after `after`, up to `last`, to `take`, so many that they weigh about `size`.
pub(crate) fn read_batches<E>(
    reader: &dyn LogReader,
    after: u64,
    last: u64,
    size: usize,
    mut take: impl FnMut(Vec<(u64, Record)>) -> Result<(), E>,
) -> Result<(), E>
where
    E: From<ProjectError> + From<LogReadError>,
{
    let mut frames = reader.frames(Position::new(after).next(), Deadline::NEVER)?;
    let (mut batch, mut filled) = (Vec::new(), 0);
    while let Some(frame) = frames.next_frame()? {
        for (position, bytes) in frame.records() {
            let position = position.get();
            if position <= after {
                continue;
            }
            if position > last {
                break;
            }
            let record = decode(position, bytes)?;
            filled += weight(&record);
            batch.push((position, record));
            if filled >= size {
                filled = 0;
                take(std::mem::take(&mut batch))?;
            }
        }
    }
    if batch.is_empty() {
        return Ok(());
    }
    take(batch)
}
