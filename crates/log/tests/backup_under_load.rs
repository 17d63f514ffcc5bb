//! Backups while a thread appends. No clocks: the writer stops before each of
//! its calls and in the middle of each write, and the backup lets it go on, a
//! few steps before each of its own calls, as a seed decides.

mod support;

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use support::backups::{SEGMENT_BYTES, last, restored};
use support::{batch, open_with_room};
use tillroll_log::testing::{MemoryStorage, MemoryTree, Random, TestLog};
use tillroll_log::{
    BackupSource, DirStorage, DirTree, Head, Log, LogVerifyError, Storage, StorageFile, Tree,
    backup, verify,
};

/// The writer's side: it says that it waits, and waits.
struct Turnstile {
    /// Not while the log is opened: that is not what is tested.
    closed: AtomicBool,
    arrived: Sender<()>,
    permits: Mutex<Receiver<()>>,
}

impl Turnstile {
    fn pass(&self) {
        // At the end there is no listener any more: then it runs freely.
        if self.closed.load(Ordering::Acquire) && self.arrived.send(()).is_ok() {
            self.permits.lock().unwrap().recv().ok();
        }
    }
}

/// The backup's side.
struct Gate {
    arrivals: Receiver<()>,
    permits: Sender<()>,
    random: Random,
    /// About how many calls of the backup there are to each stop of the gate.
    calls_to_a_step: usize,
    steps: usize,
}

impl Gate {
    fn new(seed: u64) -> (Mutex<Self>, Turnstile) {
        let (arrived, arrivals) = channel();
        let (permits, permitted) = channel();
        let gate = Self {
            arrivals,
            permits,
            random: Random::new(seed),
            calls_to_a_step: 1,
            steps: 0,
        };
        let turnstile = Turnstile {
            closed: AtomicBool::new(false),
            arrived,
            permits: Mutex::new(permitted),
        };
        (Mutex::new(gate), turnstile)
    }

    /// The writer is at its first stop.
    fn wait(&self) {
        self.arrivals.recv().unwrap();
    }

    /// The writer makes this many steps, and stands again.
    fn step(&mut self, steps: usize) {
        for _ in 0..steps {
            let went_on = self.permits.send(()).is_ok() && self.arrivals.recv().is_ok();
            self.steps += usize::from(went_on);
        }
    }
}

/// The writer's storage: it stops before each call.
struct Stepped<S> {
    inner: S,
    turnstile: Arc<Turnstile>,
}

struct SteppedFile<F> {
    inner: F,
    turnstile: Arc<Turnstile>,
}

impl<S: Storage> Stepped<S> {
    fn file(&self, inner: S::File) -> SteppedFile<S::File> {
        SteppedFile {
            inner,
            turnstile: Arc::clone(&self.turnstile),
        }
    }
}

impl<S: Storage> Storage for Stepped<S> {
    type File = SteppedFile<S::File>;

    fn list(&self) -> io::Result<Vec<String>> {
        self.inner.list()
    }

    fn open(&self, name: &str) -> io::Result<Self::File> {
        self.inner.open(name).map(|file| self.file(file))
    }

    fn create(&self, name: &str) -> io::Result<Self::File> {
        self.turnstile.pass();
        self.inner.create(name).map(|file| self.file(file))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.turnstile.pass();
        self.inner.remove(name)
    }

    fn sync_directory(&self) -> io::Result<()> {
        self.turnstile.pass();
        self.inner.sync_directory()
    }
}

impl<F: StorageFile> StorageFile for SteppedFile<F> {
    fn length(&self) -> io::Result<u64> {
        self.inner.length()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read_at(offset, buffer)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let (first, second) = bytes.split_at(bytes.len() * 2 / 3);
        self.turnstile.pass();
        self.inner.write_at(offset, first)?;
        self.turnstile.pass();
        self.inner.write_at(offset + first.len() as u64, second)
    }

    fn sync(&self) -> io::Result<()> {
        self.turnstile.pass();
        self.inner.sync()
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        self.turnstile.pass();
        self.inner.truncate(length)
    }
}

/// The backup's view of the same files: before each call, the writer goes on.
struct Watched<S> {
    inner: S,
    gate: Arc<Mutex<Gate>>,
}

struct WatchedFile<F> {
    inner: F,
    gate: Arc<Mutex<Gate>>,
}

fn go_on(gate: &Mutex<Gate>) {
    let mut gate = gate.lock().unwrap();
    let calls = gate.calls_to_a_step;
    if gate.random.below(calls) == 0 {
        let steps = 1 + gate.random.below(3);
        gate.step(steps);
    }
}

impl<S: Storage> Storage for Watched<S> {
    type File = WatchedFile<S::File>;

    fn list(&self) -> io::Result<Vec<String>> {
        go_on(&self.gate);
        self.inner.list()
    }

    fn open(&self, name: &str) -> io::Result<Self::File> {
        go_on(&self.gate);
        let inner = self.inner.open(name)?;
        let gate = Arc::clone(&self.gate);
        Ok(WatchedFile { inner, gate })
    }

    fn create(&self, name: &str) -> io::Result<Self::File> {
        panic!("a backup creates {name} in the log");
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        panic!("a backup removes {name} from the log");
    }

    fn sync_directory(&self) -> io::Result<()> {
        panic!("a backup syncs the log's directory");
    }
}

impl<F: StorageFile> StorageFile for WatchedFile<F> {
    fn length(&self) -> io::Result<u64> {
        go_on(&self.gate);
        self.inner.length()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        go_on(&self.gate);
        self.inner.read_at(offset, buffer)
    }

