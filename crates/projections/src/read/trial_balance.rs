//! The trial balance: debits and credits by account, and their sums, which are equal in every
//! unit.
//!
//! Accounts of one order each are one line, that of their control account (`order:*:clearing`),
//! unless it is opened. Sums are kept by the projector, so that they cost the same however many
//! accounts there are; lines come in pages.

use rusqlite::params;
use serde::{Serialize, Serializer};
use tillroll_ledger::{AccountType, Side};
use tillroll_money::Unit;

use super::accounts::{self, AccountRow};
use super::groups::{GroupReader, GroupRow};
use super::orders::text;
use super::pool::Snapshot;
use super::{AsOf, At, ReadModels, Total};
use crate::ReadError;

/// Which lines of the trial balance, by unit and path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrialBalanceQuery {
    /// At least 1.
    pub limit: usize,
    /// What follows the line of this unit and path.
    pub after: Option<(Unit, String)>,
    pub unit: Option<Unit>,
    /// The accounts that this control account stands for, instead of the lines of all.
    pub control: Option<String>,
    pub as_of: Option<u64>,
}

impl Default for TrialBalanceQuery {
    fn default() -> Self {
        Self {
            limit: 100,
            after: None,
            unit: None,
            control: None,
            as_of: None,
        }
    }
}

/// A page of the trial balance: the units of its lines, by unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TrialBalancePage {
    pub units: Vec<TrialBalance>,
    pub has_more: bool,
}

/// The lines of one unit that are on a page, by path, and the sums of all its accounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TrialBalance {
    #[serde(serialize_with = "text")]
    pub unit: Unit,
    pub rows: Vec<TrialBalanceRow>,
    /// The control account that was opened.
    pub control: Option<TrialBalanceRow>,
    pub types: Vec<TypeSums>,
    pub debits: Total,
    pub credits: Total,
}

/// All accounts of one type and unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct TypeSums {
    #[serde(rename = "type", serialize_with = "kind")]
    pub kind: AccountType,
    pub debits: Total,
    pub credits: Total,
}

/// An account that was posted to, or a control account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TrialBalanceRow {
    pub path: String,
    #[serde(rename = "type", serialize_with = "kind")]
    pub kind: AccountType,
    pub code: String,
    pub name: String,
    /// How many accounts a control account stands for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accounts: Option<u64>,
    /// Everything ever posted on either side, in minor units.
    pub debits: Total,
    pub credits: Total,
    /// Positive on the normal side of the type.
    pub balance: Total,
}

fn kind<S: Serializer>(kind: &AccountType, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(kind.as_str())
}

impl TrialBalance {
    #[must_use]
    pub fn is_balanced(&self) -> bool {
        self.debits == self.credits
    }
}

impl TrialBalanceRow {
    fn of_account(account: AccountRow) -> Self {
        Self {
            path: account.path,
            kind: account.kind,
            code: account.code,
            name: account.name,
            accounts: None,
            debits: account.debits_posted,
            credits: account.credits_posted,
            balance: Total(account.balance.into()),
        }
    }

    fn of_control(group: GroupRow) -> Self {
        let (debits, credits) = (group.sums.debits, group.sums.credits);
        let sign = match group.kind.normal_side() {
            Side::Debit => 1,
            Side::Credit => -1,
        };
        Self {
            path: group.path,
            kind: group.kind,
            code: group.code,
            name: group.name,
            accounts: Some(group.sums.accounts),
            debits,
            credits,
            balance: Total((debits.0 - credits.0) * sign),
        }
    }
}

impl ReadModels {
    /// A page of the trial balance. Pending amounts are not in it.
    ///
    /// # Errors
    /// [`ReadError`] when the read models cannot be read.
    pub fn trial_balance(
        &self,
        query: &TrialBalanceQuery,
    ) -> Result<At<TrialBalancePage>, ReadError> {
        self.at(query.as_of, |snapshot, as_of| {
            let groups = GroupReader::new(snapshot, as_of)?;
            TrialBalanceReader {
                snapshot,
                as_of,
                groups,
                query,
            }
            .page()
        })
    }

    /// The sums of every unit that was posted to, without lines.
    ///
    /// # Errors
    /// [`ReadError`] when the read models cannot be read.
    pub fn trial_balance_sums(
        &self,
        as_of: Option<u64>,
    ) -> Result<At<Vec<TrialBalance>>, ReadError> {
        self.at(as_of, |snapshot, as_of| {
            let groups = GroupReader::new(snapshot, as_of)?;
            let mut units = Vec::new();
            let mut next = groups.unit_after("")?;
            while let Some(unit) = next {
                let sums = sums(&groups, unit)?;
                units.extend((sums.debits.0 != 0 || sums.credits.0 != 0).then_some(sums));
                next = groups.unit_after(unit.as_str())?;
            }
            Ok(units)
        })
    }
}

