//! The layout of a data directory: which file is where, and whose book it is.
//!
//! | name | content |
//! |---|---|
//! | `log/` | the log: segments and the writer's lock |
//! | `BOOK` | the id of the book, 32 hexadecimal digits |
//! | `read-models.sqlite` | the read models; can always be built anew |
//! | `snapshots/` | snapshots of the state; can always be made anew |
//! | `scratch/` | empty: rows that left a writer's memory are in files without a name |
//! | `chart.toml` | optional: the accountant's names |
//! | `keys/`, `proofs/` | for auditors, made at first use |
//! | `LAST_BACKUP` | a note about the newest backup |

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use tillroll_log::{
    DirStorage, DirStorageError, LogId, OpenRequest, Operation, Position, RecoveryReport,
    segment_start,
};

use crate::read_only::ReadOnlyLog;

/// A directory that holds one book, or will.
#[derive(Clone, Debug)]
pub struct Layout {
    root: PathBuf,
}

/// Why a directory does not say whose book it holds.
#[derive(Debug, thiserror::Error)]
pub enum BookIdError {
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error("{} does not hold the id of a book: 32 hexadecimal digits", .0.display())]
    Malformed(PathBuf),
}

/// Why the log of a directory cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadOnlyError {
    #[error("there is no log in {}", .0.display())]
    NoLog(PathBuf),
    /// There may be one: the system does not let us look.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Storage(#[from] DirStorageError),
    #[error(transparent)]
    Log(#[from] tillroll_log::OpenError),
}

impl Layout {
    /// The directory at this path, which need not exist.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.root.join("log")
    }

    #[must_use]
    pub fn book(&self) -> PathBuf {
        self.root.join("BOOK")
    }

    #[must_use]
    pub fn read_models(&self) -> PathBuf {
        self.root.join("read-models.sqlite")
    }

    #[must_use]
    pub fn snapshots(&self) -> PathBuf {
        self.root.join("snapshots")
    }

    #[must_use]
    pub fn scratch(&self) -> PathBuf {
        self.root.join("scratch")
    }

    #[must_use]
    pub fn chart(&self) -> PathBuf {
        self.root.join("chart.toml")
    }

    #[must_use]
    pub fn keys(&self) -> PathBuf {
        self.root.join("keys")
    }

    #[must_use]
    pub fn proofs(&self) -> PathBuf {
        self.root.join("proofs")
    }

    #[must_use]
    pub fn last_backup(&self) -> PathBuf {
        self.root.join("LAST_BACKUP")
    }

    /// Makes the directory where there is none, for its owner only: who can read it has the
    /// books. One that is there stays as it is.
    ///
    /// # Errors
    /// What the system says.
    pub fn create(&self) -> io::Result<()> {
        if self.root.is_dir() {
            return Ok(());
        }
        if let Some(parent) = self.root.parent() {
            fs::create_dir_all(parent)?;
        }
        match DirBuilder::new().mode(0o700).create(&self.root) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => Ok(()),
        }
    }

    /// The id of the book; none where no book was opened yet.
    ///
    /// # Errors
    /// [`BookIdError`].
    pub fn book_id(&self) -> Result<Option<LogId>, BookIdError> {
        let path = self.book();
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => {
                return Err(BookIdError::Io {
                    action: "read",
                    path,
                    source,
                });
            }
        };
        match parse_book_id(&text) {
            Some(id) => Ok(Some(id)),
            None => Err(BookIdError::Malformed(path)),
        }
    }

    /// Writes down whose book this is. The file is written beside and renamed, so that it is
    /// there as a whole or not at all.
    ///
    /// # Errors
    /// [`BookIdError::Io`].
    pub fn write_book_id(&self, id: LogId) -> Result<(), BookIdError> {
        let path = self.book();
        let new = self.root.join("BOOK.new");
        let write = || -> io::Result<()> {
            let mut file = File::create(&new)?;
            writeln!(file, "{id}")?;
            file.sync_all()?;
            fs::rename(&new, &path)?;
            File::open(&self.root)?.sync_all()
        };
        write().map_err(|source| BookIdError::Io {
            action: "write",
            path: path.clone(),
            source,
        })
    }

    /// Whether any record may be here: a segment is.
    #[must_use]
    pub fn has_log(&self) -> bool {
        self.segments().next().is_some()
    }

    /// Bytes of all segments.
    #[must_use]
    pub fn log_bytes(&self) -> u64 {
        self.segments()
            .filter_map(|entry| entry.metadata().ok())
            .map(|metadata| metadata.len())
            .sum()
    }

    #[must_use]
    pub fn segment_count(&self) -> u64 {
        self.segments().count() as u64
    }

    fn segments(&self) -> impl Iterator<Item = fs::DirEntry> {
        let entries = fs::read_dir(self.log()).into_iter().flatten();
        entries.filter_map(Result::ok).filter(|entry| {
            let name = entry.file_name();
            name.to_str().and_then(segment_start).is_some()
        })
    }

    fn check_log(&self) -> Result<(), ReadOnlyError> {
        use io::ErrorKind::{NotADirectory, NotFound};
        let path = self.log();
        if let Err(source) = fs::read_dir(&path)
            && !matches!(source.kind(), NotFound | NotADirectory)
        {
            return Err(ReadOnlyError::Unreadable { path, source });
        }
        match self.has_log() {
            true => Ok(()),
            false => Err(ReadOnlyError::NoLog(self.root.clone())),
        }
    }

    /// The log's directory as it is, for reading bytes.
    ///
    /// # Errors
    /// When there is no log, or the directory cannot be read.
    pub fn storage(&self) -> Result<DirStorage, ReadOnlyError> {
        self.check_log()?;
        Ok(DirStorage::open_read_only(self.log())?)
    }

    /// The log, checked as at a start and not changed, also beside a running writer. `visit`
    /// sees every record from `check_from` on; earlier segments are not read.
    ///
    /// # Errors
    /// When there is no log, or it is damaged or another book's.
    pub fn open_log(
        &self,
        check_from: Position,
        mut visit: impl FnMut(Position, &[u8]),
    ) -> Result<(ReadOnlyLog, RecoveryReport), ReadOnlyError> {
        self.check_log()?;
        let request = OpenRequest {
            // A file without an id is reported where a book is opened for writing.
            id: self.book_id().ok().flatten(),
            check_from,
            ..OpenRequest::default()
        };
        match ReadOnlyLog::open(&self.log(), &request, &mut visit) {
            Err(ReadOnlyError::Log(tillroll_log::OpenError::Storage(error)))
                if error.operation == Operation::Create =>
            {
                Err(ReadOnlyError::NoLog(self.root.clone()))
            }
            opened => opened,
        }
    }

    /// Takes the writer's lock: there is no other writer for as long as the answer lives.
    ///
    /// # Errors
    /// [`DirStorageError::Locked`] beside a writer.
    pub fn lock(&self) -> Result<DirStorage, ReadOnlyError> {
        // Locking would make the directory.
        self.check_log()?;
        Ok(DirStorage::open(self.log())?)
    }

    /// Whether a writer has the log open. Asking takes the lock for a moment, and writes nothing.
    #[must_use]
    pub fn is_in_use(&self) -> bool {
        let lock = File::open(self.log().join(tillroll_log::LOCK_NAME));
        lock.is_ok_and(|lock| matches!(lock.try_lock(), Err(TryLockError::WouldBlock)))
    }
}

