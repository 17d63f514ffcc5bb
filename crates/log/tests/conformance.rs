//! The suite for every backend, on the backends of this crate, and on logs with a defect each,
//! which it has to find.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use tillroll_log::conformance::{self, Ability, Backend, InjectedFault};
use tillroll_log::testing::{
    AppendInjection, Injection, MemoryStorage, SharedLog, SharedLogWriter, StorageFailure, TestLog,
};
use tillroll_log::{
    AppendError, Batch, Committed, Deadline, DirStorage, FileLog, FileTail, Frames, Head, Log,
    LogId, LogOptions, LogReadError, LogReader, MemoryLog, Position,
};

const ID: LogId = LogId::new(*b"a log that obeys");

/// Small segments, so that the suite crosses many.
fn options() -> LogOptions {
    LogOptions {
        segment_bytes: 4096,
        ..LogOptions::default()
    }
}

const NO_FAULTS: [Ability; 6] = [
    Ability::Inject(InjectedFault::NotAppended),
    Ability::Inject(InjectedFault::DoubtLanded),
    Ability::Inject(InjectedFault::DoubtLost),
    Ability::Inject(InjectedFault::DoubtLate),
    Ability::Inject(InjectedFault::HeadFails),
    Ability::Inject(InjectedFault::ReadFails),
];

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

    fn cannot(&self) -> &'static [Ability] {
        &NO_FAULTS
    }

    fn second_writer(&mut self) -> Option<Box<dyn Log>> {
        Some(Box::new(self.0.clone()))
    }
}

/// Segment files, each of one frame, on a storage whose calls fail.
#[derive(Default)]
struct OnFaultyStorage(MemoryStorage);

impl OnFaultyStorage {
    fn open(&self) -> Box<dyn Log> {
        let options = LogOptions {
            segment_bytes: 1,
            room: false,
            ..LogOptions::default()
        };
        Box::new(FileLog::open(self.0.clone(), options).unwrap().0)
    }
}

impl Backend for OnFaultyStorage {
    fn fresh(&mut self) -> Box<dyn Log> {
        self.0 = MemoryStorage::new();
        self.open()
    }

    fn reopen(&mut self, log: Box<dyn Log>) -> Box<dyn Log> {
        drop(log);
        self.open()
    }

    fn cannot(&self) -> &'static [Ability] {
        &[
            Ability::Inject(InjectedFault::DoubtLate),
            Ability::Inject(InjectedFault::HeadFails),
            Ability::Inject(InjectedFault::ReadFails),
            Ability::SecondWriter,
        ]
    }

    fn inject(&mut self, fault: InjectedFault) -> bool {
        // The new segment takes four calls: it is created, its header is written and synced, and
        // so is the directory. Then the frame is written and synced.
        let at = match fault {
            InjectedFault::NotAppended => 0,
            InjectedFault::DoubtLost => 4,
            InjectedFault::DoubtLanded => 5,
            InjectedFault::DoubtLate | InjectedFault::HeadFails | InjectedFault::ReadFails => {
                return false;
            }
        };
        self.0.inject(Injection {
            at,
            failure: StorageFailure::Io,
            sticky: false,
        });
        true
    }
}

/// The same segment files, written by one and read by another that opens them for itself.
#[derive(Default)]
struct BesideAWriter(MemoryStorage);

impl Backend for BesideAWriter {
    fn fresh(&mut self) -> Box<dyn Log> {
        self.0 = MemoryStorage::new();
        Box::new(FileLog::open(self.0.clone(), options()).unwrap().0)
    }

    fn reopen(&mut self, log: Box<dyn Log>) -> Box<dyn Log> {
        drop(log);
        Box::new(FileLog::open(self.0.clone(), options()).unwrap().0)
    }

