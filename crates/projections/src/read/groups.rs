//! Sums of accounts at a position.

use std::collections::HashMap;

use rusqlite::{OptionalExtension, Row, params};
use tillroll_ledger::{AccountType, Side};
use tillroll_money::Unit;

use super::AsOf;
use super::Total;
use super::columns::Columns;
use super::pool::Snapshot;
use super::totals::CarryLookup;
use crate::ReadError;
use crate::column::parse_side;
use crate::groups::CarriedSum;

const GROUPS: &str = "SELECT id, path, unit, type, code, name, debits, debits_carry, credits, \
                      credits_carry, accounts, last_path FROM account_groups";

/// The accounts of a unit and type, or those that a control account stands for.
#[derive(Clone, Debug)]
pub(super) struct GroupRow {
    pub id: i64,
    /// Empty for a unit and type.
    pub path: String,
    pub unit: Unit,
    pub kind: AccountType,
    pub code: String,
    pub name: String,
    pub sums: GroupSums,
}

#[derive(Clone, Debug, Default)]
pub(super) struct GroupSums {
    pub debits: Total,
    pub credits: Total,
    /// Accounts that were posted to.
    pub accounts: u64,
    /// The last path of those that were open.
    last_path: String,
}

/// What moved sums between the last time that they were kept and the position.
pub(super) struct GroupReader<'a> {
    snapshot: &'a Snapshot<'a>,
    as_of: AsOf,
    /// None where the newest is asked for, which the groups say themselves.
    kept: Option<KeptSums>,
}

struct KeptSums {
    position: i64,
    /// Number of the first account that was opened after it.
    accounts: i64,
    by_type: HashMap<(Unit, AccountType), GroupMoves>,
    by_control: HashMap<i64, GroupMoves>,
}

#[derive(Default)]
struct GroupMoves {
    debits: i128,
    credits: i128,
    accounts: u64,
    last_path: String,
}

impl GroupMoves {
    fn post(&mut self, side: Side, amount: u64, first: bool) {
        match side {
            Side::Debit => self.debits += i128::from(amount),
            Side::Credit => self.credits += i128::from(amount),
        }
        self.accounts += u64::from(first);
    }
}

impl<'a> GroupReader<'a> {
    pub fn new(snapshot: &'a Snapshot<'a>, as_of: AsOf) -> Result<Self, ReadError> {
        let kept = match as_of.position == snapshot.checkpoint {
            true => None,
            false => Some(KeptSums::read(snapshot, as_of)?),
        };
        Ok(Self {
            snapshot,
            as_of,
            kept,
        })
    }

    /// The units that accounts are open in, after `unit`; empty texts are before all.
    pub fn unit_after(&self, unit: &str) -> Result<Option<Unit>, ReadError> {
        let mut next = self.snapshot.sql.prepare_cached(
            "SELECT unit FROM account_groups WHERE unit > ?1 ORDER BY unit LIMIT 1",
        )?;
        Ok(next.query_row([unit], |row| row.parsed(0)).optional()?)
    }

    /// The sums of a unit by type.
    pub fn by_type(&self, unit: Unit) -> Result<Vec<GroupRow>, ReadError> {
        let mut types = self.snapshot.sql.prepare_cached(&format!(
            "{GROUPS} WHERE unit = ?1 AND path = '' AND opened_position <= ?2 ORDER BY type"
        ))?;
        let rows = types.query_map(params![unit.as_str(), self.as_of.column], group)?;
        self.with_sums(rows.collect::<Result<_, _>>()?)
    }

    /// The control accounts of a unit with paths above `after`, by path.
    pub fn controls(&self, unit: Unit, after: &str) -> Result<Vec<GroupRow>, ReadError> {
        let mut controls = self.snapshot.sql.prepare_cached(&format!(
            "{GROUPS} WHERE unit = ?1 AND path > ?2 AND opened_position <= ?3 ORDER BY path"
        ))?;
        let rows = controls.query_map(params![unit.as_str(), after, self.as_of.column], group)?;
        self.with_sums(rows.collect::<Result<_, _>>()?)
    }

    /// The control accounts of all units.
    pub fn all_controls(&self) -> Result<Vec<GroupRow>, ReadError> {
        let mut controls = self.snapshot.sql.prepare_cached(&format!(
            "{GROUPS} WHERE path > '' AND opened_position <= ?1 ORDER BY unit, path"
        ))?;
        let rows = controls.query_map([self.as_of.column], group)?;
        self.with_sums(rows.collect::<Result<_, _>>()?)
    }

    /// Above the last path of a control account's accounts that were open.
    pub fn paths_end(&self, group: &GroupRow) -> String {
        format!("{}\u{0}", group.sums.last_path)
    }

    fn with_sums(&self, mut rows: Vec<GroupRow>) -> Result<Vec<GroupRow>, ReadError> {
        if let Some(kept) = &self.kept {
            for row in &mut rows {
                row.sums = kept.sums(self.snapshot, row)?;
            }
        }
        Ok(rows)
    }
}

