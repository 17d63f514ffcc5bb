//! Orders, as they stand or as they stood, and their timelines.

use rusqlite::types::Value;
use rusqlite::{OptionalExtension, Row, params, params_from_iter};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tillroll_events::{Metadata, OrderId, OrderStatus, SplitRole, Timestamp, Word as _};
use tillroll_money::Unit;

use super::columns::Columns;
use super::order_blocks::BlockSearch;
use super::page::{Keyset, read_limit};
use super::pool::Snapshot;
use super::{AsOf, At, Page, ReadModels};
use crate::ReadError;

/// Which orders, newest first. Cursors are the ids of the last or first order of another page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderQuery {
    /// At least 1.
    pub limit: usize,
    /// Older than this order.
    pub starting_after: Option<OrderId>,
    /// Newer than this order; ignored beside `starting_after`.
    pub ending_before: Option<OrderId>,
    pub channel: Option<String>,
    pub status: Option<OrderStatus>,
    /// Orders of which a part is for this seller.
    pub seller: Option<String>,
    pub as_of: Option<u64>,
}

impl Default for OrderQuery {
    fn default() -> Self {
        Self {
            limit: 10,
            starting_after: None,
            ending_before: None,
            channel: None,
            status: None,
            seller: None,
            as_of: None,
        }
    }
}

/// An order at a position. Amounts are minor units of `currency`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OrderRow {
    pub id: OrderId,
    pub channel: String,
    pub location: Option<String>,
    #[serde(serialize_with = "text")]
    pub currency: Unit,
    #[serde(flatten)]
    pub standing: Standing,
    pub offline: bool,
    pub lines: Vec<LineRow>,
    pub metadata: Metadata,
    pub occurred_at: Timestamp,
    pub recorded_at: Timestamp,
    /// Where it was placed.
    pub position: u64,
    /// Where it came to stand as it does.
    pub last_position: u64,
}

/// Where an order stands. Amounts are minor units of the order's currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    pub status: OrderStatus,
    pub total: u64,
    pub due: u64,
    pub authorised: u64,
    pub paid: u64,
    pub refunded: u64,
    pub overpaid: u64,
    pub disputed: u64,
    pub charged_back: u64,
    pub failed_attempts: u32,
    pub fulfilled: bool,
    pub cancelled: bool,
    pub splits: Vec<SplitRow>,
}

/// One party's part of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitRow {
    #[serde(deserialize_with = "split_role")]
    pub role: SplitRole,
    pub seller: Option<String>,
    pub share: u64,
    pub earned: u64,
    pub returned: u64,
}

/// A line of an order; rates are parts per million.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineRow {
    pub sku: Option<String>,
    pub description: Option<String>,
    pub quantity: u64,
    pub unit_price: u64,
    pub tax_rate_ppm: u32,
    pub tax_included: bool,
    pub tax: u64,
    pub total: u64,
    pub seller: Option<String>,
    pub commission_rate_ppm: u32,
    pub commission: u64,
    pub short: u64,
}

/// An event of an order; the record itself is in the log at `position`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TimelineRow {
    pub position: u64,
    /// Its name in JSON: `order.placed`.
    pub kind: String,
    pub occurred_at: Timestamp,
    pub recorded_at: Timestamp,
}

