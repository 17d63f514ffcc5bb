//! Journal entries that were posted by command.

use std::ops::Range;

use rusqlite::{OptionalExtension, params};
use serde::Serialize;
use tillroll_events::{CalendarDate, EntryId, Metadata, PostingData, Timestamp};
use tillroll_ledger::MAX_POSTINGS;

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
    /// The entry that this one takes back. One of before reversals were checked only says so.
    #[serde(serialize_with = "tillroll_events::serde_text::option::serialize")]
    pub reverses: Option<EntryId>,
    /// How much of this one was taken back.
    pub reversal: ReversalState,
    /// The entries that took it back, oldest first: as many as together have not many more postings
    /// than one entry may have.
    pub reversed_by: Vec<ReversalRow>,
    /// Whether there are more of them.
    pub reversed_by_more: bool,
    /// The day in whose accounts it belongs, where that is not the day on which it occurred.
    pub effective_date: Option<CalendarDate>,
    pub occurred_at: Timestamp,
    pub recorded_at: Timestamp,
    pub position: u64,
}

/// How much of an entry was taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReversalState {
    None,
    Part,
    Whole,
}

impl ReversalState {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Part => "part",
            Self::Whole => "whole",
        }
    }
}

/// An entry that takes back another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReversalRow {
    #[serde(serialize_with = "tillroll_events::serde_text::serialize")]
    pub id: EntryId,
    pub position: u64,
    pub postings: Vec<PostingData>,
}

impl ReadModels {
    /// The position of the event that posted an entry, `None` when there is none of this id (yet).
    pub fn entry_position(&self, id: EntryId) -> Result<At<Option<u64>>, ReadError> {
        self.at(None, |snapshot, _| {
            let mut statement = snapshot
                .sql
                .prepare_cached("SELECT position FROM entries WHERE id = ?1")?;
            let found = statement.query_row([id.to_string()], |row| row.count(0));
            Ok(found.optional()?)
        })
    }

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
                        reversal: ReversalState::None,
                        reversed_by: Vec::new(),
                        reversed_by_more: false,
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
            entry.reversal = reversal_state(snapshot, as_of, id)?;
            if entry.reversal != ReversalState::None {
                let (reversals, more) = reversals(snapshot, as_of, id)?;
                entry.reversed_by = reversals;
                entry.reversed_by_more = more;
            }
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

/// As the last of its reversals has left it.
fn reversal_state(
    snapshot: &Snapshot<'_>,
    as_of: AsOf,
    id: EntryId,
) -> Result<ReversalState, ReadError> {
    let mut statement = snapshot.sql.prepare_cached(
        "SELECT reversal = 'whole' FROM entries
         WHERE reverses = ?1 AND position <= ?2 AND reversal IS NOT NULL
         ORDER BY position DESC LIMIT 1",
    )?;
    let last = statement.query_row(params![id.to_string(), as_of.column], |row| row.get(0));
    Ok(match last.optional()? {
        None => ReversalState::None,
        Some(false) => ReversalState::Part,
        Some(true) => ReversalState::Whole,
    })
}

/// The first of the entries that took one back, and whether there are more.
fn reversals(
    snapshot: &Snapshot<'_>,
    as_of: AsOf,
    id: EntryId,
) -> Result<(Vec<ReversalRow>, bool), ReadError> {
    let mut statement = snapshot.sql.prepare_cached(
        "SELECT id, position, postings FROM entries
         WHERE reverses = ?1 AND position <= ?2 AND reversal IS NOT NULL ORDER BY position",
    )?;
    let mut rows = statement.query(params![id.to_string(), as_of.column])?;
    let (mut reversals, mut shown) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        if shown >= MAX_POSTINGS {
            return Ok((reversals, true));
        }
        let (position, count) = (row.count(1)?, row.get(2)?);
        // A reversal is the one entry of its event.
        let postings = postings_at(snapshot, position, 0..count)?;
        shown += postings.len();
        reversals.push(ReversalRow {
            id: row.parsed(0)?,
            position,
            postings,
        });
    }
    Ok((reversals, false))
}
