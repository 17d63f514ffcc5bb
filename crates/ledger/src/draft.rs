//! What a command would do to the ledger, checked step by step before any of it is history.
//!
//! Refusals come in a fixed order: an unknown account, then a unit that is not the account's,
//! then a total out of range, then a limit; the first posting that fails names it.

use foldhash::quality::FixedState;
use hashbrown::{HashMap, HashSet};
use tillroll_money::Unit;
use tillroll_sabotage::{Bug, planted};

use crate::account::{Account, AccountId, AccountPath, AccountSpec, Balances, Limit, UnitId};
use crate::{Entry, EntryId, Hold, HoldId, Ledger, Posting, Side};

/// Why the ledger will not do it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LedgerRefusal {
    #[error("account number {} is not open", .0.get())]
    AccountNotFound(AccountId),
    #[error("{path} counts {account}, not {posting}")]
    UnitMismatch {
        path: AccountPath,
        account: Unit,
        posting: Unit,
    },
    #[error("the totals of {path} in {unit} would leave the range of an amount")]
    BalanceOutOfRange { path: AccountPath, unit: Unit },
    #[error("{path} has {available} {unit} left, {amount} more are asked for")]
    WouldExceedLimit {
        path: AccountPath,
        unit: Unit,
        limit: Limit,
        available: u64,
        amount: u64,
    },
    #[error("there is no open hold of this id")]
    HoldNotFound(HoldId),
    #[error("the hold id was used before")]
    HoldExists(HoldId),
    #[error("the hold ended before now")]
    HoldExpired(HoldId),
    #[error("the capture is not part of the hold: same accounts, same sides, no larger amounts")]
    CaptureExceedsHold(HoldId),
    #[error("the entry id was used before")]
    EntryExists(EntryId),
    #[error("balances of {path} in {unit} do not keep this limit already")]
    LimitAlreadyExceeded { path: AccountPath, unit: Unit },
}

/// A view of the ledger as it would be. Dropping it changes nothing.
#[derive(Debug)]
pub struct Draft<'a> {
    ledger: &'a Ledger,
    opened: Vec<Account>,
    new_units: Vec<Unit>,
    touched: HashMap<AccountId, Balances, FixedState>,
    new_entries: HashSet<EntryId, FixedState>,
}

/// Which totals an entry goes to.
#[derive(Clone, Copy)]
enum Stage {
    Posted,
    Pending,
}

impl<'a> Draft<'a> {
    #[must_use]
    pub fn new(ledger: &'a Ledger) -> Self {
        Self {
            ledger,
            opened: Vec::new(),
            new_units: Vec::new(),
            touched: HashMap::with_hasher(FixedState::default()),
            new_entries: HashSet::with_hasher(FixedState::default()),
        }
    }

    #[must_use]
    pub fn lookup(&self, path: &str, unit: Unit) -> Option<AccountId> {
        self.ledger.lookup(path, unit).or_else(|| {
            self.opened
                .iter()
                .find(|account| account.path.as_str() == path && account.unit == unit)
                .map(|account| account.id)
        })
    }

    #[must_use]
    pub fn account(&self, id: AccountId) -> Option<&Account> {
        let known = self.ledger.accounts().len();
        match id.slot().checked_sub(known) {
            None => self.ledger.account(id),
            Some(index) => self.opened.get(index),
        }
    }

    #[must_use]
    pub fn balances(&self, id: AccountId) -> Balances {
        self.touched
            .get(&id)
            .or_else(|| self.ledger.balances(id))
            .copied()
            .unwrap_or_default()
    }

    #[must_use]
    pub fn unit(&self, id: UnitId) -> Option<Unit> {
        self.ledger.unit(id).or_else(|| {
            self.new_units
                .get(usize::from(id.get()).checked_sub(self.ledger.units().len())?)
                .copied()
        })
    }

