//! Given events, then rows: one story per question, with the figures worked out by hand.

mod account;
mod entry;
mod fact;
#[path = "../harness/mod.rs"]
mod harness;
mod hold;
mod notification;
mod order;
mod seller;
mod stock;

use tillroll_events::{EntryId, EntryPosted};
use tillroll_ledger::Side;

use harness::Roll;

/// Posts a described entry; its position.
fn posted(roll: &mut Roll, number: u128, legs: &[(&str, &str, Side, u64)]) -> u64 {
    let entry = roll.entry(legs);
    roll.push(EntryPosted {
        id: EntryId::from_u128(number),
        entry,
        description: Some(format!("sale {number}")),
        metadata: [("till".to_owned(), "7".to_owned())].into(),
        reverses: None,
        effective_date: None,
    })
}
