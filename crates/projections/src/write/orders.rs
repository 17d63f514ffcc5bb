//! Orders as they stand, and the steps by which they came to stand so.

use std::collections::{BTreeMap, HashMap};

use rusqlite::{Connection, OptionalExtension, params};
use tillroll_events::{
    OrderId, OrderPlaced, OrderStanding, OrderStatus, Record, SplitRole, Word as _,
};
use tillroll_money::Unit;

use super::events::metadata_json;
use super::order_blocks::StatusChange;
use super::{RecordPlace, Writer};
use crate::ProjectError;

/// See the accounts' bound; an order is larger.
const MAX_REMEMBERED: usize = 50_000;

#[derive(Debug, Default)]
pub(super) struct Orders {
    states: HashMap<OrderId, OrderRowState>,
    changed: Vec<OrderId>,
    /// Changes of `order_counts` since the last flush.
    counted: BTreeMap<(String, OrderStatus), i64>,
}

#[derive(Debug)]
struct OrderRowState {
    position: i64,
    channel: String,
    currency: Unit,
    /// None before the standing of the order's first event is taken in.
    status: Option<OrderStatus>,
    /// What refunds took back, by seller.
    returned: BTreeMap<String, i64>,
    /// Splits in the table.
    splits: usize,
    /// Not in the table yet.
    placed: Option<Box<Placed>>,
    /// To be written: the standing, and the position of its event.
    latest: Option<(OrderStanding, i64)>,
}

/// The columns that never change.
#[derive(Debug)]
struct Placed {
    location: Option<String>,
    offline: bool,
    lines: String,
    metadata: String,
    occurred_at: i64,
    recorded_at: i64,
}

impl Orders {
    pub fn trim(&mut self) {
        if self.states.len() > MAX_REMEMBERED {
            *self = Self::default();
        }
    }

    fn state(
        &mut self,
        sql: &Connection,
        place: RecordPlace,
        id: OrderId,
        text: &str,
    ) -> Result<&mut OrderRowState, ProjectError> {
        use std::collections::hash_map::Entry::{Occupied, Vacant};
        match self.states.entry(id) {
            Occupied(known) => Ok(known.into_mut()),
            Vacant(vacant) => {
                let state = load(sql, text)?
                    .ok_or_else(|| place.contradiction(format!("order {id} was never placed")))?;
                Ok(vacant.insert(state))
            }
        }
    }

    pub fn flush(&mut self, sql: &Connection) -> Result<(), ProjectError> {
        self.changed.sort_unstable();
        self.changed.dedup();
        for id in self.changed.drain(..) {
            if let Some(state) = self.states.get_mut(&id) {
                state.flush(sql, &id.to_string())?;
            }
        }
        let mut count = sql.prepare_cached(
            "INSERT INTO order_counts (channel, status, orders) VALUES (?1, ?2, ?3)
             ON CONFLICT (channel, status) DO UPDATE SET orders = orders + excluded.orders",
        )?;
        for ((channel, status), orders) in std::mem::take(&mut self.counted) {
            if orders != 0 {
                count.execute(params![channel, status.as_str(), orders])?;
            }
        }
        // A status that no order has leaves no row, whether or not a commit ever saw one.
        sql.prepare_cached("DELETE FROM order_counts WHERE orders = 0")?
            .execute([])?;
        Ok(())
    }
}

