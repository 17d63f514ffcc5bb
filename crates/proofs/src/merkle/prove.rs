//! Making proofs: which hashes stand beside the way from a leaf, or from an older tree, to the
//! root. RFC 6962, 2.1.1 (`PATH`) and 2.1.2 (`PROOF`), walked from the root downwards.

use std::ops::Range;

use super::hash::{TreeHash, root_over};
use super::subtrees::Subtrees;

/// Why there is no such proof.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProveError<E> {
    /// The tree asked about has no such leaf.
    #[error("leaf {index} is not in a tree of {size} leaves")]
    NoSuchLeaf {
        /// The leaf asked for, from 0.
        index: u64,
        /// Leaves of the tree asked about.
        size: u64,
    },
    /// The tree asked about is larger than the one that is there.
    #[error("a tree of {size} leaves was asked for, and there are {available}")]
    NotThere {
        /// Leaves of the tree asked about.
        size: u64,
        /// Leaves that are there.
        available: u64,
    },
    /// The older tree is larger than the newer.
    #[error("the older tree cannot have {old} leaves when the newer has {new}")]
    Reversed {
        /// Leaves of the older tree.
        old: u64,
        /// Leaves of the newer tree.
        new: u64,
    },
    /// The hashes could not be read.
    #[error(transparent)]
    Source(E),
}

/// The root that the tree had when it had `size` leaves.
///
/// # Errors
/// When there are not so many leaves, or the source fails.
pub fn root_at<S: Subtrees + ?Sized>(
    tree: &S,
    size: u64,
) -> Result<TreeHash, ProveError<S::Error>> {
    available(tree, size)?;
    range_root(tree, 0..size).map_err(ProveError::Source)
}

/// The audit path of the leaf at `index` (from 0) in the tree of the first `size` leaves: from
/// the leaf's sibling up to the child of the root.
///
/// # Errors
/// When there is no such leaf or tree, or the source fails.
pub fn inclusion_proof<S: Subtrees + ?Sized>(
    tree: &S,
    index: u64,
    size: u64,
) -> Result<Vec<TreeHash>, ProveError<S::Error>> {
    available(tree, size)?;
    if index >= size {
        return Err(ProveError::NoSuchLeaf { index, size });
    }
    let mut siblings = Vec::new();
    let mut within = 0..size;
    while within.end - within.start > 1 {
        let middle = split(&within);
        let (inside, beside) = match index < middle {
            true => (within.start..middle, middle..within.end),
            false => (middle..within.end, within.start..middle),
        };
        siblings.push(beside);
        within = inside;
    }
    from_below(tree, siblings)
}

/// The proof that the tree of the first `new` leaves begins with the tree of the first `old`.
/// Empty when the sizes are the same or the older tree has no leaf.
///
/// # Errors
/// When there are no such trees, or the source fails.
pub fn consistency_proof<S: Subtrees + ?Sized>(
    tree: &S,
    old: u64,
    new: u64,
) -> Result<Vec<TreeHash>, ProveError<S::Error>> {
    available(tree, new)?;
    if old > new {
        return Err(ProveError::Reversed { old, new });
    }
    let mut parts = Vec::new();
    let mut within = 0..new;
    while old > 0 && old < within.end {
        let middle = split(&within);
        let (inside, beside) = match old <= middle {
            true => (within.start..middle, middle..within.end),
            false => (middle..within.end, within.start..middle),
        };
        parts.push(beside);
        within = inside;
    }
    // What the older tree ends with. The verifier has it as the old root where it is all of
    // that tree.
    if within.start > 0 {
        parts.push(within);
    }
    from_below(tree, parts)
}

fn available<S: Subtrees + ?Sized>(tree: &S, size: u64) -> Result<(), ProveError<S::Error>> {
    let available = tree.size();
    match size <= available {
        true => Ok(()),
        false => Err(ProveError::NotThere { size, available }),
    }
}

/// Where the right part of a tree of two leaves or more begins.
fn split(range: &Range<u64>) -> u64 {
    let last = range.end - range.start - 1;
    range.start + (1 << last.ilog2())
}

fn from_below<S: Subtrees + ?Sized>(
    tree: &S,
    ranges: Vec<Range<u64>>,
) -> Result<Vec<TreeHash>, ProveError<S::Error>> {
    let hashes = ranges
        .into_iter()
        .rev()
        .map(|range| range_root(tree, range));
    hashes.collect::<Result<_, _>>().map_err(ProveError::Source)
}

/// The root over leaves that are a whole branch of some tree: `start` is a multiple of the
/// smallest power of two that is not below the length, so each subtree is aligned.
fn range_root<S: Subtrees + ?Sized>(tree: &S, range: Range<u64>) -> Result<TreeHash, S::Error> {
    let mut peaks = Vec::new();
    let mut at = range.start;
    while let Some(level) = (range.end - at).checked_ilog2() {
        peaks.push(tree.subtree(level, at >> level)?);
        at += 1 << level;
    }
    Ok(root_over(peaks.into_iter()))
}
