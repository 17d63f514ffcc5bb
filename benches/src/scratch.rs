//! A place for files on the disk that is to be measured.

use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tillroll_book::Chart;
use tillroll_engine::Engine;
use tillroll_journal::{DirStorage, FileJournal, JournalId, Options};

/// The engine as the server runs it: a log in files, and a sync before every acknowledgement.
pub type FileEngine = Engine<FileJournal<DirStorage>>;

/// A directory that is gone when this is dropped.
#[derive(Debug)]
pub struct Scratch {
    directory: TempDir,
    made: u32,
}

impl Scratch {
    /// A directory in `TILLROLL_BENCH_DIR`, or else in `default`. The system's own place for
    /// temporary files will not do: it is often kept in memory, where a sync costs nothing.
    ///
    /// # Panics
    /// When it cannot be made.
    #[must_use]
    pub fn new(default: &str) -> Self {
        let root = std::env::var_os("TILLROLL_BENCH_DIR").map_or(default.into(), PathBuf::from);
        let directory = tempfile::Builder::new().prefix("bench-").tempdir_in(&root);
        let directory =
            directory.unwrap_or_else(|error| panic!("no directory in {}: {error}", root.display()));
        Self { directory, made: 0 }
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// An empty directory. What was made before it is removed, so that a run never holds more
    /// than one log; nobody may have it open any more.
    ///
    /// # Panics
    /// When the disk fails.
    pub fn fresh(&mut self) -> PathBuf {
        let name = |number| self.directory.path().join(format!("{number}"));
        if self.made > 0 {
            std::fs::remove_dir_all(name(self.made)).expect("the directory before is removed");
        }
        let path = name(self.made + 1);
        std::fs::create_dir(&path).expect("a directory is made");
        self.made += 1;
        path
    }

    /// A journal without records in a fresh directory.
    ///
    /// # Panics
    /// When the disk fails.
    pub fn journal(&mut self) -> FileJournal<DirStorage> {
        open_journal(&self.fresh())
    }

    /// An engine over an empty log in a fresh directory.
    ///
    /// # Panics
    /// When the disk fails.
    pub fn engine(&mut self) -> FileEngine {
        Self::open_engine(&self.fresh())
    }

    /// An engine over the log in a directory: recovery and fold in one pass.
    ///
    /// # Panics
    /// When the disk fails or the log is not whole.
    #[must_use]
    pub fn open_engine(directory: &Path) -> FileEngine {
        let storage = DirStorage::open(directory).expect("the directory is free");
        let opened = Engine::open_files(storage, options(), Chart::default(), |_| {});
        opened.expect("the log is whole").0
    }
}

fn options() -> Options {
    Options {
        id: Some(JournalId::new(*b"a book of benchs")),
        ..Options::default()
    }
}

fn open_journal(directory: &Path) -> FileJournal<DirStorage> {
    let storage = DirStorage::open(directory).expect("the directory is free");
    let opened = FileJournal::open(storage, options());
    opened.expect("an empty log opens").0
}
