//! The leaf hashes of a log in a file, so that a proof need not read the log.
//!
//! The file is derived and disposable: a header of 128 bytes ([`header`]) and 32 bytes for each
//! record. Nothing is synced, because whatever a crash leaves behind is noticed when the file is
//! opened, and made again from the log:
//!
//! - the root that the leaves come to must be the one in the header, so that no bit of the file
//!   is believed without a check; this reads 32 bytes for each record;
//! - the frame after the last leaf must continue the frame that the header names by its hash.
//!   That hash stands for all the history before it, so one frame is enough to know that this
//!   is the log that the leaves were made from.
//!
//! What this cannot notice is a log whose old records were changed without their frames' hashes.
//! Opening the log notices that, and so do [`LeafStore::verify`] and
//! [`crate::check_against`], which read all of it.
//!
//! Memory: one hash for each 128 records. The lowest levels are read from the file when a proof
//! needs them.

mod header;

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use tillroll_log::{Deadline, FrameHash, LogReadError, LogReader, Position};

use crate::files::{self, FileError, failed};
use crate::merkle::{Frontier, Levels, Subtrees, TreeHash, leaf_hash, root_at};
use header::LeafStoreHeader;

/// Subtrees from this level on are in memory: of 256 leaves, 8 KiB of the file.
const BLOCK_LEVEL: u32 = 8;
const BLOCK: usize = 1 << BLOCK_LEVEL;

/// Leaves that are written at once, and read at once when opening.
const CHUNK: usize = 32 * BLOCK;

/// Leaf hashes of a log, in their order.
#[derive(Debug)]
pub struct LeafStore {
    path: PathBuf,
    /// Locked for as long as this lives.
    file: File,
    book: [u8; 16],
    size: u64,
    /// Hash of the frame that ends with the last leaf's record.
    frame: FrameHash,
    /// Complete blocks.
    blocks: Levels,
    /// Leaves after the last complete block.
    tail: Vec<TreeHash>,
    /// Leaves, the last ones, that are not in the file yet.
    pending: Vec<u8>,
}

/// Why the file was made again from the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rebuild {
    /// It was not there.
    Missing,
    /// Its header is none, or of another version.
    Header,
    /// It belongs to another book.
    OtherBook,
    /// Leaves that the header promises are not there.
    Short,
    /// The leaves do not come to the root in the header.
    Leaves,
    /// The file is whole and was made from a log with another history. Unless a backup was
    /// restored, or an append was lost before it was acknowledged, the log was rewritten.
    AnotherHistory {
        /// Records that the other log had at least.
        size: u64,
        /// The first position at which this log differs.
        first_difference: Position,
    },
}

/// Why the leaves could not be had.
#[derive(Debug, thiserror::Error)]
pub enum LeafStoreError {
    /// Another process uses the file.
    #[error("{} is in use by another process", path.display())]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The log cannot be read.
    #[error(transparent)]
    Read(#[from] LogReadError),
    /// The log has another history than the leaves were made from.
    #[error("the log does not continue the {size} records that it was known to have")]
    AnotherHistory {
        /// Leaves that are there.
        size: u64,
    },
    /// A record is not the one that its leaf was made from.
    #[error("the record at position {position} is not the one that its leaf hash was made from")]
    Differs {
        /// Its position, or the one after the end of a log that is too short.
        position: Position,
    },
}

impl LeafStore {
    /// Opens the file, makes it again where it is missing or wrong, and follows the log to its
    /// head. `progress` is called with positions on the way.
    ///
    /// # Errors
    /// [`LeafStoreError`]; a file that is wrong is no error.
    pub fn open(
        path: impl Into<PathBuf>,
        book: [u8; 16],
        reader: &dyn LogReader,
        progress: &mut dyn FnMut(Position),
    ) -> Result<(Self, Option<Rebuild>), LeafStoreError> {
        let path = path.into();
        let mut store = Self {
            file: open_locked(&path)?,
            path,
            book,
            size: 0,
            frame: FrameHash::GENESIS,
            blocks: Levels::from_level(BLOCK_LEVEL),
            tail: Vec::new(),
            pending: Vec::new(),
        };
        let mut rebuild = store.load()?;
        if rebuild.is_none() && !store.continued_by(reader)? {
            let found = store.first_difference(reader, progress)?;
            rebuild = Some(Rebuild::AnotherHistory {
                size: store.size,
                // The frames differ, and no record does: they were cut otherwise.
                first_difference: found.unwrap_or(Position::new(store.size + 1)),
            });
        }
        if rebuild.is_some() {
            store.clear()?;
        }
        store.catch_up(reader, progress)?;
        Ok((store, rebuild))
    }

