//! The proof that a log has only grown between two checkpoints.

use super::verified::VerifiedConsistency;
use super::{BundleError, BundleLines, CheckpointRole, write_hashes};
use crate::checkpoint::SignedCheckpoint;
use crate::key::VerifierKey;
use crate::merkle::{TreeHash, verify_consistency};

pub(super) const HEADING: &str = "tillroll/consistency-proof@v1";

/// Two checkpoints and the hashes that lead from one to the other. Nothing is checked before
/// [`ConsistencyBundle::verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsistencyBundle {
    /// The proof of RFC 6962, 2.1.2.
    pub path: Vec<TreeHash>,
    /// The note of the older checkpoint.
    pub older: String,
    /// The note of the newer checkpoint.
    pub newer: String,
}

impl ConsistencyBundle {
    /// Reads the text of a proof, and believes nothing of it.
    ///
    /// # Errors
    /// The line that is not as it should be.
    pub fn parse(text: &str) -> Result<Self, BundleError> {
        let mut lines = BundleLines::new(text);
        lines.next("the kind of proof", |line| (line == HEADING).then_some(()))?;
        let path = lines.hashes()?;
        // A note of a checkpoint has one empty line, so the second ends it.
        let gaps: Vec<usize> = lines
            .rest
            .match_indices("\n\n")
            .take(4)
            .map(|(at, _)| at)
            .collect();
        match gaps.as_slice() {
            [_, end, _] => Ok(Self {
                path,
                older: lines.rest[..=*end].to_owned(),
                newer: lines.rest[end + 2..].to_owned(),
            }),
            _ => Err(lines.malformed("two checkpoints with an empty line between them")),
        }
    }

    /// Checks both signatures, and that the proof leads to both roots.
    ///
    /// # Errors
    /// What failed.
    pub fn verify(self, keys: &[VerifierKey]) -> Result<VerifiedConsistency, BundleError> {
        let open = |which, note: &str| {
            SignedCheckpoint::open(note.as_bytes(), keys)
                .map_err(|source| BundleError::Checkpoint { which, source })
        };
        let older = open(CheckpointRole::Older, &self.older)?;
        let newer = open(CheckpointRole::Newer, &self.newer)?;
        let (old, new) = (older.checkpoint(), newer.checkpoint());
        if old.origin != new.origin {
            return Err(BundleError::DifferentLogs {
                older: old.origin.to_string(),
                newer: new.origin.to_string(),
            });
        }
        verify_consistency(old.size, old.root, new.size, new.root, &self.path).map_err(
            |source| BundleError::Consistency {
                old: old.size,
                new: new.size,
                source,
            },
        )?;
        Ok(VerifiedConsistency { older, newer })
    }
}

/// The text of the file.
impl std::fmt::Display for ConsistencyBundle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut hashes = String::new();
        write_hashes(&mut hashes, &self.path);
        let Self { older, newer, .. } = self;
        write!(f, "{HEADING}\n{hashes}{older}\n{newer}")
    }
}
