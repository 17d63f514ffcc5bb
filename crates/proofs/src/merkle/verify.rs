//! Verifying proofs: from hashes and numbers alone, all of which may be hostile.
//!
//! The way from a leaf to the root has two parts. As long as the node is not on the tree's right
//! edge, it has a sibling on either side, by the bit of its index. Once it is on the edge, its
//! siblings are all on the left, one for each bit that is still set. So the length of a proof
//! follows from the numbers, and a proof of another length is no proof.

use super::hash::{EMPTY_ROOT, TreeHash, node_hash};

/// Why a proof proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The tree has no such leaf.
    #[error("leaf {index} cannot be in a tree of {size} leaves")]
    NoSuchLeaf {
        /// The leaf, from 0.
        index: u64,
        /// Leaves of the tree.
        size: u64,
    },
    /// The older tree is larger than the newer.
    #[error("the older tree has {old} leaves and the newer {new}")]
    Reversed {
        /// Leaves of the older tree.
        old: u64,
        /// Leaves of the newer tree.
        new: u64,
    },
    /// Hashes are missing, or there are too many.
    #[error("the proof has {found} hashes where {expected} belong")]
    PathLength {
        /// Hashes that such a proof has.
        expected: usize,
        /// Hashes that were given.
        found: usize,
    },
    /// The leaf does not lead to the root.
    #[error("the leaf leads to root {computed}, not to {expected}")]
    RootMismatch {
        /// The root that was given.
        expected: TreeHash,
        /// The root that the proof leads to.
        computed: TreeHash,
    },
    /// The proof does not lead to the older root.
    #[error("the proof leads to the older root {computed}, not to {expected}")]
    OldRootMismatch {
        /// The root that was given.
        expected: TreeHash,
        /// The root that the proof leads to.
        computed: TreeHash,
    },
    /// The proof does not lead to the newer root.
    #[error("the proof leads to the newer root {computed}, not to {expected}")]
    NewRootMismatch {
        /// The root that was given.
        expected: TreeHash,
        /// The root that the proof leads to.
        computed: TreeHash,
    },
}

/// The shape of the way from the leaf at `index` to the root of `size` leaves, `index < size`.
struct Way {
    /// Steps with a sibling on either side.
    inner: u32,
    /// Steps on the right edge, with a sibling on the left.
    edge: u32,
}

impl Way {
    fn of(index: u64, size: u64) -> Self {
        let inner = u64::BITS - (index ^ (size - 1)).leading_zeros();
        let edge = index.checked_shr(inner).unwrap_or(0).count_ones();
        Self { inner, edge }
    }
}

fn lengths(expected: u32, path: &[TreeHash]) -> Result<(), ProofError> {
    let expected = expected as usize;
    match path.len() == expected {
        true => Ok(()),
        false => Err(ProofError::PathLength {
            expected,
            found: path.len(),
        }),
    }
}

/// The root that a leaf and its audit path lead to.
///
/// # Errors
/// When the leaf cannot be there, or the path has another length.
pub fn inclusion_root(
    leaf: TreeHash,
    index: u64,
    size: u64,
    path: &[TreeHash],
) -> Result<TreeHash, ProofError> {
    if index >= size {
        return Err(ProofError::NoSuchLeaf { index, size });
    }
    let way = Way::of(index, size);
    lengths(way.inner + way.edge, path)?;
    let root = (0..).zip(path).fold(leaf, |node, (step, &sibling)| {
        match step < way.inner && index >> step & 1 == 0 {
            true => node_hash(node, sibling),
            false => node_hash(sibling, node),
        }
    });
    Ok(root)
}

/// Checks that the leaf at `index` (from 0) of the tree with `size` leaves and this root is
/// `leaf`.
///
/// # Errors
/// When it is not shown.
pub fn verify_inclusion(
    leaf: TreeHash,
    index: u64,
    size: u64,
    root: TreeHash,
    path: &[TreeHash],
) -> Result<(), ProofError> {
    let computed = inclusion_root(leaf, index, size, path)?;
    match computed == root {
        true => Ok(()),
        false => Err(ProofError::RootMismatch {
            expected: root,
            computed,
        }),
    }
}

/// Checks that the tree with `new_size` leaves begins with the tree of `old_size`.
///
/// # Errors
/// When it is not shown.
pub fn verify_consistency(
    old_size: u64,
    old_root: TreeHash,
    new_size: u64,
    new_root: TreeHash,
    proof: &[TreeHash],
) -> Result<(), ProofError> {
    if old_size > new_size {
        return Err(ProofError::Reversed {
            old: old_size,
            new: new_size,
        });
    }
    let (old_computed, new_computed) = if old_size == 0 {
        lengths(0, proof)?;
        // Every tree begins with the empty one, whose root is known. Of the new root this
        // shows nothing, unless it is empty too.
        let new = if new_size == 0 { EMPTY_ROOT } else { new_root };
        (EMPTY_ROOT, new)
    } else if old_size == new_size {
        lengths(0, proof)?;
        (old_root, old_root)
    } else {
        roots(old_size, old_root, new_size, proof)?
    };
    if old_computed != old_root {
        return Err(ProofError::OldRootMismatch {
            expected: old_root,
            computed: old_computed,
        });
    }
    if new_computed != new_root {
        return Err(ProofError::NewRootMismatch {
            expected: new_root,
            computed: new_computed,
        });
    }
    Ok(())
}

/// Both roots, for `0 < old_size < new_size`. The way starts at the last complete subtree of the
/// older tree, and goes up in both trees at once.
fn roots(
    old_size: u64,
    old_root: TreeHash,
    new_size: u64,
    proof: &[TreeHash],
) -> Result<(TreeHash, TreeHash), ProofError> {
    let last = old_size - 1;
    let level = old_size.trailing_zeros();
    let way = Way::of(last, new_size);
    let steps = way.inner - level + way.edge;
    // An older tree that is one complete subtree is where the way starts.
    let (start, siblings) = if old_size.is_power_of_two() {
        lengths(steps, proof)?;
        (old_root, proof)
    } else {
        lengths(steps + 1, proof)?;
        (proof[0], &proof[1..])
    };
    let climbed = (level..).zip(siblings);
    Ok(
        climbed.fold((start, start), |(old, new), (step, &sibling)| {
            match step < way.inner && last >> step & 1 == 0 {
                // Leaves that the older tree does not have.
                true => (old, node_hash(new, sibling)),
                false => (node_hash(sibling, old), node_hash(sibling, new)),
            }
        }),
    )
}
