//! A start from a snapshot is the start without it, only quicker; what is not a whole snapshot
//! of this very roll is not believed.

mod support;

use support::snapshots::{
    ID, book_options, bytes_of, bytes_of_writer, ends, everything, fold, lived, never, open,
    options, put,
};
use tillroll_book::state::Applied;
use tillroll_book::state::StateRow as _;
use tillroll_book::{Chart, ChartRule};
use tillroll_engine::{Engine, Section, SnapshotComparison, Snapshots, StartError, audit};
use tillroll_ledger::{AccountType, Limit};
use tillroll_log::testing::{MemoryStorage, MemoryTree, Random};
use tillroll_log::{Damage, Deadline, Fault, LogId, OpenError as LogError, Position};
use tillroll_money::MAX_MINOR;

const SEEDS: u64 = 16;
const STEPS: usize = 60;

#[test]
fn a_state_from_a_snapshot_and_the_rest_of_the_roll_is_the_state() {
    for seed in 0..SEEDS {
        let (storage, engine) = lived(seed, STEPS);
        let whole = bytes_of_writer(&engine);
        let (replay, head) = fold(&engine, engine.head());
        assert!(
            bytes_of(&replay, head) == whole,
            "seed {seed}: writer and replay"
        );
        let ends = ends(&engine);
        let mut random = Random::new(seed);
        for _ in 0..6 {
            let at = ends[random.below(ends.len())];
            let tree = MemoryTree::new();
            let (replay, head) = fold(&engine, at);
            let stored = put(&tree, &replay, head);
            let what = format!("seed {seed}, snapshot at {at} of {}", engine.head());
            let (started, start) = open(storage.restarted(), &tree).expect(&what);
            assert_eq!(start.snapshot, Some(stored), "{what}");
            assert_eq!(start.passed_over, [], "{what}");
            assert_eq!(start.folded, engine.head().get() - at.get(), "{what}");
            assert_eq!(started.book().digest(), engine.book().digest(), "{what}");
            assert!(bytes_of_writer(&started) == whole, "{what}: another state");
        }
    }
}

#[test]
fn what_is_asked_later_is_answered_alike() {
    for seed in 0..SEEDS {
        let script = everything(seed, STEPS);
        let mut random = Random::new(seed ^ 0xFEED);
        let cut = random.below(script.len() - 1) + 1;
        let storage = MemoryStorage::new();
        let mut writer = support::on_files(storage.clone());
        for batch in &script[..cut] {
            writer.execute(batch.clone()).expect("nothing fails");
        }
        let ends = ends(&writer);
        let at = ends[random.below(ends.len())];
        let tree = MemoryTree::new();
        let (replay, head) = fold(&writer, at);
        put(&tree, &replay, head);
        let (mut plain, _) = open(storage.restarted(), &MemoryTree::new()).expect("it opens");
        let (mut quick, start) = open(storage.restarted(), &tree).expect("it opens");
        assert!(start.snapshot.is_some(), "seed {seed}");
        // All that is to come, and all that was: every id and key of the past once more, and
        // under a new key, so that it is decided and not found.
        let again = script.concat().into_iter().map(|mut command| {
            command.key = command.key.map(|mut key| {
                key.key.push_str("-again");
                key
            });
            command
        });
        let again = support::batches(seed, again.collect(), 6);
        let known = script.iter().chain(&script[cut..]).chain(&again);
        for (number, batch) in known.enumerate() {
            let what = format!("seed {seed}, cut {cut}, snapshot at {at}, batch {number}");
            let expected = plain.execute(batch.clone()).expect(&what);
            let answers = quick.execute(batch.clone()).expect(&what);
            assert_eq!(answers, expected, "{what}");
        }
        assert_eq!(quick.head(), plain.head(), "seed {seed}");
        assert_eq!(quick.book().digest(), plain.book().digest(), "seed {seed}");
        assert!(
            bytes_of_writer(&quick) == bytes_of_writer(&plain),
            "seed {seed}: another state"
        );
    }
}

