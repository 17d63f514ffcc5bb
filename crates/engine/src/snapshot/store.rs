//! The directory of snapshots: written beside and renamed, the last two kept.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tillroll_log::{Operation, Position, StorageError, StorageFile, Tree};

use super::error::failed;
use super::format::{END_BYTES, HEADER_BYTES, end_mark};
use super::read::{self, damaged};
use super::rows::write_book;
use super::write::BlockSink;
use super::{Moment, Section, SnapshotError, SnapshotFault, SnapshotHeader};
use crate::{BookOptions, Replay};

const SUFFIX: &str = ".snapshot";
const NEW: &str = ".new";
const DIGITS: usize = 20;
/// How many are kept. The older one is for the case that the newer is damaged.
const KEPT: usize = 2;
/// Blocks are short for small books; a write for each would be a system call for each.
const BUFFER_BYTES: usize = 1024 * 1024;

/// A file in the directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SnapshotFile {
    /// What it is of, by its name.
    pub position: Position,
    pub file: String,
}

/// What comparing a snapshot with a replay has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotComparison {
    Equal,
    /// The header says something else than the roll.
    Header,
    /// The first section that a replay would have written otherwise.
    Differs(Section),
}

/// A directory of snapshots. Clones are the same one.
#[derive(Clone)]
pub struct Snapshots<T: Tree> {
    tree: T,
    /// One is written at a time.
    writing: Arc<Mutex<()>>,
}

impl<T: Tree> fmt::Debug for Snapshots<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshots").finish_non_exhaustive()
    }
}

fn file_name(position: Position) -> String {
    format!("{:0DIGITS$}{SUFFIX}", position.get())
}

fn parse(file: String) -> Option<SnapshotFile> {
    let digits = file.strip_suffix(SUFFIX)?;
    let numeric = digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
    let position = Position::new(digits.parse().ok()?);
    numeric.then_some(SnapshotFile { position, file })
}

impl<T: Tree> Snapshots<T> {
    /// The snapshots in the root of a tree, which belongs to them alone.
    #[must_use]
    pub fn new(tree: T) -> Self {
        Self {
            tree,
            writing: Arc::default(),
        }
    }

    /// All of them, the newest first, whether they are whole or not.
    ///
    /// # Errors
    /// What the system says.
    pub fn list(&self) -> Result<Vec<SnapshotFile>, SnapshotError> {
        let names = self.tree.list("").map_err(failed(Operation::List, "", 0))?;
        let mut stored: Vec<_> = names.into_iter().filter_map(parse).collect();
        stored.sort_unstable();
        stored.reverse();
        Ok(stored)
    }

    /// What a snapshot says that it is of. Only its header is checked.
    ///
    /// # Errors
    /// [`SnapshotError`].
    pub fn header(&self, stored: &SnapshotFile) -> Result<SnapshotHeader, SnapshotError> {
        let header = read::header(&self.open(stored)?, &stored.file)?;
        named(stored, header)
    }

    /// Length of a file, in bytes.
    ///
    /// # Errors
    /// What the system says.
    pub fn bytes(&self, stored: &SnapshotFile) -> Result<u64, SnapshotError> {
        let length = self.open(stored)?.length();
        Ok(length.map_err(failed(Operation::Length, &stored.file, 0))?)
    }

    /// The fold that a snapshot keeps, with every byte checked. Whether it is a fold of a
    /// certain roll is not asked here. It goes on as one that began with `book_options`.
    ///
    /// # Errors
    /// [`SnapshotError`].
    pub fn read(
        &self,
        stored: &SnapshotFile,
        book_options: &BookOptions,
    ) -> Result<(SnapshotHeader, Replay), SnapshotError> {
        let (header, replay) = read::replay(&self.open(stored)?, &stored.file, book_options)?;
        Ok((named(stored, header)?, replay))
    }

    /// Whether a snapshot is byte by byte what this moment would be written as.
    ///
    /// # Errors
    /// [`SnapshotError`] when the file is damaged.
    pub fn compare(
        &self,
        stored: &SnapshotFile,
        moment: &Moment<'_>,
    ) -> Result<SnapshotComparison, SnapshotError> {
        let mut kept = Fingerprints::default();
        let file = self.open(stored)?;
        let header = read::blocks(&file, &stored.file, |block| {
            kept.block(block.section, &block.header, &block.payload)
        })?;
        let header = named(stored, header)?;
        if header != header_of(moment) {
            return Ok(SnapshotComparison::Header);
        }
        let mut made = Fingerprints::default();
        write_book(moment, &mut made)?;
        let differs = Section::all().find(|section| kept.of(*section) != made.of(*section));
        Ok(differs.map_or(SnapshotComparison::Equal, SnapshotComparison::Differs))
    }

    /// Writes a snapshot; it is durable when this returns. Then all but the last two are
    /// removed. It is given up when `stop` becomes true.
    ///
    /// # Errors
    /// [`SnapshotError`]; those that were there are as they were.
    pub fn write(
        &self,
        moment: &Moment<'_>,
        stop: &AtomicBool,
    ) -> Result<(SnapshotFile, u64), SnapshotError> {
        let _one = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let position = moment.head.position;
        let stored = SnapshotFile {
            position,
            file: file_name(position),
        };
        let name = format!("{}{NEW}", stored.file);
        let created = self.tree.create(&name);
        let file = created.map_err(failed(Operation::Create, &name, 0))?;
        let mut output = SnapshotOutput {
            file: &file,
            name: &name,
            stop,
            buffer: Vec::new(),
            flushed: 0,
            hasher: blake3::Hasher::new(),
        };
        let written = output.snapshot(moment);
        let bytes = match written {
            Ok(bytes) => bytes,
            Err(error) => {
                // It is of no use, and the next one would remove it as well.
                drop(self.tree.remove(&name));
                return Err(error);
            }
        };
        file.sync().map_err(failed(Operation::Sync, &name, 0))?;
        let renamed = self.tree.rename(&name, &stored.file);
        renamed.map_err(failed(Operation::Rename, &name, 0))?;
        self.sync_directory()?;
        self.prune(position)?;
        Ok((stored, bytes))
    }

