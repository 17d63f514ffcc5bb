//! Books in one process: each by itself.

use std::sync::Arc;
use std::time::Duration;

use tillroll_book::{Action, Command, OpenAccount, PlaceHold, PostEntry, PostingRequest};
use tillroll_engine::Outcome;
use tillroll_events::{AccountNames, Caller, EntryId, HoldId, Metadata, Timestamp};
use tillroll_ledger::{AccountId, AccountType, Side};
use tillroll_runtime::{Layout, ManualClock, OpenBook, OpenBookOptions};

/// So many seconds after the books are opened.
fn after(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_800_000_000 + seconds)
}

/// Only a broken test waits that long.
const PATIENCE: Duration = Duration::from_secs(600);

struct Fixture {
    directory: tempfile::TempDir,
    clock: Arc<ManualClock>,
}

impl Fixture {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
            clock: Arc::new(ManualClock::at(after(0))),
        }
    }

    fn open(&self) -> OpenBook {
        let options = OpenBookOptions {
            clock: Arc::clone(&self.clock) as _,
            ..OpenBookOptions::new(self.directory.path())
        };
        OpenBook::open(options, |_| {}).unwrap()
    }
}

/// Straight to the writer, as anything in the process may.
async fn apply(book: &OpenBook, action: Action) -> Outcome {
    let command = Command {
        at: book.handle().now(),
        occurred_at: None,
        caller: Caller::SYSTEM,
        key: None,
        action,
    };
    book.engine().submit(command).await.unwrap()
}

async fn open_accounts(book: &OpenBook, paths: &[&str]) {
    for path in paths {
        let account = OpenAccount {
            path: path.parse().unwrap(),
            unit: "EUR".parse().unwrap(),
            kind: Some(AccountType::Asset),
            limit: None,
        };
        apply(book, Action::OpenAccount(account)).await;
    }
}

fn postings(debit: &str, credit: &str, amount: u64) -> Vec<PostingRequest> {
    let posting = |account: &str, side| PostingRequest {
        account: account.parse().unwrap(),
        unit: "EUR".parse().unwrap(),
        side,
        amount,
    };
    vec![posting(debit, Side::Debit), posting(credit, Side::Credit)]
}

async fn post(book: &OpenBook, number: u128, debit: &str, credit: &str) -> Outcome {
    let entry = PostEntry {
        id: EntryId::from_u128(number),
        postings: postings(debit, credit, 5),
        description: None,
        metadata: Metadata::new(),
        effective_date: None,
    };
    apply(book, Action::PostEntry(entry)).await
}

async fn place_hold(book: &OpenBook, number: u128, seconds: i64) -> HoldId {
    let id = HoldId::from_u128(number);
    let hold = PlaceHold {
        id,
        postings: postings("bank:account", "bank:transit", 7),
        expires_at: Some(after(seconds)),
        description: None,
        metadata: Metadata::new(),
    };
    apply(book, Action::PlaceHold(hold)).await;
    id
}

