//! Goods arrive at a location.

use tillroll_events::{JournalEntry, StockLine, StockReceived};
use tillroll_money::{MAX_MINOR, Unit};

use super::{has_happened, path_name};
use crate::store::Legs;
use crate::work::UnitOfWork;
use crate::{ReceiveStock, Refusal};

/// As many lines as an order has: it bounds the entry.
pub(super) const MAX_LINES: usize = 200;

pub(super) fn receive(work: &mut UnitOfWork<'_>, request: &ReceiveStock) -> Result<(), Refusal> {
    path_name("location", &request.location)?;
    has_happened(work)?;
    if !(1..=MAX_LINES).contains(&request.lines.len()) {
        return Err(Refusal::invalid(
            "lines",
            format!("one to {MAX_LINES} lines"),
        ));
    }
    let mut legs = Legs::default();
    for (index, line) in request.lines.iter().enumerate() {
        let param = |field: &str| format!("lines[{index}].{field}");
        let unit = Unit::sku(&line.sku)
            .map_err(|error| Refusal::invalid(param("sku"), error.to_string()))?;
        if !(1..=MAX_MINOR).contains(&line.quantity) {
            return Err(Refusal::invalid(param("quantity"), "at least one piece"));
        }
        let available = work.account(&format!("stock:{}:available", request.location), unit)?;
        let suppliers = work.account("stock:suppliers", unit)?;
        legs.debit(available, line.quantity.into());
        legs.debit(suppliers, -i128::from(line.quantity));
    }
    let entry = work.entry_of(&legs)?.expect("every line has a quantity");
    work.draft.post(&entry)?;
    let lines = request
        .lines
        .iter()
        .map(|line| StockLine {
            sku: line.sku.clone(),
            quantity: line.quantity,
        })
        .collect();
    let ReceiveStock {
        location,
        reference,
        ..
    } = request.clone();
    work.emit(
        StockReceived {
            location,
            lines,
            reference,
            entry: JournalEntry(entry),
        },
        None,
    );
    Ok(())
}