/// What has passed through the accounts is beyond 64 bits, and in one beyond 65.
#[test]
fn totals_beyond_64_bits_come_back_from_a_snapshot() {
    use support::{balance, fund, opening, pay, wallet};
    let storage = MemoryStorage::new();
    let mut writer = support::on_files(storage.clone());
    support::apply(&mut writer, opening(2));
    let (mut id, mut bytes) = (0, Vec::new());
    support::apply(&mut writer, vec![fund(1_000, &wallet(0), MAX_MINOR)]);
    for round in 0..5 {
        for (from, to) in [(0, 1), (1, 0)] {
            id += 1;
            let pay = pay(id, &wallet(from), &wallet(to), MAX_MINOR);
            support::apply(&mut writer, vec![pay]);
        }
        let what = format!("round {round}");
        let tree = MemoryTree::new();
        let (replay, head) = fold(&writer, writer.head());
        put(&tree, &replay, head);
        let (mut started, start) = open(storage.restarted(), &tree).expect(&what);
        assert_eq!(start.folded, 0, "{what}: {:?}", start.passed_over);
        assert!(
            bytes_of_writer(&started) == bytes_of_writer(&writer),
            "{what}"
        );
        assert_eq!(started.book().digest(), writer.book().digest(), "{what}");
        let ledger = started.book().ledger();
        for (account, _) in ledger.accounts() {
            let expected = writer.book().ledger().totals(account.id);
            assert_eq!(ledger.totals(account.id), expected, "{what}");
        }
        assert_eq!(balance(started.book(), &wallet(0)), i64::MAX, "{what}");
        let refusal = support::refuse_one(&mut started, fund(2_000, &wallet(0), 1));
        assert_eq!(refusal.code(), "balance_out_of_range", "{what}");
        bytes.push(bytes_of_writer(&writer).len());
    }
    let wide = bytes[4] - bytes[0];
    assert!(wide > 16, "no total has become wide: {bytes:?}");
    let wallet = writer
        .book()
        .ledger()
        .lookup("wallet:0", "EUR".parse().unwrap());
    let totals = writer.book().ledger().totals(wallet.unwrap()).unwrap();
    assert_eq!(totals.credits_posted, 6 * u128::from(MAX_MINOR));
    assert_eq!(totals.debits_posted, 5 * u128::from(MAX_MINOR));
    let report = audit(&*writer.reader(), Chart::default(), None, |_| {}).expect("it is sound");
    assert_eq!(report.entries, 11);
}

/// A small book, so that all of a snapshot can be damaged bit by bit.
fn small() -> (MemoryStorage, MemoryTree, String, String) {
    let (storage, engine) = lived(1, 5);
    let tree = MemoryTree::new();
    let (replay, head) = fold(&engine, engine.head());
    let stored = put(&tree, &replay, head);
    (
        storage,
        tree,
        stored.file,
        engine.book().digest().to_string(),
    )
}

/// Starts with a snapshot that is not to be believed.
fn starts_without(storage: &MemoryStorage, tree: &MemoryTree, digest: &str, what: &str) {
    let (engine, start) = open(storage.restarted(), tree).expect(what);
    assert_eq!(start.snapshot, None, "{what}: taken");
    assert_eq!(
        start.passed_over.len(),
        1,
        "{what}: {:?}",
        start.passed_over
    );
    assert_eq!(engine.book().digest().to_string(), digest, "{what}");
}

#[test]
fn every_flipped_bit_is_found_and_the_roll_is_folded_instead() {
    let (storage, tree, file, digest) = small();
    let whole = tree.storage().bytes(&file);
    let snapshots = Snapshots::new(tree.clone());
    let stored = snapshots.list().expect("it lists").remove(0);
    snapshots
        .read(&stored, &book_options())
        .expect("it is whole");
    for bit in 0..whole.len() * 8 {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        tree.storage().put(&file, bytes);
        let what = format!("bit {bit} of {}", whole.len() * 8);
        assert!(
            snapshots.read(&stored, &book_options()).is_err(),
            "{what} is overlooked"
        );
        // A start reads as above; one bit of each byte shows that it then goes without.
        if bit % 8 == bit / 8 % 8 {
            starts_without(&storage, &tree, &digest, &what);
        }
    }
}

#[test]
fn every_truncation_and_every_appendix_is_found() {
    let (storage, tree, file, digest) = small();
    let whole = tree.storage().bytes(&file);
    for length in 0..whole.len() {
        tree.storage().put(&file, &whole[..length]);
        starts_without(&storage, &tree, &digest, &format!("cut at {length}"));
    }
    for more in [&[0_u8][..], &whole] {
        tree.storage().put(&file, [&whole, more].concat());
        starts_without(&storage, &tree, &digest, "bytes behind the end");
    }
}

#[test]
fn edits_anywhere_are_found() {
    let (storage, tree, file, digest) = small();
    let whole = tree.storage().bytes(&file);
    for seed in 0..400 {
        let mut random = Random::new(seed);
        let mut bytes = whole.clone();
        for _ in 0..=random.below(4) {
            let at = random.below(bytes.len());
            let to = (at + random.below(40) + 1).min(bytes.len());
            match random.below(4) {
                0 => bytes[at..to].iter_mut().for_each(|byte| *byte = 0),
                1 => drop(bytes.drain(at..to)),
                2 => {
                    let copy = bytes[at..to].to_vec();
                    bytes.splice(at..at, copy);
                }
                _ => bytes[at..to].reverse(),
            }
        }
        if bytes != whole {
            tree.storage().put(&file, bytes);
            starts_without(&storage, &tree, &digest, &format!("seed {seed}"));
        }
    }
}

