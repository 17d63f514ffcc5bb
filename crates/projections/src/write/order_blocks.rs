//! In which stretches of the roll there are orders that had a status, and when.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};
use tillroll_events::{OrderStanding, OrderStatus};

use crate::blocks::SHIFTS;

/// Stands for any channel, seller or status.
const ANY: &str = "";

/// Channel, seller, status, block.
type BlockKey = (String, String, &'static str, i64);

/// What changes a row. Order does not matter, so that it is the same wherever commits end.
#[derive(Clone, Copy, Debug)]
struct BlockChange {
    from: i64,
    until: i64,
    orders: i64,
}

impl BlockChange {
    fn begun(position: i64) -> Self {
        Self {
            from: position,
            until: 0,
            orders: 1,
        }
    }

    fn ended(position: i64) -> Self {
        Self {
            from: i64::MAX,
            until: position,
            orders: -1,
        }
    }

    fn join(&mut self, other: Self) {
        self.from = self.from.min(other.from);
        self.until = self.until.max(other.until);
        self.orders += other.orders;
    }
}

/// An order's change of status.
pub(super) struct StatusChange<'a> {
    /// Where the order was placed.
    pub placed: i64,
    pub channel: &'a str,
    pub standing: &'a OrderStanding,
    /// None when it has just been placed.
    pub before: Option<OrderStatus>,
    /// Where its status changed.
    pub position: i64,
}

/// Changes of `order_blocks` since the last flush, at the lowest level.
#[derive(Debug, Default)]
pub(super) struct OrderBlocks {
    changes: BTreeMap<BlockKey, BlockChange>,
}

impl OrderBlocks {
    pub fn change(&mut self, change: &StatusChange<'_>) {
        let after = change.standing.status;
        if change.before == Some(after) {
            return;
        }
        let splits = &change.standing.splits;
        let mut sellers: Vec<&str> = splits
            .iter()
            .filter_map(|split| Some(split.seller.as_ref()?.as_str()))
            .collect();
        sellers.sort_unstable();
        sellers.dedup();
        sellers.push(ANY);
        for seller in sellers {
            for channel in [change.channel, ANY] {
                if let Some(before) = change.before {
                    let ended = BlockChange::ended(change.position);
                    self.add(channel, seller, before.as_str(), change.placed, ended);
                }
                let begun = BlockChange::begun(change.position);
                self.add(channel, seller, after.as_str(), change.placed, begun);
            }
            // Channel and seller without a status have no index of their own.
            if seller != ANY && change.before.is_none() {
                let begun = BlockChange::begun(change.position);
                self.add(change.channel, seller, ANY, change.placed, begun);
            }
        }
    }

    fn add(
        &mut self,
        channel: &str,
        seller: &str,
        status: &'static str,
        placed: i64,
        change: BlockChange,
    ) {
        let key = (
            channel.to_owned(),
            seller.to_owned(),
            status,
            placed >> SHIFTS[0],
        );
        let known = self.changes.entry(key);
        known
            .and_modify(|known| known.join(change))
            .or_insert(change);
    }

    pub fn flush(&mut self, sql: &Connection) -> rusqlite::Result<()> {
        let mut upsert = sql.prepare_cached(
            "INSERT INTO order_blocks (channel, seller, status, level, block, from_position,
                 until_position, orders)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (channel, seller, status, level, block) DO UPDATE SET
                 from_position = min(from_position, excluded.from_position),
                 until_position = max(until_position, excluded.until_position),
                 orders = orders + excluded.orders",
        )?;
        let mut changes = std::mem::take(&mut self.changes);
        for (level, shift) in (0_i64..).zip(SHIFTS) {
            for ((channel, seller, status, block), change) in &changes {
                upsert.execute(params![
                    channel,
                    seller,
                    status,
                    level,
                    block,
                    change.from,
                    change.until,
                    change.orders
                ])?;
            }
            let Some(next) = SHIFTS.into_iter().find(|next| *next > shift) else {
                break;
            };
            let mut above: BTreeMap<BlockKey, BlockChange> = BTreeMap::new();
            for ((channel, seller, status, block), change) in changes {
                let key = (channel, seller, status, block >> (next - shift));
                let known = above.entry(key);
                known
                    .and_modify(|known| known.join(change))
                    .or_insert(change);
            }
            changes = above;
        }
        Ok(())
    }
}
