//! Logs to be read: of bulk entries, and of a shop.

use std::time::Duration;

use tillroll_book::Command;
use tillroll_engine::Engine;
use tillroll_log::Log;

use super::{Entries, Webhooks};
use crate::{BenchError, execute, timed};

/// In a log of bulk entries.
pub const ACCOUNTS: usize = 10_000;
const BULK: usize = 1_000;

/// A log that was filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FilledLog {
    /// Records of the log.
    pub records: u64,
    /// Entries and accounts in it; one record may hold many entries.
    pub elements: u64,
    /// What the engine took for it. Making up the commands is not in it.
    pub writing: Duration,
}

/// Fills a log with bulk payments among 10,000 accounts.
///
/// # Errors
/// When the log fails.
pub fn bulk_log<J: Log>(engine: &mut Engine<J>, entries: usize) -> Result<FilledLog, BenchError> {
    bulk_log_of(engine, Entries::among(ACCOUNTS, 1), entries)
}

/// The same with a workload of one's own.
///
/// # Errors
/// When the log fails.
pub fn bulk_log_of<J: Log>(
    engine: &mut Engine<J>,
    mut workload: Entries,
    entries: usize,
) -> Result<FilledLog, BenchError> {
    let mut writing = apply(engine, workload.opening().collect())?;
    let mut elements = engine.head().get();
    for _ in 0..entries.div_ceil(BULK) {
        writing += apply(engine, vec![workload.bulk(BULK)])?;
        elements += BULK as u64;
    }
    Ok(FilledLog {
        records: engine.head().get(),
        elements,
        writing,
    })
}

/// Fills a log with orders and what the processor says about them.
///
/// # Errors
/// When the log fails.
pub fn commerce_log<J: Log>(engine: &mut Engine<J>, rounds: u64) -> Result<FilledLog, BenchError> {
    let Webhooks { orders, deliveries } = Webhooks::rounds(rounds);
    let secrets = Webhooks::secrets();
    let commands = deliveries.iter().map(|delivery| delivery.command(&secrets));
    let commands = orders.into_iter().chain(commands).collect();
    let writing = apply(engine, commands)?;
    Ok(FilledLog {
        records: engine.head().get(),
        elements: engine.head().get(),
        writing,
    })
}

fn apply<J: Log>(engine: &mut Engine<J>, commands: Vec<Command>) -> Result<Duration, BenchError> {
    let (done, took) = timed(|| execute(engine, commands));
    done.map(|()| took)
}
