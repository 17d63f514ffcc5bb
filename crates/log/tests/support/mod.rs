//! What the log's tests share. Each test file uses a part of it.
#![allow(dead_code, reason = "each test file uses a part of it")]

pub mod backups;

use tillroll_log::testing::{MemoryStorage, TestLog};
use tillroll_log::{
    Batch, Damage, Deadline, FileLog, Head, Log, LogId, LogOptions, OpenError, Position,
    RecoveryReport, Storage,
};

pub const ID: LogId = LogId::new(*b"a book of tests.");

/// Length of a segment's header.
pub const HEADER: usize = 128;
pub const BATCHES: &[&[&str]] = &[&["one", "two"], &["three"], &["four", "five", "six"]];
/// Offsets of the three frames of [`BATCHES`], in one segment, and of their end.
pub const FRAMES: [usize; 4] = [
    HEADER,
    HEADER + 160 + 14 + 8,
    HEADER + 160 + 14 + 8 + 160 + 9 + 8,
    HEADER + 160 + 14 + 8 + 160 + 9 + 8 + 160 + 23 + 8,
];
pub type Record = Vec<u8>;

pub fn options(segment_bytes: u64) -> LogOptions {
    LogOptions {
        segment_bytes,
        id: Some(ID),
        // Frames then end where the file does.
        room: false,
        ..LogOptions::default()
    }
}

/// A log whose writer makes room.
pub fn open_with_room<S: Storage>(
    storage: S,
    segment_bytes: u64,
) -> Result<(FileLog<S>, RecoveryReport), OpenError> {
    let options = LogOptions {
        room: true,
        ..options(segment_bytes)
    };
    FileLog::open(storage, options)
}

pub fn open<S: Storage>(
    storage: S,
    segment_bytes: u64,
) -> Result<(FileLog<S>, RecoveryReport), OpenError> {
    FileLog::open(storage, options(segment_bytes))
}

pub fn batch<R: AsRef<[u8]>>(records: impl IntoIterator<Item = R>) -> Batch {
    let mut batch = Batch::new();
    for record in records {
        batch.push(record.as_ref()).unwrap();
    }
    batch
}

/// A storage that holds these batches, closed in good order.
pub fn written(batches: &[&[&str]], segment_bytes: u64) -> (MemoryStorage, Head) {
    let storage = MemoryStorage::new();
    let (mut log, _) = open(storage.clone(), segment_bytes).unwrap();
    for records in batches {
        log.append_next(&mut batch(*records)).unwrap();
    }
    (storage, log.end())
}

pub fn all(log: &impl Log) -> Vec<Record> {
    let records = log
        .reader()
        .read_from(Position::ZERO, Deadline::NEVER)
        .unwrap();
    let mut found = Vec::new();
    for (expected, record) in (1..).map(Position::new).zip(records) {
        let (position, bytes) = record.unwrap();
        assert_eq!(position, expected);
        found.push(bytes);
    }
    assert_eq!(found.len() as u64, log.end().position.get());
    found
}

pub fn texts(log: &impl Log) -> Vec<String> {
    let records = all(log).into_iter();
    records
        .map(|record| String::from_utf8(record).unwrap())
        .collect()
}

pub fn segment(first: u64) -> String {
    tillroll_log::segment::file_name(Position::new(first))
}

/// Opens a log that must be refused, and left as it was.
pub fn damage(storage: &MemoryStorage, options: LogOptions) -> Damage {
    let before: Vec<_> = contents(storage);
    let error = FileLog::open(storage.clone(), options)
        .map(|_| ())
        .unwrap_err();
    assert_eq!(
        contents(storage),
        before,
        "a refused log is left as it was: {error}"
    );
    match error {
        OpenError::Damaged(damage) => damage,
        other => panic!("{other}"),
    }
}

pub fn contents(storage: &MemoryStorage) -> Vec<(String, Vec<u8>)> {
    let names = storage.names().into_iter();
    names
        .map(|name| (name.clone(), storage.bytes(&name)))
        .collect()
}

/// The storage with one file's bytes changed.
pub fn with(
    storage: &MemoryStorage,
    name: &str,
    change: impl FnOnce(&mut Vec<u8>),
) -> MemoryStorage {
    let changed = storage.restarted();
    let mut bytes = storage.bytes(name);
    change(&mut bytes);
    changed.put(name, bytes);
    changed
}