pub(super) fn text<T: std::fmt::Display, S: Serializer>(
    value: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

fn split_role<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SplitRole, D::Error> {
    let word = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
    SplitRole::of_word(&word).ok_or_else(|| serde::de::Error::custom("unknown split role"))
}

const COLUMNS: &str = "o.position, o.id, o.channel, o.location, o.currency, o.offline, o.lines, \
                       o.metadata, o.occurred_at, o.recorded_at";

impl ReadModels {
    /// A page of orders, newest first.
    ///
    /// # Errors
    /// [`ReadError::UnknownCursor`] when a cursor is no order (yet, with `as_of`).
    pub fn orders(&self, query: &OrderQuery) -> Result<At<Page<OrderRow>>, ReadError> {
        self.at(query.as_of, |snapshot, as_of| {
            orders(snapshot, as_of, query)
        })
    }

    /// One order, `None` when it was not placed (yet).
    pub fn order(
        &self,
        id: OrderId,
        as_of: Option<u64>,
    ) -> Result<At<Option<OrderRow>>, ReadError> {
        self.at(as_of, |snapshot, as_of| {
            let sql = format!("SELECT {COLUMNS} FROM orders o WHERE id = ?1 AND position <= ?2");
            let mut statement = snapshot.sql.prepare_cached(&sql)?;
            let mut rows = statement.query(params![id.to_string(), as_of.column])?;
            let Some(row) = rows.next()? else {
                return Ok(None);
            };
            order(snapshot, as_of, row).map(Some)
        })
    }

    /// Everything that happened to an order, oldest first, from after the position `after`.
    /// There may be events of an order that was not placed yet: money can arrive first.
    pub fn timeline(
        &self,
        id: OrderId,
        as_of: Option<u64>,
        after: Option<u64>,
        limit: usize,
    ) -> Result<At<Page<TimelineRow>>, ReadError> {
        self.at(as_of, |snapshot, as_of| {
            let mut statement = snapshot.sql.prepare_cached(
                "SELECT e.position, e.kind, e.occurred_at, e.recorded_at
                 FROM order_events o CROSS JOIN events e ON e.position = o.position
                 WHERE o.order_id = ?1 AND o.position > ?2 AND o.position <= ?3
                 ORDER BY o.position LIMIT ?4",
            )?;
            let after = i64::try_from(after.unwrap_or(0)).unwrap_or(i64::MAX);
            let rows = statement.query_map(
                params![id.to_string(), after, as_of.column, read_limit(limit)],
                |row| {
                    Ok(TimelineRow {
                        position: row.count(0)?,
                        kind: row.get(1)?,
                        occurred_at: row.time(2)?,
                        recorded_at: row.time(3)?,
                    })
                },
            )?;
            Ok(Page::of(rows.collect::<Result<_, _>>()?, limit, false))
        })
    }
}

fn orders(
    snapshot: &Snapshot<'_>,
    as_of: AsOf,
    query: &OrderQuery,
) -> Result<Page<OrderRow>, ReadError> {
    let place = |id: Option<OrderId>| id.map(|id| placed(snapshot, as_of, id)).transpose();
    let (after, before) = (place(query.starting_after)?, place(query.ending_before)?);
    let keyset = Keyset::newest_first(as_of, after, before);
    let mut found = OrderCollector {
        wanted: usize::try_from(read_limit(query.limit)).unwrap_or(usize::MAX),
        orders: Vec::new(),
    };
    let stretch = (keyset.above, keyset.below);
    // What never changes has indexes of its own, newest last.
    if query.status.is_none() && (query.seller.is_none() || query.channel.is_none()) {
        let key = match query.seller {
            Some(_) => "s.order_position",
            None => "o.position",
        };
        found.collect(snapshot, as_of, query, key, keyset, stretch)?;
        return Ok(Page::of(found.orders, query.limit, keyset.backwards));
    }
    let search = BlockSearch {
        channel: query.channel.as_deref().unwrap_or_default(),
        seller: query.seller.as_deref().unwrap_or_default(),
        status: query.status.map_or("", OrderStatus::as_str),
        as_of,
        upwards: keyset.backwards,
    };
    let positions = (
        keyset.above.saturating_add(1),
        keyset.below.saturating_sub(1),
    );
    search.visit(snapshot, positions, &mut |first, last| {
        let stretch = (first - 1, last + 1);
        found.collect(snapshot, as_of, query, "o.position", keyset, stretch)?;
        Ok(found.orders.len() < found.wanted)
    })?;
    Ok(Page::of(found.orders, query.limit, keyset.backwards))
}

/// The orders of a page, as they are found.
struct OrderCollector {
    wanted: usize,
    orders: Vec<OrderRow>,
}

impl OrderCollector {
    /// Adds the orders of a query that were placed between two positions.
    fn collect(
        &mut self,
        snapshot: &Snapshot<'_>,
        as_of: AsOf,
        query: &OrderQuery,
        key: &str,
        keyset: Keyset,
        (above, below): (i64, i64),
    ) -> Result<(), ReadError> {
        let mut values = vec![Value::from(above), Value::from(below)];
        let mut bind = |value: Value| {
            values.push(value);
            values.len()
        };
        let mut sql = format!("SELECT {COLUMNS} FROM ");
        // A seller's orders are found from the seller's splits, which the lines of an order fix
        // for good.
        sql += match key {
            "s.order_position" => {
                "order_splits s CROSS JOIN orders o ON o.position = s.order_position"
            }
            _ => "orders o",
        };
        sql += &format!(" WHERE {key} > ?1 AND {key} < ?2");
        if let Some(seller) = &query.seller {
            let seller = bind(seller.clone().into());
            sql += &match key {
                "s.order_position" => format!(" AND s.seller = ?{seller}"),
                _ => format!(
                    " AND EXISTS (SELECT 1 FROM order_splits s
                                  WHERE s.order_id = o.id AND +s.seller = ?{seller})"
                ),
            };
        }
        if let Some(channel) = &query.channel {
            sql += &format!(" AND o.channel = ?{}", bind(channel.clone().into()));
        }
        if let Some(status) = query.status {
            let status = bind(status.as_str().to_owned().into());
            sql += &match as_of.position == snapshot.checkpoint {
                true => format!(" AND o.status = ?{status}"),
                false => format!(
                    " AND ?{status} = (
                        SELECT e.standing ->> '$.status' FROM order_events e
                        WHERE e.order_id = o.id AND e.position <= ?{} AND e.standing IS NOT NULL
                        ORDER BY e.position DESC LIMIT 1)",
                    bind(as_of.column.into())
                ),
            };
        }
        sql += &format!(" ORDER BY {key} {}", keyset.order());
        let mut statement = snapshot.sql.prepare_cached(&sql)?;
        let mut rows = statement.query(params_from_iter(values))?;
        while self.orders.len() < self.wanted {
            let Some(row) = rows.next()? else { break };
            // A seller with two parts of an order is met twice.
            let position = row.count(0)?;
            if self
                .orders
                .last()
                .is_some_and(|last| last.position == position)
            {
                continue;
            }
            self.orders.push(order(snapshot, as_of, row)?);
        }
        Ok(())
    }
}

