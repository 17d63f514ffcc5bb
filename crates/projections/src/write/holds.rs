//! Holds, from being placed to their end.

use rusqlite::{OptionalExtension, params};
use tillroll_events::{HoldId, HoldPlaced};
use tillroll_ledger::{AccountId, Side};

use super::accounts::Pending;
use super::events::metadata_json;
use super::{RecordPlace, Writer};
use crate::ProjectError;
use crate::column::parse_side;

impl Writer<'_> {
    pub(super) fn hold_placed(
        &mut self,
        place: RecordPlace,
        event: &HoldPlaced,
    ) -> Result<(), ProjectError> {
        let id = event.id.to_string();
        self.sql
            .prepare_cached(
                "INSERT INTO holds (id, status, expires_at, description, metadata, position)
                 VALUES (?1, 'pending', ?2, ?3, ?4, ?5)",
            )?
            .execute(params![
                id,
                event.expires_at.map(|at| at.micros()),
                event.description,
                metadata_json(&event.metadata),
                place.column,
            ])?;
        let mut held = Vec::with_capacity(event.entry.postings().len());
        let mut insert = self.sql.prepare_cached(
            "INSERT INTO hold_postings (hold_id, ordinal, account_id, side, amount)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        for (ordinal, posting) in (0_i64..).zip(event.entry.postings()) {
            insert.execute(params![
                id,
                ordinal,
                posting.account.get(),
                posting.side.as_str(),
                place.column_of(posting.amount)?,
            ])?;
            held.push((posting.account, posting.side, posting.amount));
        }
        self.pend(place, &held, Pending::Held)
    }

    /// Releases all that was held; what was captured of it is posted by the event's entry.
    pub(super) fn hold_ended(
        &mut self,
        place: RecordPlace,
        id: HoldId,
        status: &str,
    ) -> Result<(), ProjectError> {
        let text = id.to_string();
        let ended = self
            .sql
            .prepare_cached(
                "UPDATE holds SET status = ?2, ended_position = ?3
                 WHERE id = ?1 AND ended_position IS NULL RETURNING description",
            )?
            .query_row(params![text, status, place.column], |row| {
                row.get::<_, Option<String>>(0)
            })
            .optional()?;
        let Some(description) = ended else {
            return Err(place.contradiction(format!("hold {id} ends without being open")));
        };
        if description.is_some() {
            self.events.flush(self.sql)?;
            self.sql
                .prepare_cached("UPDATE events SET description = ?2 WHERE position = ?1")?
                .execute(params![place.column, description])?;
        }
        let held = self.held(place, &text)?;
        self.pend(place, &held, Pending::Released)
    }

    fn held(
        &self,
        place: RecordPlace,
        id: &str,
    ) -> Result<Vec<(AccountId, Side, u64)>, ProjectError> {
        let mut statement = self.sql.prepare_cached(
            "SELECT account_id, side, amount FROM hold_postings
             WHERE hold_id = ?1 ORDER BY ordinal",
        )?;
        let mut rows = statement.query([id])?;
        let mut held = Vec::new();
        while let Some(row) = rows.next()? {
            let side: String = row.get(1)?;
            let amount: i64 = row.get(2)?;
            let (Some(side), Ok(amount)) = (parse_side(&side), u64::try_from(amount)) else {
                return Err(place.contradiction(format!("the postings of hold {id} do not read")));
            };
            held.push((AccountId::new(row.get(0)?), side, amount));
        }
        Ok(held)
    }
}