impl OrderRowState {
    fn flush(&mut self, sql: &Connection, id: &str) -> Result<(), ProjectError> {
        let Some((standing, last_position)) = self.latest.take() else {
            return Ok(());
        };
        let place = RecordPlace {
            position: u64::try_from(last_position).unwrap_or_default(),
            column: last_position,
        };
        let column = |amount: u64| place.column_of(amount);
        let amounts = [
            column(standing.total)?,
            column(standing.due)?,
            column(standing.authorised)?,
            column(standing.paid)?,
            column(standing.refunded)?,
            column(standing.overpaid)?,
            column(standing.disputed)?,
            column(standing.charged_back)?,
        ];
        let [
            total,
            due,
            authorised,
            paid,
            refunded,
            overpaid,
            disputed,
            charged_back,
        ] = amounts;
        if let Some(placed) = self.placed.take() {
            sql.prepare_cached(
                "INSERT INTO orders (position, id, status, total, due, authorised, paid, refunded,
                     overpaid, disputed, charged_back, failed_attempts, fulfilled, cancelled,
                     last_position, channel, location, currency, offline, lines, metadata,
                     occurred_at, recorded_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16,
                     ?17, ?18, ?19, ?20, ?21, ?22, ?23)",
            )?
            .execute(params![
                self.position,
                id,
                standing.status.as_str(),
                total,
                due,
                authorised,
                paid,
                refunded,
                overpaid,
                disputed,
                charged_back,
                standing.failed_attempts,
                standing.fulfilled,
                standing.cancelled,
                last_position,
                self.channel,
                placed.location,
                self.currency.as_str(),
                placed.offline,
                placed.lines,
                placed.metadata,
                placed.occurred_at,
                placed.recorded_at,
            ])?;
        } else {
            sql.prepare_cached(
                "UPDATE orders SET status = ?2, total = ?3, due = ?4, authorised = ?5, paid = ?6,
                     refunded = ?7, overpaid = ?8, disputed = ?9, charged_back = ?10,
                     failed_attempts = ?11, fulfilled = ?12, cancelled = ?13, last_position = ?14
                 WHERE position = ?1",
            )?
            .execute(params![
                self.position,
                standing.status.as_str(),
                total,
                due,
                authorised,
                paid,
                refunded,
                overpaid,
                disputed,
                charged_back,
                standing.failed_attempts,
                standing.fulfilled,
                standing.cancelled,
                last_position,
            ])?;
        }
        self.flush_splits(sql, id, place, &standing)
    }

    fn flush_splits(
        &mut self,
        sql: &Connection,
        id: &str,
        place: RecordPlace,
        standing: &OrderStanding,
    ) -> Result<(), ProjectError> {
        let mut upsert = sql.prepare_cached(
            "INSERT INTO order_splits (order_id, ordinal, role, seller, share, earned, returned,
                                       order_position)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (order_id, ordinal) DO UPDATE SET role = excluded.role,
                 seller = excluded.seller, share = excluded.share, earned = excluded.earned,
                 returned = excluded.returned",
        )?;
        for (ordinal, split) in (0_i64..).zip(&standing.splits) {
            upsert.execute(params![
                id,
                ordinal,
                split.role.word(),
                split.seller.as_ref().map(|seller| seller.as_str()),
                place.column_of(split.share)?,
                place.column_of(split.earned)?,
                place.column_of(split.returned)?,
                self.position,
            ])?;
        }
        let splits = standing.splits.len();
        if self.splits > splits {
            let left = i64::try_from(splits).expect("a standing fits the memory");
            sql.prepare_cached("DELETE FROM order_splits WHERE order_id = ?1 AND ordinal >= ?2")?
                .execute(params![id, left])?;
        }
        self.splits = splits;
        Ok(())
    }
}

fn load(sql: &Connection, id: &str) -> Result<Option<OrderRowState>, ProjectError> {
    let found = sql
        .prepare_cached("SELECT position, channel, currency, status FROM orders WHERE id = ?1")?
        .query_row([id], |row| {
            let currency = row.get_ref(2)?.as_str()?.parse().ok();
            let status = OrderStatus::of_word(row.get_ref(3)?.as_str()?);
            Ok((row.get(0)?, row.get(1)?, currency, status))
        })
        .optional()?;
    let Some((position, channel, Some(currency), status)) = found else {
        return Ok(None);
    };
    let mut state = OrderRowState {
        position,
        channel,
        currency,
        status,
        returned: BTreeMap::new(),
        splits: 0,
        placed: None,
        latest: None,
    };
    let mut statement = sql.prepare_cached(
        "SELECT role, seller, returned FROM order_splits WHERE order_id = ?1 ORDER BY ordinal",
    )?;
    let mut rows = statement.query([id])?;
    while let Some(row) = rows.next()? {
        state.splits += 1;
        let role = SplitRole::of_word(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?);
        let seller: Option<String> = row.get(1)?;
        if let (Some(SplitRole::Seller), Some(seller)) = (role, seller) {
            let returned: i64 = row.get(2)?;
            *state.returned.entry(seller).or_default() += returned;
        }
    }
    Ok(Some(state))
}

