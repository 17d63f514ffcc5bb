//! The file of leaf hashes: right whatever was done to it, or made again.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use support::{BOOK, append, memory, reader, record, records, tree};
use tempfile::TempDir;
use tillroll_log::testing::Random;
use tillroll_log::{LogReader, Position};
use tillroll_proofs::merkle::{Subtrees, consistency_proof, inclusion_proof, root_at};
use tillroll_proofs::{LeafStore, LeafStoreError, Rebuild};

/// Past two complete blocks of 256, and one and a half frames of 100 further.
const LARGE: u64 = 650;

fn place() -> (TempDir, PathBuf) {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("proofs/leaves");
    (directory, path)
}

fn open(path: &Path, reader: &dyn LogReader) -> (LeafStore, Option<Rebuild>) {
    LeafStore::open(path, BOOK, reader, &mut |_| {}).unwrap()
}

/// The store holds the leaves of exactly these records.
fn check(store: &LeafStore, records: &[Vec<u8>]) {
    let tree = tree(records);
    let size = records.len() as u64;
    assert_eq!(store.size(), size);
    assert_eq!(store.root().unwrap(), root_at(&tree, size).unwrap());
}

#[test]
fn proofs_from_the_file_are_those_from_memory() {
    let (_directory, path) = place();
    let records = records(LARGE);
    let log = memory(&records, 100);
    let (store, _) = open(&path, &*reader(&log));
    check(&store, &records);
    let tree = tree(&records);
    for size in [1, 255, 256, 257, 511, 512, 513, 600, LARGE] {
        assert_eq!(
            root_at(&store, size).unwrap(),
            root_at(&tree, size).unwrap(),
            "{size}"
        );
        for index in (0..size).step_by(17).chain([size - 1]) {
            let (ours, theirs) = (
                inclusion_proof(&store, index, size).unwrap(),
                inclusion_proof(&tree, index, size).unwrap(),
            );
            assert_eq!(ours, theirs, "{index} of {size}");
        }
        for old in (1..=size).step_by(23) {
            let (ours, theirs) = (
                consistency_proof(&store, old, size).unwrap(),
                consistency_proof(&tree, old, size).unwrap(),
            );
            assert_eq!(ours, theirs, "{old} to {size}");
        }
    }
}

#[test]
fn it_follows_the_log_and_reads_it_once() {
    let (_directory, path) = place();
    let mut log = memory(&[], 1);
    let (mut store, rebuild) = open(&path, &*reader(&log));
    assert_eq!(rebuild, Some(Rebuild::Missing));
    check(&store, &[]);
    let mut all = Vec::new();
    for (step, count) in [1, 2, 250, 3, 1, 300, 1].into_iter().enumerate() {
        let more: Vec<_> = (0..count)
            .map(|n| record(all.len() as u64 + n + 1))
            .collect();
        append(&mut log, &more, 7);
        all.extend(more);
        let mut seen = Vec::new();
        if step % 2 == 0 {
            let mut progress = |position: Position| seen.push(position.get());
            store.catch_up(&*reader(&log), &mut progress).unwrap();
        } else {
            drop(store);
            let mut progress = |position: Position| seen.push(position.get());
            let opened = LeafStore::open(&path, BOOK, &*reader(&log), &mut progress);
            let (opened, rebuild) = opened.unwrap();
            assert_eq!(rebuild, None);
            store = opened;
        }
        let first = all.len() as u64 - count;
        assert!(
            seen.iter().all(|position| *position > first),
            "{seen:?} after {first}"
        );
        assert_eq!(seen.last(), Some(&(all.len() as u64)));
        check(&store, &all);
    }
}

#[test]
fn a_file_of_which_any_byte_was_changed_is_made_again() {
    let (_directory, path) = place();
    let records = records(9);
    let log = memory(&records, 4);
    drop(open(&path, &*reader(&log)));
    let good = fs::read(&path).unwrap();
    assert_eq!(good.len(), 128 + 9 * 32);
    for at in 0..good.len() {
        let mut bytes = good.clone();
        bytes[at] ^= 0x10;
        fs::write(&path, bytes).unwrap();
        let (store, rebuild) = open(&path, &*reader(&log));
        let expected = if at < 128 {
            Rebuild::Header
        } else {
            Rebuild::Leaves
        };
        assert_eq!(rebuild, Some(expected), "byte {at}");
        check(&store, &records);
        drop(store);
        assert!(fs::read(&path).unwrap() == good, "byte {at}");
    }
}

#[test]
fn a_file_of_any_length_is_completed_or_made_again() {
    let (_directory, path) = place();
    let records = records(9);
    let log = memory(&records, 4);
    drop(open(&path, &*reader(&log)));
    let good = fs::read(&path).unwrap();
    for length in 0..good.len() + 40 {
        let mut bytes = good.clone();
        bytes.resize(length, 0xee);
        fs::write(&path, bytes).unwrap();
        let (store, rebuild) = open(&path, &*reader(&log));
        let expected = match length {
            0 => Some(Rebuild::Missing),
            1..128 => Some(Rebuild::Header),
            _ if length < good.len() => Some(Rebuild::Short),
            _ => None,
        };
        assert_eq!(rebuild, expected, "length {length}");
        check(&store, &records);
    }
}

