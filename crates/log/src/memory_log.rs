//! A log in memory, for tests and for trying things out. Nothing is durable.

use std::sync::{Arc, PoisonError, RwLock};

use crate::batch::Batch;
use crate::error::{AppendError, ReadError};
use crate::frame::{self, Depth, FrameView, Link, Place};
use crate::identity::{Committed, Head, Position};
use crate::log::{Frames, Log, LogReader};

/// Frames in memory carry no place.
const NOWHERE: Place = Place {
    segment: 0,
    offset: 0,
};

#[derive(Debug, Default)]
struct Contents {
    /// Last position and bytes of each frame.
    frames: Vec<(Position, Arc<[u8]>)>,
    head: Head,
}

/// A log in memory. Clones are handles on the same log, so that a test can
/// "reopen" it; append through one of them only.
#[derive(Clone, Debug, Default)]
pub struct MemoryLog {
    log: Arc<RwLock<Contents>>,
}

impl MemoryLog {
    /// An empty log.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Log for MemoryLog {
    fn append(&mut self, batch: &mut Batch) -> Result<Committed, AppendError> {
        if batch.is_empty() {
            return Err(AppendError::Empty);
        }
        let mut log = self.log.write().unwrap_or_else(PoisonError::into_inner);
        let first = log.head.position.next();
        let last = Position::new(log.head.position.get() + batch.len() as u64);
        let previous = log.head.hash;
        let sealed = frame::seal(batch, NOWHERE, Link { first, previous });
        let head = Head {
            position: last,
            hash: sealed.hash,
        };
        log.frames.push((last, Arc::from(sealed.bytes())));
        log.head = head;
        Ok(Committed { first, last, head })
    }

    fn head(&self) -> Head {
        LogReader::head(self)
    }

    fn reader(&self) -> Arc<dyn LogReader> {
        Arc::new(self.clone())
    }
}

impl LogReader for MemoryLog {
    fn head(&self) -> Head {
        self.log.read().unwrap_or_else(PoisonError::into_inner).head
    }

    fn frames(&self, from: Position) -> Result<Box<dyn Frames>, ReadError> {
        let log = self.log.read().unwrap_or_else(PoisonError::into_inner);
        let start = log.frames.partition_point(|(last, _)| *last < from);
        Ok(Box::new(MemoryFrames {
            log: Arc::clone(&self.log),
            next: start,
            end: log.frames.len(),
            current: None,
        }))
    }
}

struct MemoryFrames {
    log: Arc<RwLock<Contents>>,
    next: usize,
    end: usize,
    current: Option<Arc<[u8]>>,
}

impl Frames for MemoryFrames {
    fn next_frame(&mut self) -> Result<Option<FrameView<'_>>, ReadError> {
        if self.next >= self.end {
            return Ok(None);
        }
        let log = self.log.read().unwrap_or_else(PoisonError::into_inner);
        let bytes = self.current.insert(Arc::clone(&log.frames[self.next].1));
        self.next += 1;
        let view = frame::decode(bytes, NOWHERE, Depth::Checksums);
        Ok(Some(view.expect("a frame in memory is as it was sealed")))
    }
}
