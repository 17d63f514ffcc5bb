//! The header of the file of leaf hashes: how many there are, and what they were made from.

use tillroll_log::FrameHash;

use crate::merkle::TreeHash;

pub(super) const BYTES: usize = 128;

const MAGIC: &[u8; 8] = b"TILLLEAF";
const VERSION: u16 = 1;

/// Up to where the leaves are whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LeafStoreHeader {
    pub(super) book: [u8; 16],
    /// Leaves that count; what lies behind them does not.
    pub(super) size: u64,
    /// Hash of the frame that ends with the last leaf's record.
    pub(super) frame: FrameHash,
    /// Root of the tree over the leaves.
    pub(super) root: TreeHash,
}

impl LeafStoreHeader {
    pub(super) fn encode(&self) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        bytes[..8].copy_from_slice(MAGIC);
        bytes[8..10].copy_from_slice(&VERSION.to_le_bytes());
        bytes[16..32].copy_from_slice(&self.book);
        bytes[32..40].copy_from_slice(&self.size.to_le_bytes());
        bytes[40..72].copy_from_slice(self.frame.as_bytes());
        bytes[72..104].copy_from_slice(self.root.as_bytes());
        let checksum = crc32c::crc32c(&bytes[..BYTES - 4]);
        bytes[BYTES - 4..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// `None` for anything that this version would not write, newer versions' headers included:
    /// the file is made again then.
    pub(super) fn decode(bytes: &[u8; BYTES]) -> Option<Self> {
        let header = Self {
            book: part(bytes, 16),
            size: u64::from_le_bytes(part(bytes, 32)),
            frame: FrameHash::new(part(bytes, 40)),
            root: TreeHash::new(part(bytes, 72)),
        };
        (header.encode() == *bytes).then_some(header)
    }
}

fn part<const N: usize>(bytes: &[u8; BYTES], at: usize) -> [u8; N] {
    let mut part = [0; N];
    part.copy_from_slice(&bytes[at..at + N]);
    part
}