/// A unit without lines.
fn sums(groups: &GroupReader<'_>, unit: Unit) -> Result<TrialBalance, ReadError> {
    let mut balance = TrialBalance {
        unit,
        rows: Vec::new(),
        control: None,
        types: Vec::new(),
        debits: Total::default(),
        credits: Total::default(),
    };
    for group in groups.by_type(unit)? {
        let (debits, credits) = (group.sums.debits, group.sums.credits);
        if group.sums.accounts == 0 {
            continue;
        }
        balance.debits.0 += debits.0;
        balance.credits.0 += credits.0;
        balance.types.push(TypeSums {
            kind: group.kind,
            debits,
            credits,
        });
    }
    balance.types.sort_unstable_by_key(|sums| sums.kind);
    Ok(balance)
}

struct TrialBalanceReader<'a> {
    snapshot: &'a Snapshot<'a>,
    as_of: AsOf,
    groups: GroupReader<'a>,
    query: &'a TrialBalanceQuery,
}

impl TrialBalanceReader<'_> {
    fn page(&self) -> Result<TrialBalancePage, ReadError> {
        // One more says whether there are more.
        let mut left = self.query.limit.saturating_add(1);
        let mut units = Vec::new();
        let (mut next, mut after) = self.start()?;
        while let Some(unit) = next {
            let (rows, control) = self.rows(unit, &after, left)?;
            left -= rows.len();
            if !rows.is_empty() {
                units.push(TrialBalance {
                    rows,
                    control,
                    ..sums(&self.groups, unit)?
                });
            }
            if left == 0 || self.query.unit.is_some() {
                break;
            }
            next = self.groups.unit_after(unit.as_str())?;
            after.clear();
        }
        let has_more = left == 0;
        if has_more && let Some(last) = units.last_mut() {
            last.rows.pop();
            if last.rows.is_empty() {
                units.pop();
            }
        }
        Ok(TrialBalancePage { units, has_more })
    }

    /// The first unit, and after which path it begins.
    fn start(&self) -> Result<(Option<Unit>, String), ReadError> {
        let wanted = self.query.unit;
        Ok(match &self.query.after {
            Some((unit, path)) if wanted.is_none_or(|wanted| wanted == *unit) => {
                (Some(*unit), path.clone())
            }
            // The unit that is wanted lies behind the cursor, or before it.
            Some((unit, _)) => (wanted.filter(|wanted| wanted > unit), String::new()),
            None => match wanted {
                Some(unit) => (Some(unit), String::new()),
                None => (self.groups.unit_after("")?, String::new()),
            },
        })
    }

    /// Up to `most` lines of a unit after a path, and the control account that is opened.
    fn rows(
        &self,
        unit: Unit,
        after: &str,
        most: usize,
    ) -> Result<(Vec<TrialBalanceRow>, Option<TrialBalanceRow>), ReadError> {
        let Some(wanted) = &self.query.control else {
            let controls = self.groups.controls(unit, after)?.into_iter();
            let controls = controls.filter(|group| group.sums.accounts > 0).take(most);
            let mut rows: Vec<_> = controls.map(TrialBalanceRow::of_control).collect();
            for kind in AccountType::ALL {
                let values = params![unit.as_str(), kind.as_str(), after, self.as_of.column];
                let filter = "control IS NULL AND unit = ?1 AND type = ?2 AND path > ?3
                              AND opened_position <= ?4";
                self.posted(filter, values, most, &mut rows)?;
            }
            rows.sort_unstable_by(|a, b| a.path.cmp(&b.path));
            rows.truncate(most);
            return Ok((rows, None));
        };
        let mut controls = self.groups.controls(unit, "")?.into_iter();
        let Some(control) = controls.find(|group| group.path == *wanted) else {
            return Ok((Vec::new(), None));
        };
        let mut rows = Vec::new();
        let end = self.groups.paths_end(&control);
        let values = params![control.id, after, end, self.as_of.column];
        let filter = "control = ?1 AND path > ?2 AND path < ?3 AND opened_position <= ?4";
        self.posted(filter, values, most, &mut rows)?;
        Ok((rows, Some(TrialBalanceRow::of_control(control))))
    }

    /// Adds up to `most` accounts that were posted to, by path.
    fn posted(
        &self,
        filter: &str,
        values: &[&dyn rusqlite::ToSql],
        most: usize,
        rows: &mut Vec<TrialBalanceRow>,
    ) -> Result<(), ReadError> {
        let enough = rows.len() + most;
        accounts::each(
            self.snapshot,
            self.as_of,
            filter,
            "path",
            values,
            |account| {
                if (account.debits_posted, account.credits_posted) != (Total(0), Total(0)) {
                    rows.push(TrialBalanceRow::of_account(account));
                }
                rows.len() < enough
            },
        )
    }
}
