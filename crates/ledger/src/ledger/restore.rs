//! A ledger put together again from parts that were kept, by a snapshot for one.
//!
//! The parts are what [`Ledger::accounts`], [`Ledger::ascending_entry_ids`],
//! [`Ledger::scattered_entry_ids`], [`Ledger::hold_ids`] and [`Ledger::holds`] list. Nothing is trusted: what no ledger can be is refused, and
//! does not panic.

use std::collections::BTreeMap;

use tillroll_money::Unit;

use super::Ledger;
use crate::account::{AccountId, AccountPath, AccountSpec};
use crate::account_index::{AccountIndex, NameHash};
use crate::ascending::Ascending;
use crate::entry_ids::EntryIds;
use crate::id_set::Build;
use crate::{AccountTotals, EntryId, Hold, HoldId};

/// Parts that no ledger has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LedgerRestoreError {
    #[error("{path} in {unit} is there twice")]
    AccountTwice { path: AccountPath, unit: Unit },
    #[error("there are more accounts or units than have numbers")]
    TooMany,
    #[error("the balance of {path} in {unit} is out of range")]
    OutOfRange { path: AccountPath, unit: Unit },
    #[error("entry {0} is there twice, or not in its place")]
    EntryOrder(EntryId),
    #[error("hold {0} is there twice, or not in its place")]
    HoldOrder(HoldId),
    #[error("hold {0} is open twice")]
    HoldTwice(HoldId),
    #[error("hold {0} is open, and is not among those that ever were")]
    HoldUnknown(HoldId),
    #[error("hold {0} names an account that is not open, or another unit than the account's")]
    HoldAccount(HoldId),
    #[error("what is pending on {path} in {unit} is not what the open holds come to")]
    Pending { path: AccountPath, unit: Unit },
    #[error("the accounts in {unit} sum to {sum} and not to zero")]
    Sum { unit: Unit, sum: i128 },
}

/// A ledger that is being put together: accounts in the order of opening, then entries, then
/// the ids of holds, then the holds that are open.
#[derive(Debug, Default)]
pub struct LedgerRestore {
    ledger: Ledger,
    ascending: Ascending,
    scattered: Build,
    hold_ids: Build,
    /// Pending debits and credits that the open holds come to.
    pending: BTreeMap<AccountId, (u64, u64)>,
}

impl LedgerRestore {
    /// A ledger that will have so many accounts, as far as one can tell.
    #[must_use]
    pub fn of(accounts: usize) -> Self {
        let mut restore = Self::default();
        restore.ledger.rows.reserve_exact(accounts);
        restore
    }

    /// Opens the next account, with its totals.
    pub fn account(
        &mut self,
        spec: AccountSpec,
        totals: AccountTotals,
    ) -> Result<(), LedgerRestoreError> {
        let (path, unit) = (&spec.path, spec.unit);
        let hash = NameHash::of(path.as_str(), unit);
        let Some((balances, common)) = totals.split() else {
            let path = path.clone();
            return Err(LedgerRestoreError::OutOfRange { path, unit });
        };
        let full = |count: usize, most: usize| count >= most;
        if full(self.ledger.rows.len(), MOST_ACCOUNTS)
            || (full(self.ledger.units.len(), MOST_UNITS) && self.ledger.unit_id(unit).is_none())
        {
            return Err(LedgerRestoreError::TooMany);
        }
        let id = self.ledger.push(hash, spec, balances);
        if common > 0 {
            self.ledger.carries.set(id, common);
        }
        Ok(())
    }

    /// An entry that was posted, in the order of [`Ledger::ascending_entry_ids`].
    pub fn ascending_entry(&mut self, id: EntryId) -> Result<(), LedgerRestoreError> {
        if self
            .ascending
            .last()
            .is_some_and(|last| id.as_u128() <= last)
        {
            return Err(LedgerRestoreError::EntryOrder(id));
        }
        self.ascending.push(id.as_u128());
        Ok(())
    }

    /// An entry that was posted, in the order of [`Ledger::scattered_entry_ids`], after all of the
    /// ascending ones.
    pub fn scattered_entry(&mut self, id: EntryId) -> Result<(), LedgerRestoreError> {
        match !self.ascending.contains(id.as_u128()) && self.scattered.push(id.as_u128()) {
            true => Ok(()),
            false => Err(LedgerRestoreError::EntryOrder(id)),
        }
    }

    /// A hold that was placed, whatever became of it, in the order of [`Ledger::hold_ids`].
    pub fn hold_id(&mut self, id: HoldId) -> Result<(), LedgerRestoreError> {
        match self.hold_ids.push(id.as_u128()) {
            true => Ok(()),
            false => Err(LedgerRestoreError::HoldOrder(id)),
        }
    }

    /// A hold that is open. Its amounts are in the balances already.
    pub fn open_hold(&mut self, id: HoldId, hold: Hold) -> Result<(), LedgerRestoreError> {
        for posting in hold.entry.postings() {
            let account = self.ledger.account(posting.account);
            if account.is_none_or(|account| account.unit_id != posting.unit) {
                return Err(LedgerRestoreError::HoldAccount(id));
            }
            let (debits, credits) = self.pending.entry(posting.account).or_default();
            let total = match posting.side {
                crate::Side::Debit => debits,
                crate::Side::Credit => credits,
            };
            // Balances are in range, so a sum beyond it differs from them.
            *total = total.saturating_add(posting.amount);
        }
        match self.ledger.holds.insert(id, hold) {
            None => Ok(()),
            Some(_) => Err(LedgerRestoreError::HoldTwice(id)),
        }
    }

    /// The ledger, when its parts agree with one another.
    pub fn finish(self) -> Result<Ledger, LedgerRestoreError> {
        let Self {
            mut ledger,
            ascending,
            scattered,
            hold_ids,
            pending,
        } = self;
        let rows = &ledger.rows;
        let names = rows.iter().map(|row| row.account.hash);
        let same = |a: AccountId, b: AccountId| {
            let (a, b) = (&rows[a.slot()].account, &rows[b.slot()].account);
            (a.unit_id, &a.path) == (b.unit_id, &b.path)
        };
        ledger.index = match AccountIndex::of(names, same) {
            Ok(index) => index,
            Err(second) => {
                let account = &rows[second.slot()].account;
                let (path, unit) = (account.path.clone(), ledger.unit_of(account));
                return Err(LedgerRestoreError::AccountTwice { path, unit });
            }
        };
        ledger.entry_ids = EntryIds::of(ascending, scattered.finish());
        ledger.hold_ids = hold_ids.finish();
        if let Some((id, _)) = ledger
            .holds()
            .into_iter()
            .find(|(id, _)| !ledger.knows_hold(*id))
        {
            return Err(LedgerRestoreError::HoldUnknown(id));
        }
        for (account, balances) in ledger.accounts() {
            let held = pending.get(&account.id).copied().unwrap_or_default();
            if held != (balances.debits_pending, balances.credits_pending) {
                let (path, unit) = (account.path.clone(), ledger.unit_of(account));
                return Err(LedgerRestoreError::Pending { path, unit });
            }
        }
        let unequal = ledger.sums().into_iter().find(|(_, sum)| *sum != 0);
        match unequal {
            Some((unit, sum)) => Err(LedgerRestoreError::Sum { unit, sum }),
            None => Ok(ledger),
        }
    }
}

/// Numbers of accounts have 32 bits, those of units 16.
const MOST_ACCOUNTS: usize = u32::MAX as usize;
const MOST_UNITS: usize = u16::MAX as usize;
