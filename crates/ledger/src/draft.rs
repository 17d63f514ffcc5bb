//! What a command would do to the ledger, checked step by step before any of it is history.
//!
//! Refusals come in a fixed order: an unknown account, then a unit that is not the account's,
//! then a balance out of range, then a limit; the first posting that fails names it.

use foldhash::quality::FixedState;
use hashbrown::{HashMap, HashSet};
use tillroll_money::Unit;

use crate::account::{Account, AccountId, AccountPath, AccountSpec, Limit, UnitId};
use crate::account_index::NameHash;
use crate::limits::{self, TotalsKind};
use crate::{Balances, Entry, EntryId, EntryRef, Hold, HoldId, Ledger, Posting, Side};

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
    #[error("the balance of {path} in {unit} would leave the range of an amount")]
    BalanceOutOfRange { path: AccountPath, unit: Unit },
    #[error("{path} has {available} {unit} left, {amount} more are asked for")]
    WouldExceedLimit {
        path: AccountPath,
        unit: Unit,
        limit: Limit,
        available: u64,
        amount: u64,
    },
    #[error("there is no hold of this id")]
    HoldNotFound(HoldId),
    #[error("the hold has been captured, voided or has expired")]
    HoldEnded(HoldId),
    #[error("the hold id was used before")]
    HoldExists(HoldId),
    #[error("the hold expired at {at}")]
    HoldExpired { id: HoldId, at: i64 },
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
                .find(|account| account.path.as_str() == path && self.unit_of(account) == unit)
                .map(|account| account.id)
        })
    }

    /// The unit of an account of this draft.
    ///
    /// # Panics
    /// When it is an account of another ledger.
    #[must_use]
    pub fn unit_of(&self, account: &Account) -> Unit {
        self.unit(account.unit_id)
            .expect("an open account's unit is known")
    }

    #[must_use]
    pub fn account(&self, id: AccountId) -> Option<&Account> {
        let known = self.ledger.account_count();
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
        let next = self.ledger.account_count() + self.opened.len();
        let id = AccountId::new(u32::try_from(next).expect("fewer than 2^32 accounts"));
        let unit_id = self.unit_id(spec.unit);
        let AccountSpec {
            path,
            unit,
            kind,
            limit,
        } = spec;
        self.opened.push(Account {
            hash: NameHash::of(path.as_str(), unit),
            path,
            id,
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

    /// Whether history or this draft has used an entry's id.
    #[must_use]
    pub fn knows_entry(&self, id: EntryId) -> bool {
        self.ledger.knows_entry(id) || self.new_entries.contains(&id)
    }

    /// Refuses an id that history or this draft has used, and remembers it.
    pub fn claim_entry(&mut self, id: EntryId) -> Result<(), LedgerRefusal> {
        let known = self.ledger.knows_entry(id) || !self.new_entries.insert(id);
        if known {
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
            unit: self.unit_of(account),
        })
    }

    /// Posts an entry in the draft, or refuses it whole.
    pub fn post<'e>(&mut self, entry: impl Into<EntryRef<'e>>) -> Result<(), LedgerRefusal> {
        self.apply(entry.into(), TotalsKind::Posted)
    }

    /// Makes an entry pending in the draft.
    pub fn place_hold(&mut self, id: HoldId, entry: &Entry) -> Result<(), LedgerRefusal> {
        if self.ledger.knows_hold(id) {
            return Err(LedgerRefusal::HoldExists(id));
        }
        self.apply(entry.borrowed(), TotalsKind::Pending)
    }

    /// Ends a hold by capturing `captured` of it (all of it when `None`), at time `now`;
    /// answers the entry to post.
    pub fn capture_hold(
        &mut self,
        id: HoldId,
        captured: Option<Entry>,
        now: i64,
    ) -> Result<Entry, LedgerRefusal> {
        let hold = self.open_hold(id, now)?;
        let entry = match captured {
            Some(entry) if !hold.covers(&entry) => {
                return Err(LedgerRefusal::CaptureExceedsHold(id));
            }
            Some(entry) => entry,
            None => hold.entry.clone(),
        };
        self.release(&hold.entry);
        self.post(&entry)?;
        Ok(entry)
    }

    /// Ends a hold at time `now` without posting anything.
    pub fn void_hold(&mut self, id: HoldId, now: i64) -> Result<(), LedgerRefusal> {
        let hold = self.open_hold(id, now)?;
        self.release(&hold.entry);
        Ok(())
    }

    /// Ends a hold whose time is over.
    ///
    /// # Panics
    /// When the hold is not open.
    pub fn expire_hold(&mut self, id: HoldId) {
        let hold = self.ledger.hold(id).expect("only an open hold expires");
        self.release(&hold.entry);
    }

    /// A hold that has not ended by `now`, whether its end is on record already or not.
    pub fn open_hold(&self, id: HoldId, now: i64) -> Result<&'a Hold, LedgerRefusal> {
        let Some(hold) = self.ledger.hold(id) else {
            return Err(match self.ledger.knows_hold(id) {
                true => LedgerRefusal::HoldEnded(id),
                false => LedgerRefusal::HoldNotFound(id),
            });
        };
        match hold.expires_at {
            Some(at) if at <= now => Err(LedgerRefusal::HoldExpired { id, at }),
            _ => Ok(hold),
        }
    }

    fn release(&mut self, entry: &Entry) {
        for posting in entry.postings() {
            let mut balances = self.balances(posting.account);
            *balances.pending_mut(posting.side) -= posting.amount;
            self.touched.insert(posting.account, balances);
        }
    }

    fn apply(&mut self, entry: EntryRef<'_>, stage: TotalsKind) -> Result<(), LedgerRefusal> {
        // Changes are collected first: a refused entry must leave the draft as it was.
        let mut changed: Vec<(AccountId, Balances)> = Vec::with_capacity(entry.postings().len());
        for posting in entry.postings() {
            let account = self
                .account(posting.account)
                .ok_or(LedgerRefusal::AccountNotFound(posting.account))?;
            if account.unit_id != posting.unit {
                return Err(LedgerRefusal::UnitMismatch {
                    path: account.path.clone(),
                    account: self.unit_of(account),
                    posting: self
                        .unit(posting.unit)
                        .unwrap_or_else(|| self.unit_of(account)),
                });
            }
            let index = changed.iter().position(|(id, _)| *id == posting.account);
            let index = index.unwrap_or_else(|| {
                changed.push((posting.account, self.balances(posting.account)));
                changed.len() - 1
            });
            let balances = &mut changed[index].1;
            // Nothing that is decided needs what was taken off both sides.
            if balances.add(stage, posting.side, posting.amount).is_none() {
                let (path, unit) = (account.path.clone(), self.unit_of(account));
                return Err(LedgerRefusal::BalanceOutOfRange { path, unit });
            }
        }
        for (id, after) in &changed {
            let account = self.account(*id).expect("resolved above");
            limits::check(account, || self.unit_of(account), after, entry, stage)?;
        }
        self.touched.extend(changed);
        Ok(())
    }
}
