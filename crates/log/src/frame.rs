//! The frame: its bytes, the checks on them, and the records inside.
//!
//! `FORMAT.md` has the table of offsets. A frame's hash covers what was said
//! (positions, records, the history before) and not where it lies, so that the
//! same history has the same hash in files of any size, in memory and on a
//! replica. Where it lies is covered by the header's checksum and compared
//! with where it was found.

use crate::batch::{Batch, PREFIX_BYTES};
use crate::damage::Fault;
use crate::identity::{FrameHash, Head, Position};
use crate::{MAX_FRAME_BYTES, MAX_RECORD_BYTES};

/// Length of the frame header.
pub const HEADER_BYTES: usize = 160;
/// Length of the end mark.
pub const END_BYTES: usize = 8;
/// What a frame starts with.
pub const MAGIC: [u8; 4] = *b"TRFR";
const END_MAGIC: [u8; 4] = *b"TREN";
const VERSION: u16 = 1;

const AT_VERSION: usize = 4;
const AT_FLAGS: usize = 6;
const AT_FIRST: usize = 8;
const AT_COUNT: usize = 16;
const AT_PAYLOAD: usize = 20;
const AT_PREVIOUS: usize = 24;
const AT_ROOT: usize = 56;
/// Everything before is hashed, and then the payload.
const AT_HASH: usize = 96;
const AT_SEGMENT: usize = 128;
const AT_OFFSET: usize = 136;
const AT_PAYLOAD_CRC: usize = 144;
const AT_RESERVED: usize = 148;
const AT_CRC: usize = 156;

pub(crate) fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    bytes[at..at + value.len()].copy_from_slice(value);
}

fn array_at<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(&bytes[at..at + N]);
    array
}

pub(crate) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(array_at(bytes, at))
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array_at(bytes, at))
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array_at(bytes, at))
}

/// Where a frame lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FramePlace {
    /// Number of the segment.
    pub segment: u64,
    /// Byte offset of the frame in the segment's file.
    pub offset: u64,
}

/// What follows the hash of the frame before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameLink {
    /// Position of the frame's first record.
    pub first: Position,
    /// Hash of the frame before.
    pub previous: FrameHash,
}

/// The header of a frame, read and checked on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    /// Position of the first record and the hash of the frame before.
    pub link: FrameLink,
    /// Number of records, at least 1.
    pub count: u32,
    /// Bytes of the records with their length prefixes.
    pub payload: u32,
    /// Hash of this frame.
    pub hash: FrameHash,
    /// Where the frame says that it lies.
    pub place: FramePlace,
    payload_crc: u32,
    header_crc: u32,
}

impl FrameHeader {
    /// Reads the header at the start of `bytes` and checks it alone.
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
        if !bytes.starts_with(&MAGIC) {
            return Err(Fault::Magic);
        }
        let header_crc = u32_at(bytes, AT_CRC);
        let computed = crc32c::crc32c(&bytes[..AT_CRC]);
        if header_crc != computed {
            return Err(Fault::HeaderChecksum);
        }
        let (version, flags) = (u16_at(bytes, AT_VERSION), u16_at(bytes, AT_FLAGS));
        if version != VERSION || flags != 0 {
            return Err(Fault::Unsupported { version, flags });
        }
        let reserved = [AT_ROOT..AT_HASH, AT_RESERVED..AT_CRC];
        if reserved
            .into_iter()
            .any(|range| bytes[range].iter().any(|byte| *byte != 0))
        {
            return Err(Fault::Reserved);
        }
        let header = Self {
            link: FrameLink {
                first: Position::new(u64_at(bytes, AT_FIRST)),
                previous: FrameHash::new(array_at(bytes, AT_PREVIOUS)),
            },
            count: u32_at(bytes, AT_COUNT),
            payload: u32_at(bytes, AT_PAYLOAD),
            hash: FrameHash::new(array_at(bytes, AT_HASH)),
            place: FramePlace {
                segment: u64_at(bytes, AT_SEGMENT),
                offset: u64_at(bytes, AT_OFFSET),
            },
            payload_crc: u32_at(bytes, AT_PAYLOAD_CRC),
            header_crc,
        };
        let least = u64::from(header.count) * PREFIX_BYTES as u64;
        let possible = header.count > 0
            && header.link.first > Position::ZERO
            && header
                .link
                .first
                .checked_add(u64::from(header.count))
                .is_some()
            && u64::from(header.payload) >= least
            && header.bytes() <= MAX_FRAME_BYTES;
        if !possible {
            return Err(Fault::Lengths {
                count: header.count,
                bytes: header.payload,
            });
        }
        Ok(header)
    }

    /// Bytes of the whole frame, end mark included.
    #[must_use]
    pub fn bytes(&self) -> usize {
        HEADER_BYTES + self.payload as usize + END_BYTES
    }

    /// Position of the last record.
    #[must_use]
    pub fn last(&self) -> Position {
        Position::new(self.link.first.get() + u64::from(self.count) - 1)
    }

    /// The header's fault when it was not found at `place`.
    pub(crate) fn check_place(&self, place: FramePlace) -> Result<(), Fault> {
        if self.place == place {
            return Ok(());
        }
        Err(Fault::Misplaced {
            segment: self.place.segment,
            offset: self.place.offset,
        })
    }

    /// The header's fault when it does not continue the log at `link`.
    pub(crate) fn check_link(&self, link: FrameLink) -> Result<(), Fault> {
        if self.link.first != link.first {
            return Err(Fault::Position {
                found: self.link.first,
                expected: link.first,
            });
        }
        if self.link.previous != link.previous {
            return Err(Fault::Chain);
        }
        Ok(())
    }
}

