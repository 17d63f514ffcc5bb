//! A data directory as a command line sees it: what cannot be opened is said with the next
//! command to try.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use tillroll_book::Chart;
use tillroll_log::{DirStorage, DirStorageError, OpenError, Position, RecoveryReport};
use tillroll_runtime::{Layout, ReadOnlyError, ReadOnlyLog};
use tillroll_terminal::Stop;

use crate::chart_file;

/// A directory that holds one book, or will.
#[derive(Clone, Debug)]
pub struct DataDir {
    layout: Layout,
    /// Where the private key is, when it is not in the directory.
    signing_key: Option<PathBuf>,
}

/// The commands that may use the private key, and take its place as an argument.
const SIGNING: [&str; 6] = ["backup", "checkpoint", "doctor", "export", "prove", "serve"];

impl DataDir {
    /// The directory at this path, which need not exist.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self {
            layout: Layout::at(root),
            signing_key: None,
        }
    }

    /// The same, with its private key in this file.
    #[must_use]
    pub fn with_signing_key(self, signing_key: Option<PathBuf>) -> Self {
        Self {
            signing_key,
            ..self
        }
    }

    /// Where the private key is, when it is not in the directory.
    pub(crate) fn signing_key_elsewhere(&self) -> Option<&Path> {
        self.signing_key.as_deref()
    }

    /// Which file is where.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Where it is.
    #[must_use]
    pub fn root(&self) -> &Path {
        self.layout.root()
    }

    /// Where the roll is.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.layout.log()
    }

    /// Where the read models are.
    #[must_use]
    pub fn read_models(&self) -> PathBuf {
        self.layout.read_models()
    }

    /// Where the snapshots are.
    #[must_use]
    pub fn snapshots(&self) -> PathBuf {
        self.layout.snapshots()
    }

    /// A command on this directory, to say what to do next.
    pub(crate) fn command(&self, command: &str) -> String {
        let root = pasted(self.root());
        let word = command.split(' ').next().unwrap_or_default();
        match self
            .signing_key_elsewhere()
            .filter(|_| SIGNING.contains(&word))
        {
            Some(key) => format!(
                "tillroll {command} --data {root} --signing-key {}",
                pasted(key)
            ),
            None => format!("tillroll {command} --data {root}"),
        }
    }

    /// The accounts' names and types.
    pub(crate) fn chart(&self) -> Result<Chart, Stop> {
        chart_file::read(&self.layout.chart())
            .map_err(|error| Stop::failed(error).next("correct the chart, or move it elsewhere"))
    }

    /// The roll's directory as it is, for reading bytes.
    pub(crate) fn storage(&self) -> Result<DirStorage, Stop> {
        self.layout
            .storage()
            .map_err(|error| self.unreadable(error))
    }

    /// The roll, checked as at a start and not changed, also while a server writes to it.
    /// `visit` sees every record from `check_from` on; earlier segments are not read.
    pub(crate) fn open_log(
        &self,
        check_from: Position,
        visit: impl FnMut(Position, &[u8]),
    ) -> Result<(ReadOnlyLog, RecoveryReport), Stop> {
        let opened = self.layout.open_log(check_from, visit);
        opened.map_err(|error| self.unreadable(error))
    }

    /// Keeps every writer away for as long as the answer lives.
    pub(crate) fn lock(&self) -> Result<DirStorage, Stop> {
        self.layout.lock().map_err(|error| self.unreadable(error))
    }

    /// What to say and try when the roll cannot be opened.
    pub(crate) fn unreadable(&self, error: ReadOnlyError) -> Stop {
        if let Some(stop) = self.denied(&error) {
            return stop;
        }
        match error {
            ReadOnlyError::NoLog(root) => {
                Stop::failed(format!("there is no roll in {}", root.display())).next(format!(
                    "{}, or name another directory",
                    self.command("demo")
                ))
            }
            ReadOnlyError::Storage(DirStorageError::Locked { .. }) => {
                Stop::failed(format!("a server is running on {}", self.root().display()))
                    .next("stop it, then run the same command again")
            }
            ReadOnlyError::Unreadable { .. } | ReadOnlyError::Storage(_) => Stop::failed(error),
            ReadOnlyError::Log(error @ OpenError::OtherLog { .. }) => {
                Stop::failed(error).next(format!(
                    "put {} or {} back, whichever is not of this book",
                    self.layout.book().display(),
                    self.log().display()
                ))
            }
            ReadOnlyError::Log(error) => Stop::failed(error).next(self.command("verify")),
        }
    }
}

