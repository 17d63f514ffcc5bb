//! Whether a log still holds what a checkpoint was signed for.
//!
//! Reads every record and trusts nothing that was derived from the log before, so it finds a log
//! that was rewritten with valid frames, checksums and hashes.

use tillroll_log::{Deadline, LogReadError, LogReader, Position};

use crate::checkpoint::LogCheckpoint;
use crate::merkle::{Frontier, TreeHash, leaf_hash};

/// How a log contradicts a checkpoint.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// Records are gone.
    #[error(
        "the log ends at position {head}, and the checkpoint of size {size} was signed for {size} records: records were removed"
    )]
    Shorter {
        /// Size of the checkpoint.
        size: u64,
        /// Where the log ends.
        head: Position,
    },
    /// Records are others.
    #[error(
        "the log does not hold what the checkpoint of size {size} was signed for: of positions {} to {by}, at least one was altered (the root is {found}, and {signed} was signed)",
        after + 1
    )]
    Rewritten {
        /// Size of the checkpoint.
        size: u64,
        /// Up to here another checkpoint agrees with the log.
        after: u64,
        /// The first checkpoint that does not agree has this size.
        by: u64,
        /// The root that was signed for `size` records.
        signed: TreeHash,
        /// The root of the log's first `size` records.
        found: TreeHash,
    },
    /// The log cannot be read.
    #[error(transparent)]
    Read(#[from] LogReadError),
}

/// Compares a log with a checkpoint. `others` are checkpoints of the same log that narrow down
/// where it was changed; they may be empty, and decide nothing. `progress` is called with
/// positions on the way.
///
/// # Errors
/// [`HistoryError`] names the size of the checkpoint that the log contradicts.
pub fn check_against(
    reader: &dyn LogReader,
    checkpoint: &LogCheckpoint,
    others: &[LogCheckpoint],
    progress: &mut dyn FnMut(Position),
) -> Result<(), HistoryError> {
    let LogCheckpoint { size, root, .. } = *checkpoint;
    let head = reader.head(Deadline::NEVER)?.position;
    if head.get() < size {
        return Err(HistoryError::Shorter { size, head });
    }
    let mut marks: Vec<&LogCheckpoint> = others
        .iter()
        .filter(|other| (1..size).contains(&other.size))
        .collect();
    marks.sort_by_key(|mark| mark.size);
    let mut marks = marks.into_iter().peekable();
    let (mut after, mut by) = (0, None);
    let mut tree = Frontier::new();
    let mut frames = reader.frames(Position::FIRST, Deadline::NEVER)?;
    while tree.size() < size {
        let Some(frame) = frames.next_frame()? else {
            let head = Position::new(tree.size());
            return Err(HistoryError::Shorter { size, head });
        };
        for (_, record) in frame.records() {
            if tree.size() == size {
                break;
            }
            tree.push(leaf_hash(record));
            while let Some(mark) = marks.next_if(|mark| mark.size == tree.size()) {
                match mark.root == tree.root() {
                    true if by.is_none() => after = mark.size,
                    true => {}
                    false => by = by.or(Some(mark.size)),
                }
            }
        }
        progress(frame.last());
    }
    let found = tree.root();
    match found == root {
        true => Ok(()),
        false => Err(HistoryError::Rewritten {
            size,
            after,
            by: by.unwrap_or(size),
            signed: root,
            found,
        }),
    }
}

/// Compares a log with each of these checkpoints, in one pass. `progress` is called with positions
/// on the way.
///
/// # Errors
/// [`HistoryError`] of the smallest that the log contradicts.
pub fn check_each(
    reader: &dyn LogReader,
    checkpoints: &[LogCheckpoint],
    progress: &mut dyn FnMut(Position),
) -> Result<(), HistoryError> {
    let mut left: Vec<&LogCheckpoint> = checkpoints.iter().collect();
    left.sort_by_key(|checkpoint| std::cmp::Reverse(checkpoint.size));
    let mut tree = Frontier::new();
    let mut after = agree(&tree, &mut left, 0)?;
    let mut frames = reader.frames(Position::FIRST, Deadline::NEVER)?;
    while let Some(size) = left.last().map(|next| next.size) {
        let Some(frame) = frames.next_frame()? else {
            let head = Position::new(tree.size());
            return Err(HistoryError::Shorter { size, head });
        };
        for (_, record) in frame.records() {
            tree.push(leaf_hash(record));
            after = agree(&tree, &mut left, after)?;
        }
        progress(frame.last());
    }
    Ok(())
}

/// Takes those of this size away, the last of those that are left, when they agree. Answers the
/// size of the last that did.
fn agree(tree: &Frontier, left: &mut Vec<&LogCheckpoint>, after: u64) -> Result<u64, HistoryError> {
    let size = tree.size();
    let mut agreed = after;
    while let Some(checkpoint) = left.pop_if(|next| next.size == size) {
        let found = tree.root();
        if found != checkpoint.root {
            return Err(HistoryError::Rewritten {
                size,
                after,
                by: size,
                signed: checkpoint.root,
                found,
            });
        }
        agreed = size;
    }
    Ok(agreed)
}
