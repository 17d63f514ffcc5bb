//! The tree of RFC 6962 over the records of a log.
//!
//! The leaf of a record is `SHA-256(0x00 || record)`, a node is `SHA-256(0x01 || left || right)`,
//! and the tree without leaves is `SHA-256("")`. The two prefixes keep a record from passing for
//! a node. The left part of a tree of `n` leaves is the largest power of two below `n`.
//!
//! **Why SHA-256** and not the BLAKE3 of the log's own chain: RFC 6962 and the C2SP formats fix
//! it, so the tools of other transparency logs read our proofs, and `sha256sum` is everywhere an
//! auditor works. The tree is built beside the log and not on the way of an acknowledgement, so
//! the quicker hash is not needed here.
//!
//! Proving needs hashes of subtrees ([`Subtrees`]); verifying needs hashes only. Nothing here
//! reads a file, knows what a record means, or trusts a size that it was given.

mod frontier;
mod hash;
mod prove;
mod subtrees;
mod verify;

pub use frontier::Frontier;
pub use hash::{EMPTY_ROOT, TreeHash, leaf_hash, node_hash};
pub use prove::{ProveError, consistency_proof, inclusion_proof, root_at};
pub(crate) use subtrees::Levels;
pub use subtrees::{FullTree, Subtrees};
pub use verify::{ProofError, inclusion_root, verify_consistency, verify_inclusion};
