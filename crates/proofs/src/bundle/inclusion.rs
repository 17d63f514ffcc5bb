//! The proof that one record is in the log, with the record.

use super::verified::VerifiedInclusion;
use super::{BundleError, BundleLines, CheckpointRole, write_hashes};
use crate::checkpoint::{LogCheckpoint, SignedCheckpoint};
use crate::encoding;
use crate::key::VerifierKey;
use crate::merkle::{TreeHash, leaf_hash, verify_inclusion};

pub(super) const HEADING: &str = "c2sp.org/tlog-proof@v1";

/// A record and its way to the root of a checkpoint. Nothing is checked before
/// [`InclusionBundle::verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InclusionBundle {
    /// The record, as the log holds it.
    pub record: Vec<u8>,
    /// The leaf, from 0: one less than the position.
    pub index: u64,
    /// Hashes beside the way from the leaf to the root.
    pub path: Vec<TreeHash>,
    /// The note of the checkpoint.
    pub note: String,
}

impl InclusionBundle {
    /// Reads the text of a proof, and believes nothing of it.
    ///
    /// # Errors
    /// The line that is not as it should be.
    pub fn parse(text: &str) -> Result<Self, BundleError> {
        let mut lines = BundleLines::new(text);
        lines.next("the kind of proof", |line| (line == HEADING).then_some(()))?;
        let record = lines.next("`extra ` and the record in base64", |line| {
            encoding::decode(line.strip_prefix("extra ")?)
        })?;
        let index = lines.number("index ", "`index ` and the leaf's number from 0")?;
        let path = lines.hashes()?;
        Ok(Self {
            record,
            index,
            path,
            note: lines.rest.to_owned(),
        })
    }

    /// Checks the signature, and that the record leads to the root.
    ///
    /// # Errors
    /// What failed.
    pub fn verify(self, keys: &[VerifierKey]) -> Result<VerifiedInclusion, BundleError> {
        let which = CheckpointRole::Only;
        let checkpoint = SignedCheckpoint::open(self.note.as_bytes(), keys)
            .map_err(|source| BundleError::Checkpoint { which, source })?;
        self.leads_to(checkpoint.checkpoint())?;
        Ok(VerifiedInclusion {
            position: self.index.saturating_add(1),
            record: self.record,
            checkpoint,
        })
    }

    /// Checks that the record leads to the root of a checkpoint, whose signature is for whoever
    /// has it to check. What this proof says of its own checkpoint is left out.
    ///
    /// # Errors
    /// [`BundleError::Inclusion`]
    pub fn leads_to(&self, checkpoint: &LogCheckpoint) -> Result<(), BundleError> {
        let LogCheckpoint { size, root, .. } = *checkpoint;
        let position = self.index.saturating_add(1);
        verify_inclusion(leaf_hash(&self.record), self.index, size, root, &self.path)
            .map_err(|source| BundleError::Inclusion { position, source })
    }
}

/// The text of the file.
impl std::fmt::Display for InclusionBundle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut hashes = String::new();
        write_hashes(&mut hashes, &self.path);
        let record = encoding::encode(&self.record);
        let Self { index, note, .. } = self;
        write!(
            f,
            "{HEADING}\nextra {record}\nindex {index}\n{hashes}{note}"
        )
    }
}
