//! Reading a log while its writer fills the room behind the frames: between any two reads of the
//! file, frames appear inside it, before the bytes that are read next and behind them.

mod support;

use std::io;
use std::sync::{Arc, Mutex};

use support::{ID, batch, open_with_room};
use tillroll_log::testing::{MemoryFile, MemoryStorage, MemoryTree, TestLog};
use tillroll_log::{
    BackupSource, FileLog, Head, Log, LogOptions, LogVerifyError, Storage, StorageFile, backup,
    verify,
};

const SEGMENT_BYTES: u64 = 2 << 20;
/// Frames of this many bytes and more, some in a read and some over several.
const RECORD_BYTES: [usize; 4] = [30_000, 9_000, 200, 60_000];

/// The writer, and how many frames it appends between two reads.
struct Writer {
    log: FileLog<MemoryStorage>,
    appended: usize,
    frames: usize,
    to_a_read: usize,
}

impl Writer {
    fn append(&mut self) {
        let bytes = RECORD_BYTES[self.appended % RECORD_BYTES.len()];
        let record = vec![u8::try_from(self.appended % 250).unwrap() + 1; bytes];
        self.log.append_next(&mut batch([record])).unwrap();
        self.appended += 1;
        while self.log.idle().unwrap() {}
    }

    fn go_on(&mut self) {
        for _ in 0..self.to_a_read {
            if self.appended < self.frames {
                self.append();
            }
        }
    }
}

/// What another process sees of the writer's files.
#[derive(Clone)]
struct Beside {
    storage: MemoryStorage,
    writer: Arc<Mutex<Writer>>,
}

struct BesideFile {
    file: MemoryFile,
    writer: Arc<Mutex<Writer>>,
}

impl Storage for Beside {
    type File = BesideFile;

    fn list(&self) -> io::Result<Vec<String>> {
        self.storage.list()
    }

    fn open(&self, name: &str) -> io::Result<BesideFile> {
        let writer = Arc::clone(&self.writer);
        self.storage
            .open(name)
            .map(|file| BesideFile { file, writer })
    }

    fn create(&self, _: &str) -> io::Result<BesideFile> {
        unreachable!("it is only looked at")
    }

    fn remove(&self, _: &str) -> io::Result<()> {
        unreachable!("it is only looked at")
    }

    fn sync_directory(&self) -> io::Result<()> {
        unreachable!("it is only looked at")
    }
}

impl StorageFile for BesideFile {
    fn length(&self) -> io::Result<u64> {
        self.file.length()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(offset, buffer);
        self.writer.lock().unwrap().go_on();
        read
    }

    fn write_at(&self, _: u64, _: &[u8]) -> io::Result<()> {
        unreachable!("it is only looked at")
    }

    fn sync(&self) -> io::Result<()> {
        unreachable!("it is only looked at")
    }

    fn truncate(&self, _: u64) -> io::Result<()> {
        unreachable!("it is only looked at")
    }
}

/// A log of `before` frames and its writer, which goes on up to `frames` while it is read.
fn growing(before: usize, frames: usize, to_a_read: usize) -> (Beside, Head) {
    let storage = MemoryStorage::new();
    let (log, _) = open_with_room(storage.clone(), SEGMENT_BYTES).unwrap();
    let mut writer = Writer {
        log,
        appended: 0,
        frames,
        to_a_read,
    };
    for _ in 0..before {
        writer.append();
    }
    let head = writer.log.end();
    let writer = Arc::new(Mutex::new(writer));
    (Beside { storage, writer }, head)
}

#[test]
fn frames_that_appear_while_a_log_is_read_are_not_damage() {
    for before in (1..24).step_by(3) {
        for to_a_read in [1, 2, 3, 7] {
            let what = format!("{before} frames before, {to_a_read} to a read");
            let (log, head) = growing(before, before + 30, to_a_read);
            match verify(&log, |_| {}) {
                Ok(report) => assert!(report.head.position >= head.position, "{what}"),
                Err(LogVerifyError::Damaged(damage)) => {
                    assert!(damage.torn_tail, "{what}: {damage}")
                }
                Err(error) => panic!("{what}: {error}"),
            }
            let (log, head) = growing(before, before + 30, to_a_read);
            let (data, target) = (MemoryTree::new(), MemoryTree::new());
            data.put("BOOK", "the id");
            let source = BackupSource {
                log: &log,
                data: &data,
                files: &["BOOK"],
            };
            let report = backup(&source, &target, |_| {});
            let report = report.unwrap_or_else(|error| panic!("{what}: {error}"));
            assert!(report.head.position >= head.position, "{what}");
            assert_eq!(report.bytes_left_out, 0, "{what}: no frame was torn");
            // What was written is what the writer's own start finds, when it is over.
            let log = log.storage.restarted();
            let options = LogOptions {
                id: Some(ID),
                durable: Some(report.head),
                ..LogOptions::default()
            };
            let (_, found) = FileLog::open(log, options).expect(&what);
            assert_eq!(found.torn_tail, None, "{what}");
        }
    }
}
