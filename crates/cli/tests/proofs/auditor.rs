//! What an auditor keeps who need not trust us.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::on;

/// A checkpoint and the verifier key of a data directory, as files that an auditor has kept.
pub fn keep(data: &Path, auditor: &Path) -> (PathBuf, PathBuf) {
    let (note, key) = (auditor.join("kept.note"), auditor.join("key.txt"));
    fs::write(&note, on(data, &["checkpoint"]).done().out).unwrap();
    fs::write(&key, on(data, &["checkpoint", "--public-key"]).done().out).unwrap();
    (note, key)
}
