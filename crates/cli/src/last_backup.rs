//! `LAST_BACKUP`: a note in the data directory about the newest backup, so that `doctor` can say
//! how old it is. It is a hint: the backup itself is where its manifest is.

use std::fs;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use tillroll_events::Timestamp;

use crate::data_dir::DataDir;

/// The newest backup that was made of a data directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LastBackup {
    /// Where it was written.
    pub(crate) target: PathBuf,
    /// Where the log in it ends.
    pub(crate) position: u64,
    /// By this machine's clock.
    pub(crate) at: Timestamp,
}

fn path(data: &DataDir) -> PathBuf {
    data.layout().last_backup()
}

impl LastBackup {
    /// `None` when there is none, or what is there cannot be understood.
    pub(crate) fn read(data: &DataDir) -> Option<Self> {
        serde_json::from_slice(&fs::read(path(data)).ok()?).ok()
    }

    /// Put beside and renamed, so that a reader finds the old one or the new one.
    pub(crate) fn write(&self, data: &DataDir) -> std::io::Result<()> {
        let path = path(data);
        let beside = path.with_extension("new");
        let mut text = serde_json::to_string(self)?;
        text.push('\n');
        fs::write(&beside, text)?;
        fs::rename(beside, path)
    }
}
