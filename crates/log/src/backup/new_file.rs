//! A file under a temporary name, until it is whole and durable.

use super::NEW;
use super::error::failed;
use super::tree::Tree;
use crate::error::{Operation, StorageError};
use crate::storage::StorageFile;

/// Frames are often small; a write for each would be a system call for each.
const BUFFER_BYTES: usize = 256 * 1024;

pub(super) struct NewFile<'a, T: Tree> {
    tree: &'a T,
    file: T::File,
    path: String,
    new_path: String,
    buffer: Vec<u8>,
    /// Bytes in the file, without those in the buffer.
    flushed: u64,
    hasher: blake3::Hasher,
}

impl<'a, T: Tree> NewFile<'a, T> {
    pub(super) fn create(tree: &'a T, path: &str) -> Result<Self, StorageError> {
        let new_path = format!("{path}{NEW}");
        let created = tree.create(&new_path);
        Ok(Self {
            tree,
            file: created.map_err(failed(Operation::Create, &new_path))?,
            path: path.to_owned(),
            new_path,
            buffer: Vec::new(),
            flushed: 0,
            hasher: blake3::Hasher::new(),
        })
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), StorageError> {
        self.hasher.update(bytes);
        self.buffer.extend_from_slice(bytes);
        match self.buffer.len() >= BUFFER_BYTES {
            true => self.flush(),
            false => Ok(()),
        }
    }

    fn flush(&mut self) -> Result<(), StorageError> {
        let offset = self.flushed;
        self.file.write_at(offset, &self.buffer).map_err(|source| {
            StorageError::new(Operation::Write, &self.new_path, offset, source)
        })?;
        self.flushed += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    /// Bytes so far.
    pub(super) fn length(&self) -> u64 {
        self.flushed + self.buffer.len() as u64
    }

    /// Hash of the bytes so far.
    pub(super) fn hash(&self) -> blake3::Hash {
        self.hasher.finalize()
    }

    /// Makes the bytes durable, then the name.
    pub(super) fn install(mut self) -> Result<(), StorageError> {
        self.flush()?;
        let synced = self.file.sync();
        synced.map_err(failed(Operation::Sync, &self.new_path))?;
        let renamed = self.tree.rename(&self.new_path, &self.path);
        renamed.map_err(failed(Operation::Rename, &self.new_path))?;
        sync_directory_of(self.tree, &self.path)
    }

    /// Takes it away again.
    pub(super) fn abandon(self) -> Result<(), StorageError> {
        let removed = self.tree.remove(&self.new_path);
        removed.map_err(failed(Operation::Remove, &self.new_path))
    }
}

/// Makes the name at `path` durable.
pub(super) fn sync_directory_of<T: Tree>(tree: &T, path: &str) -> Result<(), StorageError> {
    let (directory, _) = path.rsplit_once('/').unwrap_or_default();
    let synced = tree.sync_directory(directory);
    synced.map_err(failed(Operation::SyncDirectory, directory))
}

/// Creates a directory, durably, unless it is there.
pub(super) fn ensure_directory<T: Tree>(tree: &T, path: &str) -> Result<(), StorageError> {
    match tree.make_directory(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(failed(Operation::MakeDirectory, path)(error))
        }
        // What was there may not be durable either.
        _ => sync_directory_of(tree, path),
    }
}
