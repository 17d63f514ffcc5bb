//! What the engine needs of any log, whatever keeps it.

use std::ops::ControlFlow;
use std::sync::Arc;

use crate::batch::Batch;
use crate::error::{AppendError, ReadError};
use crate::frame::FrameView;
use crate::identity::{Committed, Head, Position};

/// The single writer's side of a log.
pub trait Log: Send {
    /// Appends the records of a batch: all or none, durable when this returns.
    ///
    /// The batch is borrowed mutably because a frame is completed in its own
    /// memory; its records are the same afterwards. Clear it to use it again.
    ///
    /// # Errors
    /// Nothing of the batch is visible to readers. After
    /// [`AppendError::OutOfSpace`] and [`AppendError::Storage`], every later
    /// append answers [`AppendError::Poisoned`].
    fn append(&mut self, batch: &mut Batch) -> Result<Committed, AppendError>;

    /// Does a part of what makes later appends quicker, for when nothing waits to be appended.
    /// Answers whether there is more to do.
    ///
    /// It changes nothing that anyone can read, and where it cannot be done, appends do without.
    ///
    /// # Errors
    /// A failed sync, as for [`Log::append`]: nothing is appended after it.
    fn make_room(&mut self) -> Result<bool, AppendError> {
        Ok(false)
    }

    /// Where the committed log ends.
    fn head(&self) -> Head;

    /// A reader that other threads can use while this appends.
    fn reader(&self) -> Arc<dyn LogReader>;
}

impl<J: Log + ?Sized> Log for Box<J> {
    fn append(&mut self, batch: &mut Batch) -> Result<Committed, AppendError> {
        (**self).append(batch)
    }

    fn make_room(&mut self) -> Result<bool, AppendError> {
        (**self).make_room()
    }

    fn head(&self) -> Head {
        (**self).head()
    }

    fn reader(&self) -> Arc<dyn LogReader> {
        (**self).reader()
    }
}

/// The readers' side of a log. Only durable records exist for it.
pub trait LogReader: Send + Sync {
    /// Where the committed log ends.
    fn head(&self) -> Head;

    /// The committed frames from the one that holds `from`, up to the head at
    /// the time of this call. [`Position::ZERO`] means from the first.
    ///
    /// # Errors
    /// When the place of `from` cannot be found.
    fn frames(&self, from: Position) -> Result<Box<dyn Frames>, ReadError>;

    /// Hands each committed record from `from` to `visit`, without allocating
    /// for each, up to the head at the time of this call or until `visit`
    /// breaks. Answers whether it broke.
    ///
    /// # Errors
    /// After the first error nothing more is visited.
    fn for_each(
        &self,
        from: Position,
        visit: &mut dyn FnMut(Position, &[u8]) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, ReadError> {
        let mut frames = self.frames(from)?;
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
    fn read_from(&self, from: Position) -> Result<Records, ReadError> {
        Ok(Records {
            frames: Some(self.frames(from)?),
            from,
            ready: Vec::new().into_iter(),
        })
    }

    /// One record, or `None` when nothing is committed there.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    fn read_one(&self, at: Position) -> Result<Option<Vec<u8>>, ReadError> {
        if at == Position::ZERO || at > self.head().position {
            return Ok(None);
        }
        let mut frames = self.frames(at)?;
        let frame = frames.next_frame()?;
        Ok(frame.and_then(|frame| {
            let mut records = frame.records();
            records.find_map(|(position, record)| (position == at).then(|| record.to_vec()))
        }))
    }
}

/// Committed frames in order, each lent until the next is asked for.
pub trait Frames: Send {
    /// The next frame, `None` after the last.
    ///
    /// # Errors
    /// After an error the answer is `None`.
    fn next_frame(&mut self) -> Result<Option<FrameView<'_>>, ReadError>;
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
    type Item = Result<(Position, Vec<u8>), ReadError>;

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
