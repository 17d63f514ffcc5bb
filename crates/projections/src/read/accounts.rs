//! Accounts and their balances, now or at a position.

use std::sync::Arc;

use rusqlite::types::Value;
use rusqlite::{OptionalExtension, Row, params, params_from_iter};
use serde::{Serialize, Serializer};
use tillroll_ledger::{AccountType, Limit};
use tillroll_money::Unit;

use super::columns::Columns;
use super::orders::text;
use super::page::read_limit;
use super::pool::Snapshot;
use super::totals::{CarryLookup, PostedColumns};
use super::{AsOf, At, Page, ReadModels, Total};
use crate::ReadError;

/// Which accounts, by path and unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountQuery {
    /// At least 1.
    pub limit: usize,
    /// After the account of this number.
    pub starting_after: Option<u32>,
    /// Before the account of this number; ignored beside `starting_after`.
    pub ending_before: Option<u32>,
    /// What the path begins with: `seller:acct_1:`, letter by letter.
    pub prefix: Option<String>,
    pub unit: Option<Unit>,
    pub kind: Option<AccountType>,
    pub as_of: Option<u64>,
}

impl Default for AccountQuery {
    fn default() -> Self {
        Self {
            limit: 10,
            starting_after: None,
            ending_before: None,
            prefix: None,
            unit: None,
            kind: None,
            as_of: None,
        }
    }
}

/// An account at a position. Totals are minor units (or pieces, or points) of its unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AccountRow {
    /// Its number, which is also its cursor.
    pub id: u32,
    pub path: String,
    #[serde(serialize_with = "text")]
    pub unit: Unit,
    #[serde(rename = "type", serialize_with = "kind")]
    pub kind: AccountType,
    #[serde(serialize_with = "limit")]
    pub limit: Limit,
    pub code: String,
    pub name: String,
    pub opened_position: u64,
    pub debits_posted: Total,
    pub credits_posted: Total,
    pub debits_pending: u64,
    pub credits_pending: u64,
    /// Posted, positive on the normal side of its type.
    pub balance: i64,
}

fn kind<S: Serializer>(kind: &AccountType, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(kind.as_str())
}

fn limit<S: Serializer>(limit: &Limit, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(limit.as_str())
}

const COLUMNS: &str = "id, path, unit, type, balance_limit, code, name, opened_position, \
                       debits_posted, credits_posted, debits_pending, credits_pending, \
                       posted_position, pending_position";

impl ReadModels {
    /// A page of accounts, by path and unit.
    ///
    /// # Errors
    /// [`ReadError::UnknownCursor`] when no account has the cursor's number (yet).
    pub fn accounts(&self, query: &AccountQuery) -> Result<At<Page<AccountRow>>, ReadError> {
        self.at(query.as_of, |snapshot, as_of| {
            accounts(snapshot, as_of, query)
        })
    }

    /// The accounts of a path, one for each of its units (or the one of `unit`), by unit. Empty
    /// when none is open.
    pub fn account(
        &self,
        path: &str,
        unit: Option<Unit>,
        as_of: Option<u64>,
    ) -> Result<At<Vec<AccountRow>>, ReadError> {
        self.at(as_of, |snapshot, as_of| {
            account(snapshot, as_of, path, unit)
        })
    }
}

pub(super) fn account(
    snapshot: &Snapshot<'_>,
    as_of: AsOf,
    path: &str,
    unit: Option<Unit>,
) -> Result<Vec<AccountRow>, ReadError> {
    let mut filter = String::from("path = ?1 AND opened_position <= ?2");
    let mut values = vec![Value::from(path.to_owned()), Value::from(as_of.column)];
    if let Some(unit) = unit {
        filter += " AND unit = ?3";
        values.push(unit.to_string().into());
    }
    let mut found = Vec::new();
    each(snapshot, as_of, &filter, "path, unit", values, |row| {
        found.push(row);
        true
    })?;
    Ok(found)
}

/// Every account whose path begins with `prefix` and that is open at the position, by path and
/// unit.
pub(super) fn with_prefix(
    snapshot: &Snapshot<'_>,
    as_of: AsOf,
    prefix: &str,
    mut visit: impl FnMut(AccountRow),
) -> Result<(), ReadError> {
    let values = vec![
        Value::from(prefix.to_owned()),
        Value::from(upper_bound(prefix)),
        Value::from(as_of.column),
    ];
    let filter = "path >= ?1 AND path < ?2 AND opened_position <= ?3";
    each(snapshot, as_of, filter, "path, unit", values, |row| {
        visit(row);
        true
    })
}

/// Above every path with this prefix: paths hold only characters below this one.
fn upper_bound(prefix: &str) -> String {
    format!("{prefix}\u{7f}")
}

fn accounts(
    snapshot: &Snapshot<'_>,
    as_of: AsOf,
    query: &AccountQuery,
) -> Result<Page<AccountRow>, ReadError> {
    let mut filter = String::from("opened_position <= ?1");
    let mut values = vec![Value::from(as_of.column)];
    let mut bind = |value: Value| {
        values.push(value);
        values.len()
    };
    if let Some(prefix) = query.prefix.as_deref().filter(|prefix| !prefix.is_empty()) {
        let (low, high) = (
            bind(prefix.to_owned().into()),
            bind(upper_bound(prefix).into()),
        );
        filter += &format!(" AND path >= ?{low} AND path < ?{high}");
    }
    if let Some(unit) = query.unit {
        filter += &format!(" AND unit = ?{}", bind(unit.to_string().into()));
    }
    if let Some(kind) = query.kind {
        filter += &format!(" AND type = ?{}", bind(kind.as_str().to_owned().into()));
    }
    let (cursor, comparison, backwards) = match (query.starting_after, query.ending_before) {
        (Some(after), _) => (Some(after), ">", false),
        (None, Some(before)) => (Some(before), "<", true),
        (None, None) => (None, "", false),
    };
    if let Some(cursor) = cursor {
        let (path, unit) = key(snapshot, as_of, cursor)?;
        let (path, unit) = (bind(path.into()), bind(unit.into()));
        filter += &format!(" AND (path, unit) {comparison} (?{path}, ?{unit})");
    }
    let order = if backwards {
        "path DESC, unit DESC"
    } else {
        "path, unit"
    };
    let wanted = usize::try_from(read_limit(query.limit)).unwrap_or(usize::MAX);
    let mut found = Vec::new();
    each(snapshot, as_of, &filter, order, values, |row| {
        found.push(row);
        found.len() < wanted
    })?;
    Ok(Page::of(found, query.limit, backwards))
}

