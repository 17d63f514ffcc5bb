//! How a log changes its key: a statement that names the new verifier key, signed by the old
//! key and by the new one.
//!
//! An auditor who has any one key of a log follows such statements to the newest. The new key's
//! signature shows that its private half exists; the old key's is what makes it trusted. It is a
//! way to replace a key that is still secret. A key that leaked can sign statements too: then
//! the new key has to reach the auditor some other way.

use crate::encoding::excerpt;
use crate::key::{ParseKeyError, SigningKey, VerifierKey};
use crate::note::{Note, NoteError, NoteSignatureError};

/// First line of the text. No checkpoint's second line is a key, so neither is taken for the
/// other.
const HEADING: &str = "tillroll/key-rotation@v1";

/// A key, and the trusted key that vouches for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// The trusted key that has signed.
    pub old: VerifierKey,
    /// The key that may be trusted as much.
    pub new: VerifierKey,
}

/// Why a statement is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RotationError {
    /// It is no note.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// It is not signed by a key that was given, or not by the new key.
    #[error(transparent)]
    Signature(#[from] NoteSignatureError),
    /// It is a note about something else.
    #[error("`{text}` is no statement about a key")]
    Text {
        /// How the text begins.
        text: String,
    },
    /// The key in it is none.
    #[error("the new key cannot be used: {0}")]
    Key(#[from] ParseKeyError),
    /// The new key is for another log than the key that has signed.
    #[error("a key of {old} cannot vouch for a key of {new}")]
    OtherLog {
        /// Name of the key that has signed.
        old: String,
        /// Name of the new key.
        new: String,
    },
}

impl Rotation {
    /// The statement that `new` follows `old`.
    ///
    /// # Errors
    /// When the keys are of different logs.
    pub fn sign(old: &SigningKey, new: &SigningKey) -> Result<Note, RotationError> {
        same_log(old.verifier(), new.verifier())?;
        let text = format!("{HEADING}\n{}\n", new.verifier());
        Ok(Note::sign(text, &[old, new])?)
    }

    /// Reads a statement and checks its signatures.
    ///
    /// # Errors
    /// [`RotationError`]
    pub fn open(note: &[u8], trusted: &[VerifierKey]) -> Result<Self, RotationError> {
        let note = Note::parse(note)?;
        let signers = note.verify(trusted)?;
        let new: VerifierKey = match note.text().lines().collect::<Vec<_>>().as_slice() {
            [HEADING, key] => key.parse()?,
            _ => {
                return Err(RotationError::Text {
                    text: excerpt(note.text()),
                });
            }
        };
        note.verify(std::slice::from_ref(&new))?;
        // The new key may be trusted already; then it is still the other that vouches.
        let other = signers.iter().find(|key| ***key != new);
        let old = (*other.unwrap_or(&signers[0])).clone();
        same_log(&old, &new)?;
        Ok(Self { old, new })
    }

    /// All keys that follow from the trusted ones by statements, the trusted ones first. The
    /// statements may come in any order. Those that no trusted key has signed are left out: they
    /// may be older than the oldest key that is trusted here.
    ///
    /// # Errors
    /// What is wrong with a statement that says that a trusted key has signed it.
    pub fn follow<N: AsRef<[u8]>>(
        trusted: &[VerifierKey],
        statements: &[N],
    ) -> Result<Vec<VerifierKey>, RotationError> {
        let mut keys = trusted.to_vec();
        let mut open: Vec<&[u8]> = statements.iter().map(AsRef::as_ref).collect();
        loop {
            let mut waiting = Vec::new();
            for note in &open {
                match Self::open(note, &keys) {
                    Ok(Self { new, .. }) if keys.contains(&new) => {}
                    Ok(Self { new, .. }) => keys.push(new),
                    Err(RotationError::Signature(NoteSignatureError::NoKnownKey { .. })) => {
                        waiting.push(*note);
                    }
                    Err(error) => return Err(error),
                }
            }
            if waiting.len() == open.len() {
                return Ok(keys);
            }
            open = waiting;
        }
    }
}

fn same_log(old: &VerifierKey, new: &VerifierKey) -> Result<(), RotationError> {
    match old.name() == new.name() {
        true => Ok(()),
        false => Err(RotationError::OtherLog {
            old: old.name().to_string(),
            new: new.name().to_string(),
        }),
    }
}
