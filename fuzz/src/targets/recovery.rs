//! Opening a directory of any content.
//!
//! The first byte of the input chooses: the rest is a segment file as it is, or
//! edits of a log that is known.

use std::sync::LazyLock;

use tillroll_log::testing::{MemoryStorage, TestLog};
use tillroll_log::{Batch, Deadline, FileLog, Log, LogId, LogOptions, Position, segment, verify};

/// Small, so that the known log has three segments.
const SEGMENT_BYTES: u64 = 600;

/// No content of the files makes opening panic. A log that is refused is left
/// as it was. A log that opens is whole, stays so, and takes records; and of a
/// log that is known, it serves the beginning and nothing else.
pub fn recovery(data: &[u8]) {
    let Some((choice, rest)) = data.split_first() else {
        return;
    };
    if choice % 2 == 0 {
        let storage = MemoryStorage::new();
        storage.put(&segment::file_name(Position::FIRST), rest);
        opened(&storage);
    } else {
        let (known, sent) = &*KNOWN;
        let storage = known.restarted();
        edit(&storage, rest);
        if let Some(found) = opened(&storage) {
            assert_eq!(found, sent[..found.len()], "something else was served");
        }
    }
}

/// Opens a log and checks what must hold afterwards. Answers its records.
fn opened(storage: &MemoryStorage) -> Option<Vec<Vec<u8>>> {
    let before = files(storage);
    let mut found = Vec::new();
    let open = FileLog::open_with(storage.clone(), options(), |_, record| {
        found.push(record.to_vec())
    });
    let Ok((mut log, report)) = open else {
        assert_eq!(files(storage), before, "a refused log was changed");
        return None;
    };
    assert_eq!(log.end().position.get(), found.len() as u64);
    assert_eq!(report.records, found.len() as u64);
    let verified = verify(storage, |_| {}).expect("a log that opens is whole");
    assert_eq!(verified.head, log.end());
    let read = log
        .reader()
        .read_from(Position::ZERO, Deadline::NEVER)
        .expect("it was checked");
    let read: Vec<_> = read
        .map(|record| record.expect("it was checked").1)
        .collect();
    assert_eq!(read, found);

    let mut batch = Batch::new();
    batch.push(b"one more").expect("it is small");
    let head = log
        .append_next(&mut batch)
        .expect("nothing fails here")
        .head;
    drop(log);
    let (log, report) = FileLog::open(storage.clone(), options()).expect("it was closed in order");
    assert_eq!((report.torn_tail, report.removed_segment), (None, None));
    assert_eq!(log.end(), head);
    Some(found)
}

fn options() -> LogOptions {
    LogOptions {
        segment_bytes: SEGMENT_BYTES,
        ..LogOptions::default()
    }
}

fn files(storage: &MemoryStorage) -> Vec<(String, Vec<u8>)> {
    let names = storage.names().into_iter();
    names
        .map(|name| (name.clone(), storage.bytes(&name)))
        .collect()
}

/// It is made once: every input begins with a copy, which shares what it does not change.
static KNOWN: LazyLock<(MemoryStorage, Vec<Vec<u8>>)> = LazyLock::new(known_log);

fn known_log() -> (MemoryStorage, Vec<Vec<u8>>) {
    let storage = MemoryStorage::new();
    let known = LogOptions {
        id: Some(LogId::new([7; 16])),
        ..options()
    };
    let (mut log, _) = FileLog::open(storage.clone(), known).expect("nothing fails here");
    let mut sent = Vec::new();
    let mut batch = Batch::new();
    for number in 0..6u8 {
        batch.clear();
        for record in 0..=number % 3 {
            let bytes = vec![number * 16 + record; usize::from(number) * 7];
            batch.push(&bytes).expect("it is small");
            sent.push(bytes);
        }
        log.append_next(&mut batch).expect("nothing fails here");
    }
    assert!(storage.names().len() > 2);
    (storage, sent)
}

/// Each may make a file longer by 64 KiB, and the storage keeps what was there before it: of
/// hundreds, an input took more than a gigabyte and most of a second, and showed nothing more.
const MOST_EDITS: usize = 32;

/// Four bytes each: which file and what to do, where (two bytes), and a value.
fn edit(storage: &MemoryStorage, edits: &[u8]) {
    for edit in edits.chunks_exact(4).take(MOST_EDITS) {
        let names = storage.names();
        let Some(name) = names.get(usize::from(edit[0] >> 3) % names.len().max(1)) else {
            return;
        };
        let mut bytes = storage.bytes(name);
        let at = usize::from(u16::from_le_bytes([edit[1], edit[2]])) % (bytes.len() + 1);
        let value = edit[3];
        match edit[0] & 7 {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, value),
            2 => bytes[at..].fill(value),
            3 => bytes.extend(std::iter::repeat_n(value, at)),
            4 => {
                storage.take(name);
                continue;
            }
            5 => {
                // A block that was written to the wrong place.
                let block: Vec<_> = bytes
                    .iter()
                    .copied()
                    .skip(at)
                    .take(usize::from(value) * 4)
                    .collect();
                bytes.extend(block);
            }
            _ if at < bytes.len() => bytes[at] ^= value,
            _ => {}
        }
        storage.put(name, bytes);
    }
}
