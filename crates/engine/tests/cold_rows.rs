//! Untouched rows leave memory for a file, and no difference is seen: not by an answer,
//! nor by a snapshot, nor by what a start comes to. When the file fails, the engine ends.

mod support;

use std::io;

use support::snapshots::{
    FileEngine, book_options, bytes_of, bytes_of_writer, everything, fold, never, options,
};
use support::{balance, fund, opening, wallet};
use tillroll_book::Chart;
use tillroll_engine::{
    BookOptions, Engine, ExecuteError, Failure, ReplayError, ScratchFiles, SnapshotError,
    Snapshots, StartError, SubmitError,
};
use tillroll_log::testing::{
    Injection, MemoryStorage, MemoryTree, Random, Rot, StorageFailure as Fault,
};
use tillroll_log::{DirTree, Position, StorageFile, Tree};

/// Files in a tree, read and written at once.
fn in_tree(tree: &MemoryTree, after: u64) -> BookOptions {
    let tree = tree.clone();
    let open = move || -> io::Result<Box<dyn StorageFile>> { Ok(Box::new(tree.create("rows")?)) };
    let scratch = ScratchFiles::new(open).after(after).buffered(0);
    book_options().with_scratch(scratch)
}

fn open(storage: MemoryStorage, book_options: BookOptions) -> Result<FileEngine, StartError> {
    let (store, request) = options().store(storage);
    Engine::open_store(store, &request, book_options, |_| {}).map(|(engine, _)| engine)
}

fn bytes_in(tree: &MemoryTree) -> usize {
    match tree.storage().names().is_empty() {
        true => 0,
        false => tree.storage().bytes("rows").len(),
    }
}

#[test]
fn answers_snapshots_and_starts_are_those_of_a_writer_with_all_rows_in_memory() {
    for (seed, after) in [(1, 1), (2, 2), (3, 7), (4, 20), (5, 50), (6, 500)] {
        let (storage, tree) = (MemoryStorage::new(), MemoryTree::new());
        let mut plain = open(MemoryStorage::new(), book_options()).expect("nothing fails");
        let mut cold = open(storage.clone(), in_tree(&tree, after)).expect("nothing fails");
        for batch in everything(seed, 150) {
            let expected = plain.execute(batch.clone()).expect("nothing fails");
            let found = cold.execute(batch).expect("nothing fails");
            assert_eq!(found, expected, "seed {seed}");
        }
        assert!(
            after > 50 || bytes_in(&tree) > 0,
            "seed {seed}: no row went"
        );
        assert_eq!(cold.book().digest(), plain.book().digest(), "seed {seed}");
        let expected = bytes_of_writer(&plain);
        assert_eq!(bytes_of_writer(&cold), expected, "seed {seed}: a snapshot");

        let again = open(storage.restarted(), in_tree(&MemoryTree::new(), after));
        let again = again.expect("nothing fails");
        assert_eq!(bytes_of_writer(&again), expected, "seed {seed}: a start");

        // From a snapshot of the middle of the story, whose rows all begin in the file.
        let middle = Position::new(plain.head().get() / 2);
        let (replay, head) = fold(&plain, middle);
        let kept = MemoryTree::new();
        support::snapshots::put(&kept, &replay, head);
        let (tree, snapshots) = (MemoryTree::new(), Snapshots::new(kept));
        let book_options = in_tree(&tree, after);
        let (store, request) = options().store(storage.restarted());
        let started = Engine::open_store_from(store, &request, book_options, &snapshots, |_| {});
        let (started, start) = started.expect("nothing fails");
        assert!(start.snapshot.is_some(), "seed {seed}: {start:?}");
        assert!(bytes_in(&tree) > 0, "seed {seed}: no row began in the file");
        assert_eq!(
            bytes_of_writer(&started),
            expected,
            "seed {seed}: a start from one"
        );
    }
}

