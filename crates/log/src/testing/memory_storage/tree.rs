//! Directories in memory, on the same model: names are durable only after
//! their directory is synced, and a name below a directory that is not durable
//! is lost with it.
//!
//! A directory is an entry whose name ends in `/`.

use std::io;

use super::{Change, Inode, MemoryDisk, MemoryFile, MemoryStorage, fail};
use crate::backup::Tree;

/// Files in directories in memory. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct MemoryTree(MemoryStorage);

/// The directory of a name, `` for the root, else with its `/`.
fn parent(name: &str) -> &str {
    let inner = name.strip_suffix('/').unwrap_or(name);
    &name[..inner.rfind('/').map_or(0, |slash| slash + 1)]
}

fn directory(path: &str) -> String {
    match path {
        "" => String::new(),
        path => format!("{path}/"),
    }
}

/// Takes away the names of which a directory is missing.
pub(super) fn drop_orphans<V>(names: &mut std::collections::BTreeMap<String, V>) {
    loop {
        let orphan = names.keys().find(|name| {
            let parent = parent(name);
            !parent.is_empty() && !names.contains_key(parent)
        });
        let Some(orphan) = orphan.cloned() else {
            return;
        };
        names.remove(&orphan);
    }
}

impl MemoryDisk {
    fn has_directory(&self, name: &str) -> io::Result<()> {
        match name.is_empty() || self.names.contains_key(name) {
            true => Ok(()),
            false => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

impl MemoryTree {
    /// No files.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What keeps the files: for faults, and for looking at them. Paths are
    /// names there.
    #[must_use]
    pub fn storage(&self) -> &MemoryStorage {
        &self.0
    }

    /// The tree that a storage keeps, for example after a power cut.
    #[must_use]
    pub fn of(storage: MemoryStorage) -> Self {
        Self(storage)
    }

    /// Puts a file there, durable, with its directories.
    pub fn put(&self, path: &str, bytes: impl Into<Vec<u8>>) {
        for (slash, _) in path.match_indices('/') {
            self.0.put(&path[..=slash], Vec::new());
        }
        self.0.put(path, bytes);
    }

    /// The files of one directory as a flat storage of their own, with nothing
    /// pending.
    #[must_use]
    pub fn directory(&self, path: &str) -> MemoryStorage {
        let below = directory(path);
        let flat = MemoryStorage::new();
        for name in self.0.names() {
            if parent(&name) == below && !name.ends_with('/') {
                flat.put(&name[below.len()..], self.0.bytes(&name));
            }
        }
        flat
    }
}

impl Tree for MemoryTree {
    type File = MemoryFile;
    type Lock = ();

    fn list(&self, path: &str) -> io::Result<Vec<String>> {
        let mut disk = self.0.disk();
        fail(disk.call())?;
        let below = directory(path);
        disk.has_directory(&below)?;
        let inside = disk.names.keys().filter(|name| parent(name) == below);
        let names = inside.map(|name| name[below.len()..].trim_end_matches('/').to_owned());
        Ok(names.collect())
    }

    fn open(&self, path: &str) -> io::Result<MemoryFile> {
        crate::storage::Storage::open(&self.0, path)
    }

    fn create(&self, path: &str) -> io::Result<MemoryFile> {
        let mut disk = self.0.disk();
        fail(disk.call())?;
        disk.has_directory(parent(path))?;
        let id = match disk.names.get(path).copied() {
            Some(id) => {
                disk.inode(id).change(Change::Truncate { length: 0 });
                id
            }
            None => {
                disk.created += 1;
                let id = disk.created;
                disk.names.insert(path.to_owned(), id);
                *disk.inode(id) = Inode::default();
                id
            }
        };
        let disk = self.0.clone();
        Ok(MemoryFile { disk, id })
    }

    /// More may go wrong than on a journalling file system: after a power cut
    /// both names may be there, or neither of what was renamed.
    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut disk = self.0.disk();
        fail(disk.call())?;
        let Some(id) = disk.names.remove(from) else {
            return Err(io::ErrorKind::NotFound.into());
        };
        disk.names.insert(to.to_owned(), id);
        Ok(())
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        crate::storage::Storage::remove(&self.0, path)
    }

    fn make_directory(&self, path: &str) -> io::Result<()> {
        let mut disk = self.0.disk();
        fail(disk.call())?;
        let name = directory(path);
        disk.has_directory(parent(&name))?;
        if disk.names.contains_key(&name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        disk.created += 1;
        let id = disk.created;
        disk.names.insert(name, id);
        Ok(())
    }

    fn sync_directory(&self, path: &str) -> io::Result<()> {
        let mut disk = self.0.disk();
        fail(disk.call())?;
        let below = directory(path);
        disk.has_directory(&below)?;
        let MemoryDisk {
            names,
            durable_names,
            ..
        } = &mut *disk;
        durable_names.retain(|name, _| parent(name) != below);
        let now = names.iter().filter(|(name, _)| parent(name) == below);
        durable_names.extend(now.map(|(name, id)| (name.clone(), *id)));
        Ok(())
    }

    fn lock(&self, path: &str) -> io::Result<()> {
        self.create(path).map(drop)
    }
}