impl KeptSums {
    fn read(snapshot: &Snapshot<'_>, as_of: AsOf) -> Result<Self, ReadError> {
        let mut checkpoint = snapshot.sql.prepare_cached(
            "SELECT position, accounts FROM balance_checkpoints
             WHERE position <= ?1 ORDER BY position DESC LIMIT 1",
        )?;
        let found = checkpoint.query_row([as_of.column], |row| Ok((row.get(0)?, row.get(1)?)));
        let (position, accounts) = found.optional()?.unwrap_or((0, 0));
        let mut kept = Self {
            position,
            accounts,
            by_type: HashMap::new(),
            by_control: HashMap::new(),
        };
        kept.add_postings(snapshot, as_of)?;
        kept.add_accounts(snapshot, as_of)?;
        Ok(kept)
    }

    fn add_postings(&mut self, snapshot: &Snapshot<'_>, as_of: AsOf) -> Result<(), ReadError> {
        let mut postings = snapshot.sql.prepare_cached(
            "SELECT a.unit, a.type, a.control, p.side, p.amount, p.debits_after, p.credits_after,
                    p.account_id, p.position, p.ordinal
             FROM postings p CROSS JOIN accounts a ON a.id = p.account_id
             WHERE p.position > ?1 AND p.position <= ?2",
        )?;
        let mut rows = postings.query([self.position, as_of.column])?;
        let carries = CarryLookup::of(snapshot)?;
        while let Some(row) = rows.next()? {
            let key: (Unit, AccountType) = (row.parsed(0)?, row.word(1, AccountType::parse)?);
            let (side, amount) = (row.word(3, parse_side)?, row.count(4)?);
            let first = u128::from(row.count(5)?) + u128::from(row.count(6)?) == u128::from(amount)
                && carries.at(row.small(7)?, row.get(8)?, row.get(9)?)? == 0;
            self.by_type
                .entry(key)
                .or_default()
                .post(side, amount, first);
            if let Some(control) = row.get(2)? {
                let moves = self.by_control.entry(control).or_default();
                moves.post(side, amount, first);
            }
        }
        Ok(())
    }

    fn add_accounts(&mut self, snapshot: &Snapshot<'_>, as_of: AsOf) -> Result<(), ReadError> {
        // Numbers follow the order of opening.
        let mut opened = snapshot.sql.prepare_cached(
            "SELECT opened_position, control, path FROM accounts WHERE id >= ?1 ORDER BY id",
        )?;
        let mut rows = opened.query([self.accounts])?;
        while let Some(row) = rows.next()? {
            if row.get::<_, i64>(0)? > as_of.column {
                break;
            }
            if let Some(control) = row.get(1)? {
                let path: String = row.get(2)?;
                let last = &mut self.by_control.entry(control).or_default().last_path;
                if path > *last {
                    *last = path;
                }
            }
        }
        Ok(())
    }

    fn sums(&self, snapshot: &Snapshot<'_>, group: &GroupRow) -> Result<GroupSums, ReadError> {
        let mut last = snapshot.sql.prepare_cached(
            "SELECT debits, debits_carry, credits, credits_carry, accounts, last_path
             FROM account_group_history
             WHERE group_id = ?1 AND position <= ?2 ORDER BY position DESC LIMIT 1",
        )?;
        let found = last.query_row([group.id, self.position], |row| sums(row, 0));
        let mut sums = found.optional()?.unwrap_or_default();
        let moves = match group.path.as_str() {
            "" => self.by_type.get(&(group.unit, group.kind)),
            _ => self.by_control.get(&group.id),
        };
        if let Some(moves) = moves {
            sums.debits.0 += moves.debits;
            sums.credits.0 += moves.credits;
            sums.accounts += moves.accounts;
            if moves.last_path > sums.last_path {
                moves.last_path.clone_into(&mut sums.last_path);
            }
        }
        Ok(sums)
    }
}

fn group(row: &Row<'_>) -> rusqlite::Result<GroupRow> {
    Ok(GroupRow {
        id: row.get(0)?,
        path: row.get(1)?,
        unit: row.parsed(2)?,
        kind: row.word(3, AccountType::parse)?,
        code: row.get(4)?,
        name: row.get(5)?,
        sums: sums(row, 6)?,
    })
}

fn sums(row: &Row<'_>, first: usize) -> rusqlite::Result<GroupSums> {
    let total = |index: usize| -> rusqlite::Result<Total> {
        let total = CarriedSum(row.get(index)?, row.get(index + 1)?).total();
        Ok(Total(i128::try_from(total).unwrap_or(i128::MAX)))
    };
    Ok(GroupSums {
        debits: total(first)?,
        credits: total(first + 2)?,
        accounts: row.count(first + 4)?,
        last_path: row.get(first + 5)?,
    })
}
