//! An account's statement: its postings with the balance after each.

use std::fmt;
use std::str::FromStr;

use rusqlite::{Row, params};
use serde::{Serialize, Serializer};
use tillroll_events::{EntryId, OrderId, Timestamp};
use tillroll_ledger::Side;
use tillroll_money::Unit;

use super::columns::Columns;
use super::page::read_limit;
use super::pool::Snapshot;
use super::totals::{CarryLookup, PostedColumns};
use super::{AccountRow, AsOf, At, Page, ReadModels, Total, accounts};
use crate::ReadError;
use crate::column::parse_side;

/// A line's place on the roll: the position of its event and its place in the entry, from 0.
/// As text `1234.0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineCursor {
    pub position: u64,
    pub ordinal: u32,
}

impl fmt::Display for LineCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.position, self.ordinal)
    }
}

impl FromStr for LineCursor {
    type Err = ReadError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let (position, ordinal) = text.split_once('.')?;
            Some(Self {
                position: position.parse().ok()?,
                ordinal: ordinal.parse().ok()?,
            })
        };
        parse().ok_or_else(|| ReadError::UnknownCursor(text.chars().take(64).collect()))
    }
}

impl Serialize for LineCursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Where a page of lines begins, in the order of the page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LineRange {
    #[default]
    Start,
    /// What follows this line.
    After(LineCursor),
    /// What comes right before this line.
    Before(LineCursor),
}

/// Which lines of which account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementQuery {
    pub path: String,
    pub unit: Unit,
    pub range: LineRange,
    /// At least 1.
    pub limit: usize,
    /// Otherwise oldest first, as an accountant reads.
    pub newest_first: bool,
    pub as_of: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Statement {
    pub account: AccountRow,
    pub lines: Page<StatementLine>,
}

/// A posting to the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StatementLine {
    pub cursor: LineCursor,
    #[serde(serialize_with = "side")]
    pub side: Side,
    pub amount: u64,
    /// Totals of the account after this posting.
    pub debits_after: Total,
    pub credits_after: Total,
    /// Positive on the normal side of the account's type.
    pub balance_after: i64,
    pub occurred_at: Timestamp,
    pub recorded_at: Timestamp,
    /// The event: `order.booked`.
    pub kind: String,
    pub order: Option<OrderId>,
    /// The entry, where it was posted by command.
    #[serde(serialize_with = "tillroll_events::serde_text::option::serialize")]
    pub entry: Option<EntryId>,
    pub description: Option<String>,
}

pub(super) fn side<S: Serializer>(side: &Side, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(side.as_str())
}

impl ReadModels {
    /// A page of an account's statement, `None` when the account is not open.
    pub fn statement(&self, query: &StatementQuery) -> Result<At<Option<Statement>>, ReadError> {
        self.at(query.as_of, |snapshot, as_of| {
            let found = accounts::account(snapshot, as_of, &query.path, Some(query.unit))?;
            let Some(account) = found.into_iter().next() else {
                return Ok(None);
            };
            let lines = lines(snapshot, as_of, query, &account)?;
            Ok(Some(Statement { account, lines }))
        })
    }
}

fn lines(
    snapshot: &Snapshot<'_>,
    as_of: AsOf,
    query: &StatementQuery,
    account: &AccountRow,
) -> Result<Page<StatementLine>, ReadError> {
    let (cursor, backwards) = match query.range {
        LineRange::Start => (None, false),
        LineRange::After(cursor) => (Some(cursor), false),
        LineRange::Before(cursor) => (Some(cursor), true),
    };
    let downwards = query.newest_first != backwards;
    let order = if downwards { "DESC" } else { "ASC" };
    let cursor = cursor.map(|cursor| {
        let position = i64::try_from(cursor.position).unwrap_or(i64::MAX);
        (position, i64::from(cursor.ordinal))
    });
    // One bound on either side, between which nothing is passed over.
    let (mut above, mut below) = ((0, -1), (as_of.column, i64::MAX));
    match downwards {
        true => below = cursor.map_or(below, |cursor| below.min(cursor)),
        false => above = cursor.unwrap_or(above),
    }
    let sql = format!(
        "SELECT p.position, p.ordinal, p.side, p.amount, p.debits_after, p.credits_after,
                e.occurred_at, e.recorded_at, e.kind, e.order_id, e.description,
                (SELECT n.id FROM entries n
                 WHERE n.position = p.position AND n.ordinal <= p.ordinal
                 ORDER BY n.ordinal DESC LIMIT 1)
         FROM account_postings a
         CROSS JOIN postings p ON p.position = a.position AND p.ordinal = a.ordinal
         CROSS JOIN events e ON e.position = a.position
         WHERE a.account_id = ?1 AND (a.position, a.ordinal) > (?2, ?3)
           AND (a.position, a.ordinal) < (?4, ?5)
         ORDER BY a.position {order}, a.ordinal {order} LIMIT ?6"
    );
    let mut statement = snapshot.sql.prepare_cached(&sql)?;
    let carries = CarryLookup::of(snapshot)?;
    let rows = statement.query_map(
        params![
            account.id,
            above.0,
            above.1,
            below.0,
            below.1,
            read_limit(query.limit)
        ],
        |row| line(account, row, &carries),
    )?;
    Ok(Page::of(
        rows.collect::<Result<_, _>>()?,
        query.limit,
        backwards,
    ))
}

fn line(
    account: &AccountRow,
    row: &Row<'_>,
    carries: &CarryLookup<'_>,
) -> rusqlite::Result<StatementLine> {
    let after = PostedColumns::of(row, 4)?;
    let carried = carries.at(account.id, row.get(0)?, row.get(1)?)?;
    Ok(StatementLine {
        cursor: LineCursor {
            position: row.count(0)?,
            ordinal: row.small(1)?,
        },
        side: row.word(2, parse_side)?,
        amount: row.count(3)?,
        debits_after: after.debits(carried),
        credits_after: after.credits(carried),
        balance_after: after.balance(account.kind),
        occurred_at: row.time(6)?,
        recorded_at: row.time(7)?,
        kind: row.get(8)?,
        order: row.maybe_parsed(9)?,
        description: row.get(10)?,
        entry: row.maybe_parsed(11)?,
    })
}
