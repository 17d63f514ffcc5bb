//! How many orders and events there are, for summaries.

use serde::Serialize;
use tillroll_events::{OrderStatus, Word as _};

use super::columns::Columns;
use super::{At, ReadModels};
use crate::ReadError;

/// Counts that the projector keeps, so that asking costs nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// By channel and status.
    pub orders: Vec<OrderCount>,
    /// By kind.
    pub events: Vec<EventCount>,
    pub accounts: u64,
    /// Notifications that are still not understood.
    pub unrecognised: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OrderCount {
    pub channel: String,
    pub status: OrderStatus,
    pub orders: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EventCount {
    /// `order.placed`
    pub kind: String,
    pub events: u64,
}

impl ReadModels {
    /// How many there are at the checkpoint.
    pub fn counts(&self) -> Result<At<Counts>, ReadError> {
        self.at(None, |snapshot, _| {
            let mut orders = snapshot.sql.prepare_cached(
                "SELECT channel, status, orders FROM order_counts ORDER BY channel, status",
            )?;
            let mut events = snapshot
                .sql
                .prepare_cached("SELECT kind, events FROM event_counts ORDER BY kind")?;
            // Numbers of accounts are dense from 0.
            let mut accounts = snapshot
                .sql
                .prepare_cached("SELECT ifnull(max(id) + 1, 0) FROM accounts")?;
            let mut unrecognised = snapshot.sql.prepare_cached(
                "SELECT count(*) FROM notifications WHERE resolved_position IS NULL",
            )?;
            Ok(Counts {
                orders: orders
                    .query_map([], |row| {
                        Ok(OrderCount {
                            channel: row.get(0)?,
                            status: row.word(1, OrderStatus::of_word)?,
                            orders: row.count(2)?,
                        })
                    })?
                    .collect::<Result<_, _>>()?,
                events: events
                    .query_map([], |row| {
                        Ok(EventCount {
                            kind: row.get(0)?,
                            events: row.count(1)?,
                        })
                    })?
                    .collect::<Result<_, _>>()?,
                accounts: accounts.query_row([], |row| row.count(0))?,
                unrecognised: unrecognised.query_row([], |row| row.count(0))?,
            })
        })
    }
}
