//! A tree that only grows at its right edge and answers its root: all that a signer needs.

use super::hash::{TreeHash, node_hash, root_over};

/// The complete subtrees that a tree of this size is made of: one for each bit of the size that
/// is set, so at most 64 hashes whatever the number of leaves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    /// Largest first.
    peaks: Vec<TreeHash>,
}

impl Frontier {
    /// The tree without leaves.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of leaves.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf.
    pub fn push(&mut self, leaf: TreeHash) {
        // A subtree that the new leaf completes stands for a bit that is set below the carry.
        let mut node = leaf;
        for _ in 0..self.size.trailing_ones() {
            let left = self.peaks.pop().expect("a peak for each bit of the size");
            node = node_hash(left, node);
        }
        self.peaks.push(node);
        self.size += 1;
    }

    /// The root of the tree as it is.
    #[must_use]
    pub fn root(&self) -> TreeHash {
        root_over(self.peaks.iter().copied())
    }
}