    fn cannot(&self) -> &'static [Ability] {
        &[
            Ability::Inject(InjectedFault::NotAppended),
            Ability::Inject(InjectedFault::DoubtLanded),
            Ability::Inject(InjectedFault::DoubtLost),
            Ability::Inject(InjectedFault::DoubtLate),
            Ability::Inject(InjectedFault::ReadFails),
            Ability::SecondWriter,
        ]
    }

    fn reader(&mut self, _: &dyn Log) -> Arc<dyn LogReader> {
        Arc::new(FileTail::open(self.0.clone()).unwrap())
    }

    fn inject(&mut self, fault: InjectedFault) -> bool {
        if fault != InjectedFault::HeadFails {
            return false;
        }
        self.0.inject(Injection {
            at: 0,
            failure: StorageFailure::Io,
            sticky: false,
        });
        true
    }
}

/// The log of a directory; its readers have opened the directory again, as another process does.
struct OnDirectory {
    directory: tempfile::TempDir,
    reads_for_itself: bool,
}

impl OnDirectory {
    fn new(reads_for_itself: bool) -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
            reads_for_itself,
        }
    }

    fn open(&self) -> Box<dyn Log> {
        let storage = DirStorage::open(self.directory.path().join("book")).unwrap();
        Box::new(FileLog::open(storage, options()).unwrap().0)
    }
}

impl Backend for OnDirectory {
    fn fresh(&mut self) -> Box<dyn Log> {
        self.directory = tempfile::tempdir().unwrap();
        self.open()
    }

    fn reopen(&mut self, log: Box<dyn Log>) -> Box<dyn Log> {
        drop(log);
        self.open()
    }

    fn cannot(&self) -> &'static [Ability] {
        const NOTHING: [Ability; 7] = {
            let mut all = [Ability::SecondWriter; 7];
            let mut at = 0;
            while at < NO_FAULTS.len() {
                all[at] = NO_FAULTS[at];
                at += 1;
            }
            all
        };
        &NOTHING
    }

    fn reader(&mut self, log: &dyn Log) -> Arc<dyn LogReader> {
        if self.reads_for_itself {
            return log.reader();
        }
        let storage = DirStorage::open_read_only(self.directory.path().join("book"));
        Arc::new(FileTail::open(storage.unwrap()).unwrap())
    }
}

/// A log that is kept elsewhere.
struct Shared {
    log: SharedLog,
    /// Frames by which its readers start behind.
    behind: usize,
}

impl Shared {
    fn behind(behind: usize) -> Self {
        let log = SharedLog::new(ID);
        Self { log, behind }
    }
}

impl Backend for Shared {
    fn fresh(&mut self) -> Box<dyn Log> {
        self.log = SharedLog::new(ID);
        Box::new(self.log.writer())
    }

    fn reopen(&mut self, log: Box<dyn Log>) -> Box<dyn Log> {
        drop(log);
        Box::new(self.log.writer())
    }

    fn cannot(&self) -> &'static [Ability] {
        &[]
    }

    fn reader(&mut self, _: &dyn Log) -> Arc<dyn LogReader> {
        Arc::new(self.log.reader(self.behind))
    }

    fn second_writer(&mut self) -> Option<Box<dyn Log>> {
        Some(Box::new(self.log.writer()))
    }

    fn inject(&mut self, fault: InjectedFault) -> bool {
        match fault {
            InjectedFault::NotAppended => self.log.inject(AppendInjection::Refused),
            InjectedFault::DoubtLanded => self.log.inject(AppendInjection::AnswerLost),
            InjectedFault::DoubtLost => self.log.inject(AppendInjection::RequestLost),
            InjectedFault::DoubtLate => self.log.inject(AppendInjection::Late { calls: u64::MAX }),
            InjectedFault::HeadFails => self.log.fail_heads(1),
            InjectedFault::ReadFails => self.log.fail_reads(1),
        }
        true
    }

    fn deliver(&mut self) {
        self.log.deliver();
    }
}

#[test]
fn a_log_in_memory_conforms() {
    conformance::check(&mut InMemory::default());
}

#[test]
fn segment_files_on_a_storage_that_fails_conform() {
    conformance::check(&mut OnFaultyStorage::default());
}

#[test]
fn segment_files_that_another_opener_reads_conform() {
    conformance::check(&mut BesideAWriter::default());
}

#[test]
fn segment_files_in_a_directory_conform() {
    conformance::check(&mut OnDirectory::new(true));
}

