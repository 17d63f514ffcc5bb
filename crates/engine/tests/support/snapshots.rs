//! A log and its snapshots in memory.

use std::sync::atomic::AtomicBool;

use tillroll_book::{Chart, Command};
use tillroll_engine::{
    BookOptions, Engine, Replay, SnapshotFile, Snapshots, StartError, StartReport,
};
use tillroll_log::testing::{MemoryStorage, MemoryTree, Random};
use tillroll_log::{Deadline, FileLog, Head, Log, LogId, LogOptions, Position};

use super::commerce::{shop, through_intents};
use super::{BOOK, at, batches, story};

pub type FileEngine = Engine<FileLog<MemoryStorage>>;

pub const ID: LogId = LogId::new(BOOK);

pub fn options() -> LogOptions {
    LogOptions {
        id: Some(ID),
        segment_bytes: 4096,
        ..LogOptions::default()
    }
}

/// Commands of every kind, in batches: each becomes a frame, if anything of it is applied.
pub fn everything(seed: u64, steps: usize) -> Vec<Vec<Command>> {
    let mut random = Random::new(seed);
    let mut parts = [
        story(seed, steps).into_iter(),
        shop(seed, steps).into_iter(),
        through_intents(seed, steps).into_iter(),
    ];
    let mut mixed = Vec::new();
    loop {
        let part = random.below(parts.len());
        let next = parts[part].next();
        match next.or_else(|| parts.iter_mut().find_map(Iterator::next)) {
            Some(command) => mixed.push(command),
            None => {
                // One clock runs through all of them, and is set back a little now and then.
                for (command, second) in mixed.iter_mut().zip(0..) {
                    command.at = at(second - i64::from(random.coin()) * 3);
                }
                return batches(seed, mixed, 6);
            }
        }
    }
}

/// All rows in memory.
pub fn book_options() -> BookOptions {
    BookOptions::default()
}

pub fn never() -> AtomicBool {
    AtomicBool::new(false)
}

/// The state of a log up to a position that is the end of a frame, folded from nothing.
pub fn fold(engine: &FileEngine, up_to: Position) -> (Replay, Head) {
    let reader = engine.reader();
    let mut replay = Replay::new(Chart::default());
    let mut head = Head::EMPTY;
    let mut frames = reader
        .frames(Position::FIRST, Deadline::NEVER)
        .expect("it can be read");
    while let Some(frame) = frames.next_frame().expect("it can be read") {
        if frame.last() > up_to {
            break;
        }
        for (position, record) in frame.records() {
            replay.fold(position, record).expect("it can be folded");
        }
        head = Head {
            position: frame.last(),
            hash: frame.hash,
        };
    }
    (replay, head)
}

/// Ends of frames.
pub fn ends(engine: &FileEngine) -> Vec<Position> {
    let reader = engine.reader();
    let mut frames = reader
        .frames(Position::FIRST, Deadline::NEVER)
        .expect("it can be read");
    let mut ends = Vec::new();
    while let Some(frame) = frames.next_frame().expect("it can be read") {
        ends.push(frame.last());
    }
    ends
}

/// The bytes that a fold is kept as.
pub fn bytes_of(replay: &Replay, head: Head) -> Vec<u8> {
    let tree = MemoryTree::new();
    let stored = put(&tree, replay, head);
    tree.storage().bytes(&stored.file)
}

pub fn put(tree: &MemoryTree, replay: &Replay, head: Head) -> SnapshotFile {
    let moment = replay.moment(ID, head).expect("there are records");
    let written = Snapshots::new(tree.clone()).write(&moment, &never());
    written.expect("nothing fails").0
}

/// The bytes that the writer's state is kept as.
pub fn bytes_of_writer<J: Log>(engine: &Engine<J>) -> Vec<u8> {
    let tree = MemoryTree::new();
    let moment = engine.moment().expect("nothing is staged");
    let written = Snapshots::new(tree.clone()).write(&moment, &never());
    tree.storage()
        .bytes(&written.expect("nothing fails").0.file)
}

pub fn open(
    storage: MemoryStorage,
    tree: &MemoryTree,
) -> Result<(FileEngine, StartReport), StartError> {
    let snapshots = Snapshots::new(tree.clone());
    let (store, request) = options().store(storage);
    Engine::open_store_from(store, &request, Chart::default(), &snapshots, |_| {})
}

/// A log with a history, and its storage.
pub fn lived(seed: u64, steps: usize) -> (MemoryStorage, FileEngine) {
    let storage = MemoryStorage::new();
    let mut engine = super::on_files(storage.clone());
    for batch in everything(seed, steps) {
        engine.execute(batch).expect("nothing fails");
    }
    (storage, engine)
}
