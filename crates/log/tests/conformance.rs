//! The suite for every backend, on the backends of this crate.

use tillroll_log::conformance::{self, Backend};
use tillroll_log::testing::{MemoryStorage, TestLog};
use tillroll_log::{DirStorage, FileLog, Log, MemoryLog, Options};

/// Small segments, so that the suite crosses many.
fn options() -> Options {
    Options {
        segment_bytes: 4096,
        ..Options::default()
    }
}

#[derive(Default)]
struct InMemory(MemoryLog);

impl Backend for InMemory {
    fn fresh(&mut self) -> Box<dyn Log> {
        self.0 = MemoryLog::new();
        Box::new(self.0.clone())
    }

    fn reopen(&mut self, log: Box<dyn Log>) -> Box<dyn Log> {
        drop(log);
        Box::new(self.0.clone())
    }
}

#[derive(Default)]
struct OnMemoryStorage(MemoryStorage);

impl OnMemoryStorage {
    fn open(&self) -> Box<dyn Log> {
        Box::new(FileLog::open(self.0.clone(), options()).unwrap().0)
    }
}

impl Backend for OnMemoryStorage {
    fn fresh(&mut self) -> Box<dyn Log> {
        self.0 = MemoryStorage::new();
        self.open()
    }

    fn reopen(&mut self, log: Box<dyn Log>) -> Box<dyn Log> {
        drop(log);
        self.open()
    }
}

struct OnDirectory(tempfile::TempDir);

impl OnDirectory {
    fn open(&self) -> Box<dyn Log> {
        let storage = DirStorage::open(self.0.path().join("book")).unwrap();
        Box::new(FileLog::open(storage, options()).unwrap().0)
    }
}

impl Backend for OnDirectory {
    fn fresh(&mut self) -> Box<dyn Log> {
        self.0 = tempfile::tempdir().unwrap();
        self.open()
    }

    fn reopen(&mut self, log: Box<dyn Log>) -> Box<dyn Log> {
        drop(log);
        self.open()
    }
}

#[test]
fn a_log_in_memory_conforms() {
    conformance::check(&mut InMemory::default());
}

#[test]
fn segment_files_in_memory_conform() {
    conformance::check(&mut OnMemoryStorage::default());
}

#[test]
fn segment_files_in_a_directory_conform() {
    conformance::check(&mut OnDirectory(tempfile::tempdir().unwrap()));
}

#[test]
fn every_backend_computes_the_same_head() {
    let mut backends: [Box<dyn Backend>; 2] = [
        Box::new(InMemory::default()),
        Box::new(OnMemoryStorage::default()),
    ];
    let heads = backends.each_mut().map(|backend| {
        let mut log = backend.fresh();
        let mut batch = tillroll_log::Batch::new();
        for record in 0..500u32 {
            batch.push(&record.to_le_bytes().repeat(9)).unwrap();
            if record % 7 == 0 {
                log.append_next(&mut batch).unwrap();
                batch.clear();
            }
        }
        log.end()
    });
    assert_eq!(heads[0], heads[1]);
}
