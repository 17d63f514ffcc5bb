//! Accounts and their balances, now or at a position.

use std::sync::Arc;

use rusqlite::types::Value;
use rusqlite::{OptionalExtension, Params, Row, ToSql, params, params_from_iter};
use serde::{Serialize, Serializer};
use tillroll_ledger::{AccountType, Limit};
use tillroll_money::Unit;

use super::columns::Columns;
use super::groups::GroupReader;
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
    let values = params_from_iter(values);
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
    let values = params![prefix, upper_bound(prefix), as_of.column];
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
    let bounds = AccountBounds::of(snapshot, as_of, query)?;
    let most = read_limit(query.limit);
    let wanted = usize::try_from(most).unwrap_or(usize::MAX);
    let mut found = Vec::new();
    if query.unit.is_none() && query.kind.is_none() {
        let filter =
            "opened_position <= ?1 AND (path, unit) > (?2, ?3) AND (path, unit) < (?4, ?5)";
        let order = match bounds.backwards {
            true => "path DESC, unit DESC",
            false => "path, unit",
        };
        let ((low, high), at) = ((&bounds.above, &bounds.below), as_of.column);
        let values = params![at, low.0, low.1, high.0, high.1];
        each(snapshot, as_of, filter, order, values, |row| {
            found.push(row);
            found.len() < wanted
        })?;
        return Ok(Page::of(found, query.limit, bounds.backwards));
    }
    for (_, id) in bounds.of_kind(snapshot, as_of, query, most)? {
        each(snapshot, as_of, "id = ?1", "id", [id], |row| {
            found.push(row);
            true
        })?;
    }
    Ok(Page::of(found, query.limit, bounds.backwards))
}

/// Path and unit.
type AccountKey = (String, String);

/// Between which keys a page lies. There is one bound on either side, so that an index begins at
/// the cursor and not at the prefix.
struct AccountBounds {
    above: AccountKey,
    below: AccountKey,
    /// Before a cursor: read downwards and turn round.
    backwards: bool,
}

impl AccountBounds {
    fn of(snapshot: &Snapshot<'_>, as_of: AsOf, query: &AccountQuery) -> Result<Self, ReadError> {
        let prefix = query.prefix.as_deref().unwrap_or_default();
        // No unit is before the empty text.
        let mut above = (prefix.to_owned(), String::new());
        let mut below = (upper_bound(prefix), String::new());
        match (query.starting_after, query.ending_before) {
            (Some(after), _) => above = above.max(key(snapshot, as_of, after)?),
            (None, Some(before)) => below = below.min(key(snapshot, as_of, before)?),
            (None, None) => {}
        }
        Ok(Self {
            above,
            below,
            backwards: query.starting_after.is_none() && query.ending_before.is_some(),
        })
    }

    /// The first accounts of a type, a unit or both. They lie in several runs: those that stand
    /// alone by type and unit, and those of each control account.
    fn of_kind(
        &self,
        snapshot: &Snapshot<'_>,
        as_of: AsOf,
        query: &AccountQuery,
        wanted: i64,
    ) -> Result<Vec<(AccountKey, u32)>, ReadError> {
        let mut found = Vec::new();
        let run = AccountRun {
            bounds: self,
            snapshot,
            as_of,
            wanted,
        };
        match (query.unit, query.kind) {
            (None, Some(kind)) => run.of_type(kind, &mut found)?,
            (Some(unit), kind) => {
                for kind in kind.map_or(AccountType::ALL.to_vec(), |kind| vec![kind]) {
                    let filter = "accounts_by_unit
                                  WHERE control IS NULL AND type = ?1 AND unit = ?2";
                    run.of_unit(filter, &kind.as_str(), unit, None, &mut found)?;
                }
            }
            (None, None) => {}
        }
        let groups = GroupReader::new(snapshot, as_of)?;
        for control in groups.all_controls()? {
            if query.unit.is_none_or(|unit| unit == control.unit)
                && query.kind.is_none_or(|kind| kind == control.kind)
            {
                let filter = "accounts_by_control WHERE control = ?1 AND unit = ?2";
                let end = groups.paths_end(&control);
                run.of_unit(filter, &control.id, control.unit, Some(end), &mut found)?;
            }
        }
        found.sort_unstable();
        if self.backwards {
            found.reverse();
        }
        found.truncate(usize::try_from(wanted).unwrap_or(usize::MAX));
        Ok(found)
    }
}