fn key(snapshot: &Snapshot<'_>, as_of: AsOf, id: u32) -> Result<(String, String), ReadError> {
    let mut statement = snapshot.sql.prepare_cached(
        "SELECT path, unit FROM accounts WHERE id = ?1 AND opened_position <= ?2",
    )?;
    statement
        .query_row(params![id, as_of.column], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?
        .ok_or_else(|| ReadError::UnknownCursor(id.to_string()))
}

fn each(
    snapshot: &Snapshot<'_>,
    as_of: AsOf,
    filter: &str,
    order: &str,
    values: Vec<Value>,
    mut visit: impl FnMut(AccountRow) -> bool,
) -> Result<(), ReadError> {
    let sql = format!("SELECT {COLUMNS} FROM accounts WHERE {filter} ORDER BY {order}");
    let mut statement = snapshot.sql.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(values))?;
    let carries = CarryLookup::of(snapshot)?;
    while let Some(row) = rows.next()? {
        if !visit(account_row(snapshot, as_of, row, &carries)?) {
            break;
        }
    }
    Ok(())
}

fn account_row(
    snapshot: &Snapshot<'_>,
    as_of: AsOf,
    row: &Row<'_>,
    carries: &CarryLookup<'_>,
) -> Result<AccountRow, ReadError> {
    let id = row.small(0)?;
    let latest = as_of.position == snapshot.checkpoint;
    let kind = row.word(3, AccountType::parse)?;
    let mut limit = row.word(4, Limit::parse)?;
    if !latest {
        limit = limit_at(snapshot, as_of, id)?.unwrap_or(limit);
    }
    let (posted, pending) = totals_at(snapshot, as_of, row, id)?;
    let carried = carries.at(id, as_of.column, i64::MAX)?;
    Ok(AccountRow {
        id,
        path: row.get(1)?,
        unit: row.parsed(2)?,
        kind,
        limit,
        code: row.get(5)?,
        name: row.get(6)?,
        opened_position: row.count(7)?,
        debits_posted: posted.debits(carried),
        credits_posted: posted.credits(carried),
        debits_pending: pending.0,
        credits_pending: pending.1,
        balance: posted.balance(kind),
    })
}

/// What the account's row says, unless it moved after the position: then its last posting and
/// its last pending change up to there say it, each one seek away.
fn totals_at(
    snapshot: &Snapshot<'_>,
    as_of: AsOf,
    row: &Row<'_>,
    id: u32,
) -> Result<(PostedColumns, (u64, u64)), ReadError> {
    let mut posted = PostedColumns::of(row, 8)?;
    let mut pending = (row.count(10)?, row.count(11)?);
    if row.count(12)? > as_of.position {
        let mut statement = snapshot.sql.prepare_cached(
            "SELECT p.debits_after, p.credits_after FROM account_postings a
             CROSS JOIN postings p ON p.position = a.position AND p.ordinal = a.ordinal
             WHERE a.account_id = ?1 AND a.position <= ?2
             ORDER BY a.position DESC, a.ordinal DESC LIMIT 1",
        )?;
        posted = statement
            .query_row(params![id, as_of.column], |row| PostedColumns::of(row, 0))
            .optional()?
            .unwrap_or_default();
    }
    if row.count(13)? > as_of.position {
        let mut statement = snapshot.sql.prepare_cached(
            "SELECT debits_pending, credits_pending FROM pending_history
             WHERE account_id = ?1 AND position <= ?2 ORDER BY position DESC LIMIT 1",
        )?;
        pending = statement
            .query_row(params![id, as_of.column], |row| {
                Ok((row.count(0)?, row.count(1)?))
            })
            .optional()?
            .unwrap_or_default();
    }
    Ok((posted, pending))
}

/// The limit before the first change after the position, when there is one.
fn limit_at(snapshot: &Snapshot<'_>, as_of: AsOf, id: u32) -> Result<Option<Limit>, ReadError> {
    let mut statement = snapshot.sql.prepare_cached(
        "SELECT limit_before FROM account_limits
         WHERE account_id = ?1 AND position > ?2 ORDER BY position LIMIT 1",
    )?;
    Ok(statement
        .query_row(params![id, as_of.column], |row| row.word(0, Limit::parse))
        .optional()?)
}

impl ReadModels {
    /// Path and unit of the accounts with numbers from `first` to before `end`.
    pub(crate) fn account_names(
        &self,
        first: u32,
        end: u32,
    ) -> Result<Vec<(u32, (Arc<str>, Unit))>, ReadError> {
        self.pool.snapshot(|snapshot| {
            let mut statement = snapshot
                .sql
                .prepare_cached("SELECT id, path, unit FROM accounts WHERE id >= ?1 AND id < ?2")?;
            let rows = statement.query_map([first, end], |row| {
                Ok((row.small(0)?, (row.get(1)?, row.parsed(2)?)))
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}
