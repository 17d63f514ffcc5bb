//! Checkpoints: what a log was, in three lines and a signature, as C2SP `tlog-checkpoint` has
//! them.
//!
//! The size is the position of the last record, and the root stands for every record up to it.
//! A checkpoint carries no time: the log does not promise one that an auditor could check.
//! Extension lines, which have no meaning here, are refused and never written.

use std::fmt;

use crate::encoding::decimal;
use crate::key::{KeyName, SigningKey, VerifierKey};
use crate::merkle::TreeHash;
use crate::note::{Note, NoteError, NoteSignatureError};

/// What a log was when it had `size` records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogCheckpoint {
    /// Which log.
    pub origin: KeyName,
    /// Number of records: the position of the last one.
    pub size: u64,
    /// Root of the tree over them.
    pub root: TreeHash,
}

/// Why a text is no checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the checkpoint is not {expected}")]
pub struct ParseCheckpointError {
    /// The line, from 1.
    pub line: usize,
    /// What belongs there.
    pub expected: &'static str,
}

/// Why bytes are no checkpoint that can be believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// They are no note.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The note is not signed by a key that was given.
    #[error(transparent)]
    Signature(#[from] NoteSignatureError),
    /// The note is no checkpoint.
    #[error(transparent)]
    Text(#[from] ParseCheckpointError),
    /// The keys that signed speak for another log.
    #[error("the checkpoint is of {origin}, and the key that signed it is for {name}")]
    OtherLog {
        /// The log that the checkpoint is of.
        origin: KeyName,
        /// The log whose key has signed it.
        name: KeyName,
    },
}

impl LogCheckpoint {
    /// Reads the text of a note.
    ///
    /// # Errors
    /// The line that is not as it should be.
    pub fn parse(text: &str) -> Result<Self, ParseCheckpointError> {
        let refuse = |line, expected| ParseCheckpointError { line, expected };
        let mut lines = text.split('\n');
        let mut next = || lines.next().unwrap_or_default();
        let origin = next();
        let size = next();
        let root = next();
        let checkpoint = Self {
            origin: origin.parse().map_err(|_| refuse(1, "the name of a log"))?,
            size: decimal(size).ok_or(refuse(2, "a number of records"))?,
            root: TreeHash::from_base64(root).ok_or(refuse(3, "a root hash in base64"))?,
        };
        match (next(), lines.next()) {
            ("", None) if text.ends_with('\n') => Ok(checkpoint),
            _ => Err(refuse(4, "the end: extension lines are not accepted")),
        }
    }
}

/// The text that is signed.
impl fmt::Display for LogCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { origin, size, root } = self;
        write!(f, "{origin}\n{size}\n{root}\n")
    }
}

/// A checkpoint that a trusted key of its own log has signed. There is no other way to one than
/// signing or checking the signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCheckpoint {
    checkpoint: LogCheckpoint,
    note: Note,
    signers: Vec<VerifierKey>,
}

impl SignedCheckpoint {
    /// Signs a checkpoint.
    ///
    /// # Errors
    /// When the key is for another log.
    pub fn sign(checkpoint: LogCheckpoint, key: &SigningKey) -> Result<Self, CheckpointError> {
        let note = Note::sign(checkpoint.to_string(), &[key])?;
        Self::new(note, vec![key.verifier().clone()])
    }

    /// Reads a note and checks that a key of the log that it names, among those given, has
    /// signed it.
    ///
    /// # Errors
    /// [`CheckpointError`]
    pub fn open(note: &[u8], keys: &[VerifierKey]) -> Result<Self, CheckpointError> {
        let note = Note::parse(note)?;
        let signers = note.verify(keys)?.into_iter().cloned().collect();
        Self::new(note, signers)
    }

    /// `signers` have signed.
    fn new(note: Note, signers: Vec<VerifierKey>) -> Result<Self, CheckpointError> {
        let checkpoint = LogCheckpoint::parse(note.text())?;
        let own = signers.iter().any(|key| *key.name() == checkpoint.origin);
        match signers.first() {
            Some(other) if !own => Err(CheckpointError::OtherLog {
                origin: checkpoint.origin,
                name: other.name().clone(),
            }),
            _ => Ok(Self {
                checkpoint,
                note,
                signers,
            }),
        }
    }

    /// What it says.
    #[must_use]
    pub fn checkpoint(&self) -> &LogCheckpoint {
        &self.checkpoint
    }

    /// The note, as it is handed out.
    #[must_use]
    pub fn note(&self) -> &Note {
        &self.note
    }

    /// The given keys that have signed.
    #[must_use]
    pub fn signers(&self) -> &[VerifierKey] {
        &self.signers
    }
}
