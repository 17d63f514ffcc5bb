//! Sums of accounts: of every unit and type, and of accounts of one order each, which their control
//! account stands for.
//!
//! What they came to is kept now and then, so that a sum at any position is the last that was
//! kept, and the few postings since.

use std::collections::HashMap;

use rusqlite::{Connection, params};
use tillroll_events::AccountOpened;
use tillroll_ledger::{AccountType, Side};
use tillroll_money::Unit;

use super::RecordPlace;
use crate::ProjectError;
use crate::groups::{CHECKPOINT_STEPS, CarriedSum, control_name, control_path};

/// Number of a row of `account_groups`.
pub(super) type GroupId = u32;

#[derive(Debug, Default)]
pub(super) struct Groups {
    loaded: bool,
    rows: Vec<AccountGroup>,
    by_type: HashMap<(Unit, AccountType), GroupId>,
    controls: HashMap<(Unit, String), GroupId>,
    /// Postings and new accounts since the last checkpoint.
    steps: u64,
    accounts: u32,
}

#[derive(Debug)]
struct AccountGroup {
    path: String,
    unit: Unit,
    kind: AccountType,
    code: String,
    name: String,
    opened_position: i64,
    debits: u128,
    credits: u128,
    /// Accounts that were posted to.
    accounts: u64,
    last_path: String,
    /// Since the last flush, and since the last checkpoint.
    changed: bool,
    moved: bool,
}

impl Groups {
    /// Reads back what is in the tables, unless it is known.
    pub fn load(&mut self, sql: &Connection) -> Result<(), ProjectError> {
        if self.loaded {
            return Ok(());
        }
        *self = Self::default();
        let mut groups = sql.prepare_cached(
            "SELECT path, unit, type, code, name, opened_position, debits, debits_carry, credits,
                    credits_carry, accounts, last_path
             FROM account_groups ORDER BY id",
        )?;
        let mut rows = groups.query([])?;
        while let Some(row) = rows.next()? {
            let unit: String = row.get(1)?;
            let kind: String = row.get(2)?;
            let (Ok(unit), Some(kind)) = (unit.parse(), AccountType::parse(&kind)) else {
                return Err(ProjectError::Contradiction {
                    position: 0,
                    detail: format!("a sum of accounts is of {kind} in {unit}"),
                });
            };
            let accounts: i64 = row.get(10)?;
            self.insert(AccountGroup {
                path: row.get(0)?,
                unit,
                kind,
                code: row.get(3)?,
                name: row.get(4)?,
                opened_position: row.get(5)?,
                debits: CarriedSum(row.get(6)?, row.get(7)?).total(),
                credits: CarriedSum(row.get(8)?, row.get(9)?).total(),
                accounts: accounts.unsigned_abs(),
                last_path: row.get(11)?,
                changed: false,
                moved: false,
            });
        }
        let (position, accounts): (i64, u32) = sql
            .prepare_cached(
                "SELECT ifnull(max(position), 0), ifnull(max(accounts), 0)
                 FROM balance_checkpoints",
            )?
            .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        // What moved since is what the next checkpoint keeps.
        let mut moved = sql.prepare_cached(
            "SELECT a.unit, a.type, a.control FROM postings p
             CROSS JOIN accounts a ON a.id = p.account_id WHERE p.position > ?1
             UNION ALL SELECT unit, type, control FROM accounts WHERE id >= ?2",
        )?;
        let mut rows = moved.query(params![position, accounts])?;
        while let Some(row) = rows.next()? {
            let (unit, kind): (String, String) = (row.get(0)?, row.get(1)?);
            let class = unit.parse().ok().zip(AccountType::parse(&kind));
            let class = class.and_then(|key| self.by_type.get(&key).copied());
            for group in [class, row.get(2)?].into_iter().flatten() {
                self.rows[group as usize].moved = true;
            }
            self.steps += 1;
        }
        let opened = sql
            .prepare_cached("SELECT ifnull(max(id) + 1, 0) FROM accounts")?
            .query_row([], |row| row.get(0))?;
        self.accounts = opened;
        self.loaded = true;
        Ok(())
    }

    fn insert(&mut self, group: AccountGroup) -> GroupId {
        let id = GroupId::try_from(self.rows.len()).expect("units and types are few");
        match group.path.as_str() {
            "" => self.by_type.insert((group.unit, group.kind), id),
            path => self.controls.insert((group.unit, path.to_owned()), id),
        };
        self.rows.push(group);
        id
    }

