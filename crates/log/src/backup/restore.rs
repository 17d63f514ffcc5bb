//! Restoring a backup into an empty directory.

use super::check::{BackupSummary, Part, check_files, check_log, manifest_of, parts};
use super::error::{RestoreBackupError, failed};
use super::meter::{BackupProgress, BackupStage, Meter};
use super::new_file::{NewFile, ensure_directory, sync_directory_of};
use super::tree::Tree;
use super::{LOG, log_path};
use crate::error::{Operation, StorageError};
use crate::segment::UNFINISHED_RESTORE;
use crate::storage::StorageFile;

/// What was restored: complete, verified and durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestoreReport {
    /// What the backup held, and the directory now holds.
    pub backup: BackupSummary,
    /// Paths of the files beside the log.
    pub files: Vec<String>,
}

/// Checks a backup, copies it into an empty directory and verifies the log
/// there. Until that is done, and durable, a file among the segments keeps
/// every log from opening there.
///
/// # Errors
/// [`RestoreBackupError`]; what was begun is to be thrown away.
pub fn restore<B: Tree, D: Tree>(
    backup: &B,
    data: &D,
    mut progress: impl FnMut(&BackupProgress),
) -> Result<RestoreReport, RestoreBackupError> {
    let manifest = manifest_of(backup)?;
    let names = data.list("").map_err(failed(Operation::List, ""));
    if let Some(name) = names
        .map_err(RestoreBackupError::Target)?
        .into_iter()
        .next()
    {
        return Err(RestoreBackupError::NotEmpty { name });
    }
    check_files(backup, &manifest, &mut progress)?;
    begin(data)?;
    for file in &manifest.files {
        for (end, _) in file.path.match_indices('/') {
            ensure_directory(data, &file.path[..end]).map_err(RestoreBackupError::Target)?;
        }
    }
    let mut meter = Meter::new(BackupStage::Copying, manifest.bytes(), &mut progress);
    for part in parts(&manifest) {
        copy(backup, data, &part, &mut meter)?;
    }
    check_log(data, &manifest, &mut progress).map_err(RestoreBackupError::Restored)?;
    finish(data).map_err(RestoreBackupError::Target)?;
    Ok(RestoreReport {
        files: manifest
            .files
            .iter()
            .map(|file| file.path.clone())
            .collect(),
        backup: BackupSummary::of(&manifest),
    })
}

/// Makes the log's directory and puts the mark into it. Of two restores, one
/// makes the directory.
fn begin<D: Tree>(data: &D) -> Result<(), RestoreBackupError> {
    data.make_directory(LOG)
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => RestoreBackupError::NotEmpty {
                name: LOG.to_owned(),
            },
            _ => RestoreBackupError::Target(failed(Operation::MakeDirectory, LOG)(error)),
        })?;
    let mark = || -> Result<(), StorageError> {
        let path = log_path(UNFINISHED_RESTORE);
        let file = data.create(&path);
        let file = file.map_err(failed(Operation::Create, &path))?;
        file.sync().map_err(failed(Operation::Sync, &path))?;
        sync_directory_of(data, &path)?;
        sync_directory_of(data, LOG)
    };
    mark().map_err(RestoreBackupError::Target)
}

fn copy<B: Tree, D: Tree>(
    backup: &B,
    data: &D,
    part: &Part<'_>,
    meter: &mut Meter<'_>,
) -> Result<(), RestoreBackupError> {
    let mut file = NewFile::create(data, &part.path).map_err(RestoreBackupError::Target)?;
    part.read(backup, |bytes| {
        meter.add(bytes.len() as u64);
        file.write(bytes).map_err(RestoreBackupError::Target)
    })?;
    part.compare(file.hash())?;
    file.install().map_err(RestoreBackupError::Target)
}

fn finish<D: Tree>(data: &D) -> Result<(), StorageError> {
    let path = log_path(UNFINISHED_RESTORE);
    let removed = data.remove(&path);
    removed.map_err(failed(Operation::Remove, &path))?;
    sync_directory_of(data, &path)
}
