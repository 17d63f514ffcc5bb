//! Following a log in segment files that another process writes.
//!
//! Nothing tells this process that the log has grown, so the end of the last segment is looked at
//! again: when someone asks for the head, and at intervals while someone waits. What is handed
//! out has passed every check, the hash included.
//!
//! A frame is taken when its bytes are whole, which may be shortly before its writer has made
//! them durable. If the power fails in between, the frame may be gone, and the log goes on with
//! another: this reader then answers that the chain is broken, and has to be opened again. A
//! caller that must not act on such a frame takes one only when another follows it, because a
//! writer syncs each before it writes the next.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::catalog::{Active, Catalog, SealedSegment};
use crate::damage::{Damage, Fault};
use crate::deadline::Deadline;
use crate::error::{LogReadError, OpenError, Operation, StorageError};
use crate::file_reader::FileReader;
use crate::identity::{Head, LogId, Position};
use crate::index::FrameIndex;
use crate::log::{Frames, LogReader};
use crate::scan::{ExpectedHeader, OpenSegment, Scan, ScanStop, SegmentEnd, list_segments};
use crate::segment::{self, SegmentHeader};
use crate::storage::Storage;
use crate::window::Window;

/// How often the end is looked at while someone waits.
const INTERVAL: Duration = Duration::from_millis(5);

/// Zeros up to here are no frame.
const MARK_BYTES: usize = 4;

/// A reader of a log in segment files, whose writer may be in another process. It needs no lock
/// and changes nothing.
#[derive(Debug)]
pub struct FileTail<S: Storage> {
    id: LogId,
    catalog: Arc<Catalog<S>>,
    reader: FileReader<S>,
    end: Mutex<TailEnd>,
    interval: Duration,
}

/// Where the next frame is expected.
#[derive(Debug)]
struct TailEnd {
    number: u64,
    first: Position,
    offset: u64,
    frames: u64,
    head: Head,
    window: Window,
}

impl<S: Storage> FileTail<S> {
    /// Finds the log's end. Of earlier segments only the headers are read: their frames are
    /// checked when they are read.
    ///
    /// # Errors
    /// When there is no log, or its last segment is damaged.
    pub fn open(storage: S) -> Result<Self, OpenError> {
        let (mut sealed, mut last) = (Vec::new(), None);
        let firsts = list_segments(&storage)?;
        let mut log = None;
        for (number, first) in (1..).zip(&firsts) {
            let opened = OpenSegment::open(&storage, *first)?;
            if opened.is_unfinished() && number > 1 {
                // A rotation that is under way, or was cut short.
                break;
            }
            let header = opened.check(&ExpectedHeader {
                log,
                number,
                named_first: *first,
                after: None,
            })?;
            log = Some(header.log);
            // The one before takes no more frames, so its length is final.
            if let Some((before, length)) = last.replace((header, opened.length)) {
                let before: SegmentHeader = before;
                sealed.push(SealedSegment::new(
                    before.number,
                    before.first,
                    length,
                    None,
                ));
            }
        }
        let Some((header, _)) = last else {
            let source = std::io::ErrorKind::NotFound.into();
            return Err(StorageError::new(Operation::List, "the log", 0, source).into());
        };
        let head = Head {
            position: Position::new(header.first.get() - 1),
            hash: header.previous,
        };
        let active = Active {
            number: header.number,
            first: header.first,
            length: segment::HEADER_BYTES as u64,
            index: FrameIndex::default(),
        };
        let catalog = Arc::new(Catalog::new(storage, sealed, active, head));
        let tail = Self {
            id: header.log,
            reader: FileReader::new(Arc::clone(&catalog)),
            catalog,
            end: Mutex::new(TailEnd {
                number: header.number,
                first: header.first,
                offset: segment::HEADER_BYTES as u64,
                frames: 0,
                head,
                window: Window::default(),
            }),
            interval: INTERVAL,
        };
        tail.refresh()?;
        Ok(tail)
    }

