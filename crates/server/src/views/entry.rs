//! Entries, bulk results, holds and stock receipts as a client sees them.

use serde::Serialize;
use tillroll_engine::Position;
use tillroll_events::{AccountNames, EntryView as PostingsView, Event, Metadata, Record};
use tillroll_ledger::Entry;
use tillroll_projections::{EntryRow, HoldRow, HoldStatus};
use utoipa::ToSchema;

use crate::bodies::{BulkMode, RefusedBefore};
use crate::openapi::MetadataSchema;
use crate::pointer;

/// One leg of an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Posting)]
pub(crate) struct PostingView {
    account: String,
    unit: String,
    /// `debit` or `credit`.
    side: String,
    /// Minor units.
    amount: u64,
}

fn postings(entry: &Entry, names: &dyn AccountNames) -> Vec<PostingView> {
    from_rows(PostingsView::of(entry, names).postings)
}

fn from_rows(rows: Vec<tillroll_events::PostingView>) -> Vec<PostingView> {
    rows.into_iter()
        .map(|row| PostingView {
            account: row.account,
            unit: row.unit,
            side: row.side,
            amount: row.amount,
        })
        .collect()
}

/// A journal entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Entry)]
pub(crate) struct EntryView {
    #[schema(example = "entry")]
    object: &'static str,
    id: String,
    description: Option<String>,
    postings: Vec<PostingView>,
    #[schema(value_type = MetadataSchema)]
    metadata: Metadata,
    /// The entry that this one corrects.
    reverses: Option<String>,
    occurred_at: String,
    recorded_at: String,
    position: u64,
}

impl EntryView {
    pub(crate) fn of_records(
        records: &[(Position, Record)],
        names: &dyn AccountNames,
    ) -> Option<Self> {
        records.iter().find_map(|(position, record)| {
            let Event::EntryPosted(posted) = &record.event else {
                return None;
            };
            Some(Self {
                object: "entry",
                id: posted.id.to_string(),
                description: posted.description.clone(),
                postings: postings(&posted.entry.0, names),
                metadata: posted.metadata.clone(),
                reverses: posted.reverses.map(|id| id.to_string()),
                occurred_at: record.occurred_at.to_string(),
                recorded_at: record.recorded_at.to_string(),
                position: position.get(),
            })
        })
    }

    pub(crate) fn of_row(row: EntryRow) -> Self {
        Self {
            object: "entry",
            id: row.id.to_string(),
            description: row.description,
            postings: from_rows(row.postings),
            metadata: row.metadata,
            reverses: row.reverses.map(|id| id.to_string()),
            occurred_at: row.occurred_at.to_string(),
            recorded_at: row.recorded_at.to_string(),
            position: row.position,
        }
    }
}

/// What became of one item of a bulk request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct BulkResult {
    /// Its place in the request, from 0.
    index: usize,
    status: BulkStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<u64>,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// JSON Pointer to the field at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    param: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BulkStatus {
    Posted,
    Refused,
}

