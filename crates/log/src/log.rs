//! What the engine needs of any log, whatever keeps it.

use std::ops::ControlFlow;
use std::sync::Arc;

use crate::batch::Batch;
use crate::deadline::Deadline;
use crate::error::{AppendError, AppendFault, LogReadError};
use crate::frame::Frame;
use crate::identity::{Committed, Head, LogId, Position};

/// A writer's side of a log. One writer appends at a time; where a backend lets several try, each
/// append is conditional on the head that it follows, and the writer that is not ahead is refused.
pub trait Log: Send {
    /// Which log this is.
    fn id(&self) -> LogId;

    /// Appends the records of a batch as one frame behind `after`, which must be the log's end:
    /// all or none, durable when this returns.
    ///
    /// Appending is idempotent: where the frame behind `after` is this batch already, which its
    /// hash tells, the answer is that it is committed. So an append that is in doubt is settled by
    /// appending the same batch behind the same head again.
    ///
    /// A backend that cannot interrupt its storage may answer later than at the deadline.
    ///
    /// The batch is borrowed mutably because a backend may complete it in its own memory; its
    /// records are the same afterwards. Clear it to use it again.
    ///
    /// # Errors
    /// [`AppendError`] says what became of the batch, and [`AppendError::remedy`] what helps.
    fn append(
        &mut self,
        after: Head,
        batch: &mut Batch,
        deadline: Deadline,
    ) -> Result<Committed, AppendError>;

    /// Where the committed log ends. Another writer may have moved it on when this returns.
    ///
    /// # Errors
    /// When the backend cannot be asked, or does not answer in time.
    fn head(&mut self, deadline: Deadline) -> Result<Head, LogReadError>;

    /// Nothing waits to be appended: the backend may use the time for what makes later appends
    /// quicker. Answers whether there is more to do.
    ///
    /// It changes nothing that anyone can read, and where it cannot be done, appends do without.
    ///
    /// # Errors
    /// A failure after which nothing can be appended, for example that of a sync.
    fn idle(&mut self) -> Result<bool, AppendError> {
        Ok(false)
    }

    /// A reader that other threads can use while this appends.
    fn reader(&self) -> Arc<dyn LogReader>;
}

impl<L: Log + ?Sized> Log for Box<L> {
    fn id(&self) -> LogId {
        (**self).id()
    }

    fn append(
        &mut self,
        after: Head,
        batch: &mut Batch,
        deadline: Deadline,
    ) -> Result<Committed, AppendError> {
        (**self).append(after, batch, deadline)
    }

    fn head(&mut self, deadline: Deadline) -> Result<Head, LogReadError> {
        (**self).head(deadline)
    }

    fn idle(&mut self) -> Result<bool, AppendError> {
        (**self).idle()
    }

    fn reader(&self) -> Arc<dyn LogReader> {
        (**self).reader()
    }
}

/// The readers' side of a log. Only committed records exist for it.
///
/// The deadline of a call that answers with frames or records is for reading them, too.
pub trait LogReader: Send + Sync {
    /// Where the committed log ends.
    ///
    /// # Errors
    /// When the backend cannot be asked, or does not answer in time.
    fn head(&self, deadline: Deadline) -> Result<Head, LogReadError>;

    /// The committed frames from the one that holds `from`, up to the head at
    /// the time of this call. [`Position::ZERO`] means from the first.
    ///
    /// # Errors
    /// When the place of `from` cannot be found.
    fn frames(&self, from: Position, deadline: Deadline) -> Result<Box<dyn Frames>, LogReadError>;

    /// Waits until a record behind `position` is committed, at most until the deadline, and
    /// answers the head then. With [`Deadline::NEVER`] it waits until a record comes.
    ///
    /// # Errors
    /// When the backend cannot be asked. That the deadline has passed is no error.
    fn wait_past(&self, position: Position, deadline: Deadline) -> Result<Head, LogReadError>;

