//! Stock and its receipts as a client sees them.

use serde::Serialize;
use tillroll_engine::Position;
use tillroll_events::{Event, Record};
use tillroll_projections::StockRow;
use utoipa::ToSchema;

/// Goods that arrived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = StockReceipt)]
pub(crate) struct ReceiptView {
    #[schema(example = "stock_receipt")]
    object: &'static str,
    id: String,
    location: String,
    lines: Vec<ReceiptLineView>,
    reference: Option<String>,
    occurred_at: String,
    recorded_at: String,
    position: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = StockReceiptLine)]
pub(crate) struct ReceiptLineView {
    sku: String,
    quantity: u64,
}

impl ReceiptView {
    pub(crate) fn of_records(records: &[(Position, Record)]) -> Option<Self> {
        records.iter().find_map(|(position, record)| {
            let Event::StockReceived(received) = &record.event else {
                return None;
            };
            let lines = received.lines.iter().map(|line| ReceiptLineView {
                sku: line.sku.clone(),
                quantity: line.quantity,
            });
            Some(Self {
                object: "stock_receipt",
                id: record.id.to_string(),
                location: received.location.clone(),
                lines: lines.collect(),
                reference: received.reference.clone(),
                occurred_at: record.occurred_at.to_string(),
                recorded_at: record.recorded_at.to_string(),
                position: position.get(),
            })
        })
    }
}

/// Pieces of an article at a location.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = StockLevel)]
pub(crate) struct StockView {
    #[schema(example = "stock")]
    object: &'static str,
    /// Its cursor.
    #[schema(example = "berlin:TEE-M")]
    id: String,
    location: String,
    sku: String,
    /// Can still be sold.
    available: i64,
    /// Sold and not yet handed over.
    reserved: i64,
    /// Sold offline although the shelf did not hold it.
    short: i64,
}

impl StockView {
    pub(crate) fn of(row: StockRow) -> Self {
        Self {
            object: "stock",
            id: format!("{}:{}", row.location, row.sku),
            location: row.location,
            sku: row.sku,
            available: row.available,
            reserved: row.reserved,
            short: row.short,
        }
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }
}