    /// Follows the log to its head.
    ///
    /// # Errors
    /// When the log cannot be read, or has another history than before.
    pub fn catch_up(
        &mut self,
        reader: &dyn LogReader,
        progress: &mut dyn FnMut(Position),
    ) -> Result<(), LeafStoreError> {
        let followed = self.follow(reader, progress);
        self.flush()?;
        followed
    }

    /// Compares every leaf with its record: reads all of the log.
    ///
    /// # Errors
    /// [`LeafStoreError::Differs`] names the first record that is not as it was.
    pub fn verify(
        &self,
        reader: &dyn LogReader,
        progress: &mut dyn FnMut(Position),
    ) -> Result<(), LeafStoreError> {
        match self.first_difference(reader, progress)? {
            None => Ok(()),
            Some(position) => Err(LeafStoreError::Differs { position }),
        }
    }

    /// The root over all leaves.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn root(&self) -> Result<TreeHash, FileError> {
        self.root_of(self.size)
    }

    /// The leaf of the record at a position, `None` where there is none.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn leaf(&self, position: Position) -> Result<Option<TreeHash>, FileError> {
        match position.get().checked_sub(1) {
            Some(index) if index < self.size => self.subtree(0, index).map(Some),
            _ => Ok(None),
        }
    }

    fn root_of(&self, size: u64) -> Result<TreeHash, FileError> {
        use crate::merkle::ProveError;
        root_at(self, size).map_err(|error| match error {
            ProveError::Source(error) => error,
            _ => unreachable!("a size within the store"),
        })
    }

    fn push(&mut self, leaf: TreeHash) {
        self.tail.push(leaf);
        self.size += 1;
        if self.tail.len() == BLOCK {
            self.blocks.push(root(&self.tail));
            self.tail.clear();
        }
    }

    /// Takes over what the file holds, or says why it cannot be.
    fn load(&mut self) -> Result<Option<Rebuild>, FileError> {
        let metadata = self.file.metadata();
        let length = metadata.map_err(failed("look at", &self.path))?.len();
        if length == 0 {
            return Ok(Some(Rebuild::Missing));
        }
        let mut bytes = [0; header::BYTES];
        if length < bytes.len() as u64 {
            return Ok(Some(Rebuild::Header));
        }
        self.read(0, &mut bytes)?;
        let Some(header) = LeafStoreHeader::decode(&bytes) else {
            return Ok(Some(Rebuild::Header));
        };
        if header.book != self.book {
            return Ok(Some(Rebuild::OtherBook));
        }
        if header.size > (length - offset(0)) / TreeHash::BYTES as u64 {
            return Ok(Some(Rebuild::Short));
        }
        while self.size < header.size {
            let left = usize::try_from(header.size - self.size).unwrap_or(usize::MAX);
            for leaf in self.read_leaves(self.size, left.min(CHUNK))? {
                self.push(leaf);
            }
        }
        self.frame = header.frame;
        match self.root()? == header.root {
            true => Ok(None),
            false => Ok(Some(Rebuild::Leaves)),
        }
    }

    /// Whether the log goes on where the leaves end.
    fn continued_by(&self, reader: &dyn LogReader) -> Result<bool, LogReadError> {
        let head = reader.head(Deadline::NEVER)?;
        let last = Position::new(self.size);
        if head.position <= last {
            return Ok(head.position == last && head.hash == self.frame);
        }
        let mut frames = reader.frames(last.next(), Deadline::NEVER)?;
        let next = frames.next_frame()?;
        Ok(next.is_some_and(|next| next.first == last.next() && next.previous == self.frame))
    }

    fn first_difference(
        &self,
        reader: &dyn LogReader,
        progress: &mut dyn FnMut(Position),
    ) -> Result<Option<Position>, LeafStoreError> {
        let mut frames = reader.frames(Position::FIRST, Deadline::NEVER)?;
        let mut known = Vec::new().into_iter();
        let mut at = 0;
        while at < self.size {
            let Some(frame) = frames.next_frame()? else {
                return Ok(Some(Position::new(at + 1)));
            };
            for (position, record) in frame.records() {
                if at == self.size {
                    break;
                }
                if known.len() == 0 {
                    let left = usize::try_from(self.size - at).unwrap_or(usize::MAX);
                    known = self.read_leaves(at, left.min(BLOCK))?.into_iter();
                }
                if known.next() != Some(leaf_hash(record)) {
                    return Ok(Some(position));
                }
                at += 1;
            }
            progress(frame.last());
        }
        Ok(None)
    }

    fn follow(
        &mut self,
        reader: &dyn LogReader,
        progress: &mut dyn FnMut(Position),
    ) -> Result<(), LeafStoreError> {
        let last = Position::new(self.size);
        if reader.head(Deadline::NEVER)?.position <= last {
            return match self.continued_by(reader)? {
                true => Ok(()),
                false => Err(LeafStoreError::AnotherHistory { size: self.size }),
            };
        }
        let mut frames = reader.frames(last.next(), Deadline::NEVER)?;
        while let Some(frame) = frames.next_frame()? {
            let expected = Position::new(self.size).next();
            if frame.first != expected || frame.previous != self.frame {
                return Err(LeafStoreError::AnotherHistory { size: self.size });
            }
            for (_, record) in frame.records() {
                let leaf = leaf_hash(record);
                self.push(leaf);
                self.pending.extend_from_slice(leaf.as_bytes());
            }
            self.frame = frame.hash;
            progress(frame.last());
            if self.pending.len() >= CHUNK * TreeHash::BYTES {
                self.flush()?;
            }
        }
        Ok(())
    }

    /// Leaves first, then the header that counts them.
    fn flush(&mut self) -> Result<(), FileError> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let written = self.size - (self.pending.len() / TreeHash::BYTES) as u64;
        self.write(offset(written), &self.pending)?;
        self.pending.clear();
        self.write_header()
    }

    fn write_header(&self) -> Result<(), FileError> {
        let header = LeafStoreHeader {
            book: self.book,
            size: self.size,
            frame: self.frame,
            root: self.root()?,
        };
        self.write(0, &header.encode())
    }

    /// Forgets everything.
    fn clear(&mut self) -> Result<(), FileError> {
        let cut = self.file.set_len(0);
        cut.map_err(failed("cut", &self.path))?;
        self.size = 0;
        self.frame = FrameHash::GENESIS;
        self.blocks = Levels::from_level(BLOCK_LEVEL);
        self.tail.clear();
        self.pending.clear();
        self.write_header()
    }

    fn read_leaves(&self, first: u64, count: usize) -> Result<Vec<TreeHash>, FileError> {
        let mut bytes = vec![0; count * TreeHash::BYTES];
        self.read(offset(first), &mut bytes)?;
        let (hashes, _) = bytes.as_chunks::<{ TreeHash::BYTES }>();
        Ok(hashes.iter().copied().map(TreeHash::new).collect())
    }

    fn read(&self, at: u64, bytes: &mut [u8]) -> Result<(), FileError> {
        let read = self.file.read_exact_at(bytes, at);
        read.map_err(failed("read", &self.path))
    }

    fn write(&self, at: u64, bytes: &[u8]) -> Result<(), FileError> {
        let written = self.file.write_all_at(bytes, at);
        written.map_err(failed("write", &self.path))
    }
}