fn parse_book_id(text: &str) -> Option<LogId> {
    let digits = text.trim();
    let is_hex = digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let id = u128::from_str_radix(digits, 16).ok().filter(|_| is_hex)?;
    Some(LogId::new(id.to_be_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_a_book_is_32_hexadecimal_digits() {
        let id = LogId::new([0x5a; 16]);
        let digits = "5a".repeat(16);
        for (text, expected) in [
            (digits.clone(), Some(id)),
            (format!("{digits}\n"), Some(id)),
            (format!(" {} \r\n", digits.to_uppercase()), Some(id)),
            (digits[1..].to_owned(), None),
            (format!("{digits}0"), None),
            (format!("+{}", &digits[1..]), None),
            (format!("g{}", &digits[1..]), None),
            (String::new(), None),
        ] {
            assert_eq!(parse_book_id(&text), expected, "{text:?}");
        }
    }

    #[test]
    fn the_id_of_a_book_is_written_and_read() {
        let directory = tempfile::tempdir().unwrap();
        let layout = Layout::at(directory.path().join("new/shop"));
        layout.create().unwrap();
        layout.create().unwrap();
        assert_eq!(layout.book_id().unwrap(), None);
        let id = LogId::new(*b"0123456789abcdef");
        layout.write_book_id(id).unwrap();
        assert_eq!(layout.book_id().unwrap(), Some(id));
        fs::write(layout.book(), "what is this").unwrap();
        let error = layout.book_id().unwrap_err();
        assert!(matches!(error, BookIdError::Malformed(path) if path == layout.book()));
    }

    #[test]
    fn a_directory_without_a_log_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let layout = Layout::at(directory.path().join("shop"));
        assert!(matches!(layout.storage(), Err(ReadOnlyError::NoLog(_))));
        assert!(matches!(layout.lock(), Err(ReadOnlyError::NoLog(_))));
        let opened = layout.open_log(Position::FIRST, |_, _| {});
        assert!(matches!(opened, Err(ReadOnlyError::NoLog(_))));
        assert!(!layout.root().exists());
    }
}