    /// Opens an account in the draft. The caller has looked it up and not found it.
    pub fn open(&mut self, spec: AccountSpec) -> AccountId {
        let next = self.ledger.accounts().len() + self.opened.len();
        let id = AccountId::new(u32::try_from(next).expect("fewer than 2^32 accounts"));
        let unit_id = self.unit_id(spec.unit);
        let AccountSpec {
            path,
            unit,
            kind,
            limit,
        } = spec;
        self.opened.push(Account {
            id,
            path,
            unit,
            unit_id,
            kind,
            limit,
        });
        id
    }

    fn unit_id(&mut self, unit: Unit) -> UnitId {
        if let Some(id) = self.ledger.unit_id(unit) {
            return id;
        }
        let index = self
            .new_units
            .iter()
            .position(|known| *known == unit)
            .unwrap_or_else(|| {
                self.new_units.push(unit);
                self.new_units.len() - 1
            });
        let number = self.ledger.units().len() + index;
        UnitId::new(u16::try_from(number).expect("fewer than 2^16 units"))
    }

    /// A posting to an open account; its unit comes from the account.
    #[must_use]
    pub fn posting(&self, account: AccountId, side: Side, amount: u64) -> Option<Posting> {
        let unit = self.account(account)?.unit_id;
        Some(Posting {
            account,
            unit,
            side,
            amount,
        })
    }

    /// Refuses an id that history or this draft has used, and remembers it.
    pub fn claim_entry(&mut self, id: EntryId) -> Result<(), LedgerRefusal> {
        let known = self.ledger.knows_entry(id) || !self.new_entries.insert(id);
        if known && !planted(Bug::EntryIdReused) {
            return Err(LedgerRefusal::EntryExists(id));
        }
        Ok(())
    }

    /// Gives an id back whose entry was refused after all.
    pub fn release_entry(&mut self, id: EntryId) {
        self.new_entries.remove(&id);
    }

