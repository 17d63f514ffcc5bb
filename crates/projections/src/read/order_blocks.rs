//! Finding orders by where they stood, at any moment, without passing over the others.
//!
//! `order_blocks` says of stretches of the roll, and of longer stretches that they are part of,
//! whether an order that was placed there may have had a status at a moment. A page goes down from
//! the longest to the shortest, and looks at orders only where there may be some.

use rusqlite::params;

use super::AsOf;
use super::pool::Snapshot;
use crate::ReadError;
use crate::blocks::SHIFTS;

/// Which orders are looked for. An empty text stands for any.
pub(super) struct BlockSearch<'a> {
    pub channel: &'a str,
    pub seller: &'a str,
    pub status: &'a str,
    pub as_of: AsOf,
    pub upwards: bool,
}

impl BlockSearch<'_> {
    /// Shows the stretches from `first` to `last` in which there may be such orders, until `visit`
    /// wants no more.
    pub fn visit(
        &self,
        snapshot: &Snapshot<'_>,
        (first, last): (i64, i64),
        visit: &mut dyn FnMut(i64, i64) -> Result<bool, ReadError>,
    ) -> Result<(), ReadError> {
        if first <= last {
            self.descend(snapshot, SHIFTS.len() - 1, (first, last), visit)?;
        }
        Ok(())
    }

    fn descend(
        &self,
        snapshot: &Snapshot<'_>,
        level: usize,
        (first, last): (i64, i64),
        visit: &mut dyn FnMut(i64, i64) -> Result<bool, ReadError>,
    ) -> Result<bool, ReadError> {
        let shift = SHIFTS[level];
        for block in self.blocks(snapshot, level, (first >> shift, last >> shift))? {
            let from = first.max(block << shift);
            let to = last.min(((block + 1) << shift) - 1);
            let more = match level {
                0 => visit(from, to)?,
                _ => self.descend(snapshot, level - 1, (from, to), visit)?,
            };
            if !more {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn blocks(
        &self,
        snapshot: &Snapshot<'_>,
        level: usize,
        (first, last): (i64, i64),
    ) -> Result<Vec<i64>, ReadError> {
        let order = if self.upwards { "ASC" } else { "DESC" };
        let sql = format!(
            "SELECT block FROM order_blocks
             WHERE channel = ?1 AND seller = ?2 AND status = ?3 AND level = ?4
               AND block >= ?5 AND block <= ?6
               AND from_position <= ?7 AND (orders > 0 OR until_position > ?7)
             ORDER BY block {order}"
        );
        let level = i64::try_from(level).expect("levels are few");
        let mut statement = snapshot.sql.prepare_cached(&sql)?;
        let found = statement.query_map(
            params![
                self.channel,
                self.seller,
                self.status,
                level,
                first,
                last,
                self.as_of.column
            ],
            |row| row.get(0),
        )?;
        Ok(found.collect::<Result<_, _>>()?)
    }
}
