//! A log's directory that is only looked at, also while a writer has it open.
//!
//! Opening a log recovers it: it rewrites the last frame and cuts what an append left
//! unfinished. Over this storage it comes to the same view and changes nothing. A rewrite of
//! the bytes that are there anyway is accepted and not done, a cut stays in the view; anything
//! else that would change the directory is an error. No lock is taken.
//!
//! Beside a running writer, the view may end with a frame that is written and not yet synced.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use tillroll_log::{
    DirFile, DirStorage, DirStorageError, FileStore, Head, Log, LogId, LogReader, LogStore,
    OpenRequest, Position, RecoveryReport, Storage, StorageFile,
};

use crate::layout::ReadOnlyError;

/// The log of a directory as it was found: its records can be read, and nothing else.
pub struct ReadOnlyLog {
    id: LogId,
    end: Head,
    reader: Arc<dyn LogReader>,
}

impl fmt::Debug for ReadOnlyLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadOnlyLog")
            .field("id", &self.id)
            .field("end", &self.end)
            .finish_non_exhaustive()
    }
}

impl ReadOnlyLog {
    pub(crate) fn open(
        directory: &Path,
        request: &OpenRequest,
        visit: &mut dyn FnMut(Position, &[u8]),
    ) -> Result<(Self, RecoveryReport), ReadOnlyError> {
        let store = FileStore::new(ReadOnly::open(directory)?);
        let (log, report) = store.open(request, visit)?;
        let found = Self {
            id: log.id(),
            end: report.head,
            reader: log.reader(),
        };
        Ok((found, report))
    }

    /// Which log it is.
    #[must_use]
    pub fn id(&self) -> LogId {
        self.id
    }

    /// Where it ended when it was opened.
    #[must_use]
    pub fn end(&self) -> Head {
        self.end
    }

    /// Reads it up to there.
    #[must_use]
    pub fn reader(&self) -> Arc<dyn LogReader> {
        Arc::clone(&self.reader)
    }
}

/// The directory of a log, without the right to change it.
#[derive(Debug)]
pub(crate) struct ReadOnly(DirStorage);

impl ReadOnly {
    fn open(directory: &Path) -> Result<Self, DirStorageError> {
        DirStorage::open_read_only(directory).map(Self)
    }
}

impl Storage for ReadOnly {
    type File = ReadOnlyFile;

    fn list(&self) -> io::Result<Vec<String>> {
        self.0.list()
    }

    fn open(&self, name: &str) -> io::Result<ReadOnlyFile> {
        self.0.open(name).map(ReadOnlyFile)
    }

    /// Asked only where there is no whole segment: then there is nothing to look at either.
    fn create(&self, _: &str) -> io::Result<ReadOnlyFile> {
        Err(io::ErrorKind::NotFound.into())
    }

    /// The file of a rotation that was cut short, or is under way.
    fn remove(&self, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn sync_directory(&self) -> io::Result<()> {
        Ok(())
    }
}

/// A file of a [`ReadOnly`] directory.
#[derive(Debug)]
pub(crate) struct ReadOnlyFile(DirFile);

impl StorageFile for ReadOnlyFile {
    fn length(&self) -> io::Result<u64> {
        self.0.length()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read_at(offset, buffer)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut there = vec![0; bytes.len()];
        let mut filled = 0;
        while filled < there.len() {
            match self
                .0
                .read_at(offset + filled as u64, &mut there[filled..])?
            {
                0 => break,
                read => filled += read,
            }
        }
        match filled == bytes.len() && there == bytes {
            true => Ok(()),
            false => Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                "the log was opened for reading only",
            )),
        }
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    /// What lies behind is left out of the view, because the log remembers where it ends.
    fn truncate(&self, _: u64) -> io::Result<()> {
        Ok(())
    }
}
