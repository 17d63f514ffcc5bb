//! The list of a pack's files, and the signature under it.
//!
//! The records and what is read of them need no seal: they are bound by the checkpoint. It says that
//! this is all that the holder of the key has handed out, so that a record cannot be left out on the
//! way; and it binds the check itself.

use std::fmt::Write;

use tillroll_events::OrderId;
use tillroll_proofs::{Note, NoteError, Rotation, SigningKey, VerifierKey};

use crate::pack::{PackFiles, sha256_hex};

pub(crate) const FILE: &str = "seal.note";
pub(crate) const MANIFEST: &str = "manifest.txt";

/// First line of the text. No checkpoint's second line is an order and no statement about a key
/// begins like it, so none of them is taken for another.
const HEADING: &str = "tillroll/evidence@v1";

/// What a seal says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seal {
    pub(crate) order: OrderId,
    /// Of the checkpoint.
    pub(crate) size: u64,
    /// SHA-256 of the list of files.
    pub(crate) manifest: String,
}

/// The list of these files, in the form of `sha256sum`.
pub(crate) fn manifest(files: &PackFiles) -> String {
    let mut text = String::new();
    for (name, bytes) in files {
        writeln!(text, "{}  {name}", sha256_hex(bytes)).expect("a string takes everything");
    }
    text
}

pub(crate) fn sign(
    order: OrderId,
    size: u64,
    manifest: &str,
    key: &SigningKey,
) -> Result<Note, NoteError> {
    let hash = sha256_hex(manifest.as_bytes());
    Note::sign(format!("{HEADING}\n{order}\n{size}\n{hash}\n"), &[key])
}

impl Seal {
    /// The text of a seal, whether or not it is signed.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut lines = text.split('\n');
        let mut next = || lines.next();
        let (heading, order, size, manifest) = (next()?, next()?, next()?, next()?);
        let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let is_hash = manifest.len() == 64 && manifest.bytes().all(hex);
        let ends = next() == Some("") && next().is_none();
        let seal = Self {
            order: order.parse().ok()?,
            size: size.parse().ok()?,
            manifest: manifest.to_owned(),
        };
        // One value has one spelling.
        let same = seal.order.to_string() == order && seal.size.to_string() == size;
        (heading == HEADING && is_hash && ends && same).then_some(seal)
    }
}

/// Whether a statement makes one key follow the other, signed by both.
pub(crate) fn joins(statement: &[u8], old: &VerifierKey, new: &VerifierKey) -> bool {
    Rotation::open(statement, std::slice::from_ref(old)).is_ok_and(|stated| stated.new == *new)
}