impl Subtrees for LeafStore {
    type Error = FileError;

    fn size(&self) -> u64 {
        self.size
    }

    fn subtree(&self, level: u32, index: u64) -> Result<TreeHash, FileError> {
        if level >= BLOCK_LEVEL {
            let hash = self.blocks.get(level, index);
            return Ok(hash.expect("a subtree within the size"));
        }
        let (first, count) = (index << level, 1 << level);
        let tail = self.size - self.tail.len() as u64;
        match first.checked_sub(tail).map(usize::try_from) {
            Some(Ok(at)) => Ok(root(&self.tail[at..at + count])),
            _ => Ok(root(&self.read_leaves(first, count)?)),
        }
    }
}

fn root(leaves: &[TreeHash]) -> TreeHash {
    let mut frontier = Frontier::new();
    leaves.iter().for_each(|leaf| frontier.push(*leaf));
    frontier.root()
}

fn offset(leaf: u64) -> u64 {
    header::BYTES as u64 + leaf * TreeHash::BYTES as u64
}

fn open_locked(path: &Path) -> Result<File, LeafStoreError> {
    if let Some(directory) = path.parent() {
        files::create_directory(directory, 0o755)?;
    }
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    let file = options.open(path).map_err(failed("open", path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(LeafStoreError::Locked {
            path: path.to_owned(),
        }),
        Err(TryLockError::Error(source)) => Err(failed("lock", path)(source).into()),
    }
}
