//! Bugs that are planted on purpose: a judge that does not find them is worth nothing.

use tillroll_events::{Record, Timestamp};
use tillroll_log::testing::MemoryStorage;

use crate::image;

/// A bug of the storage, or of what it holds after a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PlantedBug {
    /// A sync answers "done" and keeps nothing.
    LostSync,
    /// Every other sync does: what it should keep is kept by the next, too late.
    SkippedSync,
    /// A sync of the directory answers "done" and keeps nothing.
    LostDirectorySync,
    /// A sync that fails answers "done".
    SwallowedSyncError,
    /// A sync that fails is tried again, and the second answer believed.
    RetriedSync,
    /// After a crash the last record is missing.
    DroppedRecord,
    /// After a crash the last frame is missing.
    DroppedFrame,
    /// After a crash the last two records have changed places.
    SwappedRecords,
    /// After a crash the last record is there twice.
    RepeatedRecord,
    /// After a crash the last record says another time.
    EditedRecord,
    /// After a crash the last command with a key has lost it.
    ForgottenKey,
    /// A writer takes an append that is in doubt for committed.
    AcknowledgedDoubt,
    /// A writer takes an append that is in doubt for one that was turned away.
    DroppedDoubt,
    /// The log takes a frame wherever it ends.
    UncheckedAppend,
}

impl PlantedBug {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::LostSync,
        Self::SkippedSync,
        Self::LostDirectorySync,
        Self::SwallowedSyncError,
        Self::RetriedSync,
        Self::DroppedRecord,
        Self::DroppedFrame,
        Self::SwappedRecords,
        Self::RepeatedRecord,
        Self::EditedRecord,
        Self::ForgottenKey,
        Self::AcknowledgedDoubt,
        Self::DroppedDoubt,
        Self::UncheckedAppend,
    ];

    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::LostSync => "lost-sync",
            Self::SkippedSync => "skipped-sync",
            Self::LostDirectorySync => "lost-directory-sync",
            Self::SwallowedSyncError => "swallowed-sync-error",
            Self::RetriedSync => "retried-sync",
            Self::DroppedRecord => "dropped-record",
            Self::DroppedFrame => "dropped-frame",
            Self::SwappedRecords => "swapped-records",
            Self::RepeatedRecord => "repeated-record",
            Self::EditedRecord => "edited-record",
            Self::ForgottenKey => "forgotten-key",
            Self::AcknowledgedDoubt => "acknowledged-doubt",
            Self::DroppedDoubt => "dropped-doubt",
            Self::UncheckedAppend => "unchecked-append",
        }
    }

    /// Whether it shows with two writers on one log, and not on a disk.
    pub(crate) fn is_of_rivals(self) -> bool {
        matches!(
            self,
            Self::AcknowledgedDoubt | Self::DroppedDoubt | Self::UncheckedAppend
        )
    }

    /// The storage that a crash left behind, with this bug in it: a log in which everything
    /// checks, and which is not the one that was written.
    pub(crate) fn spoil(
        self,
        storage: MemoryStorage,
        id: [u8; 16],
        segment_bytes: u64,
    ) -> MemoryStorage {
        let mut frames = image::frames(&image::files(&storage));
        match self.edit(&mut frames) {
            Some(()) => image::written(&frames, id, segment_bytes),
            None => storage,
        }
    }

    /// `None` when there is nothing that it could do here.
    fn edit(self, frames: &mut Vec<Vec<Vec<u8>>>) -> Option<()> {
        let last = frames.last_mut()?;
        match self {
            Self::LostSync
            | Self::SkippedSync
            | Self::LostDirectorySync
            | Self::SwallowedSyncError
            | Self::RetriedSync
            | Self::AcknowledgedDoubt
            | Self::DroppedDoubt
            | Self::UncheckedAppend => return None,
            Self::DroppedRecord => drop(last.pop()),
            Self::DroppedFrame => drop(frames.pop()),
            Self::SwappedRecords => {
                let before = last.len().checked_sub(2)?;
                last.swap(before, before + 1);
            }
            Self::RepeatedRecord => last.push(last.last()?.clone()),
            Self::EditedRecord => {
                let record = last.last_mut()?;
                let mut edited = Record::decode(record).ok()?;
                edited.occurred_at = Timestamp::from_micros(edited.occurred_at.micros() + 1);
                encode(&edited, record);
            }
            Self::ForgottenKey => {
                let mut records = frames.iter_mut().rev().flatten();
                let (record, mut keyed) = records.find_map(|record| {
                    let decoded = Record::decode(record).ok()?;
                    decoded.command.is_some().then_some((record, decoded))
                })?;
                keyed.command = None;
                encode(&keyed, record);
            }
        }
        Some(())
    }
}

fn encode(record: &Record, buffer: &mut Vec<u8>) {
    buffer.clear();
    record.encode(buffer);
}
