//! What a proof shows, once it was checked, in words for a person.

use std::fmt;

use crate::checkpoint::SignedCheckpoint;
use crate::key::KeyName;

/// A proof that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VerifiedBundle {
    /// A record is in the log.
    Inclusion(VerifiedInclusion),
    /// A log has only grown.
    Consistency(VerifiedConsistency),
}

/// A record is in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedInclusion {
    /// Its position, from 1.
    pub position: u64,
    /// Its bytes. Decode them to show the event; that they are an event is not shown here.
    pub record: Vec<u8>,
    /// The checkpoint that covers it.
    pub checkpoint: SignedCheckpoint,
}

/// A log has only grown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedConsistency {
    /// What the log was.
    pub older: SignedCheckpoint,
    /// What it has become.
    pub newer: SignedCheckpoint,
}

impl VerifiedBundle {
    /// The log that the proof is about.
    #[must_use]
    pub fn origin(&self) -> &KeyName {
        match self {
            Self::Inclusion(proof) => &proof.checkpoint.checkpoint().origin,
            Self::Consistency(proof) => &proof.newer.checkpoint().origin,
        }
    }
}

impl fmt::Display for VerifiedBundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inclusion(proof) => proof.fmt(f),
            Self::Consistency(proof) => proof.fmt(f),
        }
    }
}

impl fmt::Display for VerifiedInclusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let checkpoint = self.checkpoint.checkpoint();
        write!(
            f,
            "The log {} holds exactly these {} bytes at position {}. They lead to the root {} of \
             its first {} records, which {} signed.",
            checkpoint.origin,
            self.record.len(),
            self.position,
            checkpoint.root,
            checkpoint.size,
            signers(&self.checkpoint),
        )
    }
}

impl fmt::Display for VerifiedConsistency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (old, new) = (self.older.checkpoint(), self.newer.checkpoint());
        write!(
            f,
            "The log {} has only grown from {} records to {}: nothing up to position {} was \
             altered, removed, inserted or moved between the checkpoint of root {}, which {} \
             signed, and that of root {}, which {} signed.",
            old.origin,
            old.size,
            new.size,
            old.size,
            old.root,
            signers(&self.older),
            new.root,
            signers(&self.newer),
        )
    }
}

fn signers(checkpoint: &SignedCheckpoint) -> String {
    let keys = checkpoint.signers().iter().map(|key| key.id().to_string());
    format!("key {}", keys.collect::<Vec<_>>().join(" and key "))
}
