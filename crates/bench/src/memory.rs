//! What things take in memory: the book is grown by many of them, and the process looked at
//! before and after.
//!
//! Resident memory also holds what the allocator keeps back, and a table that has just doubled
//! is half empty, so the figure for the same number of things is repeatable, and that for
//! another number differs by up to the factor two of such a table.

use std::fs;
use std::ops::Range;

use tillroll_book::{Action, Chart, Command, MemoryWriter};
use tillroll_engine::{BookOptions, ScratchFiles};
use tillroll_events::OrderId;
use tillroll_stripe_simulator::LifeCycle;

use crate::workload::{Entries, Ids, Webhooks, wallets};
use crate::{BenchError, BenchPlan, BenchScratch};

/// What so many of one thing take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryUse {
    pub thing: &'static str,
    pub count: u64,
    /// By which the process has grown.
    pub bytes: u64,
}

impl MemoryUse {
    #[must_use]
    pub fn each(&self) -> u64 {
        self.bytes / self.count.max(1)
    }
}

/// Things that are made at a time: what making them takes must not be counted as held.
const CHUNK: usize = 1_000;

/// Of an order's things, each step is many times what an entry's is.
const ORDERS: usize = 10;

/// Records after which a row leaves the memory of the last book: few, so that nearly all orders
/// are without theirs. As many are still with them before and after.
const COLD_AFTER: u64 = 1_000;

/// How many things [`memory`] grows a book by.
pub const THINGS: usize = 6;

/// Grows a book by accounts, entries, open orders and closed orders in turn, then another, whose
/// rows leave memory for a file, by closed orders.
///
/// # Errors
/// When the system does not say how much memory the process has, a command is refused, or the
/// disk fails.
pub fn memory(
    plan: &BenchPlan,
    mut progress: impl FnMut(usize, &str),
) -> Result<Vec<MemoryUse>, BenchError> {
    let files = BenchScratch::below(&std::env::temp_dir())?;
    let rows = ScratchFiles::in_directory(files.path()).after(COLD_AFTER);
    let book_options = BookOptions::from(Chart::default()).with_scratch(rows);
    // All are there to the end: what one gives back would hide what another takes.
    let mut whole = MemoryWriter::default();
    let mut cold = MemoryWriter::new(book_options.book());
    let mut ordered = MemoryWriter::default();
    wallets(0..CHUNK).try_for_each(|command| apply(&mut ordered, &command))?;
    let (count, orders) = (plan.memory_things, plan.memory_things / ORDERS);
    let things = [
        Thing::Account,
        Thing::EntryId,
        Thing::OrderedId,
        Thing::OpenOrder,
        Thing::ClosedOrder,
        Thing::ColdOrder,
    ];
    debug_assert_eq!(things.len(), THINGS);
    let mut all = Vec::new();
    for (done, thing) in things.into_iter().enumerate() {
        progress(done, thing.name());
        let count = match thing {
            Thing::Account | Thing::EntryId | Thing::OrderedId => count,
            Thing::OpenOrder | Thing::ClosedOrder | Thing::ColdOrder => orders,
        };
        let writer = match thing {
            Thing::ColdOrder => &mut cold,
            // Random ids are above those that begin with a time.
            Thing::OrderedId => &mut ordered,
            _ => &mut whole,
        };
        // The first ones are made before the first look, so that what making them takes is
        // there already and is not counted.
        thing.make(writer, 0..CHUNK)?;
        let before = resident()?;
        for chunk in chunks(count) {
            thing.make(writer, CHUNK + chunk.start..CHUNK + chunk.end)?;
        }
        all.push(MemoryUse {
            thing: thing.name(),
            count: count as u64,
            bytes: resident()?.saturating_sub(before),
        });
    }
    drop((whole, cold, ordered));
    Ok(all)
}

/// What the book is grown by.
#[derive(Clone, Copy)]
enum Thing {
    Account,
    EntryId,
    OrderedId,
    OpenOrder,
    ClosedOrder,
    ColdOrder,
}

impl Thing {
    fn name(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::EntryId => "entry id",
            Self::OrderedId => "entry id, of ids that come in order",
            Self::OpenOrder => "open order",
            Self::ClosedOrder => "closed order (paid, fulfilled) with its webhooks' keys",
            Self::ColdOrder => "the same, once nothing has touched it for long",
        }
    }

    /// Makes those with these numbers.
    fn make(self, writer: &mut MemoryWriter, numbers: Range<usize>) -> Result<(), BenchError> {
        let (first, count) = (numbers.start as u64, numbers.len() as u64);
        match self {
            Self::Account => wallets(numbers).try_for_each(|command| apply(writer, &command)),
            // Its money goes between the first accounts, which are there.
            Self::EntryId => {
                let mut entries = Entries::among(CHUNK, 1).without_limits().after(first);
                apply(writer, &entries.bulk(numbers.len()))
            }
            Self::OrderedId => {
                let entries = Entries::among(CHUNK, 1).without_limits();
                let mut entries = entries.with_ids(Ids::Increasing).after(first);
                apply(writer, &entries.bulk(numbers.len()))
            }
            Self::OpenOrder => {
                // The processor says nothing of it yet.
                let open = Webhooks::of(&[LifeCycle::Captured], OPEN + first, count);
                open.orders
                    .iter()
                    .try_for_each(|order| apply(writer, order))
            }
            Self::ClosedOrder | Self::ColdOrder => {
                close(writer, &Webhooks::of(&[LifeCycle::Paid], first, count))
            }
        }
    }
}

/// Open orders are numbered from here, so that none is also a closed one.
const OPEN: u64 = 1 << 40;

fn close(writer: &mut MemoryWriter, shop: &Webhooks) -> Result<(), BenchError> {
    let secrets = Webhooks::secrets();
    for order in &shop.orders {
        apply(writer, order)?;
    }
    for delivery in &shop.deliveries {
        apply(writer, &delivery.command(&secrets))?;
    }
    for order in &shop.orders {
        if let Action::PlaceOrder(placed) = &order.action {
            apply(writer, &fulfil(placed.id, order))?;
        }
    }
    Ok(())
}

fn chunks(count: usize) -> impl Iterator<Item = Range<usize>> {
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

/// Bytes of the process that are in memory.
fn resident() -> Result<u64, BenchError> {
    const PATH: &str = "/proc/self/statm";
    let text = fs::read_to_string(PATH).map_err(BenchError::io(format!("read {PATH}")))?;
    pages(&text)
        .map(|pages| pages * PAGE)
        .ok_or_else(|| BenchError::Failed {
            doing: format!("reading {PATH}"),
            why: "the second number is missing".into(),
        })
}

/// Of every machine that this is built for.
const PAGE: u64 = 4096;

fn pages(statm: &str) -> Option<u64> {
    statm.split_whitespace().nth(1)?.parse().ok()
}

fn apply(writer: &mut MemoryWriter, command: &Command) -> Result<(), BenchError> {
    let applied = writer.apply(command);
    applied.map_err(BenchError::failed("the workload"))?;
    match writer.book().fault() {
        None => Ok(()),
        Some(fault) => Err(BenchError::failed("a file of rows")(fault)),
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
        let held = MemoryUse {
            thing: "account",
            count: 1_000,
            bytes: 130_999,
        };
        assert_eq!(held.each(), 130);
    }
}
