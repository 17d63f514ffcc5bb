//! Promise: whatever is done to a file of the book, nothing wrong is served from it. A sealed
//! segment is refused; a last segment is refused, or served up to the damage and no further; a
//! snapshot is passed over; leaf hashes are made again; a checkpoint is not believed.
//!
//! `TILLROLL_EDITS=1000000` makes more edits; `TILLROLL_SEED` draws others. A failure names both
//! the seed and the edit, and says what was done to which file.

use std::path::PathBuf;

use tillroll_book::{Action, Command, CommandKey, OpenAccount, PostEntry, PostingRequest};
use tillroll_engine::{BookOptions, Engine, Snapshots};
use tillroll_events::{Caller, EntryId, KeyScope, Metadata, OrderId, Timestamp};
use tillroll_ledger::Side;
use tillroll_log::testing::{MemoryStorage, MemoryTree, Random, TestLog, TestReader};
use tillroll_log::{
    FileLog, Head, Log, LogId, LogOptions, MemoryLog, OpenError, Position, RecoveryReport, verify,
};
use tillroll_proofs::merkle::{Subtrees, leaf_hash};
use tillroll_proofs::{KeyName, LeafStore, LogCheckpoint, SignedCheckpoint, SigningKey};
use tillroll_tests::{number, teller};

const BOOK: [u8; 16] = [5; 16];
const SEGMENT_BYTES: u64 = 64 * 1024;

fn options(durable: Option<Head>) -> LogOptions {
    LogOptions {
        id: Some(LogId::new(BOOK)),
        segment_bytes: SEGMENT_BYTES,
        durable,
        // Most of a short segment would be nothing else.
        room: false,
        ..LogOptions::default()
    }
}

fn open(
    storage: &MemoryStorage,
    durable: Option<Head>,
) -> (
    Result<(FileLog<MemoryStorage>, RecoveryReport), OpenError>,
    Vec<Vec<u8>>,
) {
    let mut records = Vec::new();
    let opened = FileLog::open_with(storage.clone(), options(durable), |_, bytes| {
        records.push(bytes.to_vec());
    });
    (opened, records)
}

/// Orders and entries, until the log is in its second segment and a bit further.
fn story() -> impl Iterator<Item = Vec<Command>> {
    let command = |step: u64, action| Command {
        at: Timestamp::from_seconds(1_790_000_000 + i64::try_from(step).expect("few steps")),
        occurred_at: None,
        caller: Caller::ANONYMOUS,
        key: Some(CommandKey {
            scope: KeyScope::Shared,
            key: format!("step-{step}"),
            fingerprint: [7; 16],
        }),
        action,
    };
    let opening = ["till", "bank"].map(|path| {
        Action::OpenAccount(OpenAccount {
            path: path.parse().expect("a path"),
            unit: "EUR".parse().expect("a unit"),
            kind: None,
            limit: None,
        })
    });
    let opening = opening.into_iter().zip(0..);
    let opening = opening.map(move |(action, step)| command(step, action));
    std::iter::once(opening.collect()).chain((2..).step_by(2).map(move |step| {
        let id = u128::from(step);
        let order = teller::order(OrderId::from_u128(id), "EUR", 1000 + step, "acct_atelier");
        let leg = |account: &str, side| PostingRequest {
            account: account.parse().expect("a path"),
            unit: "EUR".parse().expect("a unit"),
            side,
            amount: step,
        };
        let entry = PostEntry {
            id: EntryId::from_u128(id),
            postings: vec![leg("till", Side::Debit), leg("bank", Side::Credit)],
            description: Some("a day's cash".into()),
            metadata: Metadata::new(),
            effective_date: None,
        };
        vec![
            command(step, Action::PlaceOrder(order)),
            command(step + 1, Action::PostEntry(entry)),
        ]
    }))
}

/// A book, and everything that is kept of it.
struct Sound {
    log: MemoryStorage,
    sealed: String,
    last: String,
    records: Vec<Vec<u8>>,
    head: Head,
    digest: String,
    /// A few of the records and their leaf hashes: every opening reads the file.
    leaves_of: MemoryLog,
    leaves: PathBuf,
    leaf_bytes: Vec<u8>,
    checkpoint: SignedCheckpoint,
    snapshots: MemoryTree,
    snapshot: String,
    _directory: tempfile::TempDir,
}

fn key() -> SigningKey {
    SigningKey::from_seed(KeyName::of_book(BOOK), &[3; 32])
}

