//! What the processor says: payouts and disputes as they are now known. The other facts are
//! for SQL; orders and accounts already say what they came to.

use rusqlite::{Row, params};
use serde::Serialize;
use tillroll_events::{DisputeStatus, OrderId, PayoutStatus, Timestamp};
use tillroll_money::Unit;

use super::columns::Columns;
use super::orders::text;
use super::page::{Keyset, read_limit};
use super::{At, Page, PositionPage, ReadModels};
use crate::{ReadError, words};

/// Money on its way to a bank account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PayoutRow {
    pub id: String,
    /// The connected account; none for the platform's own.
    pub account: Option<String>,
    #[serde(serialize_with = "text")]
    pub currency: Unit,
    pub amount: u64,
    pub status: PayoutStatus,
    pub arrival: Option<Timestamp>,
    /// Where it was first heard of; also its cursor.
    pub position: u64,
    pub last_position: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DisputeRow {
    pub id: String,
    pub charge: Option<String>,
    pub intent: Option<String>,
    pub order: Option<OrderId>,
    #[serde(serialize_with = "text")]
    pub currency: Unit,
    pub amount: u64,
    pub status: DisputeStatus,
    pub reason: Option<String>,
    /// Where it was first heard of; also its cursor.
    pub position: u64,
    pub last_position: u64,
}

impl ReadModels {
    /// Payouts, newest first. `as_of` leaves out those that were not heard of yet; the rest are
    /// as they are known at the checkpoint.
    pub fn payouts(&self, page: &PositionPage) -> Result<At<Page<PayoutRow>>, ReadError> {
        self.facts(
            page,
            "id, account, currency, amount, status, arrival, first_position, last_position
             FROM payouts",
            |row| {
                Ok(PayoutRow {
                    id: row.get(0)?,
                    account: row.get(1)?,
                    currency: row.parsed(2)?,
                    amount: row.count(3)?,
                    status: row.word(4, words::parse_payout_status)?,
                    arrival: row.maybe_time(5)?,
                    position: row.count(6)?,
                    last_position: row.count(7)?,
                })
            },
        )
    }

    /// Disputes, newest first, with `as_of` as for [`ReadModels::payouts`].
    pub fn disputes(&self, page: &PositionPage) -> Result<At<Page<DisputeRow>>, ReadError> {
        self.facts(
            page,
            "id, charge, intent, order_id, currency, amount, status, reason,
             first_position, last_position FROM disputes",
            |row| {
                Ok(DisputeRow {
                    id: row.get(0)?,
                    charge: row.get(1)?,
                    intent: row.get(2)?,
                    order: row.maybe_parsed(3)?,
                    currency: row.parsed(4)?,
                    amount: row.count(5)?,
                    status: row.word(6, words::parse_dispute_status)?,
                    reason: row.get(7)?,
                    position: row.count(8)?,
                    last_position: row.count(9)?,
                })
            },
        )
    }

    fn facts<T>(
        &self,
        page: &PositionPage,
        columns: &str,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<At<Page<T>>, ReadError> {
        self.at(page.as_of, |snapshot, as_of| {
            let keyset = Keyset::newest_first(page.after, page.before);
            let sql = format!(
                "SELECT {columns}
                 WHERE first_position > ?1 AND first_position < ?2 AND first_position <= ?3
                 ORDER BY first_position {} LIMIT ?4",
                keyset.order()
            );
            let mut statement = snapshot.sql.prepare_cached(&sql)?;
            let rows = statement.query_map(
                params![
                    keyset.above,
                    keyset.below,
                    as_of.column,
                    read_limit(page.limit)
                ],
                read,
            )?;
            let rows = rows.collect::<Result<_, _>>()?;
            Ok(Page::of(rows, page.limit, keyset.backwards))
        })
    }
}