/// How much of a frame is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Checksums and layout: enough against any accident.
    Checksums,
    /// The BLAKE3 hash as well.
    Hash,
}

/// One frame whose bytes were checked.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// Position of the first record.
    pub first: Position,
    /// Number of records, at least 1.
    pub count: u32,
    /// Hash of the frame before.
    pub previous: FrameHash,
    /// Hash of this frame.
    pub hash: FrameHash,
    payload: &'a [u8],
}

impl<'a> Frame<'a> {
    /// A view on records that a backend other than files lays out itself, as a
    /// batch does.
    #[must_use]
    pub fn of_batch(
        batch: &'a Batch,
        first: Position,
        previous: FrameHash,
        hash: FrameHash,
    ) -> Self {
        Self {
            first,
            count: batch.count(),
            previous,
            hash,
            payload: &batch.frame()[HEADER_BYTES..],
        }
    }

    /// Position of the last record.
    #[must_use]
    pub fn last(&self) -> Position {
        Position::new(self.first.get() + u64::from(self.count) - 1)
    }

    /// Where a log ends whose last frame this is.
    #[must_use]
    pub fn head(&self) -> Head {
        Head {
            position: self.last(),
            hash: self.hash,
        }
    }

    /// Bytes of the records with their length prefixes.
    #[must_use]
    pub fn byte_len(&self) -> u64 {
        self.payload.len() as u64
    }

    /// The records in order.
    #[must_use]
    pub fn records(&self) -> RecordsOf<'a> {
        RecordsOf::new(self.first, self.count, self.payload)
    }
}

/// The records of one frame or batch, with their positions.
#[derive(Clone, Debug)]
pub struct RecordsOf<'a> {
    next: Position,
    left: u32,
    payload: &'a [u8],
}

impl<'a> RecordsOf<'a> {
    pub(crate) fn new(first: Position, count: u32, payload: &'a [u8]) -> Self {
        Self {
            next: first,
            left: count,
            payload,
        }
    }

    /// Whether the lengths fill the payload and none is over the limit.
    fn fill(mut self) -> bool {
        let count = self.left;
        let records = self
            .by_ref()
            .take_while(|(_, record)| record.len() <= MAX_RECORD_BYTES)
            .fold(0u32, |records, _| records + 1);
        records == count && self.payload.is_empty()
    }
}

impl<'a> Iterator for RecordsOf<'a> {
    type Item = (Position, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        let (length, rest) = self.payload.split_first_chunk::<PREFIX_BYTES>()?;
        let length = u32::from_le_bytes(*length) as usize;
        let (record, rest) = rest.split_at_checked(length)?;
        let position = self.next;
        self.payload = rest;
        self.next = position.next();
        self.left -= 1;
        Some((position, record))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.left as usize))
    }
}

fn hash(hashed_header: &[u8], payload: &[u8]) -> FrameHash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(hashed_header);
    hasher.update(payload);
    FrameHash::new(*hasher.finalize().as_bytes())
}

