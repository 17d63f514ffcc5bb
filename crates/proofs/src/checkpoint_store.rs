//! The checkpoints that a log has signed, each in a file of its own: `<size>.note`, the size in
//! 20 digits so that names sort as sizes do.
//!
//! They are kept so that nothing is signed that contradicts them. They guard against mistakes;
//! against an attacker that can write here, only copies held elsewhere do.

use std::fs;
use std::path::PathBuf;

use crate::checkpoint::{CheckpointError, SignedCheckpoint};
use crate::files::{self, FileError, failed};
use crate::key::VerifierKey;

/// Why a stored checkpoint cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoredError {
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file is no checkpoint, or not one of ours.
    #[error("{}: {source}", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: CheckpointError,
    },
    /// The file holds the checkpoint of another size.
    #[error("{} holds the checkpoint of size {size}", path.display())]
    Misnamed {
        /// The file.
        path: PathBuf,
        /// Size in the file.
        size: u64,
    },
}

/// The directory of a log's checkpoints.
#[derive(Debug)]
pub(crate) struct CheckpointStore {
    directory: PathBuf,
}

impl CheckpointStore {
    pub(crate) fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    pub(crate) fn path(&self, size: u64) -> PathBuf {
        self.directory.join(format!("{size:020}.note"))
    }

    /// Sizes of the checkpoints, the smallest first. Other files are not looked at.
    pub(crate) fn sizes(&self) -> Result<Vec<u64>, FileError> {
        let entries = match fs::read_dir(&self.directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed("list", &self.directory)(error)),
        };
        let mut sizes = Vec::new();
        for entry in entries {
            let name = entry.map_err(failed("list", &self.directory))?.file_name();
            sizes.extend(name.to_str().and_then(size_of));
        }
        sizes.sort_unstable();
        Ok(sizes)
    }

    pub(crate) fn read(
        &self,
        size: u64,
        keys: &[VerifierKey],
    ) -> Result<Option<SignedCheckpoint>, StoredError> {
        let path = self.path(size);
        let Some(note) = files::read(&path)? else {
            return Ok(None);
        };
        match SignedCheckpoint::open(&note, keys) {
            Ok(stored) if stored.checkpoint().size == size => Ok(Some(stored)),
            Ok(stored) => Err(StoredError::Misnamed {
                path,
                size: stored.checkpoint().size,
            }),
            Err(source) => Err(StoredError::Checkpoint { path, source }),
        }
    }

    pub(crate) fn newest(
        &self,
        keys: &[VerifierKey],
    ) -> Result<Option<SignedCheckpoint>, StoredError> {
        match self.sizes()?.last() {
            Some(size) => self.read(*size, keys),
            None => Ok(None),
        }
    }

    pub(crate) fn store(&self, checkpoint: &SignedCheckpoint) -> Result<(), FileError> {
        files::create_directory(&self.directory, 0o755)?;
        let path = self.path(checkpoint.checkpoint().size);
        let note = checkpoint.note().to_string();
        files::replace(&path, files::PUBLIC, note.as_bytes())
    }
}

fn size_of(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".note")?;
    let plain = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().ok())?
}
