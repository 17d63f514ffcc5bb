//! The hashes of the tree: leaves and nodes in domains of their own.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::encoding;

const LEAF: [u8; 1] = [0];
const NODE: [u8; 1] = [1];

/// A SHA-256 hash of a leaf, a node or a root. It shows itself in base 64, as the files do.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TreeHash([u8; 32]);

/// Root of the tree without leaves: the hash of no bytes.
pub const EMPTY_ROOT: TreeHash = TreeHash([
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
    0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
]);

impl TreeHash {
    /// Bytes of a hash.
    pub const BYTES: usize = 32;

    /// The hash with these bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The hash that this text stands for, `None` when it is not base 64 of 32 bytes.
    #[must_use]
    pub fn from_base64(text: &str) -> Option<Self> {
        let bytes = encoding::decode(text)?;
        <[u8; 32]>::try_from(bytes).ok().map(Self)
    }
}

impl fmt::Display for TreeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&encoding::encode(&self.0))
    }
}

impl fmt::Debug for TreeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TreeHash({self})")
    }
}

/// The hash of the leaf that holds `record`.
#[must_use]
pub fn leaf_hash(record: &[u8]) -> TreeHash {
    let hasher = Sha256::new().chain_update(LEAF).chain_update(record);
    TreeHash(hasher.finalize().into())
}

/// The hash of the node over two subtrees.
#[must_use]
pub fn node_hash(left: TreeHash, right: TreeHash) -> TreeHash {
    let mut bytes = [0; 65];
    bytes[..1].copy_from_slice(&NODE);
    bytes[1..33].copy_from_slice(&left.0);
    bytes[33..].copy_from_slice(&right.0);
    TreeHash(Sha256::digest(bytes).into())
}

/// The root over complete subtrees that stand side by side, the largest first.
pub(super) fn root_over(peaks: impl DoubleEndedIterator<Item = TreeHash>) -> TreeHash {
    peaks
        .rev()
        .reduce(|right, left| node_hash(left, right))
        .unwrap_or(EMPTY_ROOT)
}