/// Reads the frame at the start of `bytes`, which were found at `place`.
///
/// # Errors
/// The first [`Fault`], in the order: header, place, length, end mark,
/// checksum, layout, hash.
pub fn decode(bytes: &[u8], place: FramePlace, depth: Depth) -> Result<Frame<'_>, Fault> {
    let header = FrameHeader::decode(bytes)?;
    header.check_place(place)?;
    check_body(&header, bytes, depth)
}

/// Checks everything behind a header that was read from these bytes.
pub(crate) fn check_body<'a>(
    header: &FrameHeader,
    bytes: &'a [u8],
    depth: Depth,
) -> Result<Frame<'a>, Fault> {
    let Some(bytes) = bytes.get(..header.bytes()) else {
        return Err(Fault::Truncated {
            needed: header.bytes() as u64,
            available: bytes.len() as u64,
        });
    };
    let (payload, end) = bytes[HEADER_BYTES..].split_at(header.payload as usize);
    if end != end_mark(header.header_crc) {
        return Err(Fault::EndMark);
    }
    let computed = crc32c::crc32c(payload);
    if computed != header.payload_crc {
        return Err(Fault::PayloadChecksum);
    }
    let view = Frame {
        first: header.link.first,
        count: header.count,
        previous: header.link.previous,
        hash: header.hash,
        payload,
    };
    if !view.records().fill() {
        return Err(Fault::RecordLayout);
    }
    if depth == Depth::Hash && hash(&bytes[..AT_HASH], payload) != header.hash {
        return Err(Fault::Hash);
    }
    Ok(view)
}

/// Repeats the header's checksum, so that the end mark of another frame is not
/// taken for this one's.
fn end_mark(header_crc: u32) -> [u8; END_BYTES] {
    let mut mark = [0; END_BYTES];
    put(&mut mark, 0, &END_MAGIC);
    put(&mut mark, END_MAGIC.len(), &header_crc.to_le_bytes());
    mark
}

/// A batch as the bytes of its frame, until it is dropped.
#[derive(Debug)]
pub struct SealedFrame<'a> {
    batch: &'a mut Batch,
    /// Hash of the frame.
    pub hash: FrameHash,
}

impl SealedFrame<'_> {
    /// The whole frame, ready to be written at the place it was sealed for.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.batch.frame()
    }
}

impl Drop for SealedFrame<'_> {
    /// The end mark goes, so that the batch can be added to or sealed again.
    fn drop(&mut self) {
        let frame = self.batch.frame_mut();
        frame.truncate(frame.len() - END_BYTES);
    }
}

/// Bytes that a batch takes as a frame.
pub(crate) fn bytes_of(batch: &Batch) -> u64 {
    (HEADER_BYTES + batch.byte_len() + END_BYTES) as u64
}

/// Fills in what a frame's hash covers, and the hash, in the batch's own memory.
pub(crate) fn put_hashed(batch: &mut Batch, link: FrameLink) -> FrameHash {
    let count = batch.count();
    // A batch refuses to outgrow a frame, so that its length fits.
    let payload_bytes = u32::try_from(batch.byte_len()).unwrap_or(u32::MAX);
    let (header, payload) = batch.frame_mut().split_at_mut(HEADER_BYTES);
    header.fill(0);
    put(header, 0, &MAGIC);
    put(header, AT_VERSION, &VERSION.to_le_bytes());
    put(header, AT_FIRST, &link.first.get().to_le_bytes());
    put(header, AT_COUNT, &count.to_le_bytes());
    put(header, AT_PAYLOAD, &payload_bytes.to_le_bytes());
    put(header, AT_PREVIOUS, link.previous.as_bytes());
    let hash = hash(&header[..AT_HASH], payload);
    put(header, AT_HASH, hash.as_bytes());
    hash
}

/// Fills in the header and the end mark of a batch, in its own memory.
pub fn seal(batch: &mut Batch, place: FramePlace, link: FrameLink) -> SealedFrame<'_> {
    let hash = put_hashed(batch, link);
    let frame = batch.frame_mut();
    let (header, payload) = frame.split_at_mut(HEADER_BYTES);
    put(header, AT_SEGMENT, &place.segment.to_le_bytes());
    put(header, AT_OFFSET, &place.offset.to_le_bytes());
    put(
        header,
        AT_PAYLOAD_CRC,
        &crc32c::crc32c(payload).to_le_bytes(),
    );
    let header_crc = crc32c::crc32c(&header[..AT_CRC]);
    put(header, AT_CRC, &header_crc.to_le_bytes());
    frame.extend_from_slice(&end_mark(header_crc));
    SealedFrame { batch, hash }
}
