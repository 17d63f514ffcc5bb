//! A start from a snapshot: which one is believed, and what is asked of the roll then.

use std::error::Error;

use tillroll_log::{
    Deadline, Head, Log, LogId, LogReader, LogStore, OpenRequest, Position, RecoveryReport, Tree,
};

use super::{Moment, SnapshotFile, SnapshotHeader, Snapshots, Weight};
use crate::replay::is_step;
use crate::{BookOptions, Engine, Replay, ReplayError, StartError};

/// A snapshot that a start did not use although it was the newest that was left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkippedSnapshot {
    pub file: String,
    pub why: String,
}

/// How an engine was started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartReport {
    /// What opening the log found and did. With a snapshot, its counts are those of the records
    /// that were read.
    pub recovery: RecoveryReport,
    /// The snapshot that the fold went on from.
    pub snapshot: Option<SnapshotFile>,
    /// What a warning should name.
    pub passed_over: Vec<SkippedSnapshot>,
    /// Records that were folded.
    pub folded: u64,
    /// Bytes of these.
    pub folded_bytes: u64,
}

impl StartReport {
    /// How long the roll is.
    #[must_use]
    pub fn weight(&self) -> Weight {
        let head = self.recovery.head.position.get();
        Weight::of(head, self.recovery.log_bytes)
    }

    /// How long it was at the snapshot.
    #[must_use]
    pub fn weight_before(&self) -> Weight {
        self.weight()
            .less(Weight::of(self.folded, self.folded_bytes))
    }
}

/// What the snapshots of a directory come to, for a roll.
#[derive(Debug, Default)]
struct SnapshotChoice {
    taken: Option<(SnapshotFile, Head, Replay)>,
    passed_over: Vec<SkippedSnapshot>,
    /// The roll has been at least this far.
    durable: Position,
}

impl SnapshotChoice {
    fn pass_over(&mut self, stored: &SnapshotFile, why: impl ToString) {
        self.passed_over.push(SkippedSnapshot {
            file: stored.file.clone(),
            why: why.to_string(),
        });
    }
}

fn choose<T: Tree>(
    store: &impl LogStore,
    book: Option<LogId>,
    snapshots: &Snapshots<T>,
    book_options: &BookOptions,
) -> Result<SnapshotChoice, StartError> {
    let mut choice = SnapshotChoice::default();
    let all = match snapshots.list() {
        Ok(all) => all,
        Err(error) => {
            choice.passed_over.push(SkippedSnapshot {
                file: "all snapshots".into(),
                why: error.to_string(),
            });
            Vec::new()
        }
    };
    for stored in all {
        let header = match snapshots.header(&stored) {
            Ok(header) => header,
            Err(error) => {
                choice.pass_over(&stored, error);
                continue;
            }
        };
        if book.is_some_and(|book| book != header.log) {
            choice.pass_over(&stored, "it is of another book");
            continue;
        }
        // A roll that cannot be read is no fault of the snapshot.
        let there = store.head_at(header.head.position);
        match there? {
            // A roll that is shorter has lost what was acknowledged. Where it is not, opening
            // finds that as well, and the snapshot is only of no use.
            None => {
                choice.durable = choice.durable.max(header.head.position);
                choice.pass_over(&stored, "no whole frame of the roll ends at its position");
            }
            Some((log, _)) if log != header.log => {
                choice.pass_over(&stored, "it is of another book");
            }
            Some((_, head)) if head != header.head => {
                choice.pass_over(&stored, "the roll has another frame at its position");
            }
            Some((_, head)) => match snapshots.read(&stored, book_options) {
                Ok((_, replay)) => {
                    choice.taken = Some((stored, head, replay));
                    return Ok(choice);
                }
                Err(error) => choice.pass_over(&stored, error),
            },
        }
    }
    Ok(choice)
}