fn placed(snapshot: &Snapshot<'_>, as_of: AsOf, id: OrderId) -> Result<u64, ReadError> {
    let mut statement = snapshot
        .sql
        .prepare_cached("SELECT position FROM orders WHERE id = ?1 AND position <= ?2")?;
    statement
        .query_row(params![id.to_string(), as_of.column], |row| row.count(0))
        .optional()?
        .ok_or_else(|| ReadError::UnknownCursor(id.to_string()))
}

fn order(snapshot: &Snapshot<'_>, as_of: AsOf, row: &Row<'_>) -> Result<OrderRow, ReadError> {
    let id = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
    let mut statement = snapshot.sql.prepare_cached(
        "SELECT position, standing FROM order_events
         WHERE order_id = ?1 AND position <= ?2 AND standing IS NOT NULL
         ORDER BY position DESC LIMIT 1",
    )?;
    let (last_position, standing) = statement.query_row(params![id, as_of.column], |row| {
        Ok((row.count(0)?, row.json(1)?))
    })?;
    Ok(OrderRow {
        position: row.count(0)?,
        id: row.parsed(1)?,
        channel: row.get(2)?,
        location: row.get(3)?,
        currency: row.parsed(4)?,
        offline: row.flag(5)?,
        lines: row.json(6)?,
        metadata: row.metadata(7)?,
        occurred_at: row.time(8)?,
        recorded_at: row.time(9)?,
        standing,
        last_position,
    })
}
