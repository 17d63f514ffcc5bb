//! Holds: pending, captured, or ended without.

use rusqlite::{OptionalExtension, Row, params};
use serde::Serialize;
use tillroll_events::{HoldId, Metadata, PostingData, Timestamp};

use super::columns::Columns;
use super::pool::Snapshot;
use super::{AsOf, At, ReadModels, entries};
use crate::ReadError;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldStatus {
    Pending,
    Captured,
    Voided,
    Expired,
}

impl HoldStatus {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Captured => "captured",
            Self::Voided => "voided",
            Self::Expired => "expired",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::Pending, Self::Captured, Self::Voided, Self::Expired]
            .into_iter()
            .find(|status| status.as_str() == word)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HoldRow {
    #[serde(serialize_with = "tillroll_events::serde_text::serialize")]
    pub id: HoldId,
    pub status: HoldStatus,
    pub expires_at: Option<Timestamp>,
    pub description: Option<String>,
    pub metadata: Metadata,
    /// What was held.
    pub postings: Vec<PostingData>,
    /// What was captured of it, once it was.
    pub captured: Vec<PostingData>,
    pub occurred_at: Timestamp,
    pub recorded_at: Timestamp,
    /// Where it was placed.
    pub position: u64,
    /// Where it ended.
    pub ended_position: Option<u64>,
}

impl ReadModels {
    /// One hold, `None` when none of this id was placed (yet).
    pub fn hold(&self, id: HoldId, as_of: Option<u64>) -> Result<At<Option<HoldRow>>, ReadError> {
        self.at(as_of, |snapshot, as_of| {
            let mut statement = snapshot.sql.prepare_cached(
                "SELECT h.status, h.expires_at, h.description, h.metadata, h.position,
                        h.ended_position, e.occurred_at, e.recorded_at
                 FROM holds h CROSS JOIN events e ON e.position = h.position
                 WHERE h.id = ?1 AND h.position <= ?2",
            )?;
            let found = statement
                .query_row(params![id.to_string(), as_of.column], |row| {
                    hold(id, as_of, row)
                })
                .optional()?;
            let Some(mut hold) = found else {
                return Ok(None);
            };
            hold.postings = held(snapshot, id)?;
            if let (HoldStatus::Captured, Some(position)) = (hold.status, hold.ended_position) {
                hold.captured = entries::postings_at(snapshot, position, 0..i64::MAX)?;
            }
            Ok(Some(hold))
        })
    }
}

fn hold(id: HoldId, as_of: AsOf, row: &Row<'_>) -> rusqlite::Result<HoldRow> {
    let ended_position = row.maybe_count(5)?.filter(|ended| *ended <= as_of.position);
    let status = row.word(0, HoldStatus::parse)?;
    Ok(HoldRow {
        id,
        status: match ended_position {
            Some(_) => status,
            None => HoldStatus::Pending,
        },
        expires_at: row.maybe_time(1)?,
        description: row.get(2)?,
        metadata: row.metadata(3)?,
        position: row.count(4)?,
        ended_position,
        occurred_at: row.time(6)?,
        recorded_at: row.time(7)?,
        postings: Vec::new(),
        captured: Vec::new(),
    })
}

fn held(snapshot: &Snapshot<'_>, id: HoldId) -> Result<Vec<PostingData>, ReadError> {
    let mut statement = snapshot.sql.prepare_cached(
        "SELECT a.path, a.unit, h.side, h.amount
         FROM hold_postings h CROSS JOIN accounts a ON a.id = h.account_id
         WHERE h.hold_id = ?1 ORDER BY h.ordinal",
    )?;
    let rows = statement.query_map([id.to_string()], entries::posting)?;
    Ok(rows.collect::<Result<_, _>>()?)
}