#[test]
fn segment_files_in_a_directory_that_another_opener_reads_conform() {
    conformance::check(&mut OnDirectory::new(false));
}

#[test]
fn a_shared_log_conforms() {
    conformance::check(&mut Shared::behind(0));
}

#[test]
fn every_backend_computes_the_same_head() {
    let mut backends: [Box<dyn Backend>; 3] = [
        Box::new(InMemory::default()),
        Box::new(OnFaultyStorage::default()),
        Box::new(Shared::behind(0)),
    ];
    let heads = backends.each_mut().map(|backend| {
        let mut log = backend.fresh();
        let mut batch = Batch::new();
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
    assert_eq!(heads[0], heads[2]);
}

/// Writers and a follower on a log most of whose calls fail: what was acknowledged is there once
/// and in order, whatever the seed.
#[test]
fn what_a_troubled_shared_log_acknowledges_is_there_once() {
    for seed in 0..300 {
        let shared = SharedLog::with_faults(ID, seed, 2);
        let mut writers = [shared.writer(), shared.writer(), shared.writer()];
        let mut heads = [Head::EMPTY; 3];
        let mut acknowledged = Vec::new();
        for number in 0..40u32 {
            let which = number as usize * 7 / 5 % 3;
            let (writer, head) = (&mut writers[which], &mut heads[which]);
            let record = format!("{which} wrote {number}").into_bytes();
            let mut batch = Batch::new();
            batch.push(&record).unwrap();
            if let Some(committed) = append_until_settled(writer, head, &mut batch) {
                acknowledged.push((committed.first, record));
            }
        }
        shared.deliver();
        shared.calm();
        let reader = shared.reader(3);
        let end = reader.wait_past(
            shared.writer().end().position,
            Deadline::after(Duration::ZERO),
        );
        let records = reader.read_from(Position::FIRST, Deadline::NEVER).unwrap();
        let found: Vec<_> = records.map(Result::unwrap).collect();
        assert_eq!(
            found.len() as u64,
            end.unwrap().position.get(),
            "seed {seed}"
        );
        for (position, record) in &acknowledged {
            let times = found.iter().filter(|(_, found)| found == record).count();
            assert_eq!(times, 1, "seed {seed}");
            assert!(
                found.contains(&(*position, record.clone())),
                "seed {seed}: {position}"
            );
        }
        assert!(acknowledged.len() > 10, "seed {seed}: it comes forward");
    }
}

/// Appends behind the head that the writer knows; `None` when it is superseded, and it has caught
/// up then.
fn append_until_settled(
    writer: &mut SharedLogWriter,
    head: &mut Head,
    batch: &mut Batch,
) -> Option<Committed> {
    loop {
        match writer.append(*head, batch, Deadline::NEVER) {
            Ok(committed) => {
                *head = committed.head;
                return Some(committed);
            }
            Err(AppendError::Superseded { actual, .. }) => {
                *head = actual;
                return None;
            }
            Err(AppendError::NotAppended { .. } | AppendError::InDoubt { .. }) => {}
        }
    }
}

/// What is wrong with a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Defect {
    /// It appends wherever the log ends.
    Interleaves,
    /// It acknowledges some frames that it does not keep.
    Loses,
    /// It appends a batch again that is there already.
    Duplicates,
    /// Its readers do not wait for what is appended later.
    NeverWakes,
    /// Frames that are read again start too late.
    Skips,
    /// Frames that are read again start too early.
    Repeats,
}

struct Defective {
    log: MemoryLog,
    defect: Defect,
    appends: Arc<AtomicU64>,
}

impl Log for Defective {
    fn id(&self) -> LogId {
        self.log.id()
    }

    fn append(
        &mut self,
        after: Head,
        batch: &mut Batch,
        deadline: Deadline,
    ) -> Result<Committed, AppendError> {
        let nth = self.appends.fetch_add(1, Ordering::Relaxed);
        let reader = self.log.reader();
        let is_there = || reader.find_batch(after, &mut batch.clone(), deadline);
        match self.defect {
            Defect::Interleaves => self.log.append_next(batch),
            Defect::Duplicates if !batch.is_empty() && is_there().unwrap().is_some() => {
                self.log.append_next(batch)
            }
            Defect::Loses if nth % 5 == 4 => {
                let first = after.position.next();
                let last = Position::new(after.position.get() + batch.len() as u64);
                let head = Head {
                    position: last,
                    hash: batch.hash_behind(after),
                };
                Ok(Committed { first, last, head })
            }
            _ => self.log.append(after, batch, deadline),
        }
    }

    fn head(&mut self, deadline: Deadline) -> Result<Head, LogReadError> {
        Log::head(&mut self.log, deadline)
    }

    fn reader(&self) -> Arc<dyn LogReader> {
        Arc::new(DefectiveReader {
            reader: self.log.reader(),
            defect: self.defect,
            known: self.log.end(),
        })
    }
}

struct DefectiveReader {
    reader: Arc<dyn LogReader>,
    defect: Defect,
    /// The head when it was made.
    known: Head,
}

impl LogReader for DefectiveReader {
    fn head(&self, deadline: Deadline) -> Result<Head, LogReadError> {
        self.reader.head(deadline)
    }

    fn frames(&self, from: Position, deadline: Deadline) -> Result<Box<dyn Frames>, LogReadError> {
        // Only in the middle of a long log, as a reader that has made its connection again.
        let from = match self.defect {
            Defect::Skips if from > Position::new(30) => {
                Position::new(from.get().saturating_add(3))
            }
            Defect::Repeats if from > Position::new(30) => Position::new(from.get() - 1),
            _ => from,
        };
        self.reader.frames(from, deadline)
    }

    fn wait_past(&self, position: Position, deadline: Deadline) -> Result<Head, LogReadError> {
        if self.defect != Defect::NeverWakes || self.known.position > position {
            return self.reader.wait_past(position, deadline);
        }
        match deadline.remaining() {
            Some(left) => thread::sleep(left),
            None => loop {
                thread::park();
            },
        }
        Ok(self.known)
    }
}

struct Control {
    log: MemoryLog,
    defect: Defect,
}

impl Control {
    fn open(&self) -> Box<dyn Log> {
        Box::new(Defective {
            log: self.log.clone(),
            defect: self.defect,
            appends: Arc::default(),
        })
    }
}

impl Backend for Control {
    fn fresh(&mut self) -> Box<dyn Log> {
        self.log = MemoryLog::new();
        self.open()
    }

    fn reopen(&mut self, log: Box<dyn Log>) -> Box<dyn Log> {
        drop(log);
        self.open()
    }

    fn cannot(&self) -> &'static [Ability] {
        &NO_FAULTS
    }

    fn second_writer(&mut self) -> Option<Box<dyn Log>> {
        Some(self.open())
    }
}