#[test]
fn any_mixture_of_an_older_and_a_newer_file_ends_right() {
    let (_directory, path) = place();
    let records = records(40);
    drop(open(&path, &*reader(&memory(&records[..16], 4))));
    let older = fs::read(&path).unwrap();
    let log = memory(&records, 4);
    drop(open(&path, &*reader(&log)));
    let newer = fs::read(&path).unwrap();
    for seed in 0..300 {
        let mut random = Random::new(seed);
        let mut bytes = newer.clone();
        bytes.truncate(older.len() + random.below(newer.len() - older.len() + 1));
        // Pieces that a crash left as they were, or empty.
        for _ in 0..random.below(4) {
            let at = random.below(bytes.len());
            let end = bytes.len().min(at + random.below(200));
            let was = if random.coin() { &older[..] } else { &[] };
            for (at, byte) in (at..end).zip(&mut bytes[at..end]) {
                *byte = was.get(at).copied().unwrap_or(0);
            }
        }
        fs::write(&path, &bytes).unwrap();
        let (store, rebuild) = open(&path, &*reader(&log));
        check(&store, &records);
        drop(store);
        assert_eq!(
            fs::read(&path).unwrap()[..newer.len()],
            newer,
            "seed {seed}: {rebuild:?}"
        );
    }
}

#[test]
fn a_file_of_another_book_is_made_again() {
    let (_directory, path) = place();
    let records = records(3);
    let log = memory(&records, 2);
    drop(LeafStore::open(&path, [9; 16], &*reader(&log), &mut |_| {}).unwrap());
    let (store, rebuild) = open(&path, &*reader(&log));
    assert_eq!(rebuild, Some(Rebuild::OtherBook));
    check(&store, &records);
}

#[test]
fn a_log_with_another_history_is_noticed_and_the_place_is_named() {
    let all = records(30);
    for (changed, kept) in [(1, 30), (17, 30), (30, 30), (5, 12), (31, 30), (13, 12)] {
        let (_directory, path) = place();
        drop(open(&path, &*reader(&memory(&all, 5))));
        let mut others = all[..kept].to_vec();
        if let Some(record) = others.get_mut(changed - 1) {
            record[0] ^= 1;
        } else if kept == all.len() {
            continue; // Nothing was changed and nothing is gone.
        }
        let log = memory(&others, 5);
        let (store, rebuild) = open(&path, &*reader(&log));
        let expected = Rebuild::AnotherHistory {
            size: 30,
            first_difference: Position::new(changed as u64),
        };
        assert_eq!(rebuild, Some(expected), "{changed} of {kept}");
        check(&store, &others);
    }
}

#[test]
fn a_log_that_is_exchanged_under_an_open_store_is_refused() {
    let (_directory, path) = place();
    let (mut store, _) = open(&path, &*reader(&memory(&records(10), 5)));
    let others: Vec<_> = (0..20).map(|n| record(n + 100)).collect();
    for log in [
        memory(&others, 5),
        memory(&records(9), 5),
        memory(&records(20), 4),
    ] {
        let refused = store.catch_up(&*reader(&log), &mut |_| {}).unwrap_err();
        assert!(
            matches!(refused, LeafStoreError::AnotherHistory { size: 10 }),
            "{refused}"
        );
        check(&store, &records(10));
    }
}

#[test]
fn the_full_check_names_the_first_record_that_differs() {
    let (_directory, path) = place();
    let all = records(LARGE);
    let (store, _) = open(&path, &*reader(&memory(&all, 50)));
    store
        .verify(&*reader(&memory(&all, 50)), &mut |_| {})
        .unwrap();
    for changed in [1, 256, 257, 512, 640, LARGE] {
        let mut others = all.clone();
        others[usize::try_from(changed).unwrap() - 1].push(b'!');
        match store.verify(&*reader(&memory(&others, 50)), &mut |_| {}) {
            Err(LeafStoreError::Differs { position }) => assert_eq!(position.get(), changed),
            other => panic!("{changed}: {other:?}"),
        }
    }
    let shorter = memory(&all[..300], 50);
    match store.verify(&*reader(&shorter), &mut |_| {}) {
        Err(LeafStoreError::Differs { position }) => assert_eq!(position.get(), 301),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_file_is_used_by_one_at_a_time() {
    let (_directory, path) = place();
    let log = memory(&records(3), 2);
    let (store, _) = open(&path, &*reader(&log));
    let refused = LeafStore::open(&path, BOOK, &*reader(&log), &mut |_| {}).unwrap_err();
    assert!(
        matches!(refused, LeafStoreError::Locked { .. }),
        "{refused}"
    );
    drop(store);
    assert_eq!(open(&path, &*reader(&log)).1, None);
}