/// Checksums and hash of a changed payload, as an attacker who knows the format would compute them.
fn forge(whole: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = whole.to_vec();
    let mut blocks = Vec::new();
    let mut at = 128;
    while at + 64 < bytes.len() {
        let length: [u8; 4] = bytes[at + 12..at + 16].try_into().expect("four bytes");
        let length = usize::try_from(u32::from_le_bytes(length)).expect("it fits");
        if length > 0 {
            blocks.push((at, length));
        }
        at += 24 + length;
    }
    let (at, length) = blocks[random.below(blocks.len())];
    for _ in 0..=random.below(3) {
        bytes[at + 24 + random.below(length)] = u8::try_from(random.below(256)).expect("a byte");
    }
    let crc = crc32c::crc32c(&bytes[at + 24..at + 24 + length]);
    bytes[at + 16..at + 20].copy_from_slice(&crc.to_le_bytes());
    let crc = crc32c::crc32c(&bytes[at..at + 20]);
    bytes[at + 20..at + 24].copy_from_slice(&crc.to_le_bytes());
    let end = bytes.len() - 32;
    let hash = blake3::hash(&bytes[..end]);
    bytes[end..].copy_from_slice(hash.as_bytes());
    bytes
}

#[test]
fn rows_that_say_anything_are_refused_or_read_and_never_panic() {
    let (_, engine) = lived(2, 60);
    let tree = MemoryTree::new();
    let (replay, head) = fold(&engine, engine.head());
    let stored = put(&tree, &replay, head);
    let whole = tree.storage().bytes(&stored.file);
    let snapshots = Snapshots::new(tree.clone());
    let (mut refused, mut compared) = (0, 0);
    for seed in 0..3000 {
        let bytes = forge(&whole, &mut Random::new(seed));
        let changed = bytes != whole;
        tree.storage().put(&stored.file, bytes);
        match snapshots.read(&stored, &book_options()) {
            Err(_) => refused += 1,
            // Nothing but a replay can find it.
            Ok(_) => {
                let moment = replay.moment(ID, head).expect("there are records");
                let seen = snapshots.compare(&stored, &moment).expect("it is whole");
                assert_eq!(seen != SnapshotComparison::Equal, changed, "seed {seed}");
                compared += 1;
            }
        }
    }
    assert!(refused > 1000 && compared > 300, "{refused} and {compared}");
}

#[test]
fn a_comparison_with_a_replay_names_the_section() {
    let (_, engine) = lived(3, 40);
    let tree = MemoryTree::new();
    let (replay, head) = fold(&engine, engine.head());
    let stored = put(&tree, &replay, head);
    let snapshots = Snapshots::new(tree);
    let moment = replay.moment(ID, head).expect("there are records");
    let equal = snapshots.compare(&stored, &moment);
    assert_eq!(equal.expect("it is whole"), SnapshotComparison::Equal);
    let ends = ends(&engine);
    let (other, _) = fold(&engine, ends[ends.len() - 2]);
    let mut moment = moment;
    moment.book = other.book();
    let differs = snapshots.compare(&stored, &moment).expect("it is whole");
    assert!(
        matches!(differs, SnapshotComparison::Differs(_)),
        "{differs:?}"
    );
    moment.head.hash = tillroll_log::FrameHash::GENESIS;
    let other = snapshots.compare(&stored, &moment).expect("it is whole");
    assert_eq!(other, SnapshotComparison::Header);
    assert_eq!(Section::Rows(Applied::KIND).name(), "idempotency keys");
}

#[test]
fn a_damaged_snapshot_leaves_the_one_before() {
    let (storage, engine) = lived(4, 40);
    let ends = ends(&engine);
    let tree = MemoryTree::new();
    let mut files = Vec::new();
    for at in [ends[3], ends[ends.len() - 2]] {
        let (replay, head) = fold(&engine, at);
        files.push(put(&tree, &replay, head));
    }
    let newest = &files[1].file;
    let mut bytes = tree.storage().bytes(newest);
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    tree.storage().put(newest, bytes);
    let (started, start) = open(storage.restarted(), &tree).expect("it opens");
    assert_eq!(start.snapshot.as_ref(), Some(&files[0]));
    assert_eq!(&start.passed_over[0].file, newest);
    assert!(
        start.passed_over[0].why.contains("damaged at byte"),
        "{start:?}"
    );
    assert_eq!(started.book().digest(), engine.book().digest());
}

