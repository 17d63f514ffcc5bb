//! Small logs for the suites of the journal.

use tillroll_journal::testing::MemoryStorage;
use tillroll_journal::{
    Batch, Damage, FileJournal, Head, Journal, JournalId, OpenError, Options, Position,
    RecoveryReport,
};

use super::{Caught, ensure};
use crate::image::{self, Extent};

const ID: JournalId = JournalId::new(*b"a log of suites.");

pub(super) type Record = Vec<u8>;

pub(super) const BATCHES: &[&[&str]] = &[&["one", "two"], &["three"], &["four", "five", "six"]];

pub(super) fn options(segment_bytes: u64) -> Options {
    Options {
        segment_bytes,
        id: Some(ID),
        // Frames then end where the file does.
        room: false,
        ..Options::default()
    }
}

pub(super) fn batch<R: AsRef<[u8]>>(records: &[R]) -> Batch {
    let mut batch = Batch::new();
    for record in records {
        batch
            .push(record.as_ref())
            .expect("records of suites are small");
    }
    batch
}

pub(super) fn open(
    storage: &MemoryStorage,
    segment_bytes: u64,
) -> Result<(FileJournal<MemoryStorage>, RecoveryReport), OpenError> {
    FileJournal::open(storage.clone(), options(segment_bytes))
}

/// A storage with these batches, closed in good order.
pub(super) fn written(
    batches: &[&[&str]],
    segment_bytes: u64,
) -> Result<(MemoryStorage, Head), Caught> {
    let storage = MemoryStorage::new();
    let opened = open(&storage, segment_bytes);
    let (mut journal, _) = opened.map_err(Caught::unexpected("an empty log does not open"))?;
    for records in batches {
        let appended = journal.append(&mut batch(records));
        appended.map_err(Caught::unexpected("memory does not fail"))?;
    }
    Ok((storage, journal.head()))
}

/// All records. Their positions are dense from 1, up to the head.
pub(super) fn read(journal: &impl Journal) -> Result<Vec<Record>, Caught> {
    let unread = Caught::unexpected("a committed record cannot be read");
    let records = journal
        .reader()
        .read_from(Position::ZERO)
        .map_err(&unread)?;
    let mut found = Vec::new();
    for (expected, record) in (1..).map(Position::new).zip(records) {
        let (position, bytes) = record.map_err(&unread)?;
        ensure(position == expected, || {
            format!("position {position} follows where {expected} belongs")
        })?;
        found.push(bytes);
    }
    let (count, head) = (found.len() as u64, journal.head().position.get());
    ensure(count == head, || {
        format!("{count} records are read of {head}")
    })?;
    Ok(found)
}

pub(super) fn sent(batches: &[&[&str]]) -> Vec<Record> {
    let records = batches.iter().flat_map(|batch| batch.iter());
    records.map(|text| text.as_bytes().to_vec()).collect()
}

/// Where the frames lie.
pub(super) fn extents(storage: &MemoryStorage) -> Vec<Extent> {
    image::extents(&image::files(storage))
}

/// The storage with one file changed.
pub(super) fn changed(
    storage: &MemoryStorage,
    name: &str,
    change: impl FnOnce(&mut Vec<u8>),
) -> MemoryStorage {
    let other = storage.restarted();
    let mut bytes = storage.bytes(name);
    change(&mut bytes);
    other.put(name, bytes);
    other
}

/// The damage that a log is refused for. It is left as it was.
pub(super) fn damage(
    storage: &MemoryStorage,
    options: Options,
    what: &str,
) -> Result<Damage, Caught> {
    let before = image::files(storage);
    let opened = FileJournal::open(storage.clone(), options);
    let untouched = image::files(storage) == before;
    match opened {
        Err(OpenError::Damaged(damage)) => {
            ensure(untouched, || format!("{what}: refused, and changed"))?;
            Ok(damage)
        }
        Err(other) => Err(Caught(format!("{what}: {other}"))),
        Ok((_, report)) => Err(Caught(format!(
            "{what}: the log opens with {} records",
            report.head.position
        ))),
    }
}
