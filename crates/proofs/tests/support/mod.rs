//! Logs and keys that the tests share.

#![allow(dead_code, reason = "each test file uses some of it")]

use std::path::Path;
use tillroll_log::testing::TestLog;

use tillroll_log::{Batch, DirStorage, FileLog, Log, LogId, LogOptions, LogReader, MemoryLog};
use tillroll_proofs::merkle::{Frontier, FullTree, leaf_hash};
use tillroll_proofs::{KeyName, LogCheckpoint, SignedCheckpoint, SigningKey};

pub const BOOK: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/// The records of the golden files.
pub const RECORDS: [&str; 5] = ["order placed", "", "order paid", "refund of 1200", "payout"];

pub fn name() -> KeyName {
    KeyName::of_book(BOOK)
}

/// The key of which every byte of the seed is `seed`.
pub fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(name(), &[seed; 32])
}

pub fn golden(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    std::fs::read_to_string(path.join(file)).unwrap()
}

pub fn batch<R: AsRef<[u8]>>(records: impl IntoIterator<Item = R>) -> Batch {
    let mut batch = Batch::new();
    for record in records {
        batch.push(record.as_ref()).unwrap();
    }
    batch
}

pub fn tree<R: AsRef<[u8]>>(records: impl IntoIterator<Item = R>) -> FullTree {
    let leaves = records.into_iter();
    leaves.map(|record| leaf_hash(record.as_ref())).collect()
}

/// What a signer who has only these records says of them.
pub fn checkpoint<R: AsRef<[u8]>>(
    records: impl IntoIterator<Item = R>,
    key: &SigningKey,
) -> SignedCheckpoint {
    let mut tree = Frontier::new();
    for record in records {
        tree.push(leaf_hash(record.as_ref()));
    }
    let checkpoint = LogCheckpoint {
        origin: key.verifier().name().clone(),
        size: tree.size(),
        root: tree.root(),
    };
    SignedCheckpoint::sign(checkpoint, key).unwrap()
}

/// Record `n` of a made-up log, from 1.
pub fn record(n: u64) -> Vec<u8> {
    format!("record {n} ")
        .repeat(1 + usize::try_from(n % 3).unwrap())
        .into_bytes()
}

pub fn records(count: u64) -> Vec<Vec<u8>> {
    (1..=count).map(record).collect()
}

/// Frames of `frame` records each.
pub fn memory(records: &[Vec<u8>], frame: usize) -> MemoryLog {
    let mut log = MemoryLog::new();
    append(&mut log, records, frame);
    log
}

pub fn append(log: &mut dyn Log, records: &[Vec<u8>], frame: usize) {
    for records in records.chunks(frame) {
        log.append_next(&mut batch(records)).unwrap();
    }
}

pub fn reader(log: &impl Log) -> std::sync::Arc<dyn LogReader> {
    log.reader()
}

/// A log in files, in segments of a few frames.
pub fn files(directory: &Path) -> FileLog {
    let options = LogOptions {
        segment_bytes: 2048,
        id: Some(LogId::new(BOOK)),
        ..LogOptions::default()
    };
    FileLog::open(DirStorage::open(directory).unwrap(), options)
        .unwrap()
        .0
}

/// A text with each of its bytes changed once: by a bit, to another case, to a newline.
pub fn mutations(bytes: &[u8]) -> impl Iterator<Item = (usize, Vec<u8>)> + '_ {
    (0..bytes.len()).map(move |at| {
        let byte = bytes[at];
        let mut changed = bytes.to_vec();
        changed[at] = match at % 3 {
            0 => byte ^ 1,
            1 => byte ^ 0x20,
            _ if byte == b'\n' => b' ',
            _ => b'\n',
        };
        (at, changed)
    })
}