impl Sound {
    fn new() -> Self {
        let log = MemoryStorage::new();
        let (store, request) = options(None).store(log.clone());
        let opened = Engine::open_store(store, &request, BookOptions::default(), |_| {});
        let (mut engine, _) = opened.expect("an empty storage opens");
        let snapshots = MemoryTree::new();
        let mut snapshot = String::new();
        for (number, batch) in story().enumerate() {
            engine.execute(batch).expect("memory does not fail");
            if number == 8 {
                let moment = engine.moment().expect("nothing is under way");
                let written = Snapshots::new(snapshots.clone()).write(&moment, &false.into());
                snapshot = written.expect("memory does not fail").0.file;
            }
            let bytes = |name: &String| log.bytes(name).len();
            if let [_, last] = log.names().as_slice()
                && bytes(last) > 4096
            {
                break;
            }
        }
        let digest = engine.book().digest().to_string();
        let head = engine.reader().head_now();
        drop(engine);
        let (opened, records) = open(&log.restarted(), None);
        opened.expect("it is sound");

        // A place that waits for no disk, where the system has one.
        let directory = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        let directory = directory.expect("there is a place for temporary files");
        let leaves = directory.path().join("leaves");
        let mut leaves_of = MemoryLog::new();
        for frame in records[..60].chunks(7) {
            let mut batch = tillroll_log::Batch::new();
            for record in frame {
                batch.push(record).expect("it was in a frame before");
            }
            leaves_of
                .append_next(&mut batch)
                .expect("memory does not fail");
        }
        let reader = leaves_of.reader();
        let (store, _) = LeafStore::open(&leaves, BOOK, &*reader, &mut |_| {}).expect("a file");
        let statement = LogCheckpoint {
            origin: key().verifier().name().clone(),
            size: store.size(),
            root: store.root().expect("the file was written"),
        };
        let checkpoint = SignedCheckpoint::sign(statement, &key()).expect("the key is the log's");
        drop(store);
        let names = log.names();
        Self {
            leaf_bytes: std::fs::read(&leaves).expect("the file was written"),
            sealed: names[0].clone(),
            last: names[1].clone(),
            log,
            records,
            head,
            digest,
            leaves_of,
            leaves,
            checkpoint,
            snapshots,
            snapshot,
            _directory: directory,
        }
    }

    /// The log with another file in it.
    fn log_with(&self, name: &str, bytes: &[u8]) -> MemoryStorage {
        let log = MemoryStorage::new();
        for there in self.log.names() {
            match there == name {
                true => log.put(&there, bytes),
                false => log.put(&there, self.log.bytes(&there)),
            }
        }
        log
    }
}

