//! Sellers' running totals: what was sent to them, and what refunds took back.

use std::collections::HashMap;

use rusqlite::{OptionalExtension, params};
use tillroll_money::Unit;

use super::{RecordPlace, Writer};
use crate::ProjectError;

const MAX_REMEMBERED: usize = 100_000;

#[derive(Debug, Default)]
pub(super) struct Sellers {
    /// Paid and reversed, by seller and unit.
    totals: HashMap<(String, Unit), (i64, i64)>,
}

impl Sellers {
    pub fn trim(&mut self) {
        if self.totals.len() > MAX_REMEMBERED {
            *self = Self::default();
        }
    }
}

impl Writer<'_> {
    /// Adds to a seller's totals and keeps what they come to at this position.
    pub(super) fn seller_moved(
        &mut self,
        place: RecordPlace,
        seller: &str,
        unit: Unit,
        paid: i64,
        reversed: i64,
    ) -> Result<(), ProjectError> {
        let key = (seller.to_owned(), unit);
        let known = match self.cache.sellers.totals.get(&key) {
            Some(known) => Some(*known),
            None => self
                .sql
                .prepare_cached(
                    "SELECT paid, reversed FROM seller_history
                     WHERE seller = ?1 AND unit = ?2 ORDER BY position DESC LIMIT 1",
                )?
                .query_row(params![seller, unit.as_str()], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })
                .optional()?,
        };
        let before: (i64, i64) = known.unwrap_or_default();
        let sum = |total: i64, change: i64| {
            total
                .checked_add(change)
                .ok_or_else(|| place.contradiction("a seller's totals leave their range"))
        };
        let after = (sum(before.0, paid)?, sum(before.1, reversed)?);
        self.sql
            .prepare_cached(
                "INSERT OR REPLACE INTO seller_history (seller, unit, position, paid, reversed)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![
                seller,
                unit.as_str(),
                place.column,
                after.0,
                after.1
            ])?;
        self.cache.sellers.totals.insert(key, after);
        Ok(())
    }
}
