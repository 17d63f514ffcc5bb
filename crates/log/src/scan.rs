//! Walking segments from their start with every check, for recovery and for
//! verification. It changes nothing, and it does not decide what to do about
//! what it finds.

use crate::damage::{Damage, Fault};
use crate::error::{OpenError, Operation, StorageError};
use crate::frame::{self, Depth, Frame, FrameHeader, FrameLink, FramePlace};
use crate::identity::{Head, LogId, Position};
use crate::segment::{self, SegmentHeader};
use crate::storage::{Storage, StorageFile};
use crate::window::Window;

/// Why the segments could not be listed.
#[derive(Debug)]
pub(crate) enum ListingError {
    Storage(StorageError),
    /// The file has the suffix of segments and no segment's name.
    Stray(String),
}

impl From<ListingError> for OpenError {
    fn from(error: ListingError) -> Self {
        match error {
            ListingError::Storage(error) => Self::Storage(error),
            ListingError::Stray(file) => Self::StrayFile { file },
        }
    }
}

/// First positions of the segments by their names, in order.
pub(crate) fn list_segments<S: Storage>(storage: &S) -> Result<Vec<Position>, ListingError> {
    let names = storage
        .list()
        .map_err(|source| StorageError::new(Operation::List, "the log", 0, source))
        .map_err(ListingError::Storage)?;
    let mut firsts = Vec::new();
    for name in names {
        match segment::parse_name(&name) {
            segment::SegmentName::Segment(first) => firsts.push(first),
            segment::SegmentName::Stray => return Err(ListingError::Stray(name)),
            segment::SegmentName::Other => {}
        }
    }
    firsts.sort_unstable();
    Ok(firsts)
}

/// An open segment file whose header was read.
pub(crate) struct OpenSegment<F> {
    pub file: F,
    pub name: String,
    pub length: u64,
    pub header: Result<SegmentHeader, Fault>,
}

impl<F: StorageFile> OpenSegment<F> {
    pub(crate) fn open<S: Storage<File = F>>(
        storage: &S,
        first: Position,
    ) -> Result<Self, StorageError> {
        let name = segment::file_name(first);
        let failed = |operation| {
            let name = &name;
            move |source| StorageError::new(operation, name, 0, source)
        };
        let file = storage.open(&name).map_err(failed(Operation::Open))?;
        let length = file.length().map_err(failed(Operation::Length))?;
        let mut bytes = vec![0; segment::HEADER_BYTES];
        let read = read_full(&file, &name, 0, &mut bytes)?;
        let header = SegmentHeader::decode(&bytes[..read]);
        Ok(Self {
            file,
            name,
            length,
            header,
        })
    }

    /// Whether this is what a rotation that was cut short leaves: the header
    /// is durable before any frame is written, so a file without a whole
    /// header and without a byte more never held an acknowledged record.
    pub(crate) fn is_unfinished(&self) -> bool {
        let torn = matches!(&self.header, Err(fault) if fault.can_be_torn());
        torn && self.length <= segment::HEADER_BYTES as u64
    }

    /// The header, when it continues the log.
    pub(crate) fn check(&self, expected: &ExpectedHeader) -> Result<SegmentHeader, Damage> {
        let damaged = |fault| Damage {
            file: self.name.clone(),
            offset: 0,
            frame: None,
            position: expected.named_first,
            fault,
            followed_by: None,
            torn_tail: false,
        };
        let header = self.header.clone().map_err(damaged)?;
        let fault = if expected.log.is_some_and(|log| log != header.log) {
            Some(Fault::Log)
        } else if header.number != expected.number {
            Some(Fault::SegmentNumber {
                found: header.number,
                expected: expected.number,
            })
        } else if header.first != expected.named_first {
            Some(Fault::Position {
                found: header.first,
                expected: expected.named_first,
            })
        } else {
            let link = FrameLink {
                first: header.first,
                previous: header.previous,
            };
            expected.after.and_then(|head| link.check_after(head).err())
        };
        fault.map_or(Ok(header), |fault| Err(damaged(fault)))
    }
}

