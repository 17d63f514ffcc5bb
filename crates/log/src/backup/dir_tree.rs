//! A directory of the file system as [`Tree`].

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::tree::Tree;
use crate::dir_storage::{self, DirFile, DirStorageError};

/// One of the files may be a key, so only the owner can read any of them.
const MODE: u32 = 0o600;

/// A directory for backups, or for the data that they are made of.
#[derive(Clone, Debug)]
pub struct DirTree {
    root: PathBuf,
}

impl DirTree {
    /// A directory that is there.
    ///
    /// # Errors
    /// When it is not, or is no directory.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, DirStorageError> {
        let root = root.into();
        match fs::read_dir(&root) {
            Ok(_) => Ok(Self { root }),
            Err(source) => Err(DirStorageError::Io {
                action: "open the directory",
                path: root,
                source,
            }),
        }
    }

    /// A directory that is created, durably, if it is missing.
    ///
    /// # Errors
    /// What the system says.
    pub fn create(root: impl Into<PathBuf>) -> Result<Self, DirStorageError> {
        let root = root.into();
        dir_storage::create_durably(&root)?;
        Self::open(root)
    }

    /// The directory.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// `join` would put a `/` behind the root for the empty path.
    fn at(&self, path: &str) -> PathBuf {
        match path {
            "" => self.root.clone(),
            path => self.root.join(path),
        }
    }
}

impl Tree for DirTree {
    type File = DirFile;
    type Lock = File;

    fn list(&self, directory: &str) -> io::Result<Vec<String>> {
        fs::read_dir(self.at(directory))?
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect()
    }

    fn open(&self, path: &str) -> io::Result<DirFile> {
        File::open(self.at(path)).map(DirFile)
    }

    fn create(&self, path: &str) -> io::Result<DirFile> {
        OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .mode(MODE)
            .open(self.at(path))
            .map(DirFile)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.at(from), self.at(to))
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        fs::remove_file(self.at(path))
    }

    fn make_directory(&self, path: &str) -> io::Result<()> {
        fs::create_dir(self.at(path))
    }

    fn sync_directory(&self, path: &str) -> io::Result<()> {
        dir_storage::sync_directory(&self.at(path))
    }

    fn lock(&self, path: &str) -> io::Result<File> {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(MODE)
            .open(self.at(path))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}