/// What became of a bulk request, one result for each of its entries, in their order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = BulkResults)]
pub(crate) struct BulkView {
    #[schema(example = "bulk")]
    object: &'static str,
    mode: BulkModeView,
    posted: usize,
    refused: usize,
    results: Vec<BulkResult>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum BulkModeView {
    All,
    Each,
}

impl BulkView {
    /// Of the records of the command, and of what was refused before it. Both are the same when
    /// the request is repeated.
    pub(crate) fn of_records(
        mode: BulkMode,
        count: usize,
        before: Vec<RefusedBefore>,
        records: &[(Position, Record)],
    ) -> Self {
        let mut results: Vec<Option<BulkResult>> = (0..count).map(|_| None).collect();
        for RefusedBefore { index, error } in before {
            results[index] = Some(BulkResult {
                index,
                status: BulkStatus::Refused,
                id: None,
                position: None,
                code: Some(error.code),
                detail: Some(error.detail),
                param: Some(error.pointer),
            });
        }
        // The book was asked for the places that are still empty, in this order.
        let asked: Vec<usize> = (0..count)
            .filter(|index| results[*index].is_none())
            .collect();
        for (_, record) in records {
            let Event::BulkClosed(closed) = &record.event else {
                continue;
            };
            for item in &closed.refused {
                let place = usize::try_from(item.index).ok();
                let Some(&index) = place.and_then(|place| asked.get(place)) else {
                    continue;
                };
                let param = match &item.param {
                    Some(param) => format!("/entries/{index}{}", pointer::from_path(param)),
                    None => format!("/entries/{index}"),
                };
                results[index] = Some(BulkResult {
                    index,
                    status: BulkStatus::Refused,
                    id: None,
                    position: None,
                    code: Some(item.code.clone()),
                    detail: Some(item.detail.clone()),
                    param: Some(param),
                });
            }
        }
        let mut empty = asked
            .into_iter()
            .filter(|index| results[*index].is_none())
            .collect::<Vec<_>>()
            .into_iter();
        let mut posted = 0;
        for (position, record) in records {
            let Event::EntryPosted(entry) = &record.event else {
                continue;
            };
            let Some(index) = empty.next() else { break };
            posted += 1;
            results[index] = Some(BulkResult {
                index,
                status: BulkStatus::Posted,
                id: Some(entry.id.to_string()),
                position: Some(position.get()),
                code: None,
                detail: None,
                param: None,
            });
        }
        let results: Vec<BulkResult> = results.into_iter().flatten().collect();
        Self {
            object: "bulk",
            mode: match mode {
                BulkMode::All => BulkModeView::All,
                BulkMode::Each => BulkModeView::Each,
            },
            posted,
            refused: results.len() - posted,
            results,
        }
    }
}

/// A hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Hold)]
pub(crate) struct HoldView {
    #[schema(example = "hold")]
    object: &'static str,
    id: String,
    status: HoldStatusView,
    /// What is or was held.
    postings: Vec<PostingView>,
    /// What was captured of it; the rest was released.
    captured: Vec<PostingView>,
    expires_at: Option<String>,
    description: Option<String>,
    #[schema(value_type = MetadataSchema)]
    metadata: Metadata,
    occurred_at: String,
    recorded_at: String,
    /// Where on the roll it was placed.
    position: u64,
    /// Where it ended.
    ended_position: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = HoldStatus)]
pub(crate) enum HoldStatusView {
    Pending,
    Captured,
    Voided,
    Expired,
}

impl HoldView {
    /// Of the records of the command that placed it.
    pub(crate) fn of_records(
        records: &[(Position, Record)],
        names: &dyn AccountNames,
    ) -> Option<Self> {
        records.iter().find_map(|(position, record)| {
            let Event::HoldPlaced(placed) = &record.event else {
                return None;
            };
            Some(Self {
                object: "hold",
                id: placed.id.to_string(),
                status: HoldStatusView::Pending,
                postings: postings(&placed.entry.0, names),
                captured: Vec::new(),
                expires_at: placed.expires_at.map(|at| at.to_string()),
                description: placed.description.clone(),
                metadata: placed.metadata.clone(),
                occurred_at: record.occurred_at.to_string(),
                recorded_at: record.recorded_at.to_string(),
                position: position.get(),
                ended_position: None,
            })
        })
    }

    pub(crate) fn of_row(row: HoldRow) -> Self {
        Self {
            object: "hold",
            id: row.id.to_string(),
            status: match row.status {
                HoldStatus::Pending => HoldStatusView::Pending,
                HoldStatus::Captured => HoldStatusView::Captured,
                HoldStatus::Voided => HoldStatusView::Voided,
                HoldStatus::Expired => HoldStatusView::Expired,
            },
            postings: from_rows(row.postings),
            captured: from_rows(row.captured),
            expires_at: row.expires_at.map(|at| at.to_string()),
            description: row.description,
            metadata: row.metadata,
            occurred_at: row.occurred_at.to_string(),
            recorded_at: row.recorded_at.to_string(),
            position: row.position,
            ended_position: row.ended_position,
        }
    }
}

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
