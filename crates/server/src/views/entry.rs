//! An entry as a client sees it.

use std::fmt::Display;

use serde::{Serialize, Serializer};
use tillroll_engine::Position;
use tillroll_events::{
    AccountNames, CalendarDate, EntryData, EntryId, Event, Metadata, Record, Timestamp,
};
use tillroll_ledger::{AccountPath, Entry};
use tillroll_money::Unit;
use tillroll_projections::{EntryRow, ReversalRow, ReversalState};
use utoipa::ToSchema;

use crate::openapi::MetadataSchema;

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

pub(super) fn postings(entry: &Entry, names: &dyn AccountNames) -> Vec<PostingView> {
    from_rows(EntryData::of(entry, names).postings)
}

pub(super) fn from_rows(rows: Vec<tillroll_events::PostingData>) -> Vec<PostingView> {
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
    /// The entry that this one takes back. One of before reversals were checked only says so.
    reverses: Option<String>,
    /// How much of this one was taken back: `none`, `part` or `whole`.
    #[schema(example = "none")]
    reversal: &'static str,
    /// The entries that took it back, oldest first.
    reversed_by: Vec<ReversalView>,
    /// Whether `reversed_by` leaves some out: it has about as many postings as an entry may have.
    reversed_by_has_more: bool,
    /// The day in whose accounts it belongs, where that is not the day on which it occurred.
    #[schema(example = "2026-08-31", format = Date)]
    effective_date: Option<String>,
    occurred_at: String,
    recorded_at: String,
    position: u64,
}

/// An entry that takes back another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Reversal)]
pub(crate) struct ReversalView {
    id: String,
    position: u64,
    postings: Vec<PostingView>,
}

impl EntryView {
    /// Of the records of a request that took back an entry.
    pub(crate) fn of_reversal(
        records: &[(Position, Record)],
        names: &dyn AccountNames,
    ) -> Option<Self> {
        records.iter().find_map(|(position, record)| {
            let Event::EntryReversed(event) = &record.event else {
                return None;
            };
            Some(Self {
                object: "entry",
                id: event.id.to_string(),
                description: event.description.clone(),
                postings: postings(&event.entry, names),
                metadata: event.metadata.clone(),
                reverses: Some(event.reverses.to_string()),
                reversal: ReversalState::None.as_str(),
                reversed_by: Vec::new(),
                reversed_by_has_more: false,
                effective_date: event.effective_date.map(|date| date.to_string()),
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
            reversal: row.reversal.as_str(),
            reversed_by: row.reversed_by.into_iter().map(ReversalView::of).collect(),
            reversed_by_has_more: row.reversed_by_more,
            effective_date: row.effective_date.map(|date| date.to_string()),
            occurred_at: row.occurred_at.to_string(),
            recorded_at: row.recorded_at.to_string(),
            position: row.position,
        }
    }
}

impl ReversalView {
    fn of(row: ReversalRow) -> Self {
        Self {
            id: row.id.to_string(),
            position: row.position,
            postings: from_rows(row.postings),
        }
    }
}

/// [`EntryView`] of an entry that was just posted, its texts where they lie.
#[derive(Debug, Serialize)]
pub(crate) struct EntryAnswer<'a> {
    object: &'static str,
    #[serde(serialize_with = "tillroll_events::serde_text::serialize")]
    id: EntryId,
    description: Option<&'a str>,
    postings: Postings<'a>,
    metadata: &'a Metadata,
    #[serde(serialize_with = "tillroll_events::serde_text::option::serialize")]
    reverses: Option<EntryId>,
    reversal: &'static str,
    reversed_by: [ReversalView; 0],
    reversed_by_has_more: bool,
    effective_date: Option<CalendarDate>,
    occurred_at: Shown<Timestamp>,
    recorded_at: Shown<Timestamp>,
    position: u64,
}

#[derive(Debug)]
struct Postings<'a> {
    entry: &'a Entry,
    /// The accounts and units of the request, in the order of the entry's postings.
    legs: &'a [(AccountPath, Unit)],
}

#[derive(Debug, Serialize)]
struct BorrowedPostingView<'a> {
    account: &'a str,
    unit: &'a str,
    side: &'static str,
    amount: u64,
}

#[derive(Debug)]
struct Shown<T>(T);

impl<T: Display> Serialize for Shown<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl Serialize for Postings<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let postings = self.entry.postings().iter().zip(self.legs);
        serializer.collect_seq(
            postings.map(|(posting, (account, unit))| BorrowedPostingView {
                account: account.as_str(),
                unit: unit.as_str(),
                side: posting.side.as_str(),
                amount: posting.amount,
            }),
        )
    }
}

impl<'a> EntryAnswer<'a> {
    /// Of the records of a request whose postings were on these accounts, in this order: it
    /// names what its record has numbers of, so no name has to be looked up.
    pub(crate) fn of_request(
        records: &'a [(Position, Record)],
        legs: &'a [(AccountPath, Unit)],
    ) -> Option<Self> {
        records.iter().find_map(|(position, record)| {
            let Event::EntryPosted(posted) = &record.event else {
                return None;
            };
            Some(Self {
                object: "entry",
                id: posted.id,
                description: posted.description.as_deref(),
                postings: Postings {
                    entry: &posted.entry,
                    legs,
                },
                metadata: &posted.metadata,
                reverses: posted.reverses,
                reversal: ReversalState::None.as_str(),
                reversed_by: [],
                reversed_by_has_more: false,
                effective_date: posted.effective_date,
                occurred_at: Shown(record.occurred_at),
                recorded_at: Shown(record.recorded_at),
                position: position.get(),
            })
        })
    }
}
