//! Backups of a book whose server goes on writing. `TILLROLL_BACKUPS=100` makes more of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tillroll_book::{Action, Command, OpenAccount, PostEntry, PostingRequest};
use tillroll_events::{Caller, EntryId, Metadata, Timestamp};
use tillroll_ledger::Side;
use tillroll_runtime::{OpenBook, OpenBookOptions};

use crate::support::{digest, on, path, tillroll};

/// Each is restored, verified, and its digest compared.
const ROUNDS: usize = 3;
/// Entries in the book before the first backup, and at least so many more before the next.
const ENTRIES: u64 = 40;

fn entry(number: u64) -> Command {
    let posting = |account: &str, side| PostingRequest {
        account: account.parse().unwrap(),
        unit: "EUR".parse().unwrap(),
        side,
        amount: number + 1,
    };
    command(Action::PostEntry(PostEntry {
        id: EntryId::from_u128(u128::from(number) + 1),
        postings: vec![
            posting("bank:account", Side::Debit),
            posting("bank:transit", Side::Credit),
        ],
        description: Some("under load".into()),
        metadata: Metadata::new(),
        effective_date: None,
    }))
}

fn command(action: Action) -> Command {
    Command {
        at: Timestamp::from_seconds(1_780_000_000),
        occurred_at: None,
        caller: Caller::ANONYMOUS,
        key: None,
        action,
    }
}

fn open(path: &str) -> Command {
    command(Action::OpenAccount(OpenAccount {
        path: path.parse().unwrap(),
        unit: "EUR".parse().unwrap(),
        kind: None,
        limit: None,
    }))
}

#[test]
fn backups_under_load_restore_to_the_same_digest() {
    let home = tempfile::tempdir().unwrap();
    let [data, target] = ["data", "backup"].map(|name| home.path().join(name));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let entered = runtime.enter();
    let mut options = OpenBookOptions::new(&data);
    // So small that segments are sealed while they are copied.
    options.segment_bytes = 16 * 1024;
    let book = OpenBook::open(options, |_| {}).unwrap();
    for account in ["bank:account", "bank:transit"] {
        book.engine().submit_blocking(open(account)).unwrap();
    }
    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..2)
        .map(|writer| {
            let (engine, stop) = (book.engine().clone(), Arc::clone(&stop));
            std::thread::spawn(move || {
                for number in (writer..).step_by(2) {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    engine.submit_blocking(entry(number)).unwrap();
                }
            })
        })
        .collect();
    let rounds_wanted = match std::env::var("TILLROLL_BACKUPS") {
        Err(_) => ROUNDS,
        Ok(text) => text.parse().expect("TILLROLL_BACKUPS is a number"),
    };
    let mut rounds = Vec::new();
    for _ in 0..rounds_wanted {
        let more = book.engine().head().get() + ENTRIES;
        while book.engine().head().get() < more {
            assert!(!writers.iter().any(std::thread::JoinHandle::is_finished));
            std::thread::yield_now();
        }
        let before = book.engine().head().get();
        let said = on(&data, &["backup", path(&target), "--json"])
            .done()
            .json();
        let position = said["position"].as_u64().unwrap();
        assert!(position >= before, "{position} lacks some of {before}");
        tillroll(&["verify", "--backup", path(&target)]).done();
        let restored = home.path().join(format!("restored-{}", rounds.len()));
        on(&restored, &["restore", path(&target)]).done();
        on(&restored, &["verify"]).done();
        on(&data, &["checkpoint"]).done();
        on(&data, &["doctor"]).says("running on this directory");
        rounds.push((position, restored));
    }
    stop.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.join().unwrap();
    }
    let head = book.engine().head().get();
    runtime.block_on(book.close()).unwrap();
    drop(entered);
    assert_eq!(digest(&data).0, head);
    for (position, restored) in rounds {
        let as_of = ["digest", "--json", "--as-of", &position.to_string()];
        let then = on(&data, &as_of).done().json();
        let (found, digest) = digest(&restored);
        assert_eq!((found, then["digest"].as_str()), (position, Some(&*digest)));
    }
}