    /// The sum over a unit and type.
    pub fn of_type(&self, unit: Unit, kind: AccountType) -> Option<GroupId> {
        self.by_type.get(&(unit, kind)).copied()
    }

    /// Takes in an account that is opened: the sums that it is part of, of its type and, for one
    /// of an order, of its control account.
    pub fn open(
        &mut self,
        place: RecordPlace,
        event: &AccountOpened,
    ) -> (GroupId, Option<GroupId>) {
        self.steps += 1;
        self.accounts = event.account.get() + 1;
        let (unit, kind) = (event.unit, event.kind);
        let new = |path: &str, code: &str, name: String| AccountGroup {
            path: path.to_owned(),
            unit,
            kind,
            code: code.to_owned(),
            name,
            opened_position: place.column,
            debits: 0,
            credits: 0,
            accounts: 0,
            last_path: String::new(),
            changed: true,
            moved: true,
        };
        let by_type = match self.of_type(unit, kind) {
            Some(known) => known,
            None => self.insert(new("", "", String::new())),
        };
        self.rows[by_type as usize].moved = true;
        let Some((order, path)) = control_path(event.path.as_str()) else {
            return (by_type, None);
        };
        let control = match self.controls.get(&(unit, path.clone())) {
            Some(known) => *known,
            None => self.insert(new(&path, &event.code, control_name(&event.name, order))),
        };
        let group = &mut self.rows[control as usize];
        // An account of another type would have its balance on the other side.
        if group.kind != kind {
            return (by_type, None);
        }
        group.moved = true;
        if *event.path.as_str() > *group.last_path {
            event.path.as_str().clone_into(&mut group.last_path);
            group.changed = true;
        }
        (by_type, Some(control))
    }

    /// Takes in a posting to an account of these sums, the account's first or not.
    pub fn post(
        &mut self,
        side: Side,
        amount: u64,
        first: bool,
        by_type: GroupId,
        control: Option<GroupId>,
    ) {
        self.steps += 1;
        for group in std::iter::once(by_type).chain(control) {
            let group = &mut self.rows[group as usize];
            match side {
                Side::Debit => group.debits += u128::from(amount),
                Side::Credit => group.credits += u128::from(amount),
            }
            group.accounts += u64::from(first);
            (group.changed, group.moved) = (true, true);
        }
    }

    /// Keeps what has moved, when enough has.
    pub fn checkpoint(&mut self, sql: &Connection, place: RecordPlace) -> Result<(), ProjectError> {
        if self.steps < CHECKPOINT_STEPS {
            return Ok(());
        }
        self.steps = 0;
        sql.prepare_cached("INSERT INTO balance_checkpoints (position, accounts) VALUES (?1, ?2)")?
            .execute(params![place.column, self.accounts])?;
        let mut history = sql.prepare_cached(
            "INSERT INTO account_group_history (group_id, position, debits, debits_carry, credits,
                 credits_carry, accounts, last_path)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?;
        for (id, group) in (0_i64..).zip(&mut self.rows) {
            if !std::mem::take(&mut group.moved) {
                continue;
            }
            let (debits, credits) = (CarriedSum::of(group.debits), CarriedSum::of(group.credits));
            history.execute(params![
                id,
                place.column,
                debits.0,
                debits.1,
                credits.0,
                credits.1,
                place.column_of(group.accounts)?,
                group.last_path,
            ])?;
        }
        Ok(())
    }

    pub fn flush(&mut self, sql: &Connection) -> rusqlite::Result<()> {
        let mut upsert = sql.prepare_cached(
            "INSERT INTO account_groups (id, path, unit, type, code, name, opened_position, debits,
                 debits_carry, credits, credits_carry, accounts, last_path)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
             ON CONFLICT (id) DO UPDATE SET debits = excluded.debits,
                 debits_carry = excluded.debits_carry, credits = excluded.credits,
                 credits_carry = excluded.credits_carry, accounts = excluded.accounts,
                 last_path = excluded.last_path",
        )?;
        for (id, group) in (0_i64..).zip(&mut self.rows) {
            if !std::mem::take(&mut group.changed) {
                continue;
            }
            let (debits, credits) = (CarriedSum::of(group.debits), CarriedSum::of(group.credits));
            upsert.execute(params![
                id,
                group.path,
                group.unit.as_str(),
                group.kind.as_str(),
                group.code,
                group.name,
                group.opened_position,
                debits.0,
                debits.1,
                credits.0,
                credits.1,
                i64::try_from(group.accounts).unwrap_or(i64::MAX),
                group.last_path,
            ])?;
        }
        Ok(())
    }
}