/// Each defect is found, by the checks that are for it.
#[test]
fn a_log_with_a_defect_does_not_conform() {
    for (defect, found_by) in [
        (
            Defect::Interleaves,
            &[
                "the_same_batch_again_is_committed_once",
                "a_batch_behind_a_wrong_head_is_superseded",
                "of_two_writers_the_one_behind_is_superseded",
            ][..],
        ),
        (
            Defect::Loses,
            &[
                "every_record_is_read_back_as_it_was",
                "a_follower_misses_and_repeats_nothing",
            ],
        ),
        (
            Defect::Duplicates,
            &["the_same_batch_again_is_committed_once"],
        ),
        (
            Defect::NeverWakes,
            &[
                "a_reader_waits_for_the_log_to_grow",
                "a_follower_misses_and_repeats_nothing",
                "a_follower_goes_on_while_writers_take_over",
            ],
        ),
        (Defect::Skips, &["a_follower_misses_and_repeats_nothing"]),
        (Defect::Repeats, &["a_follower_misses_and_repeats_nothing"]),
    ] {
        let log = MemoryLog::new();
        let mut control = Control { log, defect };
        let broken = conformance::broken_promises(&mut control, Duration::from_millis(300));
        for check in found_by {
            assert!(broken.contains(check), "{defect:?} is found by {broken:?}");
        }
        assert!(!broken.contains(&"an_empty_log_has_no_head"), "{broken:?}");
    }
}