    /// Removes what is older than the last two, what is unfinished, and what is of a future that
    /// the roll does not have.
    fn prune(&self, newest: Position) -> Result<(), SnapshotError> {
        let stored = self.list()?.into_iter();
        let kept: Vec<String> = stored
            .filter(|stored| stored.position <= newest)
            .take(KEPT)
            .map(|stored| stored.file)
            .collect();
        let names = self.tree.list("").map_err(failed(Operation::List, "", 0))?;
        let mut removed = false;
        for name in names {
            let whole = name.strip_suffix(NEW).unwrap_or(&name).to_owned();
            if parse(whole).is_some() && !kept.contains(&name) {
                let done = self.tree.remove(&name);
                done.map_err(failed(Operation::Remove, &name, 0))?;
                removed = true;
            }
        }
        match removed {
            true => Ok(self.sync_directory()?),
            false => Ok(()),
        }
    }

    fn sync_directory(&self) -> Result<(), StorageError> {
        let synced = self.tree.sync_directory("");
        synced.map_err(failed(Operation::SyncDirectory, "", 0))
    }

    fn open(&self, stored: &SnapshotFile) -> Result<T::File, SnapshotError> {
        let file = self.tree.open(&stored.file);
        Ok(file.map_err(failed(Operation::Open, &stored.file, 0))?)
    }
}

/// A file that was renamed by hand is none of ours.
fn named(stored: &SnapshotFile, header: SnapshotHeader) -> Result<SnapshotHeader, SnapshotError> {
    match header.head.position == stored.position {
        true => Ok(header),
        false => Err(damaged(&stored.file, None, 0, SnapshotFault::Name)),
    }
}

fn header_of(moment: &Moment<'_>) -> SnapshotHeader {
    SnapshotHeader {
        log: moment.log,
        head: moment.head,
        recorded_at: moment.recorded_at,
        accounts: moment.book.ledger().account_count() as u64,
    }
}

struct SnapshotOutput<'a, F> {
    file: &'a F,
    name: &'a str,
    stop: &'a AtomicBool,
    buffer: Vec<u8>,
    /// Bytes in the file, without those in the buffer.
    flushed: u64,
    hasher: blake3::Hasher,
}

impl<F: StorageFile> SnapshotOutput<'_, F> {
    /// Writes all of it; answers its length.
    fn snapshot(&mut self, moment: &Moment<'_>) -> Result<u64, SnapshotError> {
        self.put(&header_of(moment).encode())?;
        let blocks = write_book(moment, self)?;
        let length = self.flushed + (self.buffer.len() + END_BYTES) as u64;
        debug_assert!(length >= (HEADER_BYTES + END_BYTES) as u64);
        self.buffer.extend_from_slice(&end_mark(blocks, length));
        self.hasher.update(&self.buffer);
        let hash = self.hasher.finalize();
        self.buffer.extend_from_slice(hash.as_bytes());
        self.write()?;
        Ok(self.flushed)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), SnapshotError> {
        self.buffer.extend_from_slice(bytes);
        match self.buffer.len() >= BUFFER_BYTES {
            true => self.flush(),
            false => Ok(()),
        }
    }

    fn flush(&mut self) -> Result<(), SnapshotError> {
        // All at once: that is several times quicker than block by block.
        self.hasher.update(&self.buffer);
        self.write()
    }

    fn write(&mut self) -> Result<(), SnapshotError> {
        let written = self.file.write_at(self.flushed, &self.buffer);
        written.map_err(failed(Operation::Write, self.name, self.flushed))?;
        self.flushed += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}

impl<F: StorageFile> BlockSink for SnapshotOutput<'_, F> {
    fn block(&mut self, _: Section, header: &[u8], payload: &[u8]) -> Result<(), SnapshotError> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(SnapshotError::Abandoned);
        }
        self.put(header)?;
        self.put(payload)
    }
}

/// A hash for each section.
#[derive(Default)]
struct Fingerprints(BTreeMap<Section, blake3::Hasher>);

impl Fingerprints {
    fn of(&self, section: Section) -> Option<blake3::Hash> {
        self.0.get(&section).map(blake3::Hasher::finalize)
    }
}

impl BlockSink for Fingerprints {
    fn block(
        &mut self,
        section: Section,
        header: &[u8],
        payload: &[u8],
    ) -> Result<(), SnapshotError> {
        let hasher = self.0.entry(section).or_default();
        hasher.update(header).update(payload);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_snapshots_are_taken_for_snapshots() {
        let name = file_name(Position::new(42));
        assert_eq!(name, "00000000000000000042.snapshot");
        let position = Position::new(42);
        let stored = SnapshotFile {
            position,
            file: name.clone(),
        };
        assert_eq!(parse(name), Some(stored));
        for name in [
            "42.snapshot",
            "00000000000000000042.snapshot.new",
            "+0000000000000000042.snapshot",
            "99999999999999999999.snapshot",
            ".snapshot",
            "LOCK",
        ] {
            assert_eq!(parse(name.into()), None, "{name}");
        }
    }
}
