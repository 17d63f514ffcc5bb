//! Checking a backup: what the manifest names is there, is what was written,
//! and is a whole log.

use std::collections::BTreeMap;
use std::io;

use super::error::{VerifyBackupError, failed, is_absent};
use super::manifest::Manifest;
use super::meter::{BackupProgress, BackupStage, Meter};
use super::target::read_manifest;
use super::tree::Tree;
use super::{LOCK, log_path};
use crate::error::{Operation, StorageError};
use crate::identity::{Head, LogId};
use crate::storage::{Storage, StorageFile};
use crate::verify::verify;

const READ_BYTES: usize = 256 * 1024;

/// A backup in which everything checks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupSummary {
    /// The book.
    pub book: LogId,
    /// Where the log in it ends.
    pub head: Head,
    /// Segments.
    pub segments: u64,
    /// Files beside the log.
    pub files: u64,
    /// Bytes of all of them.
    pub bytes: u64,
}

impl BackupSummary {
    pub(super) fn of(manifest: &Manifest) -> Self {
        Self {
            book: manifest.book,
            head: manifest.head(),
            segments: manifest.segments.len() as u64,
            files: manifest.files.len() as u64,
            bytes: manifest.bytes(),
        }
    }
}

/// Compares every file of a backup with its hash and verifies the log in it.
/// It changes nothing, and what the manifest does not name is not looked at.
///
/// # Errors
/// [`VerifyBackupError`], which names the file.
pub fn verify_backup<T: Tree>(
    backup: &T,
    mut progress: impl FnMut(&BackupProgress),
) -> Result<BackupSummary, VerifyBackupError> {
    let manifest = manifest_of(backup)?;
    check_files(backup, &manifest, &mut progress)?;
    check_log(backup, &manifest, &mut progress)?;
    Ok(BackupSummary::of(&manifest))
}

pub(super) fn manifest_of<T: Tree>(backup: &T) -> Result<Manifest, VerifyBackupError> {
    if let Some(manifest) = read_manifest(backup)? {
        return Ok(manifest);
    }
    let names = backup.list("").map_err(failed(Operation::List, ""))?;
    Err(VerifyBackupError::NoManifest {
        begun: names.iter().any(|name| name == LOCK),
    })
}

/// Compares every file with its length and its hash.
pub(super) fn check_files<T: Tree>(
    backup: &T,
    manifest: &Manifest,
    progress: &mut dyn FnMut(&BackupProgress),
) -> Result<(), VerifyBackupError> {
    let mut meter = Meter::new(BackupStage::Checking, manifest.bytes(), progress);
    for part in parts(manifest) {
        let mut hasher = blake3::Hasher::new();
        part.read(backup, |bytes| {
            hasher.update(bytes);
            meter.add(bytes.len() as u64);
            Ok::<_, VerifyBackupError>(())
        })?;
        part.compare(hasher.finalize())?;
    }
    Ok(())
}

/// One file that a manifest names.
pub(super) struct Part<'a> {
    /// Where it is in the backup.
    pub stored: String,
    /// Where it belongs in the data directory.
    pub path: String,
    length: u64,
    hash: &'a blake3::Hash,
}

pub(super) fn parts(manifest: &Manifest) -> impl Iterator<Item = Part<'_>> {
    let segments = manifest.segments.iter().map(|entry| Part {
        stored: entry.path(),
        path: entry.path(),
        length: entry.length,
        hash: &entry.hash,
    });
    let files = manifest.files.iter().map(|entry| Part {
        stored: entry.stored(),
        path: entry.path.clone(),
        length: entry.length,
        hash: &entry.hash,
    });
    segments.chain(files)
}

