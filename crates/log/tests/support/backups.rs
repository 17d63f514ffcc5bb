//! What the tests of backups share.

use tillroll_log::testing::{MemoryStorage, MemoryTree, TestLog};
use tillroll_log::{
    BackupError, BackupReport, BackupSource, FileLog, Head, Position, RecoveryReport, Storage,
    Tree, VerifyBackupError, restore, verify_backup,
};

use super::{all, batch, open, options};

/// Room for two or three small frames.
pub const SEGMENT_BYTES: u64 = 700;
/// Every file that the tests put beside a log, and one that is not there.
pub const FILES: &[&str] = &["BOOK", "chart.toml", "keys/signing", "absent"];

/// A log in memory with a data directory beside it.
pub struct Shop {
    pub log: MemoryStorage,
    pub data: MemoryTree,
    writer: FileLog<MemoryStorage>,
    /// What its records say. Of the same length in all shops, so that two
    /// histories differ in nothing but content.
    pub word: &'static str,
}

impl Shop {
    pub fn new() -> Self {
        let log = MemoryStorage::new();
        let data = MemoryTree::new();
        data.put("BOOK", "the id");
        data.put("chart.toml", "names");
        data.put("keys/signing", "a key");
        data.put("read-models.sqlite", "rows");
        Self::over(log, data)
    }

    pub fn over(log: MemoryStorage, data: MemoryTree) -> Self {
        let (writer, _) = open(log.clone(), SEGMENT_BYTES).unwrap();
        Self {
            log,
            data,
            writer,
            word: "record",
        }
    }

    pub fn append(&mut self, batches: usize) -> Head {
        for _ in 0..batches {
            let next = self.writer.end().position.get() + 1;
            let records = (0..=next % 3).map(|more| format!("{} {}", self.word, next + more));
            self.writer.append_next(&mut batch(records)).unwrap();
        }
        self.head()
    }

    pub fn head(&self) -> Head {
        self.writer.end()
    }

    pub fn records(&self) -> Vec<Vec<u8>> {
        all(&self.writer)
    }

    pub fn source(&self) -> BackupSource<'_, MemoryStorage, MemoryTree> {
        BackupSource {
            log: &self.log,
            data: &self.data,
            files: FILES,
        }
    }

    pub fn backup(&self, target: &MemoryTree) -> Result<BackupReport, BackupError> {
        tillroll_log::backup(&self.source(), target, |_| {})
    }

    /// Lengths of the segments, in order.
    pub fn segments(&self) -> Vec<u64> {
        let names = self.log.names().into_iter();
        names
            .map(|name| self.log.bytes(&name).len() as u64)
            .collect()
    }
}

/// Checks a backup, restores it, opens it, and answers its records.
pub fn restored<T: Tree>(
    backup: &T,
) -> Result<(Head, Vec<Vec<u8>>, MemoryTree), VerifyBackupError> {
    let summary = verify_backup(backup, |_| {})?;
    let data = MemoryTree::new();
    let report = restore(backup, &data, |_| {}).unwrap();
    assert_eq!(report.backup, summary);
    let (log, recovery) = open(data.directory("log"), SEGMENT_BYTES).unwrap();
    assert_clean(&recovery);
    assert_eq!(log.end(), summary.head);
    Ok((summary.head, all(&log), data))
}

pub fn assert_clean(recovery: &RecoveryReport) {
    assert_eq!(recovery.torn_tail, None);
    assert_eq!(recovery.removed_segment, None);
    assert!(!recovery.created);
}

/// Opens a log and answers its records.
pub fn records_of<S: Storage>(log: S) -> Vec<Vec<u8>> {
    let (log, recovery) = FileLog::open(log, options(SEGMENT_BYTES)).unwrap();
    assert_clean(&recovery);
    all(&log)
}

pub fn last(records: &[Vec<u8>]) -> Position {
    Position::new(records.len() as u64)
}

/// The target with one file's bytes changed.
pub fn with(tree: &MemoryTree, path: &str, change: impl FnOnce(&mut Vec<u8>)) -> MemoryTree {
    MemoryTree::of(super::with(tree.storage(), path, change))
}

/// A shop with a few segments, and a backup of it.
pub fn backed_up(batches: usize) -> (Shop, MemoryTree) {
    let mut shop = Shop::new();
    shop.append(batches);
    let target = MemoryTree::new();
    shop.backup(&target).unwrap();
    (shop, target)
}
