//! A log in memory, for tests and for trying things out. Nothing is durable.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use crate::batch::Batch;
use crate::deadline::Deadline;
use crate::error::{AppendError, AppendFault, LogReadError, OpenError};
use crate::frame::{self, Depth, Frame, FrameLink, FramePlace};
use crate::identity::{Committed, Head, LogId, Position};
use crate::log::{Frames, Log, LogReader, answer_behind};
use crate::recovery::RecoveryReport;
use crate::signal::CommitSignal;
use crate::store::{LogStore, OpenRequest};

/// Frames in memory carry no place.
const NOWHERE: FramePlace = FramePlace {
    segment: 0,
    offset: 0,
};

#[derive(Debug, Default)]
struct FrameList {
    /// Each frame with the head after it.
    frames: Vec<(Head, Arc<[u8]>)>,
    head: Head,
}

#[derive(Debug, Default)]
struct SharedFrames {
    contents: RwLock<FrameList>,
    grown: CommitSignal,
}

impl SharedFrames {
    fn read(&self) -> RwLockReadGuard<'_, FrameList> {
        self.contents.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn head(&self) -> Head {
        self.read().head
    }
}

/// A log in memory. Clones are handles on the same log, so that a test can
/// "reopen" it, or let two writers try.
#[derive(Clone, Debug)]
pub struct MemoryLog {
    id: LogId,
    shared: Arc<SharedFrames>,
}

impl Default for MemoryLog {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryLog {
    /// An empty log whose id is zeros.
    #[must_use]
    pub fn new() -> Self {
        Self::with_id(LogId::new([0; 16]))
    }

    /// An empty log with this id.
    #[must_use]
    pub fn with_id(id: LogId) -> Self {
        Self {
            id,
            shared: Arc::default(),
        }
    }

    /// Where the log ended before its last `frames` frames.
    #[cfg(any(test, feature = "test-rig"))]
    pub(crate) fn head_behind(&self, frames: usize) -> Head {
        let log = self.shared.read();
        let last = log.frames.len().checked_sub(frames + 1);
        last.map_or(Head::EMPTY, |last| log.frames[last].0)
    }
}

impl Log for MemoryLog {
    fn id(&self) -> LogId {
        self.id
    }

    fn append(
        &mut self,
        after: Head,
        batch: &mut Batch,
        deadline: Deadline,
    ) -> Result<Committed, AppendError> {
        if batch.is_empty() {
            let fault = AppendFault::Empty;
            return Err(AppendError::NotAppended { fault });
        }
        if deadline.has_passed() {
            let fault = AppendFault::DeadlinePassed;
            return Err(AppendError::NotAppended { fault });
        }
        let shared = &self.shared;
        let mut log = (shared.contents.write()).unwrap_or_else(PoisonError::into_inner);
        if log.head != after {
            let actual = log.head;
            drop(log);
            return answer_behind(self, (after, actual), batch, deadline);
        }
        let first = after.position.next();
        let last = Position::new(after.position.get() + batch.len() as u64);
        let previous = after.hash;
        let sealed = frame::seal(batch, NOWHERE, FrameLink { first, previous });
        let head = Head {
            position: last,
            hash: sealed.hash,
        };
        log.frames.push((head, Arc::from(sealed.bytes())));
        log.head = head;
        drop(log);
        shared.grown.notify();
        Ok(Committed { first, last, head })
    }

    fn head(&mut self, _: Deadline) -> Result<Head, LogReadError> {
        Ok(self.shared.head())
    }

    fn reader(&self) -> Arc<dyn LogReader> {
        Arc::new(self.clone())
    }
}

/// What was appended through another handle is there.
impl LogStore for MemoryLog {
    type Log = Self;

    fn open(
        self,
        request: &OpenRequest,
        visit: &mut dyn FnMut(Position, &[u8]),
    ) -> Result<(Self, RecoveryReport), OpenError> {
        if let Some(expected) = request.id
            && expected != self.id
        {
            let found = self.id;
            return Err(OpenError::OtherLog { expected, found });
        }
        let mut report = RecoveryReport::of_backend(self.id);
        let mut frames = LogReader::frames(&self, Position::FIRST, Deadline::NEVER)?;
        while let Some(frame) = frames.next_frame()? {
            report.head = frame.head();
            if let Some(durable) = request.durable
                && durable.position == report.head.position
                && durable.hash != report.head.hash
            {
                return Err(OpenError::OtherHistory {
                    expected: durable,
                    found: report.head,
                });
            }
            report.log_bytes += frame.byte_len();
            if frame.last() < request.check_from {
                continue;
            }
            report.frames += 1;
            report.records += u64::from(frame.count);
            report.bytes += frame.byte_len();
            frame
                .records()
                .filter(|(position, _)| *position >= request.check_from)
                .for_each(|(position, record)| visit(position, record));
        }
        let known = request.durable.map_or(Position::ZERO, |head| head.position);
        let expected = known.max(request.durable_position);
        match report.head.position >= expected {
            true => Ok((self, report)),
            false => Err(OpenError::Lost {
                expected,
                found: report.head.position,
            }),
        }
    }

    fn head_at(&self, position: Position) -> Result<Option<(LogId, Head)>, OpenError> {
        let mut frames = LogReader::frames(self, position, Deadline::NEVER)?;
        let frame = frames.next_frame()?;
        let found = frame.filter(|frame| frame.last() == position);
        Ok(found.map(|frame| (self.id, frame.head())))
    }
}

impl LogReader for MemoryLog {
    fn head(&self, _: Deadline) -> Result<Head, LogReadError> {
        Ok(self.shared.head())
    }

    fn frames(&self, from: Position, _: Deadline) -> Result<Box<dyn Frames>, LogReadError> {
        let log = self.shared.read();
        let start = log.frames.partition_point(|(head, _)| head.position < from);
        Ok(Box::new(MemoryFrames {
            shared: Arc::clone(&self.shared),
            next: start,
            end: log.frames.len(),
            current: None,
        }))
    }

    fn wait_past(&self, position: Position, deadline: Deadline) -> Result<Head, LogReadError> {
        let shared = &self.shared;
        Ok(shared.grown.wait_past(position, deadline, || shared.head()))
    }
}

struct MemoryFrames {
    shared: Arc<SharedFrames>,
    next: usize,
    end: usize,
    current: Option<Arc<[u8]>>,
}

impl Frames for MemoryFrames {
    fn next_frame(&mut self) -> Result<Option<Frame<'_>>, LogReadError> {
        if self.next >= self.end {
            return Ok(None);
        }
        let log = self.shared.read();
        let bytes = self.current.insert(Arc::clone(&log.frames[self.next].1));
        self.next += 1;
        let view = frame::decode(bytes, NOWHERE, Depth::Checksums);
        Ok(Some(view.expect("a frame in memory is as it was sealed")))
    }
}
