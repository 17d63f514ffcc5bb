//! Signed notes: a text, an empty line, and a line for each signature, as C2SP `signed-note`
//! has them.
//!
//! A [`Note`] that was parsed is only well formed. What it says counts after [`Note::verify`].
//! Nothing here knows what the text means.

use std::fmt;

use crate::encoding::{self, excerpt};
use crate::key::{KeyId, KeyName, SigningKey, VerifierKey};

/// Longest note, in bytes, and most signatures: more would only waste the verifier's time.
const MAX_BYTES: usize = 1024 * 1024;
const MAX_SIGNATURES: usize = 100;

/// Em dash and a space, in front of each signature.
const DASH: &str = "\u{2014} ";

/// A text and signatures that were not verified yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<NoteSignature>,
}

/// One line of a note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteSignature {
    /// Whose key it says it is.
    pub name: KeyName,
    /// Which of their keys.
    pub id: KeyId,
    /// The signature, 64 bytes when the key is an Ed25519 key.
    pub signature: Vec<u8>,
}

/// Why bytes are no note.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Too long, or too many signatures.
    #[error("a note has at most {MAX_BYTES} bytes and {MAX_SIGNATURES} signatures")]
    TooLarge,
    /// Bytes that no text has, or control characters.
    #[error("a note is UTF-8 without control characters")]
    NotText,
    /// No empty line between text and signatures, or nothing before or after it.
    #[error("a note is a text, an empty line and signature lines, each with a newline at its end")]
    Shape,
    /// A signature line that is none.
    #[error(
        "`{line}` is no signature line: an em dash, a key's name and base64 belong there, with one space between them"
    )]
    SignatureLine {
        /// How the line begins.
        line: String,
    },
}

/// Why a note is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteSignatureError {
    /// No key that was given has signed.
    #[error("none of the given keys has signed; the signatures are by {}", found.join(", "))]
    NoKnownKey {
        /// Names and ids of the keys that have.
        found: Vec<String>,
    },
    /// The signature says that it is by a key that was given, and it is not, or the text is
    /// another one.
    #[error("the signature by {name}+{id} does not match the text: it was altered or forged")]
    Invalid {
        /// Name of the key.
        name: KeyName,
        /// Its id.
        id: KeyId,
    },
}

impl Note {
    /// Signs a text, which has to end with a newline.
    ///
    /// # Errors
    /// When the text cannot be a note's.
    pub fn sign(text: impl Into<String>, keys: &[&SigningKey]) -> Result<Self, NoteError> {
        let text = text.into();
        let signatures = keys.iter().map(|key| NoteSignature {
            name: key.verifier().name().clone(),
            id: key.verifier().id(),
            signature: key.sign(&text).to_vec(),
        });
        let note = Self {
            signatures: signatures.collect(),
            text,
        };
        // Every reader must come to the same text.
        match Self::parse(note.to_string().as_bytes())? {
            read if read == note => Ok(note),
            _ => Err(NoteError::Shape),
        }
    }

    /// Reads a note, and believes nothing of it.
    ///
    /// # Errors
    /// [`NoteError`]
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > MAX_BYTES {
            return Err(NoteError::TooLarge);
        }
        let whole = std::str::from_utf8(bytes).map_err(|_| NoteError::NotText)?;
        if whole.bytes().any(|byte| byte < b' ' && byte != b'\n') {
            return Err(NoteError::NotText);
        }
        let gap = whole.rfind("\n\n").ok_or(NoteError::Shape)?;
        let (text, lines) = (&whole[..=gap], &whole[gap + 2..]);
        let lines = lines.strip_suffix('\n').ok_or(NoteError::Shape)?;
        if lines.split('\n').count() > MAX_SIGNATURES {
            return Err(NoteError::TooLarge);
        }
        let signatures = lines.split('\n').map(|line| {
            signature_line(line).ok_or_else(|| NoteError::SignatureLine {
                line: excerpt(line),
            })
        });
        Ok(Self {
            text: text.to_owned(),
            signatures: signatures.collect::<Result<_, _>>()?,
        })
    }

    /// What was signed, if it was: up to and including the newline before the empty line.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signatures, checked or not.
    #[must_use]
    pub fn signatures(&self) -> &[NoteSignature] {
        &self.signatures
    }

    /// Which of these keys have signed, at least one of them. Signatures by others are ignored,
    /// as of witnesses, or of keys that are newer than the list.
    ///
    /// # Errors
    /// When no given key has signed, or one signature that names a given key does not match.
    pub fn verify<'k>(
        &self,
        keys: &'k [VerifierKey],
    ) -> Result<Vec<&'k VerifierKey>, NoteSignatureError> {
        let mut signers: Vec<&VerifierKey> = Vec::new();
        for NoteSignature {
            name,
            id,
            signature,
        } in &self.signatures
        {
            // An id is short: two keys may share it, then either may be meant.
            let named = |key: &&VerifierKey| key.name() == name && key.id() == *id;
            let mut named = keys.iter().filter(named).peekable();
            if named.peek().is_none() {
                continue;
            }
            match named.find(|key| key.accepts(&self.text, signature)) {
                Some(key) if signers.contains(&key) => {}
                Some(key) => signers.push(key),
                None => {
                    return Err(NoteSignatureError::Invalid {
                        name: name.clone(),
                        id: *id,
                    });
                }
            }
        }
        match signers.is_empty() {
            true => Err(NoteSignatureError::NoKnownKey {
                found: self.signatures.iter().map(NoteSignature::key).collect(),
            }),
            false => Ok(signers),
        }
    }
}

impl NoteSignature {
    fn key(&self) -> String {
        format!("{}+{}", self.name, self.id)
    }
}

fn signature_line(line: &str) -> Option<NoteSignature> {
    let (name, signature) = line.strip_prefix(DASH)?.split_once(' ')?;
    let bytes = encoding::decode(signature)?;
    let (id, signature) = bytes.split_first_chunk::<4>()?;
    (!signature.is_empty()).then_some(())?;
    Some(NoteSignature {
        name: name.parse().ok()?,
        id: KeyId::new(*id),
        signature: signature.to_vec(),
    })
}

/// The bytes of the note.
impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        for NoteSignature {
            name,
            id,
            signature,
        } in &self.signatures
        {
            let bytes = [id.as_bytes().as_slice(), signature].concat();
            writeln!(f, "{DASH}{name} {}", encoding::encode(&bytes))?;
        }
        Ok(())
    }
}