    #[must_use]
    pub fn hold(&self, id: HoldId) -> Option<&'a Hold> {
        self.ledger.hold(id)
    }

    /// Open holds that ended at or before `now`.
    #[must_use]
    pub fn expired_holds(&self, now: i64) -> Vec<HoldId> {
        self.ledger.expired_holds(now)
    }

    pub fn check_limit_change(&self, id: AccountId, limit: Limit) -> Result<(), LedgerRefusal> {
        let account = self.account(id).ok_or(LedgerRefusal::AccountNotFound(id))?;
        if limit.allows(&self.balances(id)) {
            return Ok(());
        }
        Err(LedgerRefusal::LimitAlreadyExceeded {
            path: account.path.clone(),
            unit: account.unit,
        })
    }

    /// Posts an entry in the draft, or refuses it whole.
    pub fn post(&mut self, entry: &Entry) -> Result<(), LedgerRefusal> {
        self.apply(entry, Stage::Posted)
    }

    /// Makes an entry pending in the draft.
    pub fn place_hold(&mut self, id: HoldId, entry: &Entry) -> Result<(), LedgerRefusal> {
        if self.ledger.knows_hold(id) {
            return Err(LedgerRefusal::HoldExists(id));
        }
        self.apply(entry, Stage::Pending)
    }

    /// Ends a hold by capturing `captured` of it (all of it when `None`), at time `now`;
    /// answers the entry to post.
    pub fn capture_hold(
        &mut self,
        id: HoldId,
        captured: Option<Entry>,
        now: i64,
    ) -> Result<Entry, LedgerRefusal> {
        let hold = self.open_hold(id)?;
        let expired = hold.expires_at.is_some_and(|at| at <= now);
        if expired && !planted(Bug::ExpiredHoldCaptured) {
            return Err(LedgerRefusal::HoldExpired(id));
        }
        let entry = match captured {
            Some(entry) if !hold.covers(&entry) && !planted(Bug::MoreCapturedThanHeld) => {
                return Err(LedgerRefusal::CaptureExceedsHold(id));
            }
            Some(entry) => entry,
            None => hold.entry.clone(),
        };
        if !planted(Bug::HoldKeptAfterCapture) {
            self.release(&hold.entry);
        }
        self.post(&entry)?;
        Ok(entry)
    }

    /// Ends a hold without posting anything.
    pub fn void_hold(&mut self, id: HoldId) -> Result<(), LedgerRefusal> {
        let hold = self.open_hold(id)?;
        self.release(&hold.entry);
        Ok(())
    }

    fn open_hold(&self, id: HoldId) -> Result<&'a Hold, LedgerRefusal> {
        self.ledger.hold(id).ok_or(LedgerRefusal::HoldNotFound(id))
    }

    fn release(&mut self, entry: &Entry) {
        for posting in entry.postings() {
            let mut balances = self.balances(posting.account);
            *balances.pending(posting.side) -= posting.amount;
            self.touched.insert(posting.account, balances);
        }
    }

    fn apply(&mut self, entry: &Entry, stage: Stage) -> Result<(), LedgerRefusal> {
        // Changes are collected first: a refused entry must leave the draft as it was.
        let mut changed: Vec<(AccountId, Balances)> = Vec::with_capacity(entry.postings().len());
        for posting in entry.postings() {
            let account = self
                .account(posting.account)
                .ok_or(LedgerRefusal::AccountNotFound(posting.account))?;
            if account.unit_id != posting.unit {
                return Err(LedgerRefusal::UnitMismatch {
                    path: account.path.clone(),
                    account: account.unit,
                    posting: self.unit(posting.unit).unwrap_or(account.unit),
                });
            }
            let index = changed.iter().position(|(id, _)| *id == posting.account);
            let index = index.unwrap_or_else(|| {
                changed.push((posting.account, self.balances(posting.account)));
                changed.len() - 1
            });
            let balances = &mut changed[index].1;
            let total = match stage {
                Stage::Posted => balances.posted(posting.side),
                Stage::Pending => balances.pending(posting.side),
            };
            *total = total.saturating_add(posting.amount);
            if !balances.in_range() && !planted(Bug::RangeUnchecked) {
                let (path, unit) = (account.path.clone(), account.unit);
                return Err(LedgerRefusal::BalanceOutOfRange { path, unit });
            }
        }
        if planted(Bug::RefusedEntryStays) {
            self.touched.extend(changed.iter().copied());
        }
        for (id, after) in &changed {
            self.check_limit(*id, after, entry, stage)?;
        }
        self.touched.extend(changed);
        Ok(())
    }

    /// An account that breaks its limit already may still be mended: only an entry that draws
    /// on the limited side is refused.
    fn check_limit(
        &self,
        id: AccountId,
        after: &Balances,
        entry: &Entry,
        stage: Stage,
    ) -> Result<(), LedgerRefusal> {
        let account = self.account(id).expect("the caller has resolved it");
        let Some(side) = account.limit.restricts() else {
            return Ok(());
        };
        let moved = |wanted: Side| -> u64 {
            entry
                .postings()
                .iter()
                .filter(|posting| posting.account == id && posting.side == wanted)
                .map(|posting| posting.amount)
                .sum()
        };
        let drawn = moved(side);
        // What is only pending backs nothing yet.
        let added = match stage {
            Stage::Posted => moved(side.opposite()),
            Stage::Pending => 0,
        };
        if drawn <= added || account.limit.allows(after) {
            return Ok(());
        }
        let before = self.balances(id);
        let backing = match side {
            Side::Debit => before.credits_posted,
            Side::Credit => before.debits_posted,
        };
        let available = backing.saturating_sub(before.total(side));
        if planted(Bug::LimitOffByOne) && drawn - added == available + 1 {
            return Ok(());
        }
        let posted = Balances {
            debits_pending: 0,
            credits_pending: 0,
            ..*after
        };
        if planted(Bug::PendingUncounted) && account.limit.allows(&posted) {
            return Ok(());
        }
        Err(LedgerRefusal::WouldExceedLimit {
            path: account.path.clone(),
            unit: account.unit,
            limit: account.limit,
            available,
            amount: drawn,
        })
    }
}