impl FrameLink {
    fn check_after(self, head: Head) -> Result<(), Fault> {
        let expected = head.position.next();
        if self.first != expected {
            return Err(Fault::Position {
                found: self.first,
                expected,
            });
        }
        if self.previous != head.hash {
            return Err(Fault::Chain);
        }
        Ok(())
    }
}

/// What a segment's header must say.
pub(crate) struct ExpectedHeader {
    /// The log, once known.
    pub log: Option<LogId>,
    /// Its number.
    pub number: u64,
    /// Its first position, by its name.
    pub named_first: Position,
    /// Where the segment before ends, when that was read.
    pub after: Option<Head>,
}

/// Reads until the buffer is full or the file ends.
pub(crate) fn read_full(
    file: &impl StorageFile,
    name: &str,
    offset: u64,
    buffer: &mut [u8],
) -> Result<usize, StorageError> {
    let mut filled = 0;
    while filled < buffer.len() {
        let at = offset + filled as u64;
        match file.read_at(at, &mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(source) => return Err(StorageError::new(Operation::Read, name, at, source)),
        }
    }
    Ok(filled)
}

/// A frame that does not check.
#[derive(Debug)]
pub(crate) struct BadFrame {
    pub offset: u64,
    pub frame: u64,
    pub position: Position,
    pub fault: Fault,
    /// Where the search for a whole frame behind this one starts. Behind the
    /// whole frame when its header holds, because records may contain anything,
    /// also what looks like a frame.
    pub resume: u64,
}

impl BadFrame {
    pub(crate) fn damage(self, file: &str, followed_by: Option<u64>, torn_tail: bool) -> Damage {
        Damage {
            file: file.to_owned(),
            offset: self.offset,
            frame: Some(self.frame),
            position: self.position,
            fault: self.fault,
            followed_by,
            torn_tail,
        }
    }
}

/// Why a scan stopped before the end of the file.
#[derive(Debug)]
pub(crate) enum ScanStop {
    Storage(StorageError),
    Bad(BadFrame),
}

impl From<StorageError> for ScanStop {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

/// Bytes that are looked through at once.
const STEP: usize = 64 * 1024;

/// What is behind the last frame of the last segment.
pub(crate) enum SegmentEnd {
    /// Zeros: what the writer made room with, or what an interrupted start left.
    Room,
    /// What an append leaves that was cut short, and how many bytes of it.
    Torn(Damage, u64),
    /// Frames, which were written there while this was read.
    Grown,
    /// What no crash leaves.
    Damaged(Damage),
}

/// The frames of one segment, in order, with every check.
pub(crate) struct Scan<'a, F> {
    pub file: &'a F,
    pub name: &'a str,
    pub number: u64,
    pub length: u64,
    pub window: &'a mut Window,
    /// Where the next frame starts.
    pub offset: u64,
    /// Frames read.
    pub frames: u64,
    /// The log up to the last frame read.
    pub head: Head,
}

impl<'a, F: StorageFile> Scan<'a, F> {
    pub(crate) fn new(
        segment: &'a OpenSegment<F>,
        header: &SegmentHeader,
        window: &'a mut Window,
    ) -> Self {
        window.reset();
        Self {
            file: &segment.file,
            name: &segment.name,
            number: header.number,
            length: segment.length,
            window,
            offset: segment::HEADER_BYTES as u64,
            frames: 0,
            head: Head {
                position: Position::new(header.first.get() - 1),
                hash: header.previous,
            },
        }
    }

