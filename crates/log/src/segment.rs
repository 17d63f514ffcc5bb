//! The segment header: its bytes, and the names of segment files.
//!
//! `FORMAT.md` has the table of offsets. This module knows nothing of frames.

use crate::damage::Fault;
use crate::frame::{put, u16_at, u32_at, u64_at};
use crate::identity::{FrameHash, LogId, Position};

/// Length of the segment header.
pub const HEADER_BYTES: usize = 128;
const MAGIC: &[u8; 8] = b"TILLROLL";
/// The format version of new segments. Those of version 1 are read and continued: what has changed
/// since is what the records hold, which programs of that time would not understand.
pub const VERSION: u16 = 2;
const VERSIONS: std::ops::RangeInclusive<u16> = 1..=VERSION;
const SUFFIX: &str = ".roll";
const DIGITS: usize = 20;
/// Lies among the segments while a backup is restored there. It has their
/// suffix and no segment's name, so no log opens beside it, not even in a
/// program that is older than this name.
pub(crate) const UNFINISHED_RESTORE: &str = "UNFINISHED-RESTORE.roll";

const AT_VERSION: usize = 8;
const AT_FLAGS: usize = 10;
const AT_LENGTH: usize = 12;
const AT_LOG: usize = 16;
const AT_NUMBER: usize = 32;
const AT_FIRST: usize = 40;
const AT_PREVIOUS: usize = 48;
const AT_RESERVED: usize = 80;
const AT_CRC: usize = 124;

/// What a segment says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentHeader {
    /// The format version of the segment, [`VERSION`] for a new one. An older one keeps its own:
    /// recovery writes the header again to the same bytes.
    pub version: u16,
    /// The log that it belongs to.
    pub log: LogId,
    /// Its number, dense from 1.
    pub number: u64,
    /// Position of its first record.
    pub first: Position,
    /// Hash of the last frame of the segment before.
    pub previous: FrameHash,
}

impl SegmentHeader {
    /// The bytes that go to the start of the file.
    #[must_use]
    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        put(&mut bytes, 0, MAGIC);
        put(&mut bytes, AT_VERSION, &self.version.to_le_bytes());
        let length = u32::try_from(HEADER_BYTES).unwrap_or(u32::MAX);
        put(&mut bytes, AT_LENGTH, &length.to_le_bytes());
        put(&mut bytes, AT_LOG, self.log.as_bytes());
        put(&mut bytes, AT_NUMBER, &self.number.to_le_bytes());
        put(&mut bytes, AT_FIRST, &self.first.get().to_le_bytes());
        put(&mut bytes, AT_PREVIOUS, self.previous.as_bytes());
        let crc = crc32c::crc32c(&bytes[..AT_CRC]);
        put(&mut bytes, AT_CRC, &crc.to_le_bytes());
        bytes
    }

    /// Reads the header at the start of `bytes`.
    ///
    /// # Errors
    /// The [`Fault`] of the header.
    pub fn decode(bytes: &[u8]) -> Result<Self, Fault> {
        let Some(bytes) = bytes.first_chunk::<HEADER_BYTES>() else {
            return Err(Fault::Truncated {
                needed: HEADER_BYTES as u64,
                available: bytes.len() as u64,
            });
        };
        if !bytes.starts_with(MAGIC) {
            return Err(Fault::Magic);
        }
        if u32_at(bytes, AT_CRC) != crc32c::crc32c(&bytes[..AT_CRC]) {
            return Err(Fault::HeaderChecksum);
        }
        let (version, flags) = (u16_at(bytes, AT_VERSION), u16_at(bytes, AT_FLAGS));
        if !VERSIONS.contains(&version) || flags != 0 {
            return Err(Fault::Unsupported { version, flags });
        }
        let length_known = u32_at(bytes, AT_LENGTH) as usize == HEADER_BYTES;
        if !length_known || bytes[AT_RESERVED..AT_CRC].iter().any(|byte| *byte != 0) {
            return Err(Fault::Reserved);
        }
        let mut log = [0; 16];
        log.copy_from_slice(&bytes[AT_LOG..AT_NUMBER]);
        let mut previous = [0; 32];
        previous.copy_from_slice(&bytes[AT_PREVIOUS..AT_RESERVED]);
        Ok(Self {
            version,
            log: LogId::new(log),
            number: u64_at(bytes, AT_NUMBER),
            first: Position::new(u64_at(bytes, AT_FIRST)),
            previous: FrameHash::new(previous),
        })
    }
}

/// The name of the segment whose first record is `first`.
#[must_use]
pub fn file_name(first: Position) -> String {
    format!("{:0DIGITS$}{SUFFIX}", first.get())
}

/// What a file's name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SegmentName {
    /// A segment whose first record is this one.
    Segment(Position),
    /// A segment's suffix on a name that no segment has.
    Stray,
    /// Nothing to do with the log.
    Other,
}

/// Reads a file's name.
#[must_use]
pub fn parse_name(name: &str) -> SegmentName {
    let Some(digits) = name.strip_suffix(SUFFIX) else {
        return SegmentName::Other;
    };
    let numeric = digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
    match digits.parse() {
        Ok(first) if numeric => SegmentName::Segment(Position::new(first)),
        _ => SegmentName::Stray,
    }
}

/// The position of the first record of the segment that has this file name; `None` for the name of
/// another file.
#[must_use]
pub fn segment_start(name: &str) -> Option<Position> {
    match parse_name(name) {
        SegmentName::Segment(first) => Some(first),
        SegmentName::Stray | SegmentName::Other => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_as_positions_and_read_back() {
        let names: Vec<_> = [1, 2, 10, 999, u64::MAX]
            .map(Position::new)
            .map(file_name)
            .into();
        assert!(names.is_sorted(), "{names:?}");
        assert_eq!(names[0], "00000000000000000001.roll");
        for name in &names {
            assert!(
                matches!(parse_name(name), SegmentName::Segment(first) if file_name(first) == *name)
            );
        }
    }

    #[test]
    fn names_that_are_not_segments_are_told_apart() {
        for (name, expected) in [
            ("LOCK", SegmentName::Other),
            ("1.roll", SegmentName::Stray),
            (UNFINISHED_RESTORE, SegmentName::Stray),
            ("+0000000000000000001.roll", SegmentName::Stray),
            ("99999999999999999999.roll", SegmentName::Stray),
            ("00000000000000000001.roll.bak", SegmentName::Other),
        ] {
            assert_eq!(parse_name(name), expected, "{name}");
        }
    }

    #[test]
    fn every_flipped_bit_of_a_header_is_found() {
        let header = SegmentHeader {
            version: VERSION,
            log: LogId::new([7; 16]),
            number: 3,
            first: Position::new(90),
            previous: FrameHash::new([9; 32]),
        };
        let bytes = header.encode();
        assert_eq!(SegmentHeader::decode(&bytes), Ok(header));
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(SegmentHeader::decode(&flipped).is_err(), "bit {bit}");
        }
    }
}
