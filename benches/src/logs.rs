//! Logs to be read: of bulk entries, and of a shop.

use tillroll_engine::Engine;
use tillroll_journal::Journal;

use crate::{Entries, Webhooks};

const ACCOUNTS: usize = 10_000;
const BULK: usize = 1_000;

/// Fills a log with bulk payments among 10,000 accounts. Answers how many records it has.
///
/// # Panics
/// When the journal fails.
pub fn bulk_log<J: Journal>(engine: &mut Engine<J>, entries: usize) -> u64 {
    bulk_log_of(engine, Entries::among(ACCOUNTS, 1), entries)
}

/// The same with a workload of one's own.
///
/// # Panics
/// When the journal fails.
pub fn bulk_log_of<J: Journal>(
    engine: &mut Engine<J>,
    mut workload: Entries,
    entries: usize,
) -> u64 {
    let mut apply = |commands| {
        let answers = engine.execute(commands).expect("the journal is whole");
        assert!(answers.iter().all(Result::is_ok), "nothing is refused");
    };
    apply(workload.opening());
    for _ in 0..entries.div_ceil(BULK) {
        apply(vec![workload.bulk(BULK)]);
    }
    engine.head().get()
}

/// Fills a log with orders and what the processor says about them. Answers how many records it
/// has.
///
/// # Panics
/// When the journal fails.
pub fn commerce_log<J: Journal>(engine: &mut Engine<J>, rounds: u64) -> u64 {
    let Webhooks { orders, deliveries } = Webhooks::rounds(rounds);
    let secrets = Webhooks::secrets();
    let commands = deliveries.iter().map(|delivery| delivery.command(&secrets));
    let commands = orders.into_iter().chain(commands).collect();
    let answers = engine.execute(commands).expect("the journal is whole");
    assert!(answers.iter().all(Result::is_ok), "nothing is refused");
    engine.head().get()
}
