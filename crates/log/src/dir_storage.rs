//! A directory of the file system as [`Storage`], locked for one process.
//!
//! `std::fs` only, on the caller's thread. It needs a system on which the
//! entries of a directory can be made durable and a file can be read at an
//! offset, so it is for Unix.

#[cfg(not(unix))]
compile_error!(
    "the log promises durable directory entries, which it knows how to ask for on Unix only"
);

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt};
use std::path::{Path, PathBuf};

use crate::storage::{Storage, StorageFile};

/// The file that a writer locks.
pub const LOCK_NAME: &str = "LOCK";

/// Why a directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DirStorageError {
    /// Another process, or another part of this one, has the log open.
    #[error("{} is in use by another process: only one can write to a log", directory.display())]
    Locked {
        /// The directory.
        directory: PathBuf,
    },
    /// The system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

fn failed<'a>(
    action: &'static str,
    path: &'a Path,
) -> impl FnOnce(io::Error) -> DirStorageError + 'a {
    move |source| DirStorageError::Io {
        action,
        path: path.to_owned(),
        source,
    }
}

/// A directory that holds one log.
#[derive(Debug)]
pub struct DirStorage {
    directory: PathBuf,
    /// Held for as long as this lives. `None`: opened for reading only.
    lock: Option<File>,
}

impl DirStorage {
    /// Opens a directory for one writer, creating it if it is missing, and
    /// locks it.
    ///
    /// # Errors
    /// [`DirStorageError::Locked`] when it is in use.
    pub fn open(directory: impl Into<PathBuf>) -> Result<Self, DirStorageError> {
        let directory = directory.into();
        create_durably(&directory)?;
        let path = directory.join(LOCK_NAME);
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(failed("open the lock file", &path))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                directory,
                lock: Some(lock),
            }),
            Err(TryLockError::WouldBlock) => Err(DirStorageError::Locked { directory }),
            Err(TryLockError::Error(source)) => Err(failed("lock", &path)(source)),
        }
    }

    /// Opens a directory without a lock, for [`crate::verify`] and the like.
    /// Everything that would change it fails. Beside a running writer, the
    /// last bytes may be those of an append that is under way.
    ///
    /// # Errors
    /// When it is no directory.
    pub fn open_read_only(directory: impl Into<PathBuf>) -> Result<Self, DirStorageError> {
        let directory = directory.into();
        fs::read_dir(&directory).map_err(failed("open the directory", &directory))?;
        Ok(Self {
            directory,
            lock: None,
        })
    }

    /// The directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    fn writable(&self) -> io::Result<()> {
        match self.lock {
            Some(_) => Ok(()),
            None => Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                "the log was opened for reading only",
            )),
        }
    }
}

/// Creates a directory for its owner only, with what is missing above it, and
/// makes each new entry durable in the directory above it.
pub(crate) fn create_durably(directory: &Path) -> Result<(), DirStorageError> {
    create_with(directory, 0o700)
}

fn create_with(directory: &Path, mode: u32) -> Result<(), DirStorageError> {
    if directory.is_dir() {
        return Ok(());
    }
    let parent = match directory.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    create_with(parent, 0o777)?;
    match DirBuilder::new().mode(mode).create(directory) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists || !directory.is_dir() => {
            Err(failed("create the directory", directory)(error))
        }
        _ => sync_directory(parent).map_err(failed("sync the directory", parent)),
    }
}

pub(crate) fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

impl Storage for DirStorage {
    type File = DirFile;

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            // A name that is no text is none of ours.
            names.extend(entry?.file_name().into_string());
        }
        Ok(names)
    }

    fn open(&self, name: &str) -> io::Result<DirFile> {
        OpenOptions::new()
            .read(true)
            .write(self.lock.is_some())
            .open(self.directory.join(name))
            .map(DirFile)
    }

    fn create(&self, name: &str) -> io::Result<DirFile> {
        self.writable()?;
        OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(self.directory.join(name))
            .map(DirFile)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.writable()?;
        fs::remove_file(self.directory.join(name))
    }

    fn sync_directory(&self) -> io::Result<()> {
        self.writable()?;
        sync_directory(&self.directory)
    }
}

/// A file of a [`DirStorage`].
#[derive(Debug)]
pub struct DirFile(pub(crate) File);

impl StorageFile for DirFile {
    fn length(&self) -> io::Result<u64> {
        self.0.metadata().map(|metadata| metadata.len())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.0.read_at(buffer, offset) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                done => return done,
            }
        }
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        self.0.set_len(length)
    }
}