impl<L: Log + 'static> Engine<L> {
    /// Opens a log and folds it while recovery reads it, so that a start reads it once. The id of
    /// the log is that of the book. `request` must ask for every record to be checked, as it does
    /// by default: those that recovery skips are missing from the fold.
    ///
    /// # Errors
    /// When the log is damaged or cannot be understood. A log that cannot be understood has
    /// been recovered all the same: a torn tail is cut then.
    pub fn open_store(
        store: impl LogStore<Log = L>,
        request: &OpenRequest,
        book_options: impl Into<BookOptions>,
        mut progress: impl FnMut(Position),
    ) -> Result<(Self, RecoveryReport), StartError> {
        let mut replay = Replay::new(book_options);
        let mut wrong: Option<ReplayError> = None;
        let (log, report) = store.open(request, &mut |position, bytes| {
            if wrong.is_none() {
                wrong = replay.fold(position, bytes).err();
                if is_step(position) {
                    progress(position);
                }
            }
        })?;
        if let Some(error) = wrong {
            return Err(error.into());
        }
        progress(replay.position());
        Ok((Self::resume(log, replay)?, report))
    }

    /// Opens a log from the newest snapshot that is whole and that the log agrees with:
    /// only what came after it is folded, and of segments that end before it only the headers
    /// are read. Without one it is [`Engine::open_store`].
    ///
    /// `request` must ask for every record to be checked, as it does by default.
    ///
    /// # Errors
    /// As [`Engine::open_store`], and when the log ends before a snapshot of it: it has lost
    /// acknowledged events.
    pub fn open_store_from<T: Tree>(
        store: impl LogStore<Log = L>,
        request: &OpenRequest,
        book_options: impl Into<BookOptions>,
        snapshots: &Snapshots<T>,
        mut progress: impl FnMut(Position),
    ) -> Result<(Self, StartReport), StartError> {
        let book_options = book_options.into();
        let SnapshotChoice {
            taken,
            passed_over,
            durable,
        } = choose(&store, request.id, snapshots, &book_options)?;
        let mut request = *request;
        request.durable_position = request.durable_position.max(durable);
        let (snapshot, mut replay) = match taken {
            None => (None, Replay::new(book_options)),
            Some((stored, head, replay)) => {
                request.check_from = head.position.next();
                request.durable = Some(head);
                (Some(stored), replay)
            }
        };
        let from = replay.position().get();
        let mut folded_bytes = 0;
        let mut wrong: Option<ReplayError> = None;
        let (log, recovery) = store.open(&request, &mut |position, bytes| {
            if wrong.is_none() {
                folded_bytes += bytes.len() as u64;
                wrong = replay.fold(position, bytes).err();
                if is_step(position) {
                    progress(position);
                }
            }
        })?;
        if let Some(error) = wrong {
            return Err(error.into());
        }
        progress(replay.position());
        let start = StartReport {
            recovery,
            snapshot,
            passed_over,
            folded: replay.position().get() - from,
            folded_bytes,
        };
        let (snapshots, id) = (snapshots.clone(), log.id());
        let book_options = replay.book_options().clone();
        let engine = Self::resume(log, replay)?;
        let restore = move |reader: &dyn LogReader| snapshots.newest(id, reader, &book_options);
        Ok((engine.with_restore(Box::new(restore)), start))
    }
}

impl<T: Tree> Snapshots<T> {
    /// The fold of the newest snapshot that is whole and that the log agrees with, and the frame
    /// that it was made at. Others are passed over with a warning.
    #[must_use]
    pub fn newest(
        &self,
        log: LogId,
        reader: &dyn LogReader,
        book_options: &BookOptions,
    ) -> Option<(Replay, Head)> {
        let all = self.list();
        let all = all.inspect_err(|error| tracing::warn!(%error, "snapshots are passed over"));
        all.unwrap_or_default().iter().find_map(|stored| {
            let usable = self.usable(stored, log, reader, book_options);
            usable.unwrap_or_else(|error| {
                tracing::warn!(file = stored.file, %error, "a snapshot is passed over");
                None
            })
        })
    }

    fn usable(
        &self,
        stored: &SnapshotFile,
        log: LogId,
        reader: &dyn LogReader,
        book_options: &BookOptions,
    ) -> Result<Option<(Replay, Head)>, Box<dyn Error>> {
        let header = self.header(stored)?;
        if header.log != log || !header.agrees_with(reader)? {
            return Ok(None);
        }
        let (header, replay) = self.read(stored, book_options)?;
        Ok(Some((replay, header.head)))
    }
}

impl Replay {
    /// This fold as a snapshot keeps it; none before the first record. `head` is that of the
    /// log at the last record that was folded, the end of a frame.
    ///
    /// # Panics
    /// When it is another position's.
    #[must_use]
    pub fn moment(&self, log: LogId, head: Head) -> Option<Moment<'_>> {
        assert_eq!(
            head.position,
            self.position(),
            "a snapshot is of one position"
        );
        Some(Moment {
            book: self.book(),
            log,
            head,
            recorded_at: self.recorded_at()?,
        })
    }
}

impl SnapshotHeader {
    /// Whether a log that can be read holds the frame that this snapshot was made at.
    ///
    /// # Errors
    /// When the frame cannot be read.
    pub fn agrees_with(
        &self,
        reader: &dyn tillroll_log::LogReader,
    ) -> Result<bool, tillroll_log::LogReadError> {
        let position = self.head.position;
        if position == Position::ZERO || position > reader.head(Deadline::NEVER)?.position {
            return Ok(false);
        }
        let mut frames = reader.frames(position, Deadline::NEVER)?;
        let frame = frames.next_frame()?;
        Ok(frame.is_some_and(|frame| frame.last() == position && frame.hash == self.head.hash))
    }
}