/// A path as a shell takes it.
fn pasted(path: &Path) -> String {
    let path = path.display().to_string();
    let plain = path
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"/._-+:@".contains(&byte));
    match plain {
        true => path,
        false => format!("'{}'", path.replace('\'', r"'\''")),
    }
}

impl DataDir {
    /// What to say and try when it is the system that does not let us: nothing is damaged then, and
    /// nothing is missing.
    pub(crate) fn denied(&self, error: &(dyn Error + 'static)) -> Option<Stop> {
        let root = self.root().display();
        let next = match denial(error)? {
            Denial::NoPermission => format!(
                "as the user who owns {root}, or give this user the right to read and write it"
            ),
            Denial::ReadOnly => {
                format!("mount the file system of {root} for writing, or copy {root} elsewhere")
            }
            Denial::Full => format!("make room on the file system of {root}"),
        };
        Some(Stop::failed(error).next(next))
    }
}

/// Why the system does not let us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Denial {
    NoPermission,
    ReadOnly,
    Full,
}

fn denial(error: &(dyn Error + 'static)) -> Option<Denial> {
    let mut next = Some(error);
    while let Some(error) = next {
        let kind = error.downcast_ref::<io::Error>().map(io::Error::kind);
        let code = error
            .downcast_ref::<rusqlite::Error>()
            .and_then(rusqlite::Error::sqlite_error_code);
        match (kind, code) {
            (Some(io::ErrorKind::PermissionDenied), _)
            | (_, Some(rusqlite::ErrorCode::PermissionDenied)) => {
                return Some(Denial::NoPermission);
            }
            (Some(io::ErrorKind::ReadOnlyFilesystem), _)
            | (_, Some(rusqlite::ErrorCode::ReadOnly)) => return Some(Denial::ReadOnly),
            (Some(io::ErrorKind::StorageFull), _) | (_, Some(rusqlite::ErrorCode::DiskFull)) => {
                return Some(Denial::Full);
            }
            _ => next = error.source(),
        }
    }
    None
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
        let elsewhere = DataDir::at("d").with_signing_key(Some("/k k".into()));
        let expected = "tillroll checkpoint --rotate --data d --signing-key '/k k'";
        assert_eq!(elsewhere.command("checkpoint --rotate"), expected);
        assert_eq!(elsewhere.command("verify"), "tillroll verify --data d");
    }

    #[test]
    fn no_permission_read_only_full_and_damaged_are_told_apart() {
        let io = |kind: io::ErrorKind| ReadOnlyError::Unreadable {
            path: "/books/log".into(),
            source: kind.into(),
        };
        let data = DataDir::at("/books");
        for (error, next) in [
            (
                io(io::ErrorKind::PermissionDenied),
                "as the user who owns /books",
            ),
            (
                io(io::ErrorKind::ReadOnlyFilesystem),
                "mount the file system",
            ),
            (io(io::ErrorKind::StorageFull), "make room"),
            (ReadOnlyError::NoLog("/books".into()), "tillroll demo"),
        ] {
            let said = data.unreadable(error).to_string();
            assert!(said.contains(next), "{said}");
            assert_eq!(said.contains("no roll"), next == "tillroll demo", "{said}");
        }
    }
}
