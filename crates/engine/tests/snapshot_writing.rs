//! Writing snapshots: at every step of it a crash leaves the ones that were there, and the
//! bytes are those of the format.

mod support;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

use support::snapshots::{ID, book_options, bytes_of_writer, ends, fold, lived, never, open, put};
use support::{apply, fund, opening, wallet};
use tillroll_engine::{
    EngineOptions, SnapshotError, SnapshotFile, SnapshotMakeError, SnapshotMaker, SnapshotOptions,
    Snapshots, Weight, spawn_until,
};
use tillroll_log::MemoryLog;
use tillroll_log::testing::{Injection, MemoryStorage, MemoryTree, PowerCut, StorageFailure};

/// What the next process may find.
fn images(storage: &MemoryStorage) -> Vec<(String, MemoryTree)> {
    let cuts = [PowerCut::LoseAll, PowerCut::KeepAll];
    let cuts = cuts.into_iter().chain((0..6).map(PowerCut::Torn));
    let cut = |cut| (format!("{cut:?}"), MemoryTree::of(storage.power_cut(cut)));
    let mut images: Vec<_> = cuts.map(cut).collect();
    images.push(("restarted".into(), MemoryTree::of(storage.restarted())));
    images
}

#[test]
fn a_crash_at_any_step_leaves_the_ones_before() {
    let (storage, engine) = lived(11, 30);
    let ends = ends(&engine);
    let before = MemoryTree::new();
    let kept: Vec<SnapshotFile> = [ends[2], ends[6]]
        .iter()
        .map(|at| {
            let (replay, head) = fold(&engine, *at);
            put(&before, &replay, head)
        })
        .collect();
    let moment = engine.moment().expect("nothing is staged");
    let write = |tree: &MemoryTree| Snapshots::new(tree.clone()).write(&moment, &never());
    let probe = MemoryTree::of(before.storage().restarted());
    write(&probe).expect("nothing fails");
    let calls = probe.storage().calls();
    assert!(calls >= 8, "{calls} calls are no representative run");
    let (mut failed, mut old, mut new) = (0, 0, 0);
    // One past the end: nothing fails, and the power is cut behind it.
    for at in 0..=calls {
        for failure in [
            StorageFailure::Io,
            StorageFailure::Full,
            StorageFailure::Short,
        ] {
            for sticky in [false, true] {
                let hurt = MemoryTree::of(before.storage().restarted());
                hurt.storage().inject(Injection {
                    at,
                    failure,
                    sticky,
                });
                let written = write(&hurt);
                failed += usize::from(written.is_err());
                for (image, found) in images(hurt.storage()) {
                    let what = format!("call {at}, {failure:?}, sticky {sticky}, {image}");
                    let (started, start) = open(storage.restarted(), &found).expect(&what);
                    assert_eq!(start.passed_over, [], "{what}");
                    assert_eq!(started.book().digest(), engine.book().digest(), "{what}");
                    let position = start.snapshot.expect(&what).position;
                    let is_new = position == engine.head();
                    assert!(is_new || position == kept[1].position, "{what}: {position}");
                    assert!(
                        is_new || written.is_err(),
                        "{what}: reported and not durable"
                    );
                    old += usize::from(!is_new);
                    new += usize::from(is_new);
                }
            }
        }
    }
    assert!(
        failed > 20 && old > 100 && new > 100,
        "{failed}, {old}, {new}"
    );
}

#[test]
fn what_is_given_up_leaves_nothing() {
    let (_, engine) = lived(12, 20);
    let tree = MemoryTree::new();
    let moment = engine.moment().expect("nothing is staged");
    let stop = AtomicBool::new(true);
    let given_up = Snapshots::new(tree.clone()).write(&moment, &stop);
    assert!(matches!(given_up, Err(SnapshotError::Abandoned)));
    assert_eq!(tree.storage().names(), [""; 0]);
}

#[test]
fn the_maker_goes_from_snapshot_to_snapshot() {
    let mut engine = support::engine();
    apply(&mut engine, opening(2));
    let tree = MemoryTree::new();
    let snapshots = Snapshots::new(tree.clone());
    let maker = maker(&snapshots, engine.reader(), 1 << 20);
    let mut made = Vec::new();
    for round in 0..4_u128 {
        for number in 0..12 {
            let id = round * 100 + number + 1;
            apply(&mut engine, vec![fund(id, &wallet(0), 5)]);
        }
        let now = Weight::of(engine.head().get(), 0);
        let (stored, bytes) = maker.make(now).expect("it is made").expect("it is small");
        let expected = SnapshotFile {
            position: engine.head(),
            file: format!("{:020}.snapshot", engine.head().get()),
        };
        assert_eq!(stored, expected, "round {round}");
        assert_eq!(snapshots.list().expect("it lists").first(), Some(&stored));
        // It is what the writer would have made.
        let newest = tree.storage().bytes(&stored.file);
        assert_eq!(newest.len() as u64, bytes, "round {round}");
        assert!(newest == bytes_of_writer(&engine), "round {round}");
        made.push(stored);
    }
    assert!(
        made.windows(2)
            .all(|pair| pair[0].position < pair[1].position)
    );
}

fn maker(
    snapshots: &Snapshots<MemoryTree>,
    reader: std::sync::Arc<dyn tillroll_log::LogReader>,
    most_bytes: u64,
) -> SnapshotMaker<MemoryTree> {
    let options = SnapshotOptions {
        most_bytes,
        ..SnapshotOptions::default()
    };
    SnapshotMaker::new(snapshots.clone(), ID, reader, book_options(), &options)
}