impl Part<'_> {
    /// Hands out as many bytes as belong to the backup. There may be more: the
    /// last segment is longer after a backup that was interrupted.
    pub(super) fn read<T: Tree, E: From<VerifyBackupError>>(
        &self,
        backup: &T,
        mut take: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let file = backup.open(&self.stored).map_err(|error| {
            E::from(match is_absent(&error) {
                true => VerifyBackupError::Missing {
                    file: self.stored.clone(),
                },
                false => failed(Operation::Open, &self.stored)(error).into(),
            })
        })?;
        let mut buffer = vec![0; READ_BYTES];
        let mut offset = 0;
        while offset < self.length {
            let left = usize::try_from(self.length - offset).unwrap_or(usize::MAX);
            let wanted = left.min(buffer.len());
            let read = file
                .read_at(offset, &mut buffer[..wanted])
                .map_err(|error| StorageError::new(Operation::Read, &self.stored, offset, error))
                .map_err(VerifyBackupError::Storage)?;
            if read == 0 {
                return Err(self.wrong_length(offset).into());
            }
            take(&buffer[..read])?;
            offset += read as u64;
        }
        Ok(())
    }

    fn wrong_length(&self, found: u64) -> VerifyBackupError {
        VerifyBackupError::Length {
            file: self.stored.clone(),
            expected: self.length,
            found,
        }
    }

    pub(super) fn compare(&self, hash: blake3::Hash) -> Result<(), VerifyBackupError> {
        match hash == *self.hash {
            true => Ok(()),
            false => Err(VerifyBackupError::Hash {
                file: self.stored.clone(),
            }),
        }
    }
}

/// Verifies the log that the manifest names, in a backup or in what was
/// restored from it.
pub(super) fn check_log<T: Tree>(
    tree: &T,
    manifest: &Manifest,
    progress: &mut dyn FnMut(&BackupProgress),
) -> Result<(), VerifyBackupError> {
    let segments = manifest.segments.iter();
    let lengths: BTreeMap<_, _> = segments.map(|entry| (entry.name(), entry.length)).collect();
    let mut meter = Meter::new(BackupStage::Verifying, lengths.values().sum(), progress);
    let (mut segment, mut done) = (0, 0);
    let listed = Listed {
        tree: tree.clone(),
        lengths,
    };
    let report = verify(&listed, |step| {
        if step.segment != segment {
            (segment, done) = (step.segment, 0);
        }
        meter.add(step.bytes - done);
        done = step.bytes;
    })?;
    let (expected, found) = (manifest.head(), report.head);
    match report.log {
        Some(found) if found != manifest.book => Err(VerifyBackupError::Book {
            expected: manifest.book,
            found,
        }),
        _ if found != expected => Err(VerifyBackupError::Head { expected, found }),
        _ => Ok(()),
    }
}

/// The segments that a manifest names, each as long as it says, as a storage
/// that can only be read.
struct Listed<T> {
    tree: T,
    lengths: BTreeMap<String, u64>,
}

struct ListedFile<F> {
    file: F,
    length: u64,
}

fn read_only<A>() -> io::Result<A> {
    Err(io::ErrorKind::PermissionDenied.into())
}

impl<T: Tree> Storage for Listed<T> {
    type File = ListedFile<T::File>;

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.lengths.keys().cloned().collect())
    }

    fn open(&self, name: &str) -> io::Result<Self::File> {
        let Some(length) = self.lengths.get(name).copied() else {
            return Err(io::ErrorKind::NotFound.into());
        };
        let file = self.tree.open(&log_path(name))?;
        Ok(ListedFile { file, length })
    }

    fn create(&self, _: &str) -> io::Result<Self::File> {
        read_only()
    }

    fn remove(&self, _: &str) -> io::Result<()> {
        read_only()
    }

    fn sync_directory(&self) -> io::Result<()> {
        read_only()
    }
}

impl<F: StorageFile> StorageFile for ListedFile<F> {
    fn length(&self) -> io::Result<u64> {
        Ok(self.file.length()?.min(self.length))
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.length.saturating_sub(offset)).unwrap_or(usize::MAX);
        let wanted = left.min(buffer.len());
        match wanted {
            0 => Ok(0),
            wanted => self.file.read_at(offset, &mut buffer[..wanted]),
        }
    }

    fn write_at(&self, _: u64, _: &[u8]) -> io::Result<()> {
        read_only()
    }

    fn sync(&self) -> io::Result<()> {
        read_only()
    }

    fn truncate(&self, _: u64) -> io::Result<()> {
        read_only()
    }
}
