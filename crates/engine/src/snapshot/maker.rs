//! Snapshots beside a running writer.
//!
//! The writer's own state is never copied or held up: a fold of its own goes on from the last
//! snapshot, through what has become durable since, and is written down and dropped. That costs
//! the memory of a second state while it works, so it is left alone when the last snapshot was
//! large, and then snapshots are made when the server stops.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tillroll_log::{Head, LogId, LogReader, Tree};

use super::{SnapshotError, SnapshotFile, SnapshotHeader, Snapshots};
use crate::{BookOptions, Replay, ReplayError};

/// Bytes that count as one record. One event may carry thousands of entries.
const RECORD_BYTES: u64 = 256;

/// How much of a roll there is to fold: records, or bytes where those are more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Weight(u64);

impl Weight {
    /// 256 bytes count as a record.
    #[must_use]
    pub fn of(records: u64, bytes: u64) -> Self {
        Self(records.max(bytes / RECORD_BYTES))
    }

    /// What is left when `other` is taken off, or nothing.
    #[must_use]
    pub fn less(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

/// When snapshots are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotOptions {
    /// Records between two of them, or 256 times as many bytes. On a long roll it is a sixteenth
    /// of the roll instead, so that a record is not written down again for ever.
    pub every: u64,
    /// When the last one has more bytes, none is made beside the running writer; nor when there is
    /// none and the roll itself has more.
    pub most_bytes: u64,
}

impl Default for SnapshotOptions {
    fn default() -> Self {
        Self {
            every: 1_000_000,
            most_bytes: 1024 * 1024 * 1024,
        }
    }
}

impl SnapshotOptions {
    /// How long the roll is when the next snapshot is due, after one that was made when it was
    /// as long as `last`.
    #[must_use]
    pub fn due(&self, last: Weight) -> Weight {
        let more = self.every.max(last.0 / 16).max(1);
        Weight(last.0.saturating_add(more))
    }
}

/// Why no snapshot was made.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotMakeError {
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    #[error(transparent)]
    Replay(#[from] ReplayError),
}

/// Makes snapshots of a log that a writer goes on appending to.
pub struct SnapshotMaker<T: Tree> {
    snapshots: Snapshots<T>,
    log: LogId,
    reader: Arc<dyn LogReader>,
    book_options: BookOptions,
    most_bytes: u64,
    abandoned: Arc<AtomicBool>,
}

impl<T: Tree> fmt::Debug for SnapshotMaker<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SnapshotMaker")
            .field("log", &self.log)
            .field("most_bytes", &self.most_bytes)
            .finish_non_exhaustive()
    }
}

impl<T: Tree> SnapshotMaker<T> {
    /// For the log that `reader` reads. A fold without a snapshot begins with `book_options`.
    pub fn new(
        snapshots: Snapshots<T>,
        log: LogId,
        reader: Arc<dyn LogReader>,
        book_options: BookOptions,
        options: &SnapshotOptions,
    ) -> Self {
        Self {
            snapshots,
            log,
            reader,
            book_options,
            most_bytes: options.most_bytes,
            abandoned: Arc::default(),
        }
    }

    /// Set, it has [`SnapshotMaker::make`] give up what is under way.
    #[must_use]
    pub fn abandoned(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.abandoned)
    }

    fn is_abandoned(&self) -> bool {
        self.abandoned.load(Ordering::Relaxed)
    }

    /// Folds what is durable from the newest snapshot on, and writes the state down. `now` is how
    /// long the log is. Answers the snapshot and its bytes, or nothing where the state is too large
    /// to be kept twice, or the log empty.
    ///
    /// # Errors
    /// [`SnapshotError::Abandoned`] once it was given up, and whatever keeps it from being made.
    pub fn make(&self, now: Weight) -> Result<Option<(SnapshotFile, u64)>, SnapshotMakeError> {
        if self.is_abandoned() {
            return Err(SnapshotError::Abandoned.into());
        }
        let bytes = match self.snapshots.list()?.first() {
            Some(newest) => self.snapshots.bytes(newest)?,
            // A state is hardly ever longer than its history.
            None => now.0.saturating_mul(RECORD_BYTES),
        };
        if bytes > self.most_bytes {
            tracing::debug!("the state is too large to be kept twice: the next snapshot waits");
            return Ok(None);
        }
        let (mut replay, head) = self.base()?;
        let Some(head) = replay.follow(head, &*self.reader, &self.abandoned)? else {
            return Err(SnapshotError::Abandoned.into());
        };
        let Some(moment) = replay.moment(self.log, head) else {
            return Ok(None);
        };
        Ok(Some(self.snapshots.write(&moment, &self.abandoned)?))
    }

    /// Where the fold goes on from: the newest snapshot that is whole and of this log.
    fn base(&self) -> Result<(Replay, Head), SnapshotMakeError> {
        for stored in self.snapshots.list()? {
            match self.usable(&stored) {
                Ok(Some((header, replay))) => return Ok((replay, header.head)),
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, "a snapshot is passed over"),
            }
        }
        Ok((Replay::new(self.book_options.clone()), Head::EMPTY))
    }

    fn usable(
        &self,
        stored: &SnapshotFile,
    ) -> Result<Option<(SnapshotHeader, Replay)>, SnapshotMakeError> {
        let header = self.snapshots.header(stored)?;
        let agrees = header.agrees_with(&*self.reader);
        if header.log != self.log || !agrees.map_err(ReplayError::from)? {
            return Ok(None);
        }
        Ok(Some(self.snapshots.read(stored, &self.book_options)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_count_where_records_are_long() {
        assert_eq!(Weight::of(10, 256), Weight(10));
        assert_eq!(Weight::of(10, 25_600), Weight(100));
        assert_eq!(Weight::of(10, 25_600).less(Weight(200)), Weight(0));
    }

    #[test]
    fn a_long_roll_is_written_down_less_often() {
        let options = SnapshotOptions {
            every: 1000,
            most_bytes: 0,
        };
        for (last, due) in [(0, 1000), (1000, 2000), (16_000, 17_000), (32_000, 34_000)] {
            assert_eq!(options.due(Weight(last)), Weight(due));
        }
    }
}
