//! A hold as a client sees it.

use serde::Serialize;
use tillroll_engine::Position;
use tillroll_events::{AccountNames, Event, Metadata, Record};
use tillroll_projections::{HoldRow, HoldStatus};
use utoipa::ToSchema;

use super::entry::{PostingView, from_rows, postings};
use crate::openapi::MetadataSchema;

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
