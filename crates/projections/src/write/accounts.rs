//! Accounts, postings and running balances.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use rusqlite::{Connection, OptionalExtension, Statement, params};
use tillroll_events::{AccountLimitSet, AccountOpened};
use tillroll_ledger::{AccountId, AccountType, EntryRef, Limit, Side};

use super::groups::{GroupId, Groups};
use super::rows::{InsertRow, Keyed};
use super::{Cache, RecordPlace, Writer};
use crate::ProjectError;

/// Above this many, all are forgotten: a cold start of some milliseconds now and then is
/// cheaper than bookkeeping for every touch.
const MAX_REMEMBERED: usize = 500_000;

#[derive(Debug, Default)]
pub(super) struct Accounts {
    states: HashMap<u32, AccountRowState, RandomState>,
    changed: Vec<u32>,
}

#[derive(Debug)]
struct AccountRowState {
    /// Not in the table yet.
    opened: Option<Box<(AccountOpened, i64)>>,
    limit: Limit,
    totals: ColumnTotals,
    posted_position: i64,
    pending_position: i64,
    /// The sums that it is part of: its type's, and its control account's.
    by_type: GroupId,
    control: Option<GroupId>,
    changed: bool,
}

/// Totals as columns hold them: where a posted one no longer fits, both are less by what they have
/// in common, and `account_carries` has that. The balance is their difference either way.
#[derive(Clone, Copy, Debug, Default)]
struct ColumnTotals {
    debits_posted: i64,
    credits_posted: i64,
    debits_pending: i64,
    credits_pending: i64,
}

impl ColumnTotals {
    fn posted(&mut self, side: Side) -> &mut i64 {
        match side {
            Side::Debit => &mut self.debits_posted,
            Side::Credit => &mut self.credits_posted,
        }
    }

    fn pending(&mut self, side: Side) -> &mut i64 {
        match side {
            Side::Debit => &mut self.debits_pending,
            Side::Credit => &mut self.credits_pending,
        }
    }

    /// Adds to what is posted. Answers what was taken off both sides for it, mostly nothing.
    fn post(&mut self, place: RecordPlace, side: Side, amount: i64) -> Result<i64, ProjectError> {
        let total = self.posted(side);
        if let Some(sum) = total.checked_add(amount) {
            *total = sum;
            return Ok(0);
        }
        let common = self.debits_posted.min(self.credits_posted);
        self.debits_posted -= common;
        self.credits_posted -= common;
        let total = self.posted(side);
        *total = total
            .checked_add(amount)
            .ok_or_else(|| place.contradiction("a balance leaves the range of an amount"))?;
        Ok(common)
    }
}

impl Accounts {
    pub fn trim(&mut self) {
        if self.states.len() > MAX_REMEMBERED {
            *self = Self::default();
        }
    }

    fn state(
        &mut self,
        sql: &Connection,
        place: RecordPlace,
        account: AccountId,
        groups: &Groups,
    ) -> Result<&mut AccountRowState, ProjectError> {
        use std::collections::hash_map::Entry::{Occupied, Vacant};
        let id = account.get();
        let state = match self.states.entry(id) {
            Occupied(known) => known.into_mut(),
            Vacant(vacant) => {
                let state = load(sql, id, groups)?.ok_or_else(|| {
                    place.contradiction(format!("account number {id} is not open"))
                })?;
                vacant.insert(state)
            }
        };
        if !state.changed {
            state.changed = true;
            self.changed.push(id);
        }
        Ok(state)
    }

    pub fn flush(&mut self, sql: &Connection) -> Result<(), ProjectError> {
        // In the order of the table, for the sake of its pages.
        self.changed.sort_unstable();
        for id in self.changed.drain(..) {
            let Some(state) = self.states.get_mut(&id) else {
                continue;
            };
            state.changed = false;
            let ColumnTotals {
                debits_posted,
                credits_posted,
                debits_pending,
                credits_pending,
            } = state.totals;
            if let Some(opened) = state.opened.take() {
                let (event, position) = *opened;
                sql.prepare_cached(
                    "INSERT INTO accounts (id, path, unit, type, balance_limit, code, name,
                         opened_position, debits_posted, credits_posted, debits_pending,
                         credits_pending, posted_position, pending_position, control)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
                )?
                .execute(params![
                    id,
                    event.path.as_str(),
                    event.unit.as_str(),
                    event.kind.as_str(),
                    state.limit.as_str(),
                    event.code,
                    event.name,
                    position,
                    debits_posted,
                    credits_posted,
                    debits_pending,
                    credits_pending,
                    state.posted_position,
                    state.pending_position,
                    state.control,
                ])?;
            } else {
                sql.prepare_cached(
                    "UPDATE accounts SET balance_limit = ?2, debits_posted = ?3,
                         credits_posted = ?4, debits_pending = ?5, credits_pending = ?6,
                         posted_position = ?7, pending_position = ?8
                     WHERE id = ?1",
                )?
                .execute(params![
                    id,
                    state.limit.as_str(),
                    debits_posted,
                    credits_posted,
                    debits_pending,
                    credits_pending,
                    state.posted_position,
                    state.pending_position,
                ])?;
            }
        }
        Ok(())
    }
}