/// A fault of the file is a failure: what waits is not acknowledged, nothing more is, and the
/// roll has whole batches only.
#[test]
fn whatever_call_of_the_file_fails_the_engine_ends_and_the_roll_is_whole() {
    let batches = everything(11, 60);
    let mut failed = 0;
    for at in 0..60 {
        for failure in [Fault::Io, Fault::Full, Fault::Short] {
            let (storage, tree) = (MemoryStorage::new(), MemoryTree::new());
            let mut engine = open(storage.clone(), in_tree(&tree, 3)).expect("nothing fails");
            tree.storage().inject(Injection {
                at: at * 7,
                failure,
                sticky: false,
            });
            let mut acknowledged = engine.head();
            for batch in &batches {
                match engine.execute(batch.clone()) {
                    Ok(_) => acknowledged = engine.head(),
                    Err(ExecuteError::Failed(Failure::Cold(_))) => {
                        failed += 1;
                        break;
                    }
                    Err(other) => panic!("call {at}, {failure:?}: {other}"),
                }
            }
            if let Some(first) = engine.failure().map(ToString::to_string) {
                let again = engine.execute(vec![fund(1, &wallet(0), 1)]);
                assert_eq!(again.expect_err("it has ended").to_string(), first);
                assert!(engine.moment().is_none(), "no snapshot of such a state");
            }
            drop(engine);
            // The file is of no use to another process, and is not missed.
            let again = open(storage.restarted(), in_tree(&MemoryTree::new(), 3));
            let again = again.expect("the roll is whole");
            assert!(again.head() >= acknowledged, "call {at}, {failure:?}");
            let (replay, head) = fold(&again, again.head());
            assert_eq!(bytes_of_writer(&again), bytes_of(&replay, head));
        }
    }
    assert!(failed > 60, "{failed} of the faults were met");
}

#[test]
fn no_rotten_bit_of_the_file_makes_another_answer() {
    let batches = everything(12, 40);
    let mut plain = open(MemoryStorage::new(), book_options()).expect("nothing fails");
    let expected: Vec<_> = batches
        .iter()
        .map(|batch| plain.execute(batch.clone()))
        .collect();
    let (mut random, mut ended) = (Random::new(12), 0);
    for _ in 0..300 {
        let (offset, bit) = (random.below(12_000) as u64, random.below(8));
        let rot = Rot::new();
        rot.in_byte(offset, 1 << bit);
        let over = rot.clone();
        let open_file = move || -> io::Result<Box<dyn StorageFile>> {
            Ok(Box::new(over.over(MemoryTree::new().create("rows")?)))
        };
        let scratch = ScratchFiles::new(open_file).after(2).buffered(0);
        let book_options = book_options().with_scratch(scratch);
        let mut engine = open(MemoryStorage::new(), book_options).expect("nothing fails");
        for (batch, expected) in batches.iter().zip(&expected) {
            match engine.execute(batch.clone()) {
                Ok(answers) => {
                    let expected = expected.as_ref().expect("nothing fails");
                    assert_eq!(&answers, expected, "bit {bit} of byte {offset}");
                }
                Err(failure) => {
                    let text = failure.to_string();
                    assert!(
                        matches!(failure, ExecuteError::Failed(Failure::Cold(_))),
                        "{text}"
                    );
                    assert!(text.contains("is damaged at byte"), "{text}");
                    assert!(rot.hits() > 0, "nothing was rotten: {text}");
                    ended += 1;
                    break;
                }
            }
        }
        if engine.failure().is_none() {
            let digest = engine.book().digest();
            let sound = engine.book().fault().is_none();
            assert!(
                !sound || digest == plain.book().digest(),
                "bit {bit} of byte {offset}"
            );
        }
    }
    assert!(ended > 30, "{ended} rotten bits were read");
}

#[test]
fn a_directory_keeps_no_name_of_a_file_and_may_be_full_of_old_ones() {
    let directory = tempfile::tempdir().expect("a directory");
    let root = directory.path().join("scratch");
    let book_options = |after| {
        book_options().with_scratch(ScratchFiles::in_directory(&root).after(after).buffered(0))
    };
    let mut quiet = open(MemoryStorage::new(), book_options(1_000_000)).expect("nothing fails");
    quiet.execute(opening(3)).expect("nothing fails");
    assert!(
        !root.exists(),
        "a book without such rows makes no directory"
    );

    let (mut one, mut other) = (
        open(MemoryStorage::new(), book_options(1)).expect("nothing fails"),
        open(MemoryStorage::new(), book_options(2)).expect("nothing fails"),
    );
    let mut plain = open(MemoryStorage::new(), BookOptions::default()).expect("nothing fails");
    for (number, batch) in everything(13, 60).into_iter().enumerate() {
        if number == 2 {
            // What a process leaves that is killed in the wrong moment.
            let tree = DirTree::open(&root).expect("it was made");
            for name in 0..40 {
                let left = tree.create(&format!("rows-{name}")).expect("it has room");
                left.write_at(0, b"of another life").expect("it has room");
            }
        }
        one.execute(batch.clone()).expect("nothing fails");
        other.execute(batch.clone()).expect("nothing fails");
        plain.execute(batch).expect("nothing fails");
    }
    assert_eq!(one.book().digest(), plain.book().digest());
    assert_eq!(other.book().digest(), plain.book().digest());
    let left = std::fs::read_dir(&root).expect("it was made").count();
    assert!(left <= 40, "files have no names");
}

