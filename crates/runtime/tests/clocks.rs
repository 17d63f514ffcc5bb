//! A book is opened by a clock that can be right, or by one that the operator answers for.

use std::sync::Arc;

use tillroll_book::clock::ClockFault;
use tillroll_book::{Action, Command, OpenAccount};
use tillroll_engine::SubmitError;
use tillroll_events::{Caller, Event, Timestamp};
use tillroll_ledger::AccountType;
use tillroll_runtime::{BookOpenError, ManualClock, OpenBook, OpenBookOptions, ReadSize};

const DAY: i64 = 24 * 3600;
const YEARS: i64 = 30 * 365 * DAY;

fn at(second: i64) -> Timestamp {
    Timestamp::from_seconds(1_800_000_000 + second)
}

fn open(
    directory: &tempfile::TempDir,
    clock: &Arc<ManualClock>,
    clock_is_right: bool,
) -> Result<OpenBook, BookOpenError> {
    let options = OpenBookOptions {
        clock: Arc::clone(clock) as _,
        clock_is_right,
        ..OpenBookOptions::new(directory.path())
    };
    OpenBook::open(options, |_| {})
}

fn command(book: &OpenBook, path: &str) -> Command {
    Command {
        at: book.handle().now(),
        occurred_at: None,
        caller: Caller::SYSTEM,
        key: None,
        action: Action::OpenAccount(OpenAccount {
            path: path.parse().unwrap(),
            unit: "EUR".parse().unwrap(),
            kind: Some(AccountType::Asset),
            limit: None,
        }),
    }
}

async fn account(book: &OpenBook, path: &str) -> Result<Timestamp, SubmitError> {
    let outcome = book.engine().submit(command(book, path)).await?;
    Ok(outcome.records[0].1.recorded_at)
}

/// Given a book whose last event was recorded at second 0, when it is opened with a clock, with or
/// without a word for it, then it opens or not, and an event says so or not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_is_refused_by_a_clock_that_cannot_be_right_unless_somebody_answers_for_it() {
    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Outcome {
        Opens,
        /// And an event says from which position on times are wrong.
        Confirms(Option<u64>),
        Behind,
        Ahead,
        Impossible,
    }
    use Outcome::{Ahead, Behind, Confirms, Impossible, Opens};
    let table = [
        (0, false, Opens),
        (-300, false, Opens),
        (-301, false, Behind),
        (-YEARS, false, Behind),
        (366 * DAY, false, Opens),
        (366 * DAY + 1, false, Ahead),
        (YEARS, false, Ahead),
        (-1_800_000_001, false, Impossible),
        (i64::MAX / 4_000_000, false, Impossible),
        // Nothing has to be said where nothing is wrong.
        (60, true, Opens),
        (-301, true, Confirms(Some(1))),
        (YEARS, true, Confirms(None)),
        (-1_800_000_001, true, Impossible),
    ];
    for (second, clock_is_right, expected) in table {
        let directory = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(at(0)));
        let book = open(&directory, &clock, false).unwrap();
        for path in ["a", "b"] {
            account(&book, path).await.unwrap();
        }
        book.close().await.unwrap();
        clock.set(at(second));
        let opened = open(&directory, &clock, clock_is_right);
        let context = format!("{second} {clock_is_right}");
        let found = match &opened {
            Ok(book) => match book.clock_confirmed() {
                None => Opens,
                Some(position) => {
                    let read = {
                        let at = position.get();
                        book.handle().records(at, at, ReadSize::ONE, ())
                    };
                    let records = read.await.unwrap().records;
                    let Event::ClockConfirmed(confirmed) = &records[0].1.event else {
                        panic!("{records:?}");
                    };
                    assert_eq!(confirmed.last_recorded_at, at(0), "{context}");
                    assert_eq!(records[0].1.recorded_at, at(second), "{context}");
                    Confirms(confirmed.wrong_from)
                }
            },
            Err(BookOpenError::Clock(ClockFault::Behind { .. })) => Behind,
            Err(BookOpenError::Clock(ClockFault::Ahead { .. })) => Ahead,
            Err(BookOpenError::Clock(ClockFault::Impossible { .. })) => Impossible,
            Err(error) => panic!("{context}: {error}"),
        };
        assert_eq!(found, expected, "{context}");
        let head = match opened {
            Ok(book) => {
                let stamped = account(&book, "c").await.unwrap();
                assert_eq!(
                    stamped,
                    at(second.max(if found == Opens { 0 } else { second }))
                );
                book.close().await.unwrap();
                None
            }
            Err(_) => Some(2),
        };
        // The right clock finds the book as it was.
        if let Some(head) = head {
            clock.set(at(60));
            let book = open(&directory, &clock, false).unwrap();
            assert_eq!(book.engine().head().get(), head, "{context}");
            book.close().await.unwrap();
        }
    }
}

/// Given an open book, when the clock leaps, then commands are refused and it says why; when the
/// clock is right again, all is well; and while it is open, too, the operator may answer for the clock.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leap_of_the_clock_is_noticed_while_the_book_is_open() {
    let directory = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at(at(0)));
    let book = open(&directory, &clock, false).unwrap();
    account(&book, "a").await.unwrap();
    for second in [-301, -YEARS, YEARS, -1_800_000_001] {
        clock.set(at(second));
        assert!(book.handle().clock_fault().is_some(), "{second}");
        let refused = account(&book, "b").await.unwrap_err();
        assert!(refused.to_string().contains("the clock says"), "{refused}");
        clock.set(at(60));
        assert_eq!(book.handle().clock_fault(), None, "{second}");
    }
    assert_eq!(book.handle().confirm_clock().await.unwrap(), None);
    assert_eq!(account(&book, "b").await.unwrap(), at(60));
    assert_eq!(book.engine().head().get(), 2);

    clock.set(at(-YEARS));
    let confirmed = book.handle().confirm_clock().await.unwrap();
    assert_eq!(confirmed.map(|position| position.get()), Some(3));
    assert_eq!(book.handle().clock_fault(), None);
    assert_eq!(account(&book, "c").await.unwrap(), at(-YEARS));
    book.close().await.unwrap();
}
