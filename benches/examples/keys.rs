//! What idempotency keys take in memory, and what a command pays for one: new keys by the million,
//! as the writer decides and folds them, without a log.
//!
//! ```text
//! cargo run -p tillroll-benches --release --example keys -- DIR 1000000 10000000
//! ```
//!
//! At each of these numbers it says what the process has grown by since there were none, and how
//! long it takes to find an old key again. Keys are UUIDs. Each command changes the limit of one
//! account, which leaves nothing but the key.

use std::fs;
use std::time::{Duration, Instant};

use tillroll_book::{Action, Book, Chart, Command, CommandKey, Decision, OpenAccount};
use tillroll_engine::{BookOptions, ScratchFiles};
use tillroll_events::{Caller, EventId, KeyScope, Timestamp};
use tillroll_ledger::{AccountType, Limit};

/// Old keys that are asked for again.
const AGAIN: u64 = 100_000;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let directory = arguments.next().expect("a directory for the file of rows");
    let counts: Vec<u64> = arguments
        .map(|count| count.parse().expect("a number of keys"))
        .collect();
    let scratch = ScratchFiles::in_directory(directory).after(100_000);
    let options = BookOptions::from(Chart::default()).with_scratch(scratch);
    let (mut book, mut position) = (options.book(), 0);
    // The account, and the first parts of tables.
    while position < 1_000 {
        apply(&mut book, &mut position);
    }
    let before = resident();
    let (mut started, mut slowest) = (Instant::now(), Duration::ZERO);
    for count in counts {
        let first = position;
        while position < count {
            let one = Instant::now();
            apply(&mut book, &mut position);
            slowest = slowest.max(one.elapsed());
        }
        let each = started.elapsed() / u32::try_from(position - first).expect("some millions");
        let grown = resident().saturating_sub(before);
        println!(
            "{count} keys: {} MiB, {} bytes each; {each:?} a command, the slowest {slowest:?}",
            grown >> 20,
            grown / count.max(1),
        );
        let again = Instant::now();
        for number in 0..AGAIN {
            // All over what there is.
            let old = 1 + number.wrapping_mul(0x9e37_79b9_7f4a_7c15) % position;
            let known = book.decide(&command(old)).expect("the same request");
            let expected = Decision::AlreadyApplied {
                first: old,
                events: 1,
            };
            assert_eq!(known, expected, "key {old}");
        }
        println!(
            "  found again in {:?}",
            again.elapsed() / u32::try_from(AGAIN).expect("few")
        );
        assert!(book.fault().is_none(), "{:?}", book.fault());
        (started, slowest) = (Instant::now(), Duration::ZERO);
    }
}

/// The command whose record has this position.
fn command(position: u64) -> Command {
    let id = u128::from(position).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    let digits = format!("{id:032x}");
    let (a, b) = (&digits[..8], &digits[8..12]);
    let limit = match position % 2 {
        0 => Limit::None,
        _ => Limit::DebitsMustNotExceedCredits,
    };
    Command {
        at: Timestamp::from_seconds(1_800_000_000),
        occurred_at: None,
        caller: Caller::ANONYMOUS,
        key: Some(CommandKey {
            scope: KeyScope::Shared,
            key: format!("http:{a}-{b}-{}", &digits[12..]),
            fingerprint: id.to_le_bytes(),
        }),
        action: Action::OpenAccount(OpenAccount {
            path: "till".parse().expect("a path"),
            unit: "EUR".parse().expect("a unit"),
            kind: Some(AccountType::Asset),
            limit: Some(limit),
        }),
    }
}

fn apply(book: &mut Book, position: &mut u64) {
    let command = command(*position + 1);
    let decided = match book.decide(&command).expect("nothing is refused") {
        Decision::Append(decided) => decided,
        Decision::AlreadyApplied { .. } => panic!("every key is new"),
    };
    let id = |position: u64| EventId::from_u128(u128::from(position));
    for (place, record) in command.records(*position + 1, decided, id) {
        book.evolve(place, &record);
        *position = place;
    }
}

/// Bytes of this process that are in memory.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}