async fn is_open(book: &OpenBook, hold: HoldId) -> bool {
    let look = move |book: &tillroll_book::Book| book.ledger().hold(hold).is_some();
    book.engine().inspect(look).await.unwrap().1
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_books_in_one_process_share_nothing() {
    let (first, second) = (Fixture::new(), Fixture::new());
    let (a, b) = (first.open(), second.open());
    assert_ne!(a.id(), b.id());
    open_accounts(&a, &["bank:account", "bank:transit"]).await;
    // Numbers of accounts are the same, their names are not.
    open_accounts(&b, &["stripe:balance", "equity:owner"]).await;
    for number in 1..=20 {
        let in_a = post(&a, number, "bank:account", "bank:transit").await;
        let in_b = post(&b, number, "stripe:balance", "equity:owner").await;
        assert_eq!(in_a.last, in_b.last);
        for (book, outcome, name) in [(&a, &in_a, "bank:account"), (&b, &in_b, "stripe:balance")] {
            let names = book.handle().names(&outcome.records).await;
            let (found, _) = names.name(AccountId::new(0)).unwrap();
            assert_eq!(found, name);
        }
    }
    let digest = a.handle().digest().await.unwrap();
    assert_ne!(digest, b.handle().digest().await.unwrap());

    // A directory is one writer's, also within a process.
    let again = OpenBook::open(OpenBookOptions::new(first.directory.path()), |_| {});
    assert!(again.is_err());
    a.close().await.unwrap();

    // The other goes on: its writer, read models, clock and holds.
    let hold = {
        open_accounts(&b, &["bank:account", "bank:transit"]).await;
        place_hold(&b, 1, 10).await
    };
    let last = post(&b, 21, "stripe:balance", "equity:owner").await.last;
    assert!(b.handle().wait_for(last.get(), PATIENCE).await);
    second.clock.set(after(11));
    b.handle().expire_holds().await.unwrap();
    assert!(!is_open(&b, hold).await);

    // The first can be opened again beside it, and is as it was.
    let a = first.open();
    assert_eq!(a.handle().digest().await.unwrap(), digest);
    assert_eq!(
        Layout::at(first.directory.path()).book_id().unwrap(),
        Some(a.id())
    );
    post(&a, 22, "bank:account", "bank:transit").await;
    a.close().await.unwrap();
    b.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_that_the_writer_was_given_directly_ends_in_time() {
    let shop = Fixture::new();
    let book = shop.open();
    open_accounts(&book, &["bank:account", "bank:transit"]).await;
    let later = place_hold(&book, 1, 60).await;
    let sooner = place_hold(&book, 2, 10).await;
    let before = book.engine().head();
    book.handle().expire_holds().await.unwrap();
    assert_eq!(book.engine().head(), before, "no time is over yet");
    for (seconds, left) in [(11, [true, false]), (61, [false, false])] {
        shop.clock.set(after(seconds));
        book.handle().expire_holds().await.unwrap();
        let found = [is_open(&book, later).await, is_open(&book, sooner).await];
        assert_eq!(found, left, "after {seconds} s");
    }
    book.close().await.unwrap();
}

/// It happens by itself, without a request.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn holds_end_by_themselves() {
    let shop = Fixture::new();
    let book = shop.open();
    open_accounts(&book, &["bank:account", "bank:transit"]).await;
    let hold = place_hold(&book, 1, 10).await;
    shop.clock.set(after(11));
    let placed = book.engine().head();
    let mut committed = book.engine().committed();
    let ended = committed.wait_for(|head| *head > placed);
    assert!(tokio::time::timeout(PATIENCE, ended).await.unwrap().is_ok());
    assert!(!is_open(&book, hold).await);
    book.close().await.unwrap();
}

/// A book that was opened after a hold was placed knows it from its state, not from the log.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_of_before_the_start_ends_in_time() {
    let shop = Fixture::new();
    let book = shop.open();
    open_accounts(&book, &["bank:account", "bank:transit"]).await;
    let hold = place_hold(&book, 1, 10).await;
    book.close().await.unwrap();
    let book = shop.open();
    assert_eq!(book.start().folded, 0, "the state is a snapshot's");
    shop.clock.set(after(11));
    book.handle().expire_holds().await.unwrap();
    assert!(!is_open(&book, hold).await);
    book.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_digest_is_taken_while_the_writer_is_busy_with_something_else() {
    let fixture = Fixture::new();
    let book = fixture.open();
    open_accounts(&book, &["bank:account", "bank:transit"]).await;
    for round in 0_u8..3 {
        // From the log alone, then from the fold that is kept, each time through what is new.
        let last = post(&book, 1 + u128::from(round), "bank:account", "bank:transit").await;
        let said = book.engine().inspect(tillroll_book::Book::digest).await;
        let (release, released) = std::sync::mpsc::channel::<()>();
        let (begin, begun) = tokio::sync::oneshot::channel();
        let engine = book.engine().clone();
        let busy = tokio::spawn(async move {
            let look = move |_: &tillroll_book::Book| {
                begin.send(()).unwrap();
                released.recv().unwrap();
            };
            engine.inspect(look).await
        });
        begun.await.unwrap();
        let digest = tokio::time::timeout(PATIENCE, book.handle().digest()).await;
        release.send(()).unwrap();
        busy.await.unwrap().unwrap();
        let digest = digest.expect("the writer was waited for").unwrap();
        assert_eq!(digest, said.unwrap());
        assert_eq!(digest.0, last.last);
    }
    book.close().await.unwrap();
    // From a snapshot, and of a position that has been asked for before.
    let book = fixture.open();
    assert!(book.start().snapshot.is_some());
    let said = book.engine().inspect(tillroll_book::Book::digest).await;
    let said = said.unwrap();
    for _ in 0..2 {
        assert_eq!(book.handle().digest().await.unwrap(), said);
    }
    book.close().await.unwrap();
}
