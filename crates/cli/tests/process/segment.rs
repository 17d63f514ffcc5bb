//! The bytes of a small roll, read by the document of the format and not by the code that wrote
//! them.

use std::path::{Path, PathBuf};

/// Length of the segment's header.
pub const SEGMENT_HEADER: u64 = 128;
pub const FRAME_HEADER: u64 = 160;
pub const END_MARK: u64 = 8;

/// A frame: where it is and what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    pub offset: u64,
    /// Header and end mark included.
    pub bytes: u64,
    pub first: u64,
    pub records: u64,
}

impl Frame {
    pub fn end(&self) -> u64 {
        self.offset + self.bytes
    }

    pub fn last(&self) -> u64 {
        self.first + self.records - 1
    }
}

pub const NAME: &str = "00000000000000000001.roll";

/// The only segment of a small book.
pub fn path(data: &Path) -> PathBuf {
    data.join("log").join(NAME)
}

/// The whole frames of a segment, up to the first that is none.
pub fn frames(path: &Path) -> Vec<Frame> {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{error}: {}", path.display()));
    let mut frames = Vec::new();
    let mut offset = SEGMENT_HEADER;
    while let Some(frame) = frame_at(&bytes, offset) {
        offset = frame.end();
        frames.push(frame);
    }
    frames
}

/// What lies behind the last whole frame, up to its last byte that is not nought: behind that is
/// the room that the writer makes ahead.
pub fn tail(path: &Path) -> u64 {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{error}: {}", path.display()));
    let end = frames(path).last().map_or(SEGMENT_HEADER, Frame::end);
    let written = bytes.iter().rposition(|byte| *byte != 0);
    let written = written.map_or(0, |last| last as u64 + 1);
    written.saturating_sub(end)
}

fn frame_at(bytes: &[u8], offset: u64) -> Option<Frame> {
    let rest = bytes.get(usize::try_from(offset).ok()?..)?;
    let number = |at: usize| {
        let four = rest.get(at..at + 4)?.first_chunk()?;
        Some(u64::from(u32::from_le_bytes(*four)))
    };
    let first = rest.get(8..16)?.first_chunk()?;
    let frame = Frame {
        offset,
        first: u64::from_le_bytes(*first),
        records: number(16)?,
        bytes: FRAME_HEADER + number(20)? + END_MARK,
    };
    let end = usize::try_from(frame.bytes - END_MARK).ok()?;
    let whole = rest.starts_with(b"TRFR") && rest.get(end..end + 4)? == b"TREN";
    whole.then_some(frame)
}
