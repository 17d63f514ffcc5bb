//! Folding a log into a book: at a start, for a look at the past, for a comparison.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use tillroll_book::{Book, ColdFault};
use tillroll_events::{Record, Timestamp};
use tillroll_log::{Deadline, Head, LogReader, Position};

use crate::{BookOptions, ReplayError};

/// Records between two reports of progress.
const STEP: u64 = 1024;

pub(crate) fn is_step(position: Position) -> bool {
    position.get().is_multiple_of(STEP)
}

/// A fold that is under way. [`replay`] is the whole of it; this is for who gets the records
/// one by one, as from recovery.
#[derive(Debug)]
pub struct Replay {
    book: Book,
    position: Position,
    recorded_at: Option<Timestamp>,
    /// What another fold of the same log begins with.
    book_options: BookOptions,
}

impl Replay {
    #[must_use]
    pub fn new(book_options: impl Into<BookOptions>) -> Self {
        let book_options = book_options.into();
        let book = book_options.book();
        Self::folded(book_options, book, Position::ZERO, None)
    }

    /// A fold of everything up to a position.
    pub(crate) fn folded(
        book_options: BookOptions,
        book: Book,
        position: Position,
        recorded_at: Option<Timestamp>,
    ) -> Self {
        Self {
            book,
            position,
            recorded_at,
            book_options,
        }
    }

    /// What the fold began with.
    #[must_use]
    pub fn book_options(&self) -> &BookOptions {
        &self.book_options
    }

    /// Folds the next record.
    ///
    /// # Errors
    /// When it is not the next one or cannot be understood; the state is as before. Or when
    /// rows that no record has touched cannot be put away or read back; the fold is of no use then.
    pub fn fold(&mut self, position: Position, bytes: &[u8]) -> Result<(), ReplayError> {
        if position != self.position.next() {
            return Err(ReplayError::Gap {
                found: position,
                after: self.position,
            });
        }
        let record =
            Record::decode(bytes).map_err(|source| ReplayError::Decode { position, source })?;
        self.book.evolve(position.get(), &record);
        self.check()?;
        self.position = position;
        self.recorded_at = Some(record.recorded_at);
        Ok(())
    }

    /// Whether all rows that were asked for could be had. It is to be asked after the state was
    /// listed, before what was made of it is believed.
    ///
    /// # Errors
    /// When they could not; the fold is of no use then.
    pub fn check(&self) -> Result<(), ColdFault> {
        self.book.fault().cloned().map_or(Ok(()), Err)
    }

    /// The position of the last record that was folded.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }

    /// When the last record says that it was recorded; none before the first.
    #[must_use]
    pub fn recorded_at(&self) -> Option<Timestamp> {
        self.recorded_at
    }

    #[must_use]
    pub fn book(&self) -> &Book {
        &self.book
    }

    #[must_use]
    pub fn into_book(self) -> Book {
        self.book
    }

    pub(crate) fn into_parts(self) -> (Book, Position, Option<Timestamp>) {
        (self.book, self.position, self.recorded_at)
    }

    /// Folds what comes next in a log, up to a position or to its end. `progress` is as in
    /// [`replay`].
    ///
    /// # Errors
    /// The first record that cannot be read or understood, with its position.
    pub fn run(
        &mut self,
        reader: &dyn LogReader,
        up_to: Option<Position>,
        progress: &mut dyn FnMut(Position),
    ) -> Result<(), ReplayError> {
        let from = self.position.next();
        walk(reader, from, up_to, progress, |position, bytes| {
            self.fold(position, bytes)
        })
    }

    /// Goes on beside a running writer: folds the frames behind `head`, where this fold is, as far
    /// as the log goes by now. The writer and answers go first. Answers where it is then, nothing
    /// once `abandoned` is set.
    ///
    /// # Errors
    /// As [`Replay::run`].
    pub fn follow(
        &mut self,
        mut head: Head,
        reader: &dyn LogReader,
        abandoned: &AtomicBool,
    ) -> Result<Option<Head>, ReplayError> {
        let mut frames = reader.frames(head.position.next(), Deadline::NEVER)?;
        while let Some(frame) = frames.next_frame()? {
            if abandoned.load(Ordering::Relaxed) {
                return Ok(None);
            }
            for (position, record) in frame.records() {
                self.fold(position, record)?;
            }
            head = Head {
                position: frame.last(),
                hash: frame.hash,
            };
            thread::yield_now();
        }
        Ok(Some(head))
    }
}

/// Folds a log into a fresh book, up to a position or to its end. Answers the book and the
/// position of the last record in it. `progress` gets the position every 1,024 records and at
/// the end.
///
/// # Errors
/// The first record that cannot be read or understood, with its position.
pub fn replay(
    reader: &dyn LogReader,
    book_options: impl Into<BookOptions>,
    up_to: Option<Position>,
    mut progress: impl FnMut(Position),
) -> Result<(Book, Position), ReplayError> {
    let mut replay = Replay::new(book_options);
    replay.run(reader, up_to, &mut progress)?;
    let position = replay.position();
    Ok((replay.into_book(), position))
}

/// The last position that was recorded at or before a time, zero when none was. It reads the whole
/// log: recorded times run backwards where a clock was confirmed.
///
/// # Errors
/// The first record that cannot be read or understood, with its position.
pub fn position_at(reader: &dyn LogReader, time: Timestamp) -> Result<Position, ReplayError> {
    let mut last = Position::ZERO;
    let visit = |position, bytes: &[u8]| {
        let record =
            Record::decode(bytes).map_err(|source| ReplayError::Decode { position, source })?;
        if record.recorded_at <= time {
            last = position;
        }
        Ok::<_, ReplayError>(())
    };
    walk(reader, Position::FIRST, None, &mut |_| {}, visit)?;
    Ok(last)
}

/// Visits the records of a log from a position on, until one is wrong.
pub(crate) fn walk<E: From<tillroll_log::LogReadError>>(
    reader: &dyn LogReader,
    from: Position,
    up_to: Option<Position>,
    progress: &mut dyn FnMut(Position),
    mut visit: impl FnMut(Position, &[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let last = up_to.unwrap_or(Position::new(u64::MAX));
    let mut reached = Position::new(from.get().saturating_sub(1));
    let mut wrong = None;
    if from > last || from > reader.head(Deadline::NEVER)?.position {
        progress(reached);
        return Ok(());
    }
    let visited = reader.for_each(from, Deadline::NEVER, &mut |position, bytes| {
        if position > last {
            return ControlFlow::Break(());
        }
        if let Err(error) = visit(position, bytes) {
            wrong = Some(error);
            return ControlFlow::Break(());
        }
        reached = position;
        if is_step(position) {
            progress(position);
        }
        ControlFlow::Continue(())
    });
    match (wrong, visited) {
        (Some(error), _) => Err(error),
        (None, Err(error)) => Err(error.into()),
        (None, Ok(_)) => {
            progress(reached);
            Ok(())
        }
    }
}
