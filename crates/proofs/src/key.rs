//! Ed25519 keys in the text forms of signed notes.
//!
//! A verifier key is `<name>+<key id>+<base64 of 0x01 and 32 bytes>`, a private key is
//! `PRIVATE+KEY+<name>+<key id>+<base64 of 0x01 and the 32 bytes of the seed>`. The key id is the
//! first four bytes of `SHA-256(name || "\n" || 0x01 || public key)` in hexadecimal digits: it
//! tells keys apart and proves nothing.
//!
//! Randomness is the caller's: a key is made from 32 secret bytes. Keys are
//! wiped from memory when they are dropped; the text that [`SigningKey::secret_text`] returns is
//! not, so it is for writing the file and nothing else.

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::{Signature, Signer};
use sha2::{Digest, Sha256};

use crate::encoding;

/// Ed25519, among the algorithms of signed notes.
const ED25519: u8 = 1;

const PRIVATE: &str = "PRIVATE+KEY+";

/// Longest name of a key, in bytes.
const MAX_NAME_BYTES: usize = 255;

/// What a log and its keys are called: one to 255 bytes without spaces, control characters and
/// `+`. A checkpoint names its log by the same text, as its origin.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName(Box<str>);

impl KeyName {
    /// The name of a book's log and keys: `tillroll/` and the id in 32 hexadecimal digits.
    #[must_use]
    pub fn of_book(id: [u8; 16]) -> Self {
        Self(format!("tillroll/{:032x}", u128::from_be_bytes(id)).into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyName {
    type Err = ParseKeyError;

    fn from_str(text: &str) -> Result<Self, ParseKeyError> {
        let bad = |c: char| c.is_whitespace() || c.is_control() || c == '+';
        match (1..=MAX_NAME_BYTES).contains(&text.len()) && !text.contains(bad) {
            true => Ok(Self(text.into())),
            false => Err(ParseKeyError::Name),
        }
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Four bytes that tell the keys of one name apart. Eight hexadecimal digits as text.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId([u8; 4]);

impl KeyId {
    fn of(name: &KeyName, public: &[u8; 32]) -> Self {
        let hasher = Sha256::new()
            .chain_update(name.as_str())
            .chain_update(b"\n")
            .chain_update([ED25519])
            .chain_update(public);
        let hash: [u8; 32] = hasher.finalize().into();
        let [a, b, c, d, ..] = hash;
        Self([a, b, c, d])
    }

    /// The id with these bytes, as a signature starts with them.
    #[must_use]
    pub const fn new(bytes: [u8; 4]) -> Self {
        Self(bytes)
    }

    /// The four bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 4] {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

/// Why a text is no key. It never repeats the text, which may be a private key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseKeyError {
    /// Parts are missing, or are not spelled as they should be.
    #[error("a key has the form {expected}")]
    Shape {
        /// The form.
        expected: &'static str,
    },
    /// The name cannot be one.
    #[error("a key's name is 1 to 255 bytes without spaces, control characters and +")]
    Name,
    /// The key is for signatures that this program does not know.
    #[error("key algorithm {0} is not known to this program: only Ed25519, 1, is")]
    Algorithm(u8),
    /// The 32 bytes are no public key, or one that any signature would fit.
    #[error("the 32 bytes are no usable Ed25519 public key")]
    Point,
    /// The id does not belong to the name and the key: one of them was altered.
    #[error("the key says that its id is {stated}, and its name and bytes give {computed}")]
    Id {
        /// The id in the text.
        stated: String,
        /// The id that belongs to the name and the bytes.
        computed: KeyId,
    },
}

const VERIFIER_FORM: &str = "<name>+<8 hexadecimal digits>+<base64>";
const PRIVATE_FORM: &str = "PRIVATE+KEY+<name>+<8 hexadecimal digits>+<base64>";

/// Name, id as it was written, and the 32 bytes.
fn parse(text: &str, expected: &'static str) -> Result<(KeyName, String, [u8; 32]), ParseKeyError> {
    let shape = ParseKeyError::Shape { expected };
    // The base 64 may hold a `+` too.
    let mut parts = text.splitn(3, '+');
    let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(shape);
    };
    let name = name.parse()?;
    let digits = |id: &str| id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if id.len() != 8 || !digits(id) {
        return Err(shape);
    }
    match encoding::decode(key).as_deref() {
        Some([ED25519, key @ ..]) => match <[u8; 32]>::try_from(key) {
            Ok(key) => Ok((name, id.to_owned(), key)),
            Err(_) => Err(shape),
        },
        Some([other, ..]) => Err(ParseKeyError::Algorithm(*other)),
        _ => Err(shape),
    }
}

fn text(name: &KeyName, id: KeyId, key: &[u8; 32]) -> String {
    let mut bytes = [0; 33];
    bytes[0] = ED25519;
    bytes[1..].copy_from_slice(key);
    format!("{name}+{id}+{}", encoding::encode(&bytes))
}

/// A public key and its name: what an auditor has to have from a source that they trust.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: KeyName,
    id: KeyId,
    key: ed25519_dalek::VerifyingKey,
}

impl VerifierKey {
    fn new(name: KeyName, key: ed25519_dalek::VerifyingKey) -> Self {
        let id = KeyId::of(&name, key.as_bytes());
        Self { name, id, key }
    }

    /// Keys from a text with one to a line. Empty lines and lines that begin with `#` are
    /// skipped.
    ///
    /// # Errors
    /// The first line, from 1, that is no key, and why.
    pub fn parse_lines(text: &str) -> Result<Vec<Self>, (usize, ParseKeyError)> {
        let lines = (1..).zip(text.lines().map(str::trim_end));
        let keys = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        keys.map(|(number, line)| line.parse().map_err(|error| (number, error)))
            .collect()
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &KeyName {
        &self.name
    }

    /// The id.
    #[must_use]
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The 32 bytes of the public key.
    #[must_use]
    pub fn public(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// Whether the signature is this key's, of exactly this text. Of the encodings and keys that
    /// Ed25519 verifiers judge differently, none is accepted.
    #[must_use]
    pub(crate) fn accepts(&self, text: &str, signature: &[u8]) -> bool {
        Signature::from_slice(signature)
            .is_ok_and(|signature| self.key.verify_strict(text.as_bytes(), &signature).is_ok())
    }
}

impl FromStr for VerifierKey {
    type Err = ParseKeyError;

    fn from_str(text: &str) -> Result<Self, ParseKeyError> {
        let (name, stated, bytes) = parse(text, VERIFIER_FORM)?;
        let key = ed25519_dalek::VerifyingKey::from_bytes(&bytes)
            .ok()
            .filter(|key| !key.is_weak() && key.as_bytes() == &bytes)
            .ok_or(ParseKeyError::Point)?;
        let parsed = Self::new(name, key);
        agree(stated, parsed.id)?;
        Ok(parsed)
    }
}

fn agree(stated: String, computed: KeyId) -> Result<(), ParseKeyError> {
    match stated == computed.to_string() {
        true => Ok(()),
        false => Err(ParseKeyError::Id { stated, computed }),
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&text(&self.name, self.id, self.key.as_bytes()))
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifierKey({self})")
    }
}

/// A private key and its name. It cannot be printed by mistake.
#[derive(Clone)]
pub struct SigningKey {
    verifier: VerifierKey,
    key: ed25519_dalek::SigningKey,
}

impl SigningKey {
    /// The key of these 32 bytes, which must come from a source of randomness and be used for
    /// nothing else.
    #[must_use]
    pub fn from_seed(name: KeyName, seed: &[u8; 32]) -> Self {
        let key = ed25519_dalek::SigningKey::from_bytes(seed);
        Self {
            verifier: VerifierKey::new(name, key.verifying_key()),
            key,
        }
    }

    /// Reads the text of a private key.
    ///
    /// # Errors
    /// [`ParseKeyError`], which does not repeat the text.
    pub fn from_secret_text(text: &str) -> Result<Self, ParseKeyError> {
        let rest = text.strip_prefix(PRIVATE).ok_or(ParseKeyError::Shape {
            expected: PRIVATE_FORM,
        })?;
        let (name, stated, seed) = parse(rest, PRIVATE_FORM)?;
        let parsed = Self::from_seed(name, &seed);
        agree(stated, parsed.verifier.id)?;
        Ok(parsed)
    }

    /// The private key as text: enough to sign anything in its name.
    #[must_use]
    pub fn secret_text(&self) -> String {
        let Self { verifier, key } = self;
        format!(
            "{PRIVATE}{}",
            text(&verifier.name, verifier.id, key.as_bytes())
        )
    }

    /// The public half.
    #[must_use]
    pub fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    pub(crate) fn sign(&self, text: &str) -> [u8; 64] {
        self.key.sign(text.as_bytes()).to_bytes()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let VerifierKey { name, id, .. } = &self.verifier;
        write!(f, "SigningKey({name}+{id}, private)")
    }
}