/// Accounts that lie behind one another in an index.
struct AccountRun<'a> {
    bounds: &'a AccountBounds,
    snapshot: &'a Snapshot<'a>,
    as_of: AsOf,
    wanted: i64,
}

impl AccountRun<'_> {
    fn of_type(
        &self,
        kind: AccountType,
        found: &mut Vec<(AccountKey, u32)>,
    ) -> Result<(), ReadError> {
        let (above, below) = (&self.bounds.above, &self.bounds.below);
        let order = match self.bounds.backwards {
            true => "path DESC, unit DESC",
            false => "path, unit",
        };
        let sql = format!(
            "SELECT path, unit, id FROM accounts INDEXED BY accounts_by_type
             WHERE control IS NULL AND type = ?1 AND opened_position <= ?2
               AND (path, unit) > (?3, ?4) AND (path, unit) < (?5, ?6)
             ORDER BY {order} LIMIT ?7"
        );
        let mut statement = self.snapshot.sql.prepare_cached(&sql)?;
        let (at, wanted) = (self.as_of.column, self.wanted);
        let values = params![
            kind.as_str(),
            at,
            above.0,
            above.1,
            below.0,
            below.1,
            wanted
        ];
        let rows = statement.query_map(values, account_key)?;
        found.extend(rows.collect::<Result<Vec<_>, _>>()?);
        Ok(())
    }

    /// Of one unit, none from the path `end` on: `filter` begins with the index, in which paths
    /// are the next column, and takes `value` and the unit.
    fn of_unit(
        &self,
        filter: &str,
        value: &dyn ToSql,
        unit: Unit,
        end: Option<String>,
        found: &mut Vec<(AccountKey, u32)>,
    ) -> Result<(), ReadError> {
        let (above, below) = (&self.bounds.above, &self.bounds.below);
        // What a path and unit are compared with, for paths alone.
        let from = if unit.as_str() > &*above.1 { ">=" } else { ">" };
        let to = match &end {
            Some(end) if *end < below.0 => "<",
            _ if unit.as_str() < &*below.1 => "<=",
            _ => "<",
        };
        let below = match &end {
            Some(end) => end.min(&below.0),
            None => &below.0,
        };
        let order = if self.bounds.backwards { "DESC" } else { "ASC" };
        let sql = format!(
            "SELECT path, unit, id FROM accounts INDEXED BY {filter} AND opened_position <= ?3
               AND path {from} ?4 AND path {to} ?5
             ORDER BY path {order} LIMIT ?6"
        );
        let mut statement = self.snapshot.sql.prepare_cached(&sql)?;
        let (at, wanted) = (self.as_of.column, self.wanted);
        let values = params![value, unit.as_str(), at, above.0, below, wanted];
        let rows = statement.query_map(values, account_key)?;
        found.extend(rows.collect::<Result<Vec<_>, _>>()?);
        Ok(())
    }
}

fn account_key(row: &Row<'_>) -> rusqlite::Result<(AccountKey, u32)> {
    Ok(((row.get(0)?, row.get(1)?), row.small(2)?))
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

/// Shows the accounts that `filter` lets through, until `visit` wants no more.
pub(super) fn each(
    snapshot: &Snapshot<'_>,
    as_of: AsOf,
    filter: &str,
    order: &str,
    values: impl Params,
    mut visit: impl FnMut(AccountRow) -> bool,
) -> Result<(), ReadError> {
    let sql = format!("SELECT {COLUMNS} FROM accounts WHERE {filter} ORDER BY {order}");
    let mut statement = snapshot.sql.prepare_cached(&sql)?;
    let mut rows = statement.query(values)?;
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
