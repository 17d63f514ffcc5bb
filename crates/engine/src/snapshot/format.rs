//! The fixed parts of a snapshot: header, heads of blocks, end mark. `SNAPSHOT.md` has the
//! tables of offsets.

use tillroll_events::Timestamp;
use tillroll_log::{FrameHash, Head, LogId, Position};

use super::{Section, SnapshotFault};

pub(super) const HEADER_BYTES: usize = 128;
pub(super) const BLOCK_HEADER_BYTES: usize = 24;
pub(super) const END_BYTES: usize = 64;
/// The part of the end mark that the hash covers.
pub(super) const END_HASHED_BYTES: usize = 32;
/// A block is closed by the first row that takes it to this many bytes.
pub(super) const BLOCK_BYTES: usize = 1024 * 1024;
/// Changes when the bytes do, and when folding the same roll gives another state.
const VERSION: u16 = 6;

const MAGIC: [u8; 8] = *b"TILLSNAP";
const END_MAGIC: [u8; 8] = *b"TILLSEND";
/// The last block of its section.
const LAST: u16 = 1;

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    bytes[at..at + value.len()].copy_from_slice(value);
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(&bytes[at..at + N]);
    array
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(array(bytes, at))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array(bytes, at))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array(bytes, at))
}

/// What a snapshot is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotHeader {
    pub log: LogId,
    /// The frame that it was made at.
    pub head: Head,
    /// Of the last record in it.
    pub recorded_at: Timestamp,
    /// How many accounts are in it, so that there is room for them at once.
    pub accounts: u64,
}

impl SnapshotHeader {
    pub(super) fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        put(&mut bytes, 0, &MAGIC);
        put(&mut bytes, 8, &VERSION.to_le_bytes());
        put(&mut bytes, 12, &128_u32.to_le_bytes());
        put(&mut bytes, 16, self.log.as_bytes());
        put(&mut bytes, 32, &self.head.position.get().to_le_bytes());
        put(&mut bytes, 40, self.head.hash.as_bytes());
        put(&mut bytes, 72, &self.recorded_at.micros().to_le_bytes());
        put(&mut bytes, 80, &self.accounts.to_le_bytes());
        let crc = crc32c::crc32c(&bytes[..124]);
        put(&mut bytes, 124, &crc.to_le_bytes());
        bytes
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, SnapshotFault> {
        let Some(bytes) = bytes.first_chunk::<HEADER_BYTES>() else {
            return Err(SnapshotFault::Truncated {
                needed: HEADER_BYTES as u64,
                available: bytes.len() as u64,
            });
        };
        if !bytes.starts_with(&MAGIC) {
            return Err(SnapshotFault::Magic);
        }
        if u32_at(bytes, 124) != crc32c::crc32c(&bytes[..124]) {
            return Err(SnapshotFault::HeaderChecksum);
        }
        let (version, flags) = (u16_at(bytes, 8), u16_at(bytes, 10));
        if version != VERSION || flags != 0 || u32_at(bytes, 12) != 128 {
            return Err(SnapshotFault::Unsupported { version, flags });
        }
        if bytes[88..124].iter().any(|byte| *byte != 0) {
            return Err(SnapshotFault::Reserved);
        }
        Ok(Self {
            log: LogId::new(array(bytes, 16)),
            head: Head {
                position: Position::new(u64_at(bytes, 32)),
                hash: FrameHash::new(array(bytes, 40)),
            },
            recorded_at: Timestamp::from_micros(i64::from_le_bytes(array(bytes, 72))),
            accounts: u64_at(bytes, 80),
        })
    }
}

/// What stands before the rows of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BlockHeader {
    section: u16,
    /// The last of its section.
    pub(super) last: bool,
    /// From 0 in its section.
    number: u32,
    pub(super) rows: u32,
    pub(super) length: u32,
    crc: u32,
}

impl BlockHeader {
    pub(super) fn of(section: Section, number: u32, last: bool, rows: u32, payload: &[u8]) -> Self {
        Self {
            section: section.number(),
            last,
            number,
            rows,
            length: u32::try_from(payload.len()).expect("one row and a mebibyte are below 4 GiB"),
            crc: crc32c::crc32c(payload),
        }
    }

    pub(super) fn encode(&self) -> [u8; BLOCK_HEADER_BYTES] {
        let mut bytes = [0; BLOCK_HEADER_BYTES];
        put(&mut bytes, 0, &self.section.to_le_bytes());
        put(
            &mut bytes,
            2,
            &if self.last { LAST } else { 0 }.to_le_bytes(),
        );
        put(&mut bytes, 4, &self.number.to_le_bytes());
        put(&mut bytes, 8, &self.rows.to_le_bytes());
        put(&mut bytes, 12, &self.length.to_le_bytes());
        put(&mut bytes, 16, &self.crc.to_le_bytes());
        let crc = crc32c::crc32c(&bytes[..20]);
        put(&mut bytes, 20, &crc.to_le_bytes());
        bytes
    }

    /// Reads the head of the block that belongs here.
    pub(super) fn decode(
        bytes: &[u8; BLOCK_HEADER_BYTES],
        section: Section,
        number: u32,
    ) -> Result<Self, SnapshotFault> {
        let crc = crc32c::crc32c(&bytes[..20]);
        if u32_at(bytes, 20) != crc {
            return Err(SnapshotFault::HeaderChecksum);
        }
        let flags = u16_at(bytes, 2);
        let header = Self {
            section: u16_at(bytes, 0),
            last: flags == LAST,
            number: u32_at(bytes, 4),
            rows: u32_at(bytes, 8),
            length: u32_at(bytes, 12),
            crc: u32_at(bytes, 16),
        };
        let here = header.section == section.number() && header.number == number;
        match here && flags <= LAST {
            true => Ok(header),
            false => Err(SnapshotFault::Order),
        }
    }

    pub(super) fn check(&self, payload: &[u8]) -> Result<(), SnapshotFault> {
        match crc32c::crc32c(payload) == self.crc {
            true => Ok(()),
            false => Err(SnapshotFault::Checksum),
        }
    }
}

/// The first bytes of the end mark; the hash of all bytes before it follows.
pub(super) fn end_mark(blocks: u64, length: u64) -> [u8; END_HASHED_BYTES] {
    let mut bytes = [0; END_HASHED_BYTES];
    put(&mut bytes, 0, &END_MAGIC);
    put(&mut bytes, 8, &blocks.to_le_bytes());
    put(&mut bytes, 16, &length.to_le_bytes());
    bytes
}
