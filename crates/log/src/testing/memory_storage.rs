//! Files in memory that know what is durable and what is not.
//!
//! What is modelled: writes, lengths and cuts that reach the disk in any order
//! or not at all until a sync; names that are durable only after the directory
//! is synced; writes torn inside and at sectors of 512 bytes; and a failed sync
//! that leaves the written bytes readable, counted as clean, and lost, so that
//! a second sync answers "done" and proves nothing.

mod tree;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::random::Random;
use crate::storage::{Storage, StorageFile};

pub use tree::MemoryTree;

const SECTOR: usize = 512;

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StorageFailure {
    /// An I/O error; nothing is done. A failed sync loses what was written.
    Io,
    /// No space left; half of a write is done.
    Full,
    /// Half of a write is done, and half of a read is answered, which is no
    /// error. Every other call fails as with [`StorageFailure::Io`].
    Short,
}

/// Which calls fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Injection {
    /// The first call that fails, counted from 0 since the injection.
    pub at: u64,
    /// How it fails.
    pub failure: StorageFailure,
    /// Whether every later call fails too.
    pub sticky: bool,
}

impl fmt::Display for Injection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            at,
            failure,
            sticky,
        } = self;
        let times = if *sticky { "from then on" } else { "once" };
        write!(f, "{failure:?} at call {at}, {times}")
    }
}

/// What reaches the disk of everything that was not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PowerCut {
    /// Nothing.
    LoseAll,
    /// All of it.
    KeepAll,
    /// Each change is lost, kept, or torn, as the seed decides.
    Torn(u64),
}

#[derive(Clone, Debug)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Truncate { length: usize },
}

fn write(file: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if file.len() < end {
        file.resize(end, 0);
    }
    file[offset..end].copy_from_slice(bytes);
}

impl Change {
    fn apply(&self, file: &mut Vec<u8>) {
        match self {
            Self::Write { offset, bytes } => write(file, *offset, bytes),
            Self::Truncate { length } => file.resize(*length, 0),
        }
    }

    fn apply_torn(&self, file: &mut Vec<u8>, random: &mut Random) {
        match (random.below(4), self) {
            (0, _) => {}
            (1, _) => self.apply(file),
            (2, Self::Write { offset, bytes }) => {
                write(file, *offset, &bytes[..random.below(bytes.len() + 1)]);
            }
            (_, Self::Write { offset, bytes }) => {
                let mut at = *offset;
                let mut rest = &bytes[..];
                while !rest.is_empty() {
                    let in_sector = (SECTOR - at % SECTOR).min(rest.len());
                    let (sector, after) = rest.split_at(in_sector);
                    if random.coin() {
                        write(file, at, sector);
                    }
                    at += in_sector;
                    rest = after;
                }
            }
            (_, Self::Truncate { .. }) => {
                if random.coin() {
                    self.apply(file);
                }
            }
        }
    }
}

#[derive(Clone, Debug, Default)]
struct Inode {
    /// What a read answers. Copies of a storage share it until one of them changes it.
    cached: Arc<Vec<u8>>,
    /// What survives.
    durable: Arc<Vec<u8>>,
    /// What a sync would make durable.
    pending: Vec<Change>,
}

impl Inode {
    fn change(&mut self, change: Change) {
        change.apply(Arc::make_mut(&mut self.cached));
        self.pending.push(change);
    }
}

#[derive(Clone, Debug, Default)]
struct MemoryDisk {
    inodes: BTreeMap<u64, Inode>,
    names: BTreeMap<String, u64>,
    durable_names: BTreeMap<String, u64>,
    created: u64,
    calls: u64,
    injection: Option<Injection>,
}

impl MemoryDisk {
    /// Counts a call and says how it fails, if it does.
    fn call(&mut self) -> Option<StorageFailure> {
        let call = self.calls;
        self.calls += 1;
        let injection = self.injection?;
        let hit = call == injection.at || (injection.sticky && call > injection.at);
        hit.then_some(injection.failure)
    }

    fn inode(&mut self, id: u64) -> &mut Inode {
        self.inodes.entry(id).or_default()
    }
}

fn error(failure: StorageFailure) -> io::Error {
    match failure {
        StorageFailure::Io | StorageFailure::Short => io::Error::other("an injected I/O error"),
        StorageFailure::Full => io::Error::from(io::ErrorKind::StorageFull),
    }
}

fn fail(failure: Option<StorageFailure>) -> io::Result<()> {
    failure.map_or(Ok(()), |failure| Err(error(failure)))
}

fn size(number: u64) -> io::Result<usize> {
    usize::try_from(number).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))
}

/// Files in memory. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct MemoryStorage {
    disk: Arc<Mutex<MemoryDisk>>,
}