/// What careless hands, and failing media, do to bytes. Answers what was done.
fn edit(random: &mut Random, bytes: &mut Vec<u8>) -> String {
    let mut done = Vec::new();
    for _ in 0..=random.below(3) {
        let length = bytes.len();
        let at = random.below(length + 1);
        let most = random.below(3) * 60 + 8;
        let few = 1 + random.below(most);
        let to = (at + few).min(length);
        let what = match random.below(9) {
            0 if at < length => {
                bytes[at] ^= 1 << random.below(8);
                "a bit"
            }
            1 => {
                let noise = (at..to).map(|_| random.number().to_le_bytes()[0]);
                let noise: Vec<u8> = noise.collect();
                bytes[at..to].copy_from_slice(&noise);
                "noise"
            }
            2 => {
                let noise = (0..few).map(|_| random.number().to_le_bytes()[0]);
                let noise: Vec<u8> = noise.collect();
                bytes.splice(at..at, noise);
                "an insertion"
            }
            3 => {
                bytes.drain(at..to);
                "a deletion"
            }
            4 => {
                let other = random.below(length + 1);
                let span = (to - at).min(length - other.min(length));
                for step in 0..span {
                    bytes.swap(at + step, other + step);
                }
                "a swap"
            }
            5 => {
                bytes.truncate(at);
                "a truncation"
            }
            6 => {
                // A piece of the file comes once more, in place of what was there or before it.
                let from = random.below(length + 1);
                let copy = bytes[from..(from + few).min(length)].to_vec();
                let end = if random.coin() {
                    at
                } else {
                    (at + copy.len()).min(length)
                };
                bytes.splice(at..end, copy);
                "a splice"
            }
            7 => {
                bytes[at..to].fill(0);
                "noughts"
            }
            _ => {
                let more = 1 + random.below(700);
                bytes.resize(length + more, 0);
                "room at the end"
            }
        };
        done.push(format!("{what} at {at} of {length}"));
    }
    done.join(", ")
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum File {
    Sealed,
    Last,
    Snapshot,
    Leaves,
    Checkpoint,
}

const FILES: [File; 8] = [
    File::Sealed,
    File::Sealed,
    File::Sealed,
    File::Last,
    File::Snapshot,
    File::Snapshot,
    File::Leaves,
    File::Checkpoint,
];

/// How often what was done was found, and how often it did no harm.
#[derive(Debug, Default)]
struct Tally {
    found: u64,
    harmless: u64,
}

fn sealed(sound: &Sound, bytes: &[u8], what: &str) -> bool {
    let log = sound.log_with(&sound.sealed, bytes);
    assert!(verify(&log, |_| {}).is_err(), "{what}: verified");
    let (opened, _) = open(&log, None);
    assert!(opened.is_err(), "{what}: opened");
    assert!(log.bytes(&sound.sealed) == bytes, "{what}: it was changed");
    true
}

fn last(sound: &Sound, bytes: &[u8], what: &str) -> bool {
    let (opened, served) = open(&sound.log_with(&sound.last, bytes), None);
    let Ok((log, _)) = opened else {
        return true;
    };
    assert!(
        served.len() <= sound.records.len() && served == sound.records[..served.len()],
        "{what}: another record is served"
    );
    assert_eq!(log.end().position.get(), served.len() as u64, "{what}");
    let whole = served.len() == sound.records.len();
    // Who knows what was durable is not told less.
    let (marked, served) = open(&sound.log_with(&sound.last, bytes), Some(sound.head));
    assert_eq!(marked.is_ok(), whole, "{what}: {:?}", marked.err());
    assert!(!whole || served == sound.records, "{what}: another record");
    !whole
}

fn snapshot(sound: &Sound, bytes: &[u8], what: &str, start: bool) -> bool {
    let tree = MemoryTree::new();
    tree.put(&sound.snapshot, bytes);
    let snapshots = Snapshots::new(tree);
    let stored = snapshots.list().expect("it lists").remove(0);
    let read = snapshots.read(&stored, &BookOptions::default());
    assert!(read.is_err(), "{what}: it is believed");
    if start {
        let log = sound.log.restarted();
        let (book_options, options) = (BookOptions::default(), options(None));
        let (store, request) = options.store(log);
        let started = Engine::open_store_from(store, &request, book_options, &snapshots, |_| {});
        let (engine, start) = started.unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(start.snapshot, None, "{what}: it is taken");
        assert_eq!(engine.book().digest().to_string(), sound.digest, "{what}");
    }
    true
}

fn leaves(sound: &Sound, bytes: &[u8], what: &str) -> bool {
    std::fs::write(&sound.leaves, bytes).expect("a file");
    let reader = sound.leaves_of.reader();
    let opened = LeafStore::open(&sound.leaves, BOOK, &*reader, &mut |_| {});
    let (store, rebuild) = opened.unwrap_or_else(|error| panic!("{what}: {error}"));
    let statement = sound.checkpoint.checkpoint();
    assert_eq!(store.size(), statement.size, "{what}");
    let root = store.root().expect("the file can be read");
    assert_eq!(root, statement.root, "{what}: another root");
    for position in [1, 20, statement.size] {
        let leaf = store.leaf(Position::new(position)).expect("it can be read");
        let index = usize::try_from(position - 1).expect("few records");
        let expected = leaf_hash(&sound.records[index]);
        assert_eq!(leaf, Some(expected), "{what}: another leaf at {position}");
    }
    rebuild.is_some()
}

fn checkpoint(sound: &Sound, bytes: &[u8], what: &str) -> bool {
    let keys = [key().verifier().clone()];
    match SignedCheckpoint::open(bytes, &keys) {
        Err(_) => true,
        Ok(opened) => {
            let (found, expected) = (opened.checkpoint(), sound.checkpoint.checkpoint());
            assert_eq!(found, expected, "{what}: another one is believed");
            false
        }
    }
}

#[test]
fn no_edit_of_any_file_makes_a_wrong_answer() {
    let (edits, seed) = (number("TILLROLL_EDITS", 6_000), number("TILLROLL_SEED", 7));
    let sound = Sound::new();
    let mut tallies = std::collections::BTreeMap::<File, Tally>::new();
    for edit_number in 0..edits {
        let mut random = Random::new(seed.wrapping_mul(0x9e37_79b9).wrapping_add(edit_number));
        let file = FILES[random.below(FILES.len())];
        let before = match file {
            File::Sealed => sound.log.bytes(&sound.sealed),
            File::Last => sound.log.bytes(&sound.last),
            File::Snapshot => sound.snapshots.storage().bytes(&sound.snapshot),
            File::Leaves => sound.leaf_bytes.clone(),
            File::Checkpoint => sound.checkpoint.note().to_string().into_bytes(),
        };
        let mut bytes = before.clone();
        let done = edit(&mut random, &mut bytes);
        let what = format!("seed {seed}, edit {edit_number}: {file:?} with {done}");
        let found = bytes != before
            && match file {
                File::Sealed => sealed(&sound, &bytes, &what),
                File::Last => last(&sound, &bytes, &what),
                File::Snapshot => snapshot(&sound, &bytes, &what, edit_number % 64 == 0),
                File::Leaves => leaves(&sound, &bytes, &what),
                File::Checkpoint => checkpoint(&sound, &bytes, &what),
            };
        let tally = tallies.entry(file).or_default();
        match found {
            true => tally.found += 1,
            false => tally.harmless += 1,
        }
    }
    for (file, tally) in &tallies {
        println!("{file:?}: {tally:?}");
        assert!(
            tally.found > edits / 100,
            "seed {seed}: {file:?}: {tally:?}"
        );
    }
    assert_eq!(tallies.len(), 5, "seed {seed}: {tallies:?}");
}
