//! Proof files: everything that an auditor needs besides a verifier key.
//!
//! An inclusion proof is a C2SP `tlog-proof` whose extra line carries the record. A consistency
//! proof has no such standard; ours is made alike. `PROOFS.md` beside this crate has both by the
//! line. Nothing here opens a data directory or a connection, and nothing decodes a record.

mod consistency;
mod inclusion;
mod verified;

use crate::checkpoint::CheckpointError;
use crate::encoding::{decimal, excerpt};
use crate::key::VerifierKey;
use crate::merkle::{ProofError, TreeHash};

pub use consistency::ConsistencyBundle;
pub use inclusion::InclusionBundle;
pub use verified::{VerifiedBundle, VerifiedConsistency, VerifiedInclusion};

/// Longest proof file, in bytes: a record of the longest in base 64, and room.
pub const MAX_BUNDLE_BYTES: usize = 12 * 1024 * 1024;

/// More hashes than any proof has.
const MAX_HASHES: usize = 128;

/// Which of the checkpoints of a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckpointRole {
    /// The only one.
    Only,
    /// The older of two.
    Older,
    /// The newer of two.
    Newer,
}

impl std::fmt::Display for CheckpointRole {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Only => "the checkpoint",
            Self::Older => "the older checkpoint",
            Self::Newer => "the newer checkpoint",
        })
    }
}

/// Why a proof file proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// Longer than any proof.
    #[error("a proof has at most {MAX_BUNDLE_BYTES} bytes, and this has {bytes}")]
    TooLarge {
        /// Its length.
        bytes: usize,
    },
    /// No text at all.
    #[error("a proof is UTF-8 text")]
    NotText,
    /// The first line names no kind of proof that this program knows.
    #[error("`{heading}` is no kind of proof that this program knows")]
    UnknownFormat {
        /// How the first line begins.
        heading: String,
    },
    /// A line is not what belongs there.
    #[error("line {line} is not {expected}")]
    Malformed {
        /// The line, from 1.
        line: usize,
        /// What belongs there.
        expected: &'static str,
    },
    /// A checkpoint is none, or is not signed by a given key of its log.
    #[error("{which}: {source}")]
    Checkpoint {
        /// Which one.
        which: CheckpointRole,
        /// What is wrong.
        source: CheckpointError,
    },
    /// The checkpoints are of different logs.
    #[error("the older checkpoint is of {older} and the newer of {newer}")]
    DifferentLogs {
        /// Origin of the older.
        older: String,
        /// Origin of the newer.
        newer: String,
    },
    /// The record is not in the log that the checkpoint speaks of, or not at this position.
    #[error("the record at position {position} is not shown to be in the log: {source}")]
    Inclusion {
        /// The position that the proof claims.
        position: u64,
        /// What is wrong.
        source: ProofError,
    },
    /// The newer log is not shown to begin with the older.
    #[error(
        "the log of {new} records is not shown to begin with the {old} of the older checkpoint: {source}"
    )]
    Consistency {
        /// Records of the older log.
        old: u64,
        /// Records of the newer log.
        new: u64,
        /// What is wrong.
        source: ProofError,
    },
}

impl BundleError {
    /// A name for programs. It does not change.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "proof_too_large",
            Self::NotText | Self::Malformed { .. } => "proof_malformed",
            Self::UnknownFormat { .. } => "proof_format_unknown",
            Self::Checkpoint { source, .. } => match source {
                CheckpointError::Note(_) | CheckpointError::Text(_) => "checkpoint_malformed",
                CheckpointError::Signature(crate::note::NoteSignatureError::NoKnownKey {
                    ..
                }) => "signature_missing",
                CheckpointError::Signature(crate::note::NoteSignatureError::Invalid { .. }) => {
                    "signature_invalid"
                }
                CheckpointError::OtherLog { .. } => "key_of_other_log",
            },
            Self::DifferentLogs { .. } => "different_logs",
            Self::Inclusion { source, .. } | Self::Consistency { source, .. } => match source {
                ProofError::NoSuchLeaf { .. } => "position_out_of_range",
                ProofError::Reversed { .. } => "checkpoints_reversed",
                ProofError::PathLength { .. } => "path_length",
                ProofError::RootMismatch { .. }
                | ProofError::OldRootMismatch { .. }
                | ProofError::NewRootMismatch { .. } => "root_mismatch",
            },
        }
    }
}

/// Checks a proof file of either kind against the verifier keys that the auditor trusts. It
/// needs nothing else, and does not panic whatever the bytes are.
///
/// # Errors
/// What failed, by name.
pub fn verify_bundle(bytes: &[u8], keys: &[VerifierKey]) -> Result<VerifiedBundle, BundleError> {
    if bytes.len() > MAX_BUNDLE_BYTES {
        return Err(BundleError::TooLarge { bytes: bytes.len() });
    }
    let text = std::str::from_utf8(bytes).map_err(|_| BundleError::NotText)?;
    match text.split('\n').next().unwrap_or_default() {
        inclusion::HEADING => InclusionBundle::parse(text)?
            .verify(keys)
            .map(VerifiedBundle::Inclusion),
        consistency::HEADING => ConsistencyBundle::parse(text)?
            .verify(keys)
            .map(VerifiedBundle::Consistency),
        other => Err(BundleError::UnknownFormat {
            heading: excerpt(other),
        }),
    }
}

/// Reads a proof line by line.
struct BundleLines<'a> {
    rest: &'a str,
    /// The line that comes next, from 1.
    line: usize,
}

impl<'a> BundleLines<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            rest: text,
            line: 1,
        }
    }

    fn malformed(&self, expected: &'static str) -> BundleError {
        BundleError::Malformed {
            line: self.line,
            expected,
        }
    }

    /// The next line as `parse` reads it; every line ends with a newline.
    fn next<T>(
        &mut self,
        expected: &'static str,
        parse: impl FnOnce(&'a str) -> Option<T>,
    ) -> Result<T, BundleError> {
        let read = self.rest.split_once('\n').and_then(|(line, rest)| {
            let value = parse(line)?;
            Some((value, rest))
        });
        let (value, rest) = read.ok_or_else(|| self.malformed(expected))?;
        self.rest = rest;
        self.line += 1;
        Ok(value)
    }

    fn number(&mut self, label: &str, expected: &'static str) -> Result<u64, BundleError> {
        self.next(expected, |line| decimal(line.strip_prefix(label)?))
    }

    /// Hashes up to an empty line, which is taken too.
    fn hashes(&mut self) -> Result<Vec<TreeHash>, BundleError> {
        let mut hashes = Vec::new();
        while !self.rest.starts_with('\n') {
            let expected = "a hash in base64, or the empty line after the hashes";
            if hashes.len() == MAX_HASHES {
                return Err(self.malformed("the empty line after the hashes"));
            }
            hashes.push(self.next(expected, TreeHash::from_base64)?);
        }
        self.next("empty", |_| Some(()))?;
        Ok(hashes)
    }
}

fn write_hashes(text: &mut String, hashes: &[TreeHash]) {
    for hash in hashes {
        text.push_str(&hash.to_string());
        text.push('\n');
    }
    text.push('\n');
}