impl MemoryStorage {
    /// No files.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn disk(&self) -> MutexGuard<'_, MemoryDisk> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with(disk: MemoryDisk) -> Self {
        Self {
            disk: Arc::new(Mutex::new(disk)),
        }
    }

    /// Makes calls fail from now on. The count of calls starts again.
    pub fn inject(&self, injection: Injection) {
        let mut disk = self.disk();
        disk.calls = 0;
        disk.injection = Some(injection);
    }

    /// Calls since the start or the last injection.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.disk().calls
    }

    /// The storage as the next process finds it after this one was killed: the
    /// system lives, and everything that was written can be read, durable or
    /// not. This storage stays as it is; nothing fails in the new one.
    #[must_use]
    pub fn restarted(&self) -> Self {
        let mut disk = self.disk().clone();
        disk.calls = 0;
        disk.injection = None;
        Self::with(disk)
    }

    /// The storage as it is found after the power was cut. This one stays as
    /// it is; nothing fails in the new one.
    #[must_use]
    pub fn power_cut(&self, cut: PowerCut) -> Self {
        let disk = self.disk();
        let mut random = Random::new(match cut {
            PowerCut::Torn(seed) => seed,
            PowerCut::LoseAll | PowerCut::KeepAll => 0,
        });
        let mut names = disk.durable_names.clone();
        let all = disk.names.keys().chain(disk.durable_names.keys());
        for name in all {
            let now = disk.names.get(name);
            let reached = match cut {
                PowerCut::LoseAll => false,
                PowerCut::KeepAll => true,
                PowerCut::Torn(_) => random.coin(),
            };
            match now {
                Some(id) if reached => names.insert(name.clone(), *id),
                None if reached => names.remove(name),
                _ => continue,
            };
        }
        tree::drop_orphans(&mut names);
        let mut inodes = BTreeMap::new();
        for id in names.values() {
            let inode = disk.inodes.get(id).cloned().unwrap_or_default();
            let mut bytes = inode.durable;
            for change in &inode.pending {
                match cut {
                    PowerCut::LoseAll => {}
                    PowerCut::KeepAll => change.apply(Arc::make_mut(&mut bytes)),
                    PowerCut::Torn(_) => {
                        change.apply_torn(Arc::make_mut(&mut bytes), &mut random);
                    }
                }
            }
            let survivor = Inode {
                cached: Arc::clone(&bytes),
                durable: bytes,
                pending: Vec::new(),
            };
            inodes.insert(*id, survivor);
        }
        Self::with(MemoryDisk {
            inodes,
            durable_names: names.clone(),
            names,
            created: disk.created,
            calls: 0,
            injection: None,
        })
    }

    /// Names of the files, in order.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.disk().names.keys().cloned().collect()
    }

    /// What can be read of a file; nothing when there is none.
    #[must_use]
    pub fn bytes(&self, name: &str) -> Vec<u8> {
        Arc::unwrap_or_clone(self.shared(name))
    }

    /// The same, without a copy: what is written later does not show in it.
    #[must_use]
    pub fn shared(&self, name: &str) -> Arc<Vec<u8>> {
        let disk = self.disk();
        let inode = disk.names.get(name).and_then(|id| disk.inodes.get(id));
        inode
            .map(|inode| Arc::clone(&inode.cached))
            .unwrap_or_default()
    }

    /// Puts a file there, durable, in place of what was.
    pub fn put(&self, name: &str, bytes: impl Into<Vec<u8>>) {
        self.put_shared(name, Arc::new(bytes.into()));
    }

    /// The same with bytes that others have too.
    pub fn put_shared(&self, name: &str, bytes: Arc<Vec<u8>>) {
        let mut disk = self.disk();
        disk.created += 1;
        let id = disk.created;
        *disk.inode(id) = Inode {
            cached: Arc::clone(&bytes),
            durable: bytes,
            pending: Vec::new(),
        };
        disk.names.insert(name.to_owned(), id);
        disk.durable_names.insert(name.to_owned(), id);
    }

    /// Takes a file away for good.
    pub fn take(&self, name: &str) {
        let mut disk = self.disk();
        disk.names.remove(name);
        disk.durable_names.remove(name);
    }
}

impl Storage for MemoryStorage {
    type File = MemoryFile;

    fn list(&self) -> io::Result<Vec<String>> {
        let mut disk = self.disk();
        fail(disk.call())?;
        Ok(disk.names.keys().cloned().collect())
    }

    fn open(&self, name: &str) -> io::Result<MemoryFile> {
        let mut disk = self.disk();
        fail(disk.call())?;
        let id = disk.names.get(name).copied();
        id.map(|id| MemoryFile {
            disk: self.clone(),
            id,
        })
        .ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }

