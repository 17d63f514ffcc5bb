//! What became of a bulk request.

use serde::Serialize;
use tillroll_engine::Position;
use tillroll_events::{EntryId, Event, Record};
use utoipa::ToSchema;

use crate::bodies::{BulkMode, RefusedBefore};
use crate::pointer;

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
            let mut add = |id: EntryId| {
                let Some(index) = empty.next() else { return };
                posted += 1;
                results[index] = Some(BulkResult {
                    index,
                    status: BulkStatus::Posted,
                    id: Some(id.to_string()),
                    position: Some(position.get()),
                    code: None,
                    detail: None,
                    param: None,
                });
            };
            match &record.event {
                Event::EntryPosted(event) => add(event.id),
                Event::EntriesPosted(event) => event.entries.for_each(|id, _| add(id)),
                _ => {}
            }
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
