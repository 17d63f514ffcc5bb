//! The roll as far as it is certainly durable, which is all that may be signed or proved.
//!
//! A checkpoint that was signed cannot be taken back, and the end of the files beside a running
//! server may be a frame that is written and not yet synced. So where there is no writer, the log is
//! recovered as a server's start would do it, which makes its last frame durable; and beside a
//! server only those records count that its read models have seen, because they follow what is
//! committed, or that another frame follows, because a writer syncs one before it writes the next.
//!
//! No lock is held while the answer is used, and no byte of the log is changed.

use std::sync::Arc;

use tillroll_log::{
    Deadline, DirStorageError, FileStore, Frame, Frames, Head, LogId, LogReadError, LogReader,
    LogStore, OpenRequest, Position,
};
use tillroll_runtime::{ReadOnlyError, ReadOnlyLog};
use tillroll_terminal::Stop;

use crate::data_dir::DataDir;
use crate::models::ModelsPosition;

/// A reader of durable records, and whose they are.
pub(crate) struct DurableLog {
    pub(crate) reader: Arc<dyn LogReader>,
    head: Head,
    pub(crate) book: LogId,
}

impl DurableLog {
    pub(crate) fn open(data: &DataDir) -> Result<Self, Stop> {
        // Taken before the roll is looked at: a server may move both on.
        let seen = ModelsPosition::of(&data.read_models()).ok();
        let settled = settle(data)?;
        let (roll, _) = last_segment(data)?;
        let head = match settled {
            Some(head) => head,
            None => beside_a_writer(&roll, seen.as_ref())?,
        };
        let roll_reader = roll.reader();
        Ok(Self {
            head,
            book: roll.id(),
            reader: Arc::new(BoundedReader {
                reader: roll_reader,
                head,
            }),
        })
    }

    pub(crate) fn head(&self) -> Head {
        self.head
    }
}

/// Earlier segments are checked where they are read.
fn last_segment(data: &DataDir) -> Result<(ReadOnlyLog, Option<String>), Stop> {
    let (roll, report) = data.open_log(Position::new(u64::MAX), |_, _| {})?;
    Ok((roll, report.torn_tail.map(|tail| tail.file)))
}

/// Makes the last frame durable. `None` beside a writer.
fn settle(data: &DataDir) -> Result<Option<Head>, Stop> {
    let storage = match data.layout().lock() {
        Ok(storage) => storage,
        Err(ReadOnlyError::Storage(DirStorageError::Locked { .. })) => return Ok(None),
        Err(error) => return Err(data.unreadable(error)),
    };
    let (view, torn) = last_segment(data)?;
    if let Some(file) = torn {
        return Err(Stop::failed(format!(
            "{file} ends with bytes that are no frame, and nothing is signed before they are \
             examined"
        ))
        .next(data.command("verify")));
    }
    let request = OpenRequest {
        id: Some(view.id()),
        check_from: Position::new(u64::MAX),
        ..OpenRequest::default()
    };
    let (_, report) = FileStore::new(storage)
        .open(&request, &mut |_, _| {})
        .map_err(|error| Stop::failed(error).next(data.command("verify")))?;
    Ok(Some(report.head))
}

fn beside_a_writer(roll: &ReadOnlyLog, seen: Option<&ModelsPosition>) -> Result<Head, Stop> {
    let (head, reader) = (roll.end(), roll.reader());
    let mut frames = reader
        .frames(head.position, Deadline::NEVER)
        .map_err(Stop::failed)?;
    let Some(last) = frames.next_frame().map_err(Stop::failed)? else {
        return Ok(head);
    };
    if let Some(seen) = seen
        && seen.position >= last.first.get()
        && seen.is_of(roll)?
    {
        return Ok(head);
    }
    Ok(Head {
        position: Position::new(last.first.get() - 1),
        hash: last.previous,
    })
}

/// A reader that ends at a frame.
struct BoundedReader {
    reader: Arc<dyn LogReader>,
    head: Head,
}

impl LogReader for BoundedReader {
    fn head(&self, _: Deadline) -> Result<Head, LogReadError> {
        Ok(self.head)
    }

    /// It never goes on behind that frame.
    fn wait_past(&self, _: Position, _: Deadline) -> Result<Head, LogReadError> {
        Ok(self.head)
    }

    fn frames(&self, from: Position, deadline: Deadline) -> Result<Box<dyn Frames>, LogReadError> {
        Ok(Box::new(BoundedFrames {
            frames: self.reader.frames(from, deadline)?,
            last: self.head.position,
        }))
    }
}

struct BoundedFrames {
    frames: Box<dyn Frames>,
    last: Position,
}

impl Frames for BoundedFrames {
    fn next_frame(&mut self) -> Result<Option<Frame<'_>>, LogReadError> {
        let frame = self.frames.next_frame()?;
        Ok(frame.filter(|frame| frame.last() <= self.last))
    }
}