#[test]
fn no_snapshot_is_made_of_rows_that_cannot_be_read() {
    let (storage, tree) = (MemoryStorage::new(), MemoryTree::new());
    let mut engine = open(storage, in_tree(&tree, 2)).expect("nothing fails");
    for batch in everything(14, 60) {
        engine.execute(batch).expect("nothing fails");
    }
    let moment = engine.moment().expect("nothing is staged");
    let kept = MemoryTree::new();
    tree.storage().inject(Injection {
        at: 5,
        failure: Fault::Io,
        sticky: false,
    });
    let written = Snapshots::new(kept.clone()).write(&moment, &never());
    assert!(
        matches!(written, Err(SnapshotError::Cold(_))),
        "{written:?}"
    );
    assert_eq!(kept.storage().names(), Vec::<String>::new());
    let ended = engine.execute(vec![fund(1, &wallet(0), 1)]);
    assert!(
        matches!(ended, Err(ExecuteError::Failed(Failure::Cold(_)))),
        "{ended:?}"
    );
}

#[test]
fn a_start_that_cannot_put_rows_away_is_refused() {
    let (storage, engine) = support::snapshots::lived(15, 60);
    let (replay, head) = fold(&engine, engine.head());
    let kept = MemoryTree::new();
    support::snapshots::put(&kept, &replay, head);
    let full = || {
        ScratchFiles::new(|| Err(io::Error::other("no room")))
            .after(2)
            .buffered(0)
    };
    let book_options = BookOptions::from(Chart::default()).with_scratch(full());
    let folded = open(storage.restarted(), book_options.clone());
    let error = folded.expect_err("there is no room");
    assert!(
        matches!(error, StartError::Replay(ReplayError::Cold(_))),
        "{error}"
    );
    assert!(error.to_string().contains("no room"), "{error}");
    let snapshots = Snapshots::new(kept);
    let (store, request) = options().store(storage.restarted());
    let started = Engine::open_store_from(store, &request, book_options, &snapshots, |_| {});
    let error = started.expect_err("there is no room");
    assert!(
        matches!(error, StartError::Replay(ReplayError::Cold(_))),
        "{error}"
    );
}

#[tokio::test]
async fn whoever_looks_at_rows_that_cannot_be_read_is_told_so() {
    let tree = MemoryTree::new();
    let mut engine = open(MemoryStorage::new(), in_tree(&tree, 1)).expect("nothing fails");
    for batch in everything(16, 60) {
        engine.execute(batch).expect("nothing fails");
    }
    let (handle, thread) =
        tillroll_engine::spawn(engine, tillroll_engine::EngineOptions::default());
    let known = handle.inspect(|book| balance(book, &wallet(0))).await;
    known.expect("the ledger is in memory");
    tree.storage().inject(Injection {
        at: 0,
        failure: Fault::Io,
        sticky: true,
    });
    let digest = handle.inspect(tillroll_book::Book::digest).await;
    assert!(matches!(digest, Err(SubmitError::Failed(_))), "{digest:?}");
    let ended = handle.ended().await;
    assert!(matches!(ended, Err(Failure::Cold(_))), "{ended:?}");
    let after = handle.submit(fund(1, &wallet(0), 1)).await;
    assert!(
        matches!(after, Err(SubmitError::Failed(Failure::Cold(_)))),
        "{after:?}"
    );
    let joined = thread.join();
    assert!(matches!(joined, Err(Failure::Cold(_))), "{joined:?}");
}