fn load(
    sql: &Connection,
    id: u32,
    groups: &Groups,
) -> Result<Option<AccountRowState>, ProjectError> {
    let mut statement = sql.prepare_cached(
        "SELECT balance_limit, debits_posted, credits_posted, debits_pending, credits_pending,
                posted_position, pending_position, unit, type, control
         FROM accounts WHERE id = ?1",
    )?;
    let by_type = |row: &rusqlite::Row<'_>| -> rusqlite::Result<GroupId> {
        let unit = row.get_ref(7)?.as_str()?.parse().ok();
        let kind = AccountType::parse(row.get_ref(8)?.as_str()?);
        let group = unit
            .zip(kind)
            .and_then(|(unit, kind)| groups.of_type(unit, kind));
        group.ok_or(rusqlite::Error::QueryReturnedNoRows)
    };
    let state = statement.query_row([id], |row| {
        Ok(AccountRowState {
            opened: None,
            limit: Limit::parse(row.get_ref(0)?.as_str()?).unwrap_or_default(),
            totals: ColumnTotals {
                debits_posted: row.get(1)?,
                credits_posted: row.get(2)?,
                debits_pending: row.get(3)?,
                credits_pending: row.get(4)?,
            },
            posted_position: row.get(5)?,
            pending_position: row.get(6)?,
            by_type: by_type(row)?,
            control: row.get(9)?,
            changed: false,
        })
    });
    Ok(state.optional()?)
}

/// Notes that so much more was taken off both sides of an account, from a posting on.
#[cold]
fn carry(
    sql: &Connection,
    account: u32,
    position: i64,
    ordinal: i64,
    common: i64,
) -> Result<(), ProjectError> {
    let before: Option<String> = sql
        .prepare_cached(
            "SELECT carried FROM account_carries WHERE account_id = ?1
             ORDER BY position DESC, ordinal DESC LIMIT 1",
        )?
        .query_row([account], |row| row.get(0))
        .optional()?;
    let before: i128 = before.and_then(|digits| digits.parse().ok()).unwrap_or(0);
    let carried = (before + i128::from(common)).to_string();
    sql.prepare_cached(
        "INSERT INTO account_carries (account_id, position, ordinal, carried)
         VALUES (?1, ?2, ?3, ?4)",
    )?
    .execute(params![account, position, ordinal, carried])?;
    Ok(())
}

/// How a hold moves pending totals.
#[derive(Clone, Copy)]
pub(super) enum Pending {
    Held,
    Released,
}

#[derive(Debug)]
pub(super) struct PostingRow {
    position: i64,
    ordinal: i64,
    account: u32,
    side: &'static str,
    amount: i64,
    debits_after: i64,
    credits_after: i64,
}

impl InsertRow for PostingRow {
    const INSERT: &'static str = "INSERT OR FAIL INTO postings
        (position, ordinal, account_id, side, amount, debits_after, credits_after)";
    const COLUMNS: usize = 7;

    fn bind(&self, statement: &mut Statement<'_>, first: usize) -> rusqlite::Result<()> {
        statement.raw_bind_parameter(first, self.position)?;
        statement.raw_bind_parameter(first + 1, self.ordinal)?;
        statement.raw_bind_parameter(first + 2, self.account)?;
        statement.raw_bind_parameter(first + 3, self.side)?;
        statement.raw_bind_parameter(first + 4, self.amount)?;
        statement.raw_bind_parameter(first + 5, self.debits_after)?;
        statement.raw_bind_parameter(first + 6, self.credits_after)
    }
}

/// Where a posting of an account is.
#[derive(Debug)]
pub(super) struct PostedRow {
    account: u32,
    position: i64,
    ordinal: i64,
}

impl InsertRow for PostedRow {
    const INSERT: &'static str = "INSERT OR FAIL INTO account_postings
        (account_id, position, ordinal)";
    const COLUMNS: usize = 3;

