//! An engine that does not lead: a fold that follows the log that another writer appends to.

use tillroll_book::Book;
use tillroll_log::{Head, LogId, LogReader, Position};

use crate::settlement::Patience;
use crate::{BookOptions, Moment, Replay, ReplayError};

/// A fold of the log, and the frame that it ends with.
#[derive(Debug)]
pub(crate) struct Standby {
    replay: Replay,
    head: Head,
    /// What this engine has called durable. The log has to have it.
    confirmed: Head,
}

/// Why a standby could not follow.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FollowError {
    #[error(transparent)]
    Replay(#[from] ReplayError),
    #[error(transparent)]
    Diverged(#[from] Divergence),
}

/// A log has another history than the one that it had called committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the log has another history after position {after} than the one that was acknowledged")]
pub struct Divergence {
    pub after: Position,
}

impl FollowError {
    /// Whether the log may answer when it is asked again.
    pub(crate) fn is_transient(&self) -> bool {
        matches!(self, Self::Replay(ReplayError::Read(error)) if error.is_transient())
    }
}

impl Standby {
    /// A standby that has folded nothing yet.
    pub(crate) fn empty(book_options: BookOptions, confirmed: Head) -> Self {
        Self::at(Replay::new(book_options), Head::EMPTY, confirmed)
    }

    /// A standby that goes on from a fold of everything up to `head`.
    pub(crate) fn at(replay: Replay, head: Head, confirmed: Head) -> Self {
        Self {
            replay,
            head,
            confirmed,
        }
    }

    pub(crate) fn book(&self) -> &Book {
        self.replay.book()
    }

    /// The end of what was folded.
    pub(crate) fn head(&self) -> Head {
        self.head
    }

    /// The last position that is known to be durable, folded or not yet.
    pub(crate) fn durable(&self) -> Head {
        match self.head.position < self.confirmed.position {
            true => self.confirmed,
            false => self.head,
        }
    }

    pub(crate) fn moment(&self, log: LogId) -> Option<Moment<'_>> {
        self.replay.moment(log, self.head)
    }

    pub(crate) fn into_fold(self) -> (Replay, Head) {
        (self.replay, self.head)
    }

    /// Folds everything that is committed by now. Where the log does not answer in time, it goes
    /// on from where it is, as long as it comes further.
    ///
    /// # Errors
    /// After one that is not transient the fold is of no further use.
    pub(crate) fn catch_up(
        &mut self,
        reader: &dyn LogReader,
        patience: &Patience,
    ) -> Result<(), FollowError> {
        let mut attempts = 0;
        loop {
            let before = self.head;
            let Err(error) = self.fold_frames(reader, patience) else {
                return Ok(());
            };
            attempts = match self.head == before {
                true => attempts + 1,
                false => 1,
            };
            if !error.is_transient() || attempts >= patience.attempts {
                return Err(error);
            }
            patience.wait_after(attempts);
        }
    }

    fn fold_frames(
        &mut self,
        reader: &dyn LogReader,
        patience: &Patience,
    ) -> Result<(), FollowError> {
        let from = self.head.position.next();
        let read = |error| FollowError::Replay(ReplayError::Read(error));
        let mut frames = reader.frames(from, patience.deadline()).map_err(read)?;
        while let Some(frame) = frames.next_frame().map_err(read)? {
            let before = self.head;
            if (frame.first, frame.previous) != (before.position.next(), before.hash) {
                return Err(Divergence {
                    after: before.position,
                }
                .into());
            }
            for (position, record) in frame.records() {
                self.replay.fold(position, record)?;
            }
            self.head = frame.head();
            let acknowledged = self.confirmed.position;
            let passes = before.position < acknowledged && acknowledged <= self.head.position;
            if passes && self.head != self.confirmed {
                return Err(Divergence {
                    after: before.position,
                }
                .into());
            }
        }
        Ok(())
    }
}