    /// Hands each committed record from `from` to `visit`, without allocating
    /// for each, up to the head at the time of this call or until `visit`
    /// breaks. Answers whether it broke.
    ///
    /// # Errors
    /// After the first error nothing more is visited.
    fn for_each(
        &self,
        from: Position,
        deadline: Deadline,
        visit: &mut dyn FnMut(Position, &[u8]) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, LogReadError> {
        let mut frames = self.frames(from, deadline)?;
        while let Some(frame) = frames.next_frame()? {
            for (position, record) in frame.records().filter(|(position, _)| *position >= from) {
                if visit(position, record).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// The committed records from `from`, up to the head at the time of this
    /// call, each in its own memory. For much data, [`LogReader::for_each`]
    /// is quicker.
    ///
    /// # Errors
    /// When the place of `from` cannot be found.
    fn read_from(&self, from: Position, deadline: Deadline) -> Result<Records, LogReadError> {
        Ok(Records {
            frames: Some(self.frames(from, deadline)?),
            from,
            ready: Vec::new().into_iter(),
        })
    }

    /// One record, or `None` when nothing is committed there.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    fn read_one(&self, at: Position, deadline: Deadline) -> Result<Option<Vec<u8>>, LogReadError> {
        if at == Position::ZERO || at > self.head(deadline)?.position {
            return Ok(None);
        }
        let mut frames = self.frames(at, deadline)?;
        let frame = frames.next_frame()?;
        Ok(frame.and_then(|frame| {
            let mut records = frame.records();
            records.find_map(|(position, record)| (position == at).then(|| record.to_vec()))
        }))
    }

    /// Whether a batch is committed right behind `after`, by the hash of the frame there.
    ///
    /// While an append may still arrive late, `None` is no proof that it will not: only appending
    /// behind the same head again settles that.
    ///
    /// # Errors
    /// When the frame is there and cannot be read.
    fn find_batch(
        &self,
        after: Head,
        batch: &mut Batch,
        deadline: Deadline,
    ) -> Result<Option<Committed>, LogReadError> {
        let first = after.position.next();
        let mut frames = self.frames(first, deadline)?;
        let Some(frame) = frames.next_frame()? else {
            return Ok(None);
        };
        let same = frame.first == first && frame.hash == batch.hash_behind(after);
        Ok(same.then(|| Committed {
            first,
            last: frame.last(),
            head: frame.head(),
        }))
    }
}

/// The answer to an append behind a head that is not, or no longer, the end of the log.
pub(crate) fn answer_behind(
    reader: &dyn LogReader,
    (expected, actual): (Head, Head),
    batch: &mut Batch,
    deadline: Deadline,
) -> Result<Committed, AppendError> {
    let found = reader.find_batch(expected, batch, deadline);
    match found {
        Ok(Some(committed)) => Ok(committed),
        Ok(None) => Err(AppendError::Superseded { expected, actual }),
        Err(error) => Err(AppendError::InDoubt {
            fault: AppendFault::Read(Box::new(error)),
        }),
    }
}

/// Committed frames in order, each lent until the next is asked for.
pub trait Frames: Send {
    /// The next frame, `None` after the last.
    ///
    /// # Errors
    /// After an error the answer is `None`.
    fn next_frame(&mut self) -> Result<Option<Frame<'_>>, LogReadError>;
}

/// Iterator over committed records, see [`LogReader::read_from`]. It ends
/// after the first error.
pub struct Records {
    frames: Option<Box<dyn Frames>>,
    from: Position,
    ready: std::vec::IntoIter<(Position, Vec<u8>)>,
}

impl std::fmt::Debug for Records {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Records")
            .field("from", &self.from)
            .finish_non_exhaustive()
    }
}

impl Iterator for Records {
    type Item = Result<(Position, Vec<u8>), LogReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(record) = self.ready.next() {
                return Some(Ok(record));
            }
            match self.frames.as_mut()?.next_frame() {
                Ok(Some(frame)) => {
                    let wanted = frame
                        .records()
                        .filter(|(position, _)| *position >= self.from);
                    let owned: Vec<_> = wanted
                        .map(|(position, record)| (position, record.to_vec()))
                        .collect();
                    self.ready = owned.into_iter();
                }
                Ok(None) => self.frames = None,
                Err(error) => {
                    self.frames = None;
                    return Some(Err(error));
                }
            }
        }
    }
}
