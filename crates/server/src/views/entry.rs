//! An entry as a client sees it.

use serde::Serialize;
use tillroll_engine::Position;
use tillroll_events::{AccountNames, EntryView as PostingsView, Event, Metadata, Record};
use tillroll_ledger::{AccountId, AccountPath, Entry};
use tillroll_money::Unit;
use tillroll_projections::EntryRow;
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
    from_rows(PostingsView::of(entry, names).postings)
}

pub(super) fn from_rows(rows: Vec<tillroll_events::PostingView>) -> Vec<PostingView> {
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

    /// Of the record of a request whose postings were on these accounts, in this order.
    pub(crate) fn of_request(
        records: &[(Position, Record)],
        legs: &[(AccountPath, Unit)],
    ) -> Option<Self> {
        struct Legs<'a>(Vec<(AccountId, &'a (AccountPath, Unit))>);
        impl AccountNames for Legs<'_> {
            fn name(&self, account: AccountId) -> Option<(String, Unit)> {
                let (_, (path, unit)) = self.0.iter().find(|(known, _)| *known == account)?;
                Some((path.to_string(), *unit))
            }
        }
        let entry = records.iter().find_map(|(_, record)| match &record.event {
            Event::EntryPosted(posted) => Some(&posted.entry),
            _ => None,
        })?;
        let numbers = entry.postings().iter().map(|posting| posting.account);
        Self::of_records(records, &Legs(numbers.zip(legs).collect()))
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
