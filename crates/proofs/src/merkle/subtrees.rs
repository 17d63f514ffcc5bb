//! Where proofs take their hashes from.

use std::convert::Infallible;

use super::hash::{TreeHash, node_hash};

/// A source of the hashes of complete subtrees.
pub trait Subtrees {
    /// Why a hash could not be had.
    type Error;

    /// Number of leaves.
    fn size(&self) -> u64;

    /// The hash over the leaves from `index << level` on, `1 << level` of them. It is asked for
    /// subtrees within [`Subtrees::size`] only.
    ///
    /// # Errors
    /// When the source cannot be read.
    fn subtree(&self, level: u32, index: u64) -> Result<TreeHash, Self::Error>;
}

/// Hashes of all complete subtrees from one level upwards, in memory: two hashes for each
/// subtree of that level.
#[derive(Clone, Debug)]
pub(crate) struct Levels {
    base: u32,
    rows: Vec<Vec<TreeHash>>,
}

impl Levels {
    pub(crate) fn from_level(base: u32) -> Self {
        Self {
            base,
            rows: Vec::new(),
        }
    }

    /// Adds the next subtree of the lowest level, and what it completes above.
    pub(crate) fn push(&mut self, subtree: TreeHash) {
        let mut node = subtree;
        for row in 0.. {
            if row == self.rows.len() {
                self.rows.push(Vec::new());
            }
            let hashes = &mut self.rows[row];
            hashes.push(node);
            match hashes.as_slice() {
                [.., left, right] if hashes.len().is_multiple_of(2) => {
                    node = node_hash(*left, *right);
                }
                _ => break,
            }
        }
    }

    pub(crate) fn get(&self, level: u32, index: u64) -> Option<TreeHash> {
        let row = usize::try_from(level.checked_sub(self.base)?).ok()?;
        let index = usize::try_from(index).ok()?;
        self.rows.get(row)?.get(index).copied()
    }

    fn base_len(&self) -> usize {
        self.rows.first().map_or(0, Vec::len)
    }
}

/// A whole tree in memory: 64 bytes for each leaf.
#[derive(Clone, Debug)]
pub struct FullTree(Levels);

impl Default for FullTree {
    fn default() -> Self {
        Self::new()
    }
}

impl FullTree {
    /// The tree without leaves.
    #[must_use]
    pub fn new() -> Self {
        Self(Levels::from_level(0))
    }

    /// Adds a leaf.
    pub fn push(&mut self, leaf: TreeHash) {
        self.0.push(leaf);
    }
}

impl FromIterator<TreeHash> for FullTree {
    fn from_iter<I: IntoIterator<Item = TreeHash>>(leaves: I) -> Self {
        let mut tree = Self::new();
        leaves.into_iter().for_each(|leaf| tree.push(leaf));
        tree
    }
}

impl Subtrees for FullTree {
    type Error = Infallible;

    fn size(&self) -> u64 {
        self.0.base_len() as u64
    }

    fn subtree(&self, level: u32, index: u64) -> Result<TreeHash, Infallible> {
        Ok(self.0.get(level, index).expect("a subtree within the size"))
    }
}
