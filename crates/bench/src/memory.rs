//! What things take in memory: the book is grown by many of them, and the process looked at
//! before and after.
//!
//! Resident memory also holds what the allocator keeps back, and a table that has just doubled
//! is half empty, so the figure for the same number of things is repeatable, and that for
//! another number differs by up to the factor two of such a table.

use std::fs;

use tillroll_book::{Action, Book, Chart, Command, Decision};
use tillroll_events::{CommandRef, EventId, OrderId, Record};
use tillroll_stripe_simulator::LifeCycle;

use crate::workload::{Entries, Webhooks};
use crate::{Error, Plan};

/// What so many of one thing take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    pub thing: &'static str,
    pub count: u64,
    /// By which the process has grown.
    pub bytes: u64,
}

impl Held {
    #[must_use]
    pub fn each(&self) -> u64 {
        self.bytes / self.count.max(1)
    }
}

/// Things that are made at a time: what making them takes must not be counted as held.
const CHUNK: usize = 1_000;

/// Of an order's things, each step is many times what an entry's is.
const ORDERS: usize = 10;

/// Grows a book by accounts, entries, open orders and closed orders in turn.
///
/// # Errors
/// When the system does not say how much memory the process has, or a command is refused.
pub fn memory(plan: &Plan, mut progress: impl FnMut(usize, &str)) -> Result<Vec<Held>, Error> {
    let mut things = Vec::new();
    let mut roll = Roll::new();
    // Whatever the first use of anything takes is there before the first look.
    let mut warm = Roll::new();
    Entries::among(CHUNK, 9)
        .opening()
        .try_for_each(|command| warm.apply(&command))?;
    let (count, orders) = (plan.memory_things, plan.memory_things / ORDERS);

    progress(0, "accounts");
    let accounts = Entries::among(count, 1).without_limits();
    let before = resident()?;
    accounts
        .wallets()
        .try_for_each(|command| roll.apply(&command))?;
    things.push(held("account", count, before)?);

    progress(1, "entry ids");
    let mut entries = Entries::among(CHUNK, 1);
    let before = resident()?;
    for _ in 0..count / CHUNK {
        roll.apply(&entries.bulk(CHUNK))?;
    }
    things.push(held("entry id", count / CHUNK * CHUNK, before)?);

    progress(2, "open orders");
    let before = resident()?;
    for chunk in chunks(orders) {
        let open = Webhooks::of(
            &[LifeCycle::Captured],
            chunk.start as u64,
            chunk.len() as u64,
        );
        open.orders.iter().try_for_each(|order| roll.apply(order))?;
    }
    things.push(held("open order", orders, before)?);

    progress(3, "closed orders");
    let before = resident()?;
    for chunk in chunks(orders) {
        let first = (orders + chunk.start) as u64;
        let shop = Webhooks::of(&[LifeCycle::Paid], first, chunk.len() as u64);
        let secrets = Webhooks::secrets();
        for order in &shop.orders {
            roll.apply(order)?;
        }
        for delivery in &shop.deliveries {
            roll.apply(&delivery.command(&secrets))?;
        }
        for order in &shop.orders {
            if let Action::PlaceOrder(placed) = &order.action {
                roll.apply(&fulfil(placed.id, order))?;
            }
        }
    }
    things.push(held("closed order (paid, fulfilled)", orders, before)?);
    drop((warm, roll));
    Ok(things)
}

fn chunks(count: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
    (0..count)
        .step_by(CHUNK)
        .map(move |first| first..count.min(first + CHUNK))
}

fn fulfil(id: OrderId, order: &Command) -> Command {
    Command {
        key: None,
        action: Action::FulfilOrder(id),
        ..order.clone()
    }
}

fn held(thing: &'static str, count: usize, before: u64) -> Result<Held, Error> {
    Ok(Held {
        thing,
        count: count as u64,
        bytes: resident()?.saturating_sub(before),
    })
}

/// Bytes of the process that are in memory.
fn resident() -> Result<u64, Error> {
    const PATH: &str = "/proc/self/statm";
    let text = fs::read_to_string(PATH).map_err(Error::io(format!("read {PATH}")))?;
    pages(&text)
        .map(|pages| pages * PAGE)
        .ok_or_else(|| Error::Failed {
            doing: format!("reading {PATH}"),
            why: "the second number is missing".into(),
        })
}

/// Of every machine that this is built for.
const PAGE: u64 = 4096;

fn pages(statm: &str) -> Option<u64> {
    statm.split_whitespace().nth(1)?.parse().ok()
}

/// A book, folded as a writer folds it, without the bytes.
struct Roll {
    book: Book,
    position: u64,
}

impl Roll {
    fn new() -> Self {
        Self {
            book: Book::new(Chart::default()),
            position: 0,
        }
    }

    fn apply(&mut self, command: &Command) -> Result<(), Error> {
        let decided = match self.book.decide(command) {
            Ok(Decision::Append(decided)) => decided,
            Ok(Decision::AlreadyApplied { .. }) => Vec::new(),
            Err(refusal) => return Err(Error::failed("the workload")(refusal)),
        };
        let events = u32::try_from(decided.len()).unwrap_or(u32::MAX);
        let mut reference = command.key.as_ref().map(|key| CommandRef {
            key: key.key.clone(),
            fingerprint: key.fingerprint,
            events,
        });
        for decided in decided {
            self.position += 1;
            let record = Record {
                id: EventId::from_u128(u128::from(self.position)),
                recorded_at: command.at,
                occurred_at: decided.occurred_at,
                order: decided.order,
                command: reference.take(),
                event: decided.event,
            };
            self.book.evolve(self.position, &record);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_the_second_number() {
        assert_eq!(pages("1234 567 89 1 0 2 0\n"), Some(567));
        assert_eq!(pages("1234"), None);
        assert!(resident().unwrap() > 100_000);
    }

    #[test]
    fn things_are_shared_out() {
        let held = Held {
            thing: "account",
            count: 1_000,
            bytes: 130_999,
        };
        assert_eq!(held.each(), 130);
    }
}
