//! A place for files on the disk that is to be measured.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tillroll_book::clock::ClockLimits;
use tillroll_book::{Chart, Command};
use tillroll_engine::{BookOptions, Engine};
use tillroll_log::{DirStorage, FileLog, Log, LogId, LogOptions, MemoryLog};

use crate::BenchError;

/// The engine as the server runs it: a log in files, and a sync before every acknowledgement.
pub type FileEngine = Engine<FileLog<DirStorage>>;

/// A directory that is gone when this is dropped.
#[derive(Debug)]
pub struct BenchScratch {
    directory: TempDir,
    made: u32,
}

impl BenchScratch {
    /// A directory below `root`, which is made when it is missing. The system's own place for
    /// temporary files will not do: it is often kept in memory, where a sync costs nothing.
    ///
    /// # Errors
    /// What the system says.
    pub fn below(root: &Path) -> Result<Self, BenchError> {
        let cannot = || format!("make a directory in {}", root.display());
        fs::create_dir_all(root).map_err(BenchError::io(cannot()))?;
        let directory = tempfile::Builder::new()
            .prefix("tillroll-bench-")
            .tempdir_in(root);
        Ok(Self {
            directory: directory.map_err(BenchError::io(cannot()))?,
            made: 0,
        })
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// An empty directory. What was made before it is removed, so that a run never holds more
    /// than one log; it must not be open any more.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn fresh(&mut self) -> Result<PathBuf, BenchError> {
        let name = |number| self.directory.path().join(format!("{number}"));
        if self.made > 0 {
            let before = name(self.made);
            fs::remove_dir_all(&before)
                .map_err(BenchError::io(format!("remove {}", before.display())))?;
        }
        let path = name(self.made + 1);
        fs::create_dir(&path).map_err(BenchError::io(format!("make {}", path.display())))?;
        self.made += 1;
        Ok(path)
    }

    /// A log without records in a fresh directory.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn log(&mut self) -> Result<FileLog<DirStorage>, BenchError> {
        let storage = storage(&self.fresh()?)?;
        let opened = FileLog::open(storage, options());
        Ok(opened.map_err(BenchError::failed("opening a log"))?.0)
    }

    /// An engine over an empty log in a fresh directory.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn engine(&mut self) -> Result<FileEngine, BenchError> {
        Self::open_engine(&self.fresh()?)
    }

    /// An engine over the log in a directory: recovery and fold in one pass.
    ///
    /// # Errors
    /// When the disk fails or the log is not whole.
    pub fn open_engine(directory: &Path) -> Result<FileEngine, BenchError> {
        let storage = storage(directory)?;
        // Not in the log's own directory, whose files are all of the log.
        let rows = tillroll_engine::ScratchFiles::in_directory(directory.with_extension("rows"));
        let book_options = BookOptions::from(Chart::default()).with_scratch(rows);
        let (store, request) = options().store(storage);
        let opened = Engine::open_store(store, &request, book_options, |_| {});
        let (engine, _) = opened.map_err(BenchError::failed("opening a log"))?;
        // Times of a workload are drawn.
        Ok(engine.with_clock_limits(ClockLimits::ANY))
    }
}

/// An engine without a disk.
///
/// # Panics
/// Never: an empty log opens.
#[must_use]
pub fn memory_engine() -> Engine<MemoryLog> {
    let engine = Engine::open(
        MemoryLog::with_id(LogId::new([1; 16])),
        Chart::default(),
        |_| {},
    );
    let engine = engine.expect("an empty log opens");
    engine.with_clock_limits(ClockLimits::ANY)
}

/// Has commands applied, none of which may be refused.
///
/// # Errors
/// When the log fails or a command is refused.
pub fn execute<J: Log>(engine: &mut Engine<J>, commands: Vec<Command>) -> Result<(), BenchError> {
    let answers = engine.execute(commands);
    for answer in answers.map_err(BenchError::failed("writing the log"))? {
        answer.map_err(BenchError::failed("the workload"))?;
    }
    Ok(())
}

fn storage(directory: &Path) -> Result<DirStorage, BenchError> {
    DirStorage::open(directory).map_err(BenchError::failed("opening a log's directory"))
}

fn options() -> LogOptions {
    LogOptions {
        id: Some(LogId::new(*b"a book of benchs")),
        ..LogOptions::default()
    }
}