#[test]
fn snapshots_of_another_book_or_another_history_are_passed_over() {
    let (storage, engine) = lived(5, 30);
    let (replay, head) = fold(&engine, engine.head());
    let digest = engine.book().digest().to_string();

    let tree = MemoryTree::new();
    let other = LogId::new(*b"some other book.");
    let moment = replay.moment(other, head).expect("there are records");
    let written = Snapshots::new(tree.clone()).write(&moment, &never());
    written.expect("nothing fails");
    starts_without(&storage, &tree, &digest, "another book");

    // The same commands, and one of them says something else: the positions are the same.
    let tree = MemoryTree::new();
    let mut rewritten = support::on_files(MemoryStorage::new());
    for mut batch in everything(5, 30) {
        batch.iter_mut().for_each(|command| {
            command.occurred_at = Some(support::at(7));
        });
        rewritten.execute(batch).expect("nothing fails");
    }
    assert_eq!(rewritten.head(), engine.head());
    let (replay, head) = fold(&rewritten, rewritten.head());
    put(&tree, &replay, head);
    starts_without(&storage, &tree, &digest, "another history");
}

#[test]
fn a_roll_that_ends_before_a_snapshot_is_refused() {
    let (storage, engine) = lived(6, 40);
    let ends = ends(&engine);
    let tree = MemoryTree::new();
    for at in [ends[2], engine.head()] {
        let (replay, head) = fold(&engine, at);
        put(&tree, &replay, head);
    }
    // The last frame is gone, as if it had never been: its file ends where it began.
    let name = storage.names().pop().expect("there is a segment");
    let bytes = storage.bytes(&name);
    let magic = bytes.windows(4).rposition(|four| four == b"TRFR");
    let cut = storage.restarted();
    cut.put(&name, &bytes[..magic.expect("there is a frame")]);
    let before = cut.bytes(&name);
    match open(cut.clone(), &tree) {
        Err(StartError::Log(LogError::Damaged(Damage {
            fault: Fault::Lost { expected },
            ..
        }))) => assert_eq!(expected, engine.head()),
        other => panic!("{other:?}"),
    }
    assert_eq!(cut.bytes(&name), before, "nothing is changed");
    // Whoever accepts the loss removes the snapshot.
    let newest = Snapshots::new(tree.clone())
        .list()
        .expect("it lists")
        .remove(0);
    tree.storage().take(&newest.file);
    let (started, start) = open(cut, &tree).expect("it opens");
    assert_eq!(start.snapshot.map(|stored| stored.position), Some(ends[2]));
    assert!(started.head() < engine.head());
}

#[test]
fn of_segments_before_a_snapshot_only_headers_are_read() {
    let (storage, engine) = lived(7, 120);
    let names = storage.names();
    assert!(names.len() > 4, "{names:?}");
    let tree = MemoryTree::new();
    let (replay, head) = fold(&engine, engine.head());
    put(&tree, &replay, head);
    // Rot in the first segment: a start from the snapshot does not see it, verification does,
    // and so does whoever reads the record.
    let rotten = storage.restarted();
    let mut bytes = rotten.bytes(&names[0]);
    bytes[300] ^= 1;
    rotten.put(&names[0], bytes);
    let (started, start) = open(rotten.clone(), &tree).expect("it opens");
    assert!(start.recovery.segments_skipped >= 3, "{start:?}");
    assert_eq!(started.book().digest(), engine.book().digest());
    assert!(tillroll_log::verify(&rotten, |_| {}).is_err());
    assert!(
        started
            .reader()
            .read_one(Position::FIRST, Deadline::NEVER)
            .is_err()
    );
    assert!(open(rotten, &MemoryTree::new()).is_err());
}

#[test]
fn the_last_two_are_kept_and_nothing_unfinished() {
    let (_, engine) = lived(8, 40);
    let ends = ends(&engine);
    let tree = MemoryTree::new();
    tree.put("00000000000000000009.snapshot.new", "half");
    tree.put("10000000000000000000.snapshot", "of a future that is not");
    tree.put("README", "somebody's");
    for at in &ends[1..6] {
        let (replay, head) = fold(&engine, *at);
        put(&tree, &replay, head);
    }
    let expected: Vec<String> = ends[4..6]
        .iter()
        .map(|at| format!("{:020}.snapshot", at.get()))
        .chain(["README".to_owned()])
        .collect();
    assert_eq!(tree.storage().names(), expected);
}

#[test]
fn folding_never_reads_the_chart() {
    let (storage, engine) = lived(9, 60);
    let rule = ChartRule {
        pattern: "wallet:*".into(),
        kind: AccountType::Asset,
        limit: Limit::None,
        code: "9".into(),
        name: "W".into(),
    };
    let chart = Chart::with_rules(vec![rule]).expect("a chart");
    let (store, request) = options().store(storage.restarted());
    let (other, _) = Engine::open_store(store, &request, chart, |_| {}).expect("it opens");
    assert!(bytes_of_writer(&other) == bytes_of_writer(&engine));
}
