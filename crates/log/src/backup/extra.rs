//! Small files beside the log, which the caller names: an identity, names of
//! accounts, keys.

use super::error::{BackupError, PathFault, failed};
use super::tree::Tree;
use super::{LOG, error};
use crate::error::{Operation, StorageError};
use crate::scan::read_full;
use crate::storage::StorageFile;

/// A file beside the log that has more is not one of the small ones.
pub(super) const MOST_BYTES: u64 = 16 * 1024 * 1024;

/// Whether a path stays below the data directory and out of the log, and has
/// one way to be written. It guards a restore as well: a manifest may come
/// from anywhere.
pub(super) fn check_path(path: &str) -> Result<(), PathFault> {
    if path.chars().any(char::is_control) {
        return Err(PathFault::Control);
    }
    let mut parts = path.split('/');
    if parts.any(|part| matches!(part, "" | "." | "..")) {
        return Err(PathFault::NotPlain);
    }
    let top = path.split('/').next().unwrap_or_default();
    match top.eq_ignore_ascii_case(LOG) {
        true => Err(PathFault::InLog),
        false => Ok(()),
    }
}

pub(super) fn check_paths(paths: &[&str]) -> Result<(), BackupError> {
    for (index, path) in paths.iter().enumerate() {
        let fault = match check_path(path) {
            Err(fault) => fault,
            Ok(()) if paths[..index].contains(path) => PathFault::Twice,
            Ok(()) => continue,
        };
        return Err(BackupError::Path {
            path: (*path).to_owned(),
            fault,
        });
    }
    Ok(())
}

/// The content of a file, `None` when there is none.
pub(super) fn read_whole<T: Tree>(
    tree: &T,
    path: &str,
    most: u64,
) -> Result<Option<Vec<u8>>, ReadWhole> {
    let file = match tree.open(path) {
        Ok(file) => file,
        Err(source) if error::is_absent(&source) => return Ok(None),
        Err(source) => return Err(failed(Operation::Open, path)(source).into()),
    };
    let length = file.length().map_err(failed(Operation::Length, path))?;
    if length > most {
        return Err(ReadWhole::TooLarge);
    }
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
    let read = read_full(&file, path, 0, &mut bytes)?;
    bytes.truncate(read);
    Ok(Some(bytes))
}

pub(super) enum ReadWhole {
    Storage(StorageError),
    TooLarge,
}

impl From<StorageError> for ReadWhole {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_below_the_data_directory_and_out_of_the_log() {
        for (path, expected) in [
            ("BOOK", Ok(())),
            ("keys/a b", Ok(())),
            ("logs", Ok(())),
            ("keys/log", Ok(())),
            ("", Err(PathFault::NotPlain)),
            ("/etc/passwd", Err(PathFault::NotPlain)),
            ("../BOOK", Err(PathFault::NotPlain)),
            ("a/../../b", Err(PathFault::NotPlain)),
            ("./BOOK", Err(PathFault::NotPlain)),
            ("keys//a", Err(PathFault::NotPlain)),
            ("keys/", Err(PathFault::NotPlain)),
            ("a\nfile", Err(PathFault::Control)),
            ("log", Err(PathFault::InLog)),
            ("log/LOCK", Err(PathFault::InLog)),
            ("Log/LOCK", Err(PathFault::InLog)),
        ] {
            assert_eq!(check_path(path), expected, "{path:?}");
        }
    }
}
