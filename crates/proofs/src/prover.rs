//! Everything that a data directory does with proofs: follow the log, sign, prove, compare.
//!
//! A checkpoint, once signed, cannot be taken back: its holder can show that a log which
//! contradicts it was rewritten. So before anything is signed, the newest checkpoint that was
//! signed before is compared with the log; and the reader that is given here must show durable
//! records only, as the readers of an opened log do. A look at the files beside a running
//! writer is not enough: what it shows may be lost in a crash.
//!
//! Whatever is proved is verified before it is handed out.

use std::path::PathBuf;
use std::sync::Arc;

use tillroll_log::{Deadline, LogReadError, LogReader, Position};

use crate::bundle::{BundleError, ConsistencyBundle, InclusionBundle};
use crate::checkpoint::{CheckpointError, LogCheckpoint, SignedCheckpoint};
use crate::checkpoint_store::{CheckpointStore, StoredError};
use crate::files::FileError;
use crate::history::{HistoryError, check_against};
use crate::key::KeyName;
use crate::keyring::Keyring;
use crate::leaf_store::{LeafStore, LeafStoreError, Rebuild};
use crate::merkle::{ProveError, consistency_proof, inclusion_proof, leaf_hash, root_at};

const LEAVES: &str = "leaves";
const CHECKPOINTS: &str = "checkpoints";

