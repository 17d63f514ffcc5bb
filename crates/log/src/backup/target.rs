//! The directory that holds a backup, as its writer sees it.

use std::collections::BTreeSet;

use super::error::{BackupError, VerifyBackupError, failed, is_absent};
use super::extra::{ReadWhole, read_whole};
use super::manifest::{FileEntry, Manifest, ManifestFault, SegmentEntry};
use super::new_file::{NewFile, ensure_directory, sync_directory_of};
use super::tree::Tree;
use super::{FILES, LOCK, LOG, MANIFEST, NEW, NEW_MANIFEST};
use crate::error::{Operation, StorageError};
use crate::identity::LogId;
use crate::segment;
use crate::storage::StorageFile;

/// Enough for the segments of many terabytes.
const MOST_MANIFEST_BYTES: u64 = 256 * 1024 * 1024;

/// Reads the manifest, `None` when there is none.
pub(super) fn read_manifest<T: Tree>(tree: &T) -> Result<Option<Manifest>, VerifyBackupError> {
    match read_whole(tree, MANIFEST, MOST_MANIFEST_BYTES) {
        Ok(Some(bytes)) => Ok(Some(Manifest::decode(&bytes)?)),
        Ok(None) => Ok(None),
        Err(ReadWhole::Storage(error)) => Err(VerifyBackupError::Storage(error)),
        Err(ReadWhole::TooLarge) => Err(ManifestFault::Magic.into()),
    }
}

/// A target that may be written to, and is kept from others.
pub(super) struct BackupTarget<'a, T: Tree> {
    pub tree: &'a T,
    /// The backup that is there.
    pub before: Option<Manifest>,
    _lock: T::Lock,
}

impl<'a, T: Tree> BackupTarget<'a, T> {
    /// Looks first and locks then, so that a directory that is refused is left
    /// as it was; and looks again, because another process may have been quicker.
    pub(super) fn open(tree: &'a T, book: LogId) -> Result<Self, BackupError> {
        look(tree, book)?;
        let lock = tree.lock(LOCK).map_err(|source| match source.kind() {
            std::io::ErrorKind::WouldBlock => BackupError::InUse,
            _ => BackupError::Target(failed(Operation::Lock, LOCK)(source)),
        })?;
        Ok(Self {
            before: look(tree, book)?,
            tree,
            _lock: lock,
        })
    }

    /// Makes the directories, and takes away what an interrupted backup left.
    pub(super) fn prepare(&self) -> Result<(), StorageError> {
        // The lock is there before what it vouches for.
        sync_directory_of(self.tree, LOCK)?;
        ensure_directory(self.tree, LOG)?;
        ensure_directory(self.tree, FILES)?;
        let named: BTreeSet<String> = self.before.iter().flat_map(paths).collect();
        for directory in [LOG, FILES] {
            let names = self.tree.list(directory);
            for name in names.map_err(failed(Operation::List, directory))? {
                let path = format!("{directory}/{name}");
                if is_ours(&name) && !named.contains(&path) {
                    let removed = self.tree.remove(&path);
                    removed.map_err(failed(Operation::Remove, &path))?;
                }
            }
        }
        Ok(())
    }

    /// What the backup has of the segment with this index.
    pub(super) fn segment(&self, index: usize) -> Option<&SegmentEntry> {
        self.before.as_ref()?.segments.get(index)
    }

    /// Whether a sealed segment is there, by its length. Its bytes are for
    /// [`super::verify_backup`] to read.
    pub(super) fn has(&self, entry: &SegmentEntry) -> Result<bool, StorageError> {
        let path = entry.path();
        match self.tree.open(&path) {
            Ok(file) => {
                let length = file.length().map_err(failed(Operation::Length, &path))?;
                Ok(length == entry.length)
            }
            Err(error) if is_absent(&error) => Ok(false),
            Err(error) => Err(failed(Operation::Open, &path)(error)),
        }
    }

    /// Stores a content under its hash, unless it is there. Answers whether it
    /// was written.
    pub(super) fn store(&self, entry: &FileEntry, bytes: &[u8]) -> Result<bool, StorageError> {
        let path = entry.stored();
        match read_whole(self.tree, &path, entry.length) {
            Ok(Some(there)) if there == bytes => return Ok(false),
            Ok(_) | Err(ReadWhole::TooLarge) => {}
            Err(ReadWhole::Storage(error)) => return Err(error),
        }
        let mut file = NewFile::create(self.tree, &path)?;
        file.write(bytes)?;
        file.install()?;
        Ok(true)
    }

    /// Makes the backup what the manifest says.
    pub(super) fn commit(&self, manifest: &Manifest) -> Result<(), StorageError> {
        let mut file = NewFile::create(self.tree, MANIFEST)?;
        file.write(manifest.encode().as_bytes())?;
        file.install()
    }
}

/// The manifest of a directory that is a backup of this book, or can become
/// one. It changes nothing.
fn look<T: Tree>(tree: &T, book: LogId) -> Result<Option<Manifest>, BackupError> {
    let manifest = read_manifest(tree).map_err(|error| match error {
        VerifyBackupError::Manifest(fault) => BackupError::Manifest(fault),
        VerifyBackupError::Storage(error) => BackupError::Target(error),
        other => unreachable!("reading a manifest checks nothing else: {other}"),
    })?;
    match &manifest {
        Some(manifest) if manifest.book != book => {
            return Err(BackupError::OtherBook {
                backup: manifest.book,
                log: book,
            });
        }
        Some(_) => return Ok(manifest),
        None => {}
    }
    let names = tree.list("");
    let names = names.map_err(|error| BackupError::Target(failed(Operation::List, "")(error)))?;
    let begun = names.iter().any(|name| name == LOCK);
    let foreign = |name: &String| match name.as_str() {
        LOCK => false,
        NEW_MANIFEST | LOG | FILES => !begun,
        _ => true,
    };
    match names.into_iter().find(foreign) {
        Some(name) => Err(BackupError::NotABackup { name }),
        None => Ok(None),
    }
}

fn paths(manifest: &Manifest) -> impl Iterator<Item = String> {
    let segments = manifest.segments.iter().map(SegmentEntry::path);
    let files = manifest.files.iter().map(FileEntry::stored);
    segments.chain(files)
}

/// Whether a backup may have put this name into one of its directories.
/// Other files there stay.
fn is_ours(name: &str) -> bool {
    let name = name.strip_suffix(NEW).unwrap_or(name);
    matches!(segment::parse_name(name), segment::SegmentName::Segment(_))
        || blake3::Hash::from_hex(name).is_ok()
}