    fn bind(&self, statement: &mut Statement<'_>, first: usize) -> rusqlite::Result<()> {
        statement.raw_bind_parameter(first, self.account)?;
        statement.raw_bind_parameter(first + 1, self.position)?;
        statement.raw_bind_parameter(first + 2, self.ordinal)
    }
}

impl Keyed for PostedRow {
    type Key = (u32, i64, i64);

    fn key(&self) -> Self::Key {
        (self.account, self.position, self.ordinal)
    }
}

impl Writer<'_> {
    pub(super) fn account_opened(
        &mut self,
        place: RecordPlace,
        event: &AccountOpened,
    ) -> Result<(), ProjectError> {
        let id = event.account.get();
        let (by_type, control) = self.cache.groups.open(place, event);
        let accounts = &mut self.cache.accounts;
        let state = AccountRowState {
            opened: Some(Box::new((event.clone(), place.column))),
            limit: event.limit,
            totals: ColumnTotals::default(),
            posted_position: 0,
            pending_position: 0,
            by_type,
            control,
            changed: true,
        };
        if accounts.states.insert(id, state).is_some() {
            return Err(place.contradiction(format!("account number {id} is opened twice")));
        }
        accounts.changed.push(id);
        Ok(())
    }

    pub(super) fn limit_set(
        &mut self,
        place: RecordPlace,
        event: &AccountLimitSet,
    ) -> Result<(), ProjectError> {
        let Cache {
            accounts, groups, ..
        } = &mut *self.cache;
        let state = accounts.state(self.sql, place, event.account, groups)?;
        let before = std::mem::replace(&mut state.limit, event.limit);
        self.sql
            .prepare_cached(
                "INSERT INTO account_limits (account_id, position, limit_before, limit_after)
                 VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![
                event.account.get(),
                place.column,
                before.as_str(),
                event.limit.as_str(),
            ])?;
        Ok(())
    }

    /// Posts an entry; `ordinal` counts the postings of the event.
    pub(super) fn post(
        &mut self,
        place: RecordPlace,
        ordinal: &mut i64,
        entry: EntryRef<'_>,
    ) -> Result<(), ProjectError> {
        for posting in entry.postings() {
            let Cache {
                accounts, groups, ..
            } = &mut *self.cache;
            let state = accounts.state(self.sql, place, posting.account, groups)?;
            let amount = place.column_of(posting.amount)?;
            let common = state.totals.post(place, posting.side, amount)?;
            let first = state.posted_position == 0;
            groups.post(
                posting.side,
                posting.amount,
                first,
                state.by_type,
                state.control,
            );
            state.posted_position = place.column;
            let (account, position) = (posting.account.get(), place.column);
            let row = PostingRow {
                position,
                ordinal: *ordinal,
                account,
                side: posting.side.as_str(),
                amount,
                debits_after: state.totals.debits_posted,
                credits_after: state.totals.credits_posted,
            };
            if common > 0 {
                carry(self.sql, account, position, *ordinal, common)?;
            }
            self.postings.push(self.sql, row)?;
            self.posted.push(PostedRow {
                account,
                position,
                ordinal: *ordinal,
            });
            *ordinal += 1;
        }
        Ok(())
    }

    /// Moves pending totals by the postings of a hold, and keeps what they come to.
    pub(super) fn pend(
        &mut self,
        place: RecordPlace,
        postings: &[(AccountId, Side, u64)],
        pending: Pending,
    ) -> Result<(), ProjectError> {
        let mut history = self.sql.prepare_cached(
            "INSERT OR REPLACE INTO pending_history
                 (account_id, position, debits_pending, credits_pending)
             VALUES (?1, ?2, ?3, ?4)",
        )?;
        for &(account, side, amount) in postings {
            let Cache {
                accounts, groups, ..
            } = &mut *self.cache;
            let state = accounts.state(self.sql, place, account, groups)?;
            let (total, amount) = (state.totals.pending(side), place.column_of(amount)?);
            let (sum, wrong) = match pending {
                Pending::Held => (
                    total.checked_add(amount),
                    "more is pending than an amount can be",
                ),
                Pending::Released => (
                    total.checked_sub(amount).filter(|left| *left >= 0),
                    "a hold releases more than is pending",
                ),
            };
            *total = sum.ok_or_else(|| place.contradiction(wrong))?;
            state.pending_position = place.column;
            history.execute(params![
                account.get(),
                place.column,
                state.totals.debits_pending,
                state.totals.credits_pending,
            ])?;
        }
        Ok(())
    }
}