    /// Looks at the end at other intervals while someone waits.
    #[must_use]
    pub fn with_interval(self, interval: Duration) -> Self {
        Self { interval, ..self }
    }

    /// Which log this is.
    #[must_use]
    pub fn id(&self) -> LogId {
        self.id
    }

    /// Takes notice of frames that were written since.
    fn refresh(&self) -> Result<Head, LogReadError> {
        let mut end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            self.take_frames(&mut end)?;
            // A writer goes on in a new segment only once this one is whole, so what was written
            // to this one before the new one was there is there by now.
            let Some(next) = self.next_segment(&end)? else {
                return Ok(end.head);
            };
            self.take_frames(&mut end)?;
            let first = end.head.position.next();
            let header = next.check(&ExpectedHeader {
                log: Some(self.id),
                number: end.number + 1,
                named_first: first,
                after: Some(end.head),
            })?;
            self.catalog.rotate(header.number, header.first);
            end.number = header.number;
            end.first = header.first;
            end.offset = segment::HEADER_BYTES as u64;
            end.frames = 0;
        }
    }

    /// The segment behind this one, when there is one and its header is whole.
    fn next_segment(&self, end: &TailEnd) -> Result<Option<OpenSegment<S::File>>, LogReadError> {
        let first = end.head.position.next();
        if first == end.first {
            // This segment has no frame yet, and so has the same name.
            return Ok(None);
        }
        match OpenSegment::open(self.catalog.storage(), first) {
            Ok(next) if next.is_unfinished() => Ok(None),
            Ok(next) => Ok(Some(next)),
            Err(error) if error.source.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Publishes the whole frames behind the last one that was taken.
    fn take_frames(&self, end: &mut TailEnd) -> Result<(), LogReadError> {
        let opened = OpenSegment::open(self.catalog.storage(), end.first)?;
        if opened.length < end.offset {
            let damage = Damage {
                file: opened.name,
                offset: opened.length,
                frame: None,
                position: end.head.position,
                fault: Fault::Lost {
                    expected: end.head.position,
                },
                followed_by: None,
                torn_tail: false,
            };
            return Err(damage.into());
        }
        end.window.reset();
        let mut scan = Scan {
            file: &opened.file,
            name: &opened.name,
            number: end.number,
            length: opened.length,
            window: &mut end.window,
            offset: end.offset,
            frames: end.frames,
            head: end.head,
        };
        loop {
            // Most often nothing was written, and zeros need no closer look.
            let (offset, length) = (scan.offset, scan.length);
            let start = (scan.window).view(scan.file, scan.name, offset, MARK_BYTES, length)?;
            if start.iter().all(|byte| *byte == 0) {
                break;
            }
            match scan.next_frame() {
                Ok(None) => break,
                Ok(Some(_)) => self.catalog.publish(scan.offset, scan.head),
                Err(ScanStop::Storage(error)) => return Err(error.into()),
                // Zeros, or a frame that is being written.
                Err(ScanStop::Bad(bad)) => match scan.end(bad)? {
                    SegmentEnd::Room | SegmentEnd::Torn(..) => break,
                    SegmentEnd::Grown => {}
                    SegmentEnd::Damaged(damage) => return Err(damage.into()),
                },
            }
        }
        (end.offset, end.frames, end.head) = (scan.offset, scan.frames, scan.head);
        Ok(())
    }
}

impl<S: Storage> LogReader for FileTail<S> {
    fn head(&self, _: Deadline) -> Result<Head, LogReadError> {
        self.refresh()
    }

    fn frames(&self, from: Position, deadline: Deadline) -> Result<Box<dyn Frames>, LogReadError> {
        self.refresh()?;
        self.reader.frames(from, deadline)
    }

    fn wait_past(&self, position: Position, deadline: Deadline) -> Result<Head, LogReadError> {
        loop {
            let head = self.refresh()?;
            let left = deadline.remaining();
            if head.position > position || left == Some(Duration::ZERO) {
                return Ok(head);
            }
            thread::sleep(left.map_or(self.interval, |left| left.min(self.interval)));
        }
    }
}