    fn write_at(&self, _: u64, _: &[u8]) -> io::Result<()> {
        panic!("a backup writes to the log");
    }

    fn sync(&self) -> io::Result<()> {
        panic!("a backup syncs the log");
    }

    fn truncate(&self, _: u64) -> io::Result<()> {
        panic!("a backup cuts the log");
    }
}

/// What the rounds of one seed met.
#[derive(Default)]
struct Met {
    steps: usize,
    half_frames: usize,
    ahead: usize,
    behind: usize,
}

const BATCHES: usize = 300;
const ROUNDS: usize = 3;

fn records_of_batch(number: usize) -> Vec<String> {
    let records = 1 + number % 4;
    (0..records)
        .map(|record| format!("batch {number}, record {record}"))
        .collect()
}

fn under_load<W: Storage, R: Storage, T: Tree>(
    seed: u64,
    writer: W,
    reader: R,
    data: &T,
    target: &T,
) -> Met {
    let (gate, turnstile) = Gate::new(seed);
    let gate = Arc::new(gate);
    let committed = Arc::new(Mutex::new(Head::EMPTY));
    let turnstile = Arc::new(turnstile);
    let storage = Stepped {
        inner: writer,
        turnstile: Arc::clone(&turnstile),
    };
    let (mut log, _) = open_with_room(storage, SEGMENT_BYTES << (seed % 4)).unwrap();
    turnstile.closed.store(true, Ordering::Release);
    drop(turnstile);
    let shared = Arc::clone(&committed);
    let thread = thread::spawn(move || {
        for number in 0..BATCHES {
            let appended = log.append_next(&mut batch(records_of_batch(number)));
            *shared.lock().unwrap() = appended.unwrap().head;
            // Frames then appear inside the file, and it gets shorter at its end.
            while number % 5 != 4 && seed / 4 % 2 == 1 && log.idle().unwrap() {}
        }
    });
    gate.lock().unwrap().wait();
    let sent: Vec<Vec<u8>> = (0..BATCHES)
        .flat_map(records_of_batch)
        .map(String::into_bytes)
        .collect();
    let log = Watched {
        inner: reader,
        gate: Arc::clone(&gate),
    };
    let source = BackupSource {
        log: &log,
        data,
        files: &["BOOK"],
    };
    let mut met = Met::default();
    for round in 0..ROUNDS {
        let what = format!("seed {seed}, round {round}");
        {
            let mut gate = gate.lock().unwrap();
            let steps = gate.random.below(40);
            gate.step(steps);
            gate.steps = 0;
            gate.calls_to_a_step = 1 << gate.random.below(6);
        }
        let before = *committed.lock().unwrap();
        let report =
            backup(&source, target, |_| {}).unwrap_or_else(|error| panic!("{what}: {error}"));
        let after = *committed.lock().unwrap();
        match verify(&log, |_| {}) {
            Ok(_) => {}
            Err(LogVerifyError::Damaged(damage)) => assert!(damage.torn_tail, "{what}: {damage}"),
            Err(error) => panic!("{what}: {error}"),
        }
        assert!(
            report.head.position >= before.position,
            "{what}: what was committed before is not in the backup"
        );
        let (head, records, _) = restored(target).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(head, report.head, "{what}");
        assert_eq!(head.position, last(&records), "{what}");
        assert_eq!(records, sent[..records.len()], "{what}");
        met.steps += gate.lock().unwrap().steps;
        met.half_frames += usize::from(report.bytes_left_out > 0);
        met.ahead += usize::from(head.position > before.position);
        met.behind += usize::from(head.position < after.position);
    }
    // The writer goes on alone, and a last backup has everything.
    let (closed, _) = Gate::new(seed);
    let closed = closed.into_inner().unwrap();
    drop(std::mem::replace(&mut *gate.lock().unwrap(), closed));
    thread.join().unwrap();
    backup(&source, target, |_| {}).unwrap();
    let (head, records, _) = restored(target).unwrap();
    assert_eq!(head, *committed.lock().unwrap(), "seed {seed}");
    assert_eq!(records, sent, "seed {seed}");
    met
}

#[test]
fn a_backup_beside_a_writer_is_whole_and_holds_what_was_committed() {
    let mut met = Met::default();
    for seed in 0..60 {
        let log = MemoryStorage::new();
        let data = MemoryTree::new();
        data.put("BOOK", "the id");
        let one = under_load(seed, log.clone(), log, &data, &MemoryTree::new());
        met.steps += one.steps;
        met.half_frames += one.half_frames;
        met.ahead += one.ahead;
        met.behind += one.behind;
    }
    assert!(met.steps > 1000, "{} steps of the writer", met.steps);
    assert!(met.half_frames > 10, "{} half frames", met.half_frames);
    assert!(met.ahead > 20, "{} ahead of what was committed", met.ahead);
    assert!(met.behind > 20, "{} overtaken", met.behind);
}

fn in_directories(seed: u64, root: &Path) -> Met {
    let data = DirTree::create(root.join("data")).unwrap();
    std::fs::write(root.join("data/BOOK"), "the id").unwrap();
    let writer = DirStorage::open(root.join("data/log")).unwrap();
    let reader = DirStorage::open_read_only(root.join("data/log")).unwrap();
    let target = DirTree::create(root.join("backup")).unwrap();
    under_load(seed, writer, reader, &data, &target)
}

#[test]
fn directories_are_backed_up_beside_a_writer() {
    for seed in 0..2 {
        let root = tempfile::tempdir().unwrap();
        let met = in_directories(seed, root.path());
        assert!(met.steps > 10, "seed {seed}: {} steps", met.steps);
    }
}
