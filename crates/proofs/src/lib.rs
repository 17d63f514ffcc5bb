//! Proofs that nothing on the roll was altered, for an auditor that need not trust us.
//!
//! # Purpose
//! A Merkle tree over the records ([`merkle`]), signed statements of its size and root
//! ([`SignedCheckpoint`]), and proof files that hold on their own ([`verify_bundle`]).
//! `PROOFS.md` beside this crate has every format in prose, and an example that can be checked
//! with `sha256sum`, `base64` and `openssl`.
//!
//! # Invariants
//! - Verifying needs the proof and a verifier key: no data directory, no network, no clock. It
//!   never panics, whatever the bytes are, and its errors name what failed.
//! - Whatever parses prints to the same bytes.
//! - Nothing is signed that contradicts the newest checkpoint that was signed before.
//! - What is derived from the log ([`LeafStore`]) is checked when it is opened, and made again
//!   when it is missing or wrong.
//! - A private key is shown by no `Debug`, no `Display` and no error.
//!
//! # It is not
//! It decodes no record and knows no money. It has no source of randomness: keys are made from
//! bytes that the caller gives. It does not encrypt the private key, does not publish
//! checkpoints and asks no witnesses; a log that shows different people different histories is
//! found when they compare their checkpoints.
//!
//! ```
//! use tillroll_proofs::merkle::{Frontier, leaf_hash};
//! use tillroll_proofs::{KeyName, LogCheckpoint, SignedCheckpoint, SigningKey};
//!
//! let mut tree = Frontier::new();
//! tree.push(leaf_hash(b"the first record"));
//! let origin = KeyName::of_book([7; 16]);
//! let key = SigningKey::from_seed(origin.clone(), &[1; 32]); // from a source of randomness
//! let checkpoint = LogCheckpoint { origin, size: tree.size(), root: tree.root() };
//! let note = SignedCheckpoint::sign(checkpoint, &key)?.note().to_string();
//!
//! let trusted = [key.verifier().clone()];
//! let opened = SignedCheckpoint::open(note.as_bytes(), &trusted)?;
//! assert_eq!(opened.checkpoint().size, 1);
//! # Ok::<(), tillroll_proofs::CheckpointError>(())
//! ```

mod bundle;
mod checkpoint;
mod checkpoint_store;
mod encoding;
mod files;
mod history;
mod key;
mod keyring;
mod leaf_store;
pub mod merkle;
mod note;
mod prover;
mod rotation;

pub use bundle::{
    BundleError, CheckpointRole, ConsistencyBundle, InclusionBundle, MAX_BUNDLE_BYTES,
    VerifiedBundle, VerifiedConsistency, VerifiedInclusion, verify_bundle,
};
pub use checkpoint::{CheckpointError, LogCheckpoint, ParseCheckpointError, SignedCheckpoint};
pub use checkpoint_store::StoredError;
pub use files::FileError;
pub use history::{HistoryError, check_against, check_each};
pub use key::{KeyId, KeyName, ParseKeyError, SigningKey, VerifierKey};
pub use keyring::{KeyFiles, Keyring, KeyringError};
pub use leaf_store::{LeafStore, LeafStoreError, Rebuild};
pub use note::{Note, NoteError, NoteSignature, NoteSignatureError};
pub use prover::{Prover, ProverError};
pub use rotation::{Rotation, RotationError};