    /// The next frame, `None` when the file ends right here. After an error, the next call reads
    /// the same place.
    pub(crate) fn next_frame(&mut self) -> Result<Option<Frame<'_>>, ScanStop> {
        if self.offset >= self.length {
            return Ok(None);
        }
        let (offset, length) = (self.offset, self.length);
        let link = FrameLink {
            first: self.head.position.next(),
            previous: self.head.hash,
        };
        let (index, position) = (self.frames, link.first);
        let bad = |resume| {
            move |fault| {
                ScanStop::Bad(BadFrame {
                    offset,
                    frame: index,
                    position,
                    fault,
                    resume,
                })
            }
        };
        let place = FramePlace {
            segment: self.number,
            offset,
        };
        let header = self
            .window
            .view(self.file, self.name, offset, frame::HEADER_BYTES, length)?;
        let header = FrameHeader::decode(header)
            .and_then(|header| header.check_place(place).map(|()| header))
            .map_err(bad(offset + 1))?;
        let end = offset + header.bytes() as u64;
        let bytes = self
            .window
            .view(self.file, self.name, offset, header.bytes(), length)?;
        let view = frame::check_body(&header, bytes, Depth::Hash).map_err(bad(end))?;
        header.check_link(link).map_err(bad(end))?;
        self.offset = end;
        self.frames += 1;
        self.head = Head {
            position: view.last(),
            hash: view.hash,
        };
        Ok(Some(view))
    }

    /// What the bytes are, behind the last frame of the last segment, that are no frame.
    pub(crate) fn end(&mut self, bad: BadFrame) -> Result<SegmentEnd, StorageError> {
        let offset = bad.offset;
        let written = self.written_end(offset)? - offset;
        if written == 0 {
            return Ok(SegmentEnd::Room);
        }
        let damage = self.judge(bad)?;
        if damage.torn_tail {
            return Ok(SegmentEnd::Torn(damage, written));
        }
        // A writer in another process fills the room while this reads: what was no frame when it
        // was read may be one by the time that a later one is found. One frame is under way at
        // a time, so where a later one is whole, an earlier one is.
        self.window.reset();
        match damage.followed_by.is_some() && self.is_whole_frame(offset)? {
            true => Ok(SegmentEnd::Grown),
            false => Ok(SegmentEnd::Damaged(damage)),
        }
    }

    /// Whether a fault at the end of the last segment is a torn tail: an
    /// append can leave it behind, and no whole frame follows. The answer is
    /// the damage, with that said in it.
    fn judge(&mut self, bad: BadFrame) -> Result<Damage, StorageError> {
        if !bad.fault.can_be_torn() {
            return Ok(bad.damage(self.name, None, false));
        }
        let followed_by = self.find_whole_frame(bad.resume)?;
        Ok(bad.damage(self.name, followed_by, followed_by.is_none()))
    }

    /// Behind the last byte from `from` on that is not zero; `from` when there is none.
    fn written_end(&mut self, from: u64) -> Result<u64, StorageError> {
        let (mut at, mut end) = (from, from);
        loop {
            let bytes = self
                .window
                .view(self.file, self.name, at, STEP, self.length)?;
            if bytes.is_empty() {
                return Ok(end);
            }
            if let Some(last) = bytes.iter().rposition(|byte| *byte != 0) {
                end = at + last as u64 + 1;
            }
            at += bytes.len() as u64;
        }
    }

    fn find_whole_frame(&mut self, from: u64) -> Result<Option<u64>, StorageError> {
        let overlap = frame::MAGIC.len() - 1;
        let mut at = from;
        while at < self.length {
            let bytes = self
                .window
                .view(self.file, self.name, at, STEP, self.length)?;
            if bytes.len() < frame::HEADER_BYTES {
                break;
            }
            match bytes
                .windows(frame::MAGIC.len())
                .position(|four| four == frame::MAGIC)
            {
                None => at += (bytes.len() - overlap) as u64,
                Some(skipped) => {
                    at += skipped as u64;
                    if self.is_whole_frame(at)? {
                        return Ok(Some(at));
                    }
                    at += 1;
                }
            }
        }
        Ok(None)
    }

    fn is_whole_frame(&mut self, at: u64) -> Result<bool, StorageError> {
        let place = FramePlace {
            segment: self.number,
            offset: at,
        };
        let header =
            self.window
                .view(self.file, self.name, at, frame::HEADER_BYTES, self.length)?;
        let Ok(header) = FrameHeader::decode(header) else {
            return Ok(false);
        };
        if header.check_place(place).is_err() {
            return Ok(false);
        }
        let bytes = self
            .window
            .view(self.file, self.name, at, header.bytes(), self.length)?;
        Ok(frame::check_body(&header, bytes, Depth::Hash).is_ok())
    }
}