/// Why a proof was not made, or a checkpoint not signed.
#[derive(Debug, thiserror::Error)]
pub enum ProverError {
    /// The leaf hashes could not be had.
    #[error(transparent)]
    Leaves(#[from] LeafStoreError),
    /// The log cannot be read.
    #[error(transparent)]
    Read(#[from] LogReadError),
    /// The log contradicts a checkpoint. Nothing is signed then.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// A checkpoint that was stored cannot be used.
    #[error("a stored checkpoint cannot be used: {0}")]
    Stored(#[from] StoredError),
    /// The checkpoint that was given is none of this log's.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The keys are for another book.
    #[error("the keys are for {keys}, and the log is {log}")]
    OtherBook {
        /// Name of the keys.
        keys: KeyName,
        /// Name that keys of this log have.
        log: KeyName,
    },
    /// The checkpoint that was given is of another log.
    #[error("the checkpoint is of {checkpoint}, and the log is {log}")]
    OtherLog {
        /// Origin of the checkpoint.
        checkpoint: KeyName,
        /// Name of this log.
        log: KeyName,
    },
    /// Nothing is recorded at this position.
    #[error("nothing is recorded at position {position}: the log ends at {head}")]
    NotRecorded {
        /// The position asked for.
        position: Position,
        /// Where the log ends.
        head: Position,
    },
    /// The checkpoint that was given does not reach so far.
    #[error("the checkpoint of size {size} does not cover position {position}")]
    NotCovered {
        /// The position asked for.
        position: Position,
        /// Size of the checkpoint.
        size: u64,
    },
    /// The record is not the one that the tree was built with.
    #[error("the record at position {position} has changed since its leaf hash was made")]
    Changed {
        /// Its position.
        position: Position,
    },
    /// The proof was made and does not hold, so the stored leaf hashes are damaged.
    #[error("the proof that was made does not hold, and was not handed out: {0}")]
    Unsound(#[from] BundleError),
}

impl From<FileError> for ProverError {
    fn from(error: FileError) -> Self {
        Self::Leaves(error.into())
    }
}

impl From<ProveError<FileError>> for ProverError {
    fn from(error: ProveError<FileError>) -> Self {
        match error {
            ProveError::Source(error) => error.into(),
            ProveError::NoSuchLeaf { index, size } => Self::NotRecorded {
                position: Position::new(index.saturating_add(1)),
                head: Position::new(size),
            },
            ProveError::NotThere { size, available }
            | ProveError::Reversed {
                old: size,
                new: available,
            } => Self::History(HistoryError::Shorter {
                size,
                head: Position::new(available),
            }),
        }
    }
}

/// Signs and proves for one log.
pub struct Prover {
    reader: Arc<dyn LogReader>,
    keyring: Keyring,
    leaves: LeafStore,
    checkpoints: CheckpointStore,
}

impl std::fmt::Debug for Prover {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prover")
            .field("keyring", &self.keyring)
            .field("leaves", &self.leaves)
            .field("checkpoints", &self.checkpoints)
            .finish_non_exhaustive()
    }
}

impl Prover {
    /// Opens the directory of a log's proofs, `proofs` in its data directory, and follows the
    /// log to its head. `progress` is called with positions on the way. Also answers why the
    /// leaf hashes had to be made again, if they had.
    ///
    /// # Errors
    /// When the keys are for another book, the directory is in use, or the log cannot be read.
    pub fn open(
        directory: impl Into<PathBuf>,
        book: [u8; 16],
        keyring: Keyring,
        reader: Arc<dyn LogReader>,
        progress: &mut dyn FnMut(Position),
    ) -> Result<(Self, Option<Rebuild>), ProverError> {
        let log = KeyName::of_book(book);
        if *keyring.name() != log {
            let keys = keyring.name().clone();
            return Err(ProverError::OtherBook { keys, log });
        }
        let directory = directory.into();
        let leaves = directory.join(LEAVES);
        let (leaves, rebuild) = LeafStore::open(leaves, book, &*reader, progress)?;
        let prover = Self {
            reader,
            keyring,
            leaves,
            checkpoints: CheckpointStore::new(directory.join(CHECKPOINTS)),
        };
        Ok((prover, rebuild))
    }

    /// The keys.
    #[must_use]
    pub fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    /// The keys, to change the newest.
    pub fn keyring_mut(&mut self) -> &mut Keyring {
        &mut self.keyring
    }

    /// The leaf hashes.
    #[must_use]
    pub fn leaves(&self) -> &LeafStore {
        &self.leaves
    }

    /// Follows the log to its head, and signs a checkpoint of it with the newest key. It is
    /// stored too; asking again without new records answers the stored one.
    ///
    /// # Errors
    /// When the log contradicts the newest checkpoint that was stored, or something fails.
    pub fn checkpoint(&mut self) -> Result<SignedCheckpoint, ProverError> {
        self.catch_up()?;
        let newest = self.newest()?;
        let key = self.keyring.signing_key();
        let size = self.size();
        if let Some(newest) = newest {
            self.agree(newest.checkpoint())?;
            if newest.checkpoint().size == size && newest.signers().contains(key.verifier()) {
                return Ok(newest);
            }
        }
        let checkpoint = LogCheckpoint {
            origin: self.keyring.name().clone(),
            size,
            root: self.leaves.root()?,
        };
        let signed = SignedCheckpoint::sign(checkpoint, key)?;
        self.checkpoints.store(&signed)?;
        Ok(signed)
    }

    /// The newest checkpoint that was stored.
    ///
    /// # Errors
    /// When it cannot be read, or is not signed by one of the log's keys.
    pub fn newest(&self) -> Result<Option<SignedCheckpoint>, ProverError> {
        Ok(self.checkpoints.newest(self.keyring.verifiers())?)
    }

    /// Sizes of the checkpoints that were stored, the smallest first.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn checkpoint_sizes(&self) -> Result<Vec<u64>, ProverError> {
        Ok(self.checkpoints.sizes()?)
    }

    /// A checkpoint that was stored.
    ///
    /// # Errors
    /// When it cannot be read, or is not signed by one of the log's keys.
    pub fn stored(&self, size: u64) -> Result<Option<SignedCheckpoint>, ProverError> {
        Ok(self.checkpoints.read(size, self.keyring.verifiers())?)
    }

    /// Proves that the log holds the record at a position, by the newest stored checkpoint, or
    /// by a new one when that does not reach so far.
    ///
    /// # Errors
    /// When nothing is recorded there, or the log contradicts the checkpoint.
    pub fn prove_event(&mut self, position: Position) -> Result<InclusionBundle, ProverError> {
        let checkpoint = match self.newest()? {
            Some(newest) if newest.checkpoint().size >= position.get() => newest,
            _ => self.checkpoint()?,
        };
        self.prove_event_by(position, &checkpoint)
    }

    /// Proves that the log holds the record at a position, by a checkpoint that was given
    /// out before.
    ///
    /// # Errors
    /// When the checkpoint does not reach so far, or the log contradicts it.
    pub fn prove_event_by(
        &mut self,
        position: Position,
        checkpoint: &SignedCheckpoint,
    ) -> Result<InclusionBundle, ProverError> {
        self.catch_up()?;
        let stated = checkpoint.checkpoint();
        self.agree(stated)?;
        let head = Position::new(self.size());
        let Some(record) = self
            .reader
            .read_one(position, Deadline::NEVER)?
            .filter(|_| position <= head)
        else {
            return Err(ProverError::NotRecorded { position, head });
        };
        let size = stated.size;
        if position.get() > size {
            return Err(ProverError::NotCovered { position, size });
        }
        if self.leaves.leaf(position)? != Some(leaf_hash(&record)) {
            return Err(ProverError::Changed { position });
        }
        let index = position.get() - 1;
        let bundle = InclusionBundle {
            record,
            index,
            path: inclusion_proof(&self.leaves, index, size)?,
            note: checkpoint.note().to_string(),
        };
        bundle.clone().verify(checkpoint.signers())?;
        Ok(bundle)
    }

    /// Proves that the log has only grown since a checkpoint, by a new one of its head. `old` is
    /// the note of the checkpoint.
    ///
    /// # Errors
    /// When the note is not signed by one of the log's keys, or the log contradicts it.
    pub fn prove_consistency(&mut self, old: &[u8]) -> Result<ConsistencyBundle, ProverError> {
        let older = self.own(old)?;
        let newer = self.checkpoint()?;
        self.agree(older.checkpoint())?;
        let (old, new) = (older.checkpoint().size, newer.checkpoint().size);
        let bundle = ConsistencyBundle {
            path: consistency_proof(&self.leaves, old, new)?,
            older: older.note().to_string(),
            newer: newer.note().to_string(),
        };
        bundle.clone().verify(self.keyring.verifiers())?;
        Ok(bundle)
    }

    /// Reads all of the log that a checkpoint covers and compares it, trusting nothing that is
    /// stored beside the log. `old` is the note of the checkpoint; stored checkpoints help to
    /// say where the log was changed. Answers what the note says.
    ///
    /// # Errors
    /// [`ProverError::History`] names the size of the checkpoint that the log contradicts.
    pub fn check_against(
        &self,
        old: &[u8],
        progress: &mut dyn FnMut(Position),
    ) -> Result<LogCheckpoint, ProverError> {
        let checkpoint = self.own(old)?.checkpoint().clone();
        let others = self.others(checkpoint.size)?;
        check_against(&*self.reader, &checkpoint, &others, progress)?;
        Ok(checkpoint)
    }

    fn catch_up(&mut self) -> Result<(), ProverError> {
        Ok(self.leaves.catch_up(&*self.reader, &mut |_| {})?)
    }

    fn size(&self) -> u64 {
        use crate::merkle::Subtrees;
        self.leaves.size()
    }

    /// A checkpoint of this log, by one of its keys.
    fn own(&self, note: &[u8]) -> Result<SignedCheckpoint, ProverError> {
        let signed = SignedCheckpoint::open(note, self.keyring.verifiers())?;
        let origin = &signed.checkpoint().origin;
        if origin != self.keyring.name() {
            return Err(ProverError::OtherLog {
                checkpoint: origin.clone(),
                log: self.keyring.name().clone(),
            });
        }
        Ok(signed)
    }

    /// Stored checkpoints below a size that can be read.
    fn others(&self, size: u64) -> Result<Vec<LogCheckpoint>, ProverError> {
        let below = self.checkpoints.sizes()?.into_iter();
        let below = below.take_while(|other| *other < size);
        let read = below.map(|other| self.checkpoints.read(other, self.keyring.verifiers()));
        // They only narrow down where the log was changed, so one that cannot be read is left
        // out.
        let known = read.filter_map(|read| read.ok().flatten());
        Ok(known.map(|signed| signed.checkpoint().clone()).collect())
    }

    /// Whether the leaf hashes come to what a checkpoint says.
    fn agree(&self, checkpoint: &LogCheckpoint) -> Result<(), ProverError> {
        let LogCheckpoint { size, root, .. } = *checkpoint;
        let found = root_at(&self.leaves, size)?;
        if found == root {
            return Ok(());
        }
        let (mut after, mut by) = (0, size);
        for other in self.others(size)? {
            if root_at(&self.leaves, other.size)? != other.root {
                by = other.size;
                break;
            }
            after = other.size;
        }
        Err(ProverError::History(HistoryError::Rewritten {
            size,
            after,
            by,
            signed: root,
            found,
        }))
    }
}
