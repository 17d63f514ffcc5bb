//! A data directory and what is in it: the roll, the read models, the chart.
//!
//! | name | content |
//! |---|---|
//! | `log/` | the roll: segments and their lock |
//! | `BOOK` | the id of the book |
//! | `read-models.sqlite` | the read models; can always be built anew |
//! | `snapshots/` | snapshots of the state; can always be made anew |
//! | `scratch/` | empty: rows that left a server's memory are in files without a name |
//! | `chart.toml` | optional: the accountant's names |
//! | `keys/`, `proofs/` | for auditors, made at first use: see [`crate::proving`] |
//! | `LAST_BACKUP` | a note about the newest backup, for `doctor` |

use std::fs;
use std::path::{Path, PathBuf};

use tillroll_book::Chart;
use tillroll_log::{
    DirStorage, DirStorageError, FileLog, LogId, OpenError, Operation, Options, Position,
    RecoveryReport, segment,
};

use crate::chart_file;
use crate::exit::Stop;
use crate::read_only::ReadOnly;

/// A directory that holds one book, or will.
#[derive(Clone, Debug)]
pub struct DataDir {
    root: PathBuf,
}

/// The roll of a directory that is only looked at.
pub(crate) type Roll = FileLog<ReadOnly>;

impl DataDir {
    /// The directory at this path, which need not exist.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Where it is.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where the roll is.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.root.join("log")
    }

    /// Where the read models are.
    #[must_use]
    pub fn read_models(&self) -> PathBuf {
        self.root.join("read-models.sqlite")
    }

    /// Where the snapshots are.
    #[must_use]
    pub fn snapshots(&self) -> PathBuf {
        self.root.join(tillroll_server::SNAPSHOTS)
    }

    /// The optional chart of accounts.
    #[must_use]
    pub fn chart_file(&self) -> PathBuf {
        self.root.join("chart.toml")
    }

    /// The id of the book. A file that does not hold one is for the server to complain about.
    fn book_id(&self) -> Option<LogId> {
        let text = fs::read_to_string(self.root.join("BOOK")).ok()?;
        let digits = text.trim();
        let id = u128::from_str_radix(digits, 16).ok()?;
        (digits.len() == 32).then(|| LogId::new(id.to_be_bytes()))
    }

    /// A command on this directory, for whoever is told what to do next.
    pub(crate) fn command(&self, command: &str) -> String {
        let root = self.root.display().to_string();
        let plain = root
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"/._-+:@".contains(&byte));
        match plain {
            true => format!("tillroll {command} --data {root}"),
            false => format!(
                "tillroll {command} --data '{}'",
                root.replace('\'', r"'\''")
            ),
        }
    }

    /// The accounts' names and types.
    pub(crate) fn chart(&self) -> Result<Chart, Stop> {
        chart_file::read(&self.chart_file())
            .map_err(|error| Stop::failed(error).next("correct the chart, or move it elsewhere"))
    }

    /// Whether any record may be here: a segment is.
    pub(crate) fn has_roll(&self) -> bool {
        self.segments().next().is_some()
    }

    /// Bytes of all segments, for progress.
    pub(crate) fn roll_bytes(&self) -> u64 {
        self.segments()
            .filter_map(|entry| entry.metadata().ok())
            .map(|metadata| metadata.len())
            .sum()
    }

    /// Segments of the roll.
    pub(crate) fn segment_count(&self) -> u64 {
        self.segments().count() as u64
    }

    fn segments(&self) -> impl Iterator<Item = fs::DirEntry> {
        let entries = fs::read_dir(self.log()).into_iter().flatten();
        entries.filter_map(Result::ok).filter(|entry| {
            let name = entry.file_name();
            let name = name.to_str().map(segment::parse_name);
            matches!(name, Some(segment::Name::Segment(_)))
        })
    }

    fn no_roll(&self) -> Stop {
        Stop::failed(format!("there is no roll in {}", self.root.display())).next(format!(
            "{}, or name another directory",
            self.command("demo")
        ))
    }

    /// The roll's directory as it is, for reading bytes.
    pub(crate) fn storage(&self) -> Result<DirStorage, Stop> {
        if !self.has_roll() {
            return Err(self.no_roll());
        }
        DirStorage::open_read_only(self.log()).map_err(Stop::failed)
    }

    /// The roll, checked as at a start and not changed, also while a server writes to it.
    /// `visit` sees every record from `check_from` on; earlier segments are not read.
    pub(crate) fn open_roll(
        &self,
        check_from: Position,
        visit: impl FnMut(Position, &[u8]),
    ) -> Result<(Roll, RecoveryReport), Stop> {
        if !self.has_roll() {
            return Err(self.no_roll());
        }
        let storage = ReadOnly::open(&self.log()).map_err(Stop::failed)?;
        let options = Options {
            id: self.book_id(),
            check_from,
            ..Options::default()
        };
        FileLog::open_with(storage, options, visit).map_err(|error| match error {
            OpenError::Storage(error) if error.operation == Operation::Create => self.no_roll(),
            error @ OpenError::OtherLog { .. } => Stop::failed(error).next(format!(
                "put {} or {} back, whichever is not of this book",
                self.root.join("BOOK").display(),
                self.log().display()
            )),
            error => Stop::failed(error).next(self.command("verify")),
        })
    }

    /// Keeps every writer away for as long as the answer lives.
    pub(crate) fn lock(&self) -> Result<DirStorage, Stop> {
        if !self.has_roll() {
            return Err(self.no_roll());
        }
        DirStorage::open(self.log()).map_err(|error| match error {
            DirStorageError::Locked { .. } => {
                Stop::failed(format!("a server is running on {}", self.root.display()))
                    .next("stop it, then run the same command again")
            }
            error => Stop::failed(error),
        })
    }

    /// Whether somebody has the roll open for writing. Asking takes the lock for a moment.
    pub(crate) fn is_in_use(&self) -> bool {
        matches!(
            DirStorage::open(self.log()),
            Err(DirStorageError::Locked { .. })
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_can_be_pasted_into_a_shell() {
        for (root, expected) in [
            ("./data", "tillroll verify --data ./data"),
            ("/a b", "tillroll verify --data '/a b'"),
            ("it's", r"tillroll verify --data 'it'\''s'"),
        ] {
            assert_eq!(DataDir::at(root).command("verify"), expected);
        }
    }
}