    fn create(&self, name: &str) -> io::Result<MemoryFile> {
        let mut disk = self.disk();
        fail(disk.call())?;
        if disk.names.contains_key(name) {
            return Err(io::Error::from(io::ErrorKind::AlreadyExists));
        }
        disk.created += 1;
        let id = disk.created;
        *disk.inode(id) = Inode::default();
        disk.names.insert(name.to_owned(), id);
        Ok(MemoryFile {
            disk: self.clone(),
            id,
        })
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut disk = self.disk();
        fail(disk.call())?;
        let removed = disk.names.remove(name);
        removed
            .map(drop)
            .ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }

    fn sync_directory(&self) -> io::Result<()> {
        let mut disk = self.disk();
        fail(disk.call())?;
        disk.durable_names = disk.names.clone();
        Ok(())
    }
}

/// A file of a [`MemoryStorage`].
#[derive(Clone, Debug)]
pub struct MemoryFile {
    disk: MemoryStorage,
    id: u64,
}

impl StorageFile for MemoryFile {
    fn length(&self) -> io::Result<u64> {
        let mut disk = self.disk.disk();
        fail(disk.call())?;
        Ok(disk.inode(self.id).cached.len() as u64)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut disk = self.disk.disk();
        let failure = disk.call();
        let wanted = match failure {
            Some(StorageFailure::Short) => buffer.len().div_ceil(2),
            failure => {
                fail(failure)?;
                buffer.len()
            }
        };
        let bytes = &disk.inode(self.id).cached;
        let rest = bytes.get(size(offset)?..).unwrap_or_default();
        let read = wanted.min(rest.len());
        buffer[..read].copy_from_slice(&rest[..read]);
        Ok(read)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut disk = self.disk.disk();
        let failure = disk.call();
        let written = match failure {
            None => bytes.len(),
            Some(StorageFailure::Io) => 0,
            Some(StorageFailure::Full | StorageFailure::Short) => bytes.len() / 2,
        };
        let offset = size(offset)?;
        if written > 0 {
            let bytes = bytes[..written].to_vec();
            disk.inode(self.id).change(Change::Write { offset, bytes });
        }
        fail(failure)
    }

    fn sync(&self) -> io::Result<()> {
        let mut disk = self.disk.disk();
        let failure = disk.call();
        let Inode {
            durable, pending, ..
        } = disk.inode(self.id);
        let changes = std::mem::take(pending);
        fail(failure)?;
        if !changes.is_empty() {
            let durable = Arc::make_mut(durable);
            changes.iter().for_each(|change| change.apply(durable));
        }
        Ok(())
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        let mut disk = self.disk.disk();
        fail(disk.call())?;
        let length = size(length)?;
        disk.inode(self.id).change(Change::Truncate { length });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(sync: bool, sync_directory: bool) -> MemoryStorage {
        let storage = MemoryStorage::new();
        let file = storage.create("a").unwrap();
        file.write_at(0, b"bytes").unwrap();
        if sync {
            file.sync().unwrap();
        }
        if sync_directory {
            storage.sync_directory().unwrap();
        }
        storage
    }

    #[test]
    fn only_what_was_synced_survives_the_harshest_cut() {
        for (sync, sync_directory, survives) in [
            (true, true, Some(&b"bytes"[..])),
            (false, true, Some(b"")),
            (true, false, None),
            (false, false, None),
        ] {
            let after = written(sync, sync_directory).power_cut(PowerCut::LoseAll);
            let found = after.names().first().map(|name| after.bytes(name));
            assert_eq!(found.as_deref(), survives, "{sync} {sync_directory}");
        }
    }

    #[test]
    fn a_failed_sync_loses_bytes_that_can_still_be_read() {
        let storage = written(false, true);
        storage.inject(Injection {
            at: 1,
            failure: StorageFailure::Io,
            sticky: false,
        });
        let file = storage.open("a").unwrap();
        assert!(file.sync().is_err());
        file.sync().unwrap();
        assert_eq!(storage.bytes("a"), b"bytes");
        assert_eq!(storage.power_cut(PowerCut::KeepAll).bytes("a"), b"");
    }

    #[test]
    fn the_same_seed_tears_the_same_way() {
        let storage = written(false, false);
        let cut = |seed| {
            let after = storage.power_cut(PowerCut::Torn(seed));
            after.names().first().map(|name| after.bytes(name))
        };
        assert!((0..64).all(|seed| cut(seed) == cut(seed)));
        let different: std::collections::BTreeSet<_> = (0..64).map(cut).collect();
        assert!(different.len() > 3, "{different:?}");
    }
}