impl Writer<'_> {
    pub(super) fn order_placed(
        &mut self,
        place: RecordPlace,
        record: &Record,
        event: &OrderPlaced,
    ) -> Result<(), ProjectError> {
        let json = |error| place.contradiction(format!("the lines are no JSON: {error}"));
        let placed = Placed {
            location: event.location.clone(),
            offline: event.offline,
            lines: serde_json::to_string(&event.lines).map_err(json)?,
            metadata: metadata_json(&event.metadata).into_owned(),
            occurred_at: record.occurred_at.micros(),
            recorded_at: record.recorded_at.micros(),
        };
        let state = OrderRowState {
            position: place.column,
            channel: event.channel.clone(),
            currency: event.currency,
            status: None,
            returned: BTreeMap::new(),
            splits: 0,
            placed: Some(Box::new(placed)),
            latest: None,
        };
        if self
            .cache
            .orders
            .states
            .insert(event.order, state)
            .is_some()
        {
            return Err(place.contradiction(format!("order {} is placed twice", event.order)));
        }
        Ok(())
    }

    /// A step of an order's timeline, and where the order stands after it.
    pub(super) fn order_event(
        &mut self,
        place: RecordPlace,
        order: OrderId,
        text: &str,
        standing: Option<&OrderStanding>,
    ) -> Result<(), ProjectError> {
        let json = standing
            .map(serde_json::to_string)
            .transpose()
            .map_err(|error| place.contradiction(format!("the standing is no JSON: {error}")))?;
        self.insert_order_event
            .get(
                self.sql,
                "INSERT INTO order_events (order_id, position, standing) VALUES (?1, ?2, ?3)",
            )?
            .execute(params![text, place.column, json])?;
        let Some(standing) = standing else {
            return Ok(());
        };
        let orders = &mut self.cache.orders;
        let state = orders.state(self.sql, place, order, text)?;
        let (before, after) = (state.status, standing.status);
        let returned = returned_by_seller(place, standing)?;
        let returned_before = std::mem::replace(&mut state.returned, returned.clone());
        let currency = state.currency;
        self.cache.order_blocks.change(&StatusChange {
            placed: state.position,
            channel: &state.channel,
            standing,
            before,
            position: place.column,
        });
        state.status = Some(after);
        state.latest = Some((standing.clone(), place.column));
        let channel = (before != Some(after)).then(|| state.channel.clone());
        if let Some(channel) = channel {
            if let Some(before) = before {
                *orders.counted.entry((channel.clone(), before)).or_default() -= 1;
            }
            *orders.counted.entry((channel, after)).or_default() += 1;
        }
        orders.changed.push(order);
        self.order_returns(place, currency, &returned_before, &returned)
    }

    fn order_returns(
        &mut self,
        place: RecordPlace,
        currency: Unit,
        before: &BTreeMap<String, i64>,
        after: &BTreeMap<String, i64>,
    ) -> Result<(), ProjectError> {
        let gone = before.keys().filter(|seller| !after.contains_key(*seller));
        for seller in after.keys().chain(gone) {
            let amount = |side: &BTreeMap<String, i64>| side.get(seller).copied().unwrap_or(0);
            let change = amount(after) - amount(before);
            if change != 0 {
                self.seller_moved(place, seller, currency, 0, change)?;
            }
        }
        Ok(())
    }
}

fn returned_by_seller(
    place: RecordPlace,
    standing: &OrderStanding,
) -> Result<BTreeMap<String, i64>, ProjectError> {
    let mut returned: BTreeMap<String, i64> = BTreeMap::new();
    for split in &standing.splits {
        if let (SplitRole::Seller, Some(seller)) = (split.role, &split.seller) {
            let sum = returned.entry(seller.as_str().to_owned()).or_default();
            *sum = sum
                .checked_add(place.column_of(split.returned)?)
                .ok_or_else(|| place.contradiction("a seller's returns leave their range"))?;
        }
    }
    Ok(returned)
}