#[test]
fn the_maker_leaves_a_large_state_alone() {
    let mut engine = support::engine();
    apply(&mut engine, opening(2));
    let tree = MemoryTree::new();
    let snapshots = Snapshots::new(tree.clone());
    let moment = engine.moment().expect("nothing is staged");
    snapshots.write(&moment, &never()).expect("nothing fails");
    let before = tree.storage().names();
    apply(&mut engine, vec![fund(1, &wallet(0), 5)]);
    let made = maker(&snapshots, engine.reader(), 64).make(Weight::of(engine.head().get(), 0));
    assert_eq!(made.expect("nothing fails"), None);
    assert_eq!(tree.storage().names(), before);
}

#[test]
fn the_last_look_is_after_the_last_answer() {
    let mut engine = support::start(MemoryLog::new());
    apply(&mut engine, opening(1));
    let (sender, seen) = mpsc::channel();
    let (handle, thread) = spawn_until(engine, EngineOptions::default(), move |engine| {
        let moment = engine.moment().expect("nothing is staged");
        sender.send(moment.head.position).expect("the test listens");
    });
    let outcome = handle
        .submit_blocking(fund(1, &wallet(0), 7))
        .expect("applied");
    assert!(seen.try_recv().is_err());
    handle.stop();
    thread.join().expect("it ends in good order");
    assert_eq!(seen.recv(), Ok(outcome.last));
}

#[test]
fn a_failed_engine_has_no_moment() {
    let storage = MemoryStorage::new();
    let mut engine = support::on_files(storage.clone());
    assert!(engine.moment().is_none(), "there are no records");
    apply(&mut engine, opening(1));
    assert!(engine.moment().is_some());
    storage.inject(Injection {
        at: 0,
        failure: StorageFailure::Io,
        sticky: true,
    });
    let failed = engine.execute(vec![fund(1, &wallet(0), 1)]);
    assert!(failed.is_err());
    assert!(
        engine.moment().is_none(),
        "the state may be ahead of the log"
    );
}

/// Hexadecimal bytes; the rest of a line after `#` explains them.
fn parse(text: &str) -> Vec<u8> {
    let lines = text
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default());
    let digits: Vec<char> = lines
        .flat_map(str::chars)
        .filter(|c| !c.is_whitespace())
        .collect();
    let pairs = digits.chunks(2).map(|pair| pair.iter().collect::<String>());
    pairs
        .map(|pair| u8::from_str_radix(&pair, 16).expect("hexadecimal"))
        .collect()
}

/// A version's bytes are never changed: other bytes, or another state of the same roll, are
/// another version, with a golden file of its own.
#[test]
fn version_6_is_written_and_read_to_the_byte() {
    let golden = parse(include_str!("golden/snapshot-6.hex"));
    let storage = golden_roll();
    let (engine, _) = open(storage.restarted(), &MemoryTree::new()).expect("it opens");
    let bytes = bytes_of_writer(&engine);
    assert!(bytes == golden, "it is written otherwise:\n{}", hex(&bytes));
    let tree = MemoryTree::new();
    let file = format!("{:020}.snapshot", engine.head().get());
    tree.put(&file, golden);
    let (started, start) = open(storage, &tree).expect("it opens");
    assert_eq!(start.folded, 0);
    assert!(start.snapshot.is_some(), "{start:?}");
    assert!(bytes_of_writer(&started) == bytes);
}

fn golden_roll() -> MemoryStorage {
    let storage = MemoryStorage::new();
    let roll = parse(include_str!("golden/roll.hex"));
    storage.put("00000000000000000001.roll", roll);
    storage
}

/// Version 1 had the ids of all entries in one section, version 3 no totals beyond 64 bits, version 4
/// no entries that were reversed, version 5 idempotency keys in the order of their text.
#[test]
fn an_older_version_is_passed_over_and_the_roll_is_folded() {
    let storage = golden_roll();
    let (engine, _) = open(storage.restarted(), &MemoryTree::new()).expect("it opens");
    let file = format!("{:020}.snapshot", engine.head().get());
    for older in [
        include_str!("golden/snapshot-1.hex"),
        include_str!("golden/snapshot-3.hex"),
        include_str!("golden/snapshot-4.hex"),
        include_str!("golden/snapshot-5.hex"),
    ] {
        let tree = MemoryTree::new();
        tree.put(&file, parse(older));
        let (started, start) = open(storage.restarted(), &tree).expect("it opens");
        assert_eq!(start.folded, engine.head().get());
        assert!(start.snapshot.is_none(), "{start:?}");
        assert!(bytes_of_writer(&started) == bytes_of_writer(&engine));
    }
}

fn hex(bytes: &[u8]) -> String {
    let lines = bytes.chunks(32).map(|line| {
        let digits = line.iter().map(|byte| format!("{byte:02x}"));
        digits.collect::<String>() + "\n"
    });
    lines.collect()
}

#[test]
fn a_maker_that_is_abandoned_leaves_nothing() {
    let (_, engine) = lived(14, 20);
    let tree = MemoryTree::new();
    let maker = maker(&Snapshots::new(tree.clone()), engine.reader(), 1 << 20);
    maker.abandoned().store(true, Ordering::SeqCst);
    let made = maker.make(Weight::of(engine.head().get(), 0));
    assert!(matches!(
        made,
        Err(SnapshotMakeError::Snapshot(SnapshotError::Abandoned))
    ));
    assert_eq!(tree.storage().names(), [""; 0]);
}
