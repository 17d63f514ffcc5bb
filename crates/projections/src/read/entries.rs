//! Journal entries that were posted by command.

use std::ops::Range;

use rusqlite::{OptionalExtension, params};
use serde::Serialize;
use tillroll_events::{CalendarDate, EntryId, Metadata, PostingData, Timestamp};

use super::columns::Columns;
use super::pool::Snapshot;
use super::{AsOf, At, ReadModels};
use crate::ReadError;

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EntryRow {
    #[serde(serialize_with = "tillroll_events::serde_text::serialize")]
    pub id: EntryId,
    pub description: Option<String>,
    pub postings: Vec<PostingData>,
    pub metadata: Metadata,
    /// The entry that this one corrects.
    #[serde(serialize_with = "tillroll_events::serde_text::option::serialize")]
    pub reverses: Option<EntryId>,
    /// The entries that correct this one, oldest first.
    #[serde(serialize_with = "tillroll_events::serde_text::list::serialize")]
    pub reversed_by: Vec<EntryId>,
    /// The day in whose accounts it belongs, where that is not the day on which it occurred.
    pub effective_date: Option<CalendarDate>,
    pub occurred_at: Timestamp,
    pub recorded_at: Timestamp,
    pub position: u64,
}

impl ReadModels {
    /// One entry, `None` when there is none of this id (yet).
    pub fn entry(
        &self,
        id: EntryId,
        as_of: Option<u64>,
    ) -> Result<At<Option<EntryRow>>, ReadError> {
        self.at(as_of, |snapshot, as_of| {
            let mut statement = snapshot.sql.prepare_cached(
                "SELECT n.position, e.description, n.metadata, n.reverses,
                        e.occurred_at, e.recorded_at, n.ordinal, n.postings,
                        e.effective_date
                 FROM entries n CROSS JOIN events e ON e.position = n.position
                 WHERE n.id = ?1 AND n.position <= ?2",
            )?;
            let found = statement
                .query_row(params![id.to_string(), as_of.column], |row| {
                    let place: (i64, i64) = (row.get(6)?, row.get(7)?);
                    let found = EntryRow {
                        id,
                        position: row.count(0)?,
                        description: row.get(1)?,
                        metadata: row.metadata(2)?,
                        reverses: row.maybe_parsed(3)?,
                        occurred_at: row.time(4)?,
                        recorded_at: row.time(5)?,
                        postings: Vec::new(),
                        reversed_by: Vec::new(),
                        effective_date: row.maybe_parsed(8)?,
                    };
                    Ok((found, place))
                })
                .optional()?;
            let Some((mut entry, (ordinal, postings))) = found else {
                return Ok(None);
            };
            let ordinals = ordinal..ordinal + postings;
            entry.postings = postings_at(snapshot, entry.position, ordinals)?;
            entry.reversed_by = reversals(snapshot, as_of, id)?;
            Ok(Some(entry))
        })
    }
}

/// Those postings of the event at a position, in their order.
pub(super) fn postings_at(
    snapshot: &Snapshot<'_>,
    position: u64,
    ordinals: Range<i64>,
) -> Result<Vec<PostingData>, ReadError> {
    let mut statement = snapshot.sql.prepare_cached(
        "SELECT a.path, a.unit, p.side, p.amount
         FROM postings p CROSS JOIN accounts a ON a.id = p.account_id
         WHERE p.position = ?1 AND p.ordinal >= ?2 AND p.ordinal < ?3 ORDER BY p.ordinal",
    )?;
    let position = i64::try_from(position).unwrap_or(i64::MAX);
    let rows = statement.query_map([position, ordinals.start, ordinals.end], posting)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// From path, unit, side and amount.
pub(super) fn posting(row: &rusqlite::Row<'_>) -> rusqlite::Result<PostingData> {
    Ok(PostingData {
        account: row.get(0)?,
        unit: row.get(1)?,
        side: row.get(2)?,
        amount: row.count(3)?,
    })
}

fn reversals(snapshot: &Snapshot<'_>, as_of: AsOf, id: EntryId) -> Result<Vec<EntryId>, ReadError> {
    let mut statement = snapshot.sql.prepare_cached(
        "SELECT id FROM entries WHERE reverses = ?1 AND position <= ?2 ORDER BY position",
    )?;
    let rows = statement.query_map(params![id.to_string(), as_of.column], |row| row.parsed(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
