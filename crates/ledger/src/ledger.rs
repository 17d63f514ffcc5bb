//! The state that entries leave behind.
//!
//! These methods write down what a [`Draft`](crate::Draft) has already checked, and what
//! replay reads from history; they decide nothing. Applying what was never checked is a bug,
//! and they panic where it would corrupt the books.

use std::hash::BuildHasher;

use foldhash::quality::FixedState;
use hashbrown::{HashMap, HashSet, HashTable};
use tillroll_money::Unit;

use crate::account::{Account, AccountId, AccountSpec, Balances, Limit, UnitId};
use crate::{Entry, Hold, HoldId, Side};

/// An entry's identity, unique over the whole history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId(pub u128);

/// Accounts in dense slots behind one lookup; what an entry touches lies apart from what only
/// a report reads.
#[derive(Debug)]
pub struct Ledger {
    balances: Vec<Balances>,
    accounts: Vec<Account>,
    index: HashTable<AccountId>,
    hasher: FixedState,
    units: Vec<Unit>,
    entry_ids: HashSet<EntryId, FixedState>,
    holds: HashMap<HoldId, Hold, FixedState>,
    /// Every hold that ever was, so that an id is never used twice.
    hold_ids: HashSet<HoldId, FixedState>,
}

impl Default for Ledger {
    fn default() -> Self {
        // A fixed seed: nothing observable may depend on the process it runs in.
        let hasher = FixedState::with_seed(0x7111_1011);
        Self {
            balances: Vec::new(),
            accounts: Vec::new(),
            index: HashTable::new(),
            hasher: hasher.clone(),
            units: Vec::new(),
            entry_ids: HashSet::with_hasher(hasher.clone()),
            holds: HashMap::with_hasher(hasher.clone()),
            hold_ids: HashSet::with_hasher(hasher),
        }
    }
}

impl Ledger {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The account of this path in this unit.
    #[must_use]
    pub fn lookup(&self, path: &str, unit: Unit) -> Option<AccountId> {
        let hash = self.hasher.hash_one((path, unit));
        self.index
            .find(hash, |id| {
                let account = &self.accounts[id.slot()];
                account.path.as_str() == path && account.unit == unit
            })
            .copied()
    }

    #[must_use]
    pub fn account(&self, id: AccountId) -> Option<&Account> {
        self.accounts.get(id.slot())
    }

    /// Accounts in the order of opening.
    #[must_use]
    pub fn accounts(&self) -> &[Account] {
        &self.accounts
    }

    #[must_use]
    pub fn balances(&self, id: AccountId) -> Option<&Balances> {
        self.balances.get(id.slot())
    }

    #[must_use]
    pub fn unit(&self, id: UnitId) -> Option<Unit> {
        self.units.get(usize::from(id.get())).copied()
    }

    #[must_use]
    pub fn units(&self) -> &[Unit] {
        &self.units
    }

    #[must_use]
    pub fn unit_id(&self, unit: Unit) -> Option<UnitId> {
        let slot = self.units.iter().position(|known| *known == unit)?;
        Some(UnitId::new(
            u16::try_from(slot).expect("units are counted in 16 bits"),
        ))
    }

    #[must_use]
    pub fn hold(&self, id: HoldId) -> Option<&Hold> {
        self.holds.get(&id)
    }

    #[must_use]
    pub fn knows_hold(&self, id: HoldId) -> bool {
        self.hold_ids.contains(&id)
    }

    /// Open holds that ended at or before `now`, in order of id.
    #[must_use]
    pub fn expired_holds(&self, now: i64) -> Vec<HoldId> {
        let mut ids: Vec<HoldId> = self
            .holds
            .iter()
            .filter(|(_, hold)| hold.expires_at.is_some_and(|at| at <= now))
            .map(|(id, _)| *id)
            .collect();
        ids.sort_unstable();
        ids
    }

    #[must_use]
    pub fn knows_entry(&self, id: EntryId) -> bool {
        self.entry_ids.contains(&id)
    }

    /// Debits less credits of every unit, posted and pending: all zero, always.
    #[must_use]
    pub fn sums(&self) -> Vec<(Unit, i128)> {
        let mut sums: Vec<(Unit, i128)> = self.units.iter().map(|unit| (*unit, 0)).collect();
        for (account, balances) in self.accounts.iter().zip(&self.balances) {
            let net = i128::from(balances.debits_posted) - i128::from(balances.credits_posted)
                + i128::from(balances.debits_pending)
                - i128::from(balances.credits_pending);
            sums[usize::from(account.unit_id.get())].1 += net;
        }
        sums
    }

    /// Opens an account under the next number.
    ///
    /// # Panics
    /// When the account is open already or the 16-bit space of units is used up.
    pub fn open(&mut self, spec: AccountSpec) -> AccountId {
        assert!(
            self.lookup(spec.path.as_str(), spec.unit).is_none(),
            "{} in {} was opened twice",
            spec.path,
            spec.unit
        );
        let id =
            AccountId::new(u32::try_from(self.accounts.len()).expect("fewer than 2^32 accounts"));
        let unit_id = self.unit_id(spec.unit).unwrap_or_else(|| {
            let next = u16::try_from(self.units.len()).expect("fewer than 2^16 units");
            self.units.push(spec.unit);
            UnitId::new(next)
        });
        let AccountSpec {
            path,
            unit,
            kind,
            limit,
        } = spec;
        let hash = self.hasher.hash_one((path.as_str(), unit));
        self.accounts.push(Account {
            id,
            path,
            unit,
            unit_id,
            kind,
            limit,
        });
        self.balances.push(Balances::default());
        let (accounts, hasher) = (&self.accounts, &self.hasher);
        self.index.insert_unique(hash, id, |id| {
            let account = &accounts[id.slot()];
            hasher.hash_one((account.path.as_str(), account.unit))
        });
        id
    }

    pub fn set_limit(&mut self, id: AccountId, limit: Limit) {
        self.accounts[id.slot()].limit = limit;
    }

    /// Posts a checked entry.
    ///
    /// # Panics
    /// When a total overflows or an account is not open: the entry was never checked.
    pub fn post(&mut self, entry: &Entry) {
        for posting in entry.postings() {
            let balances = &mut self.balances[posting.account.slot()];
            add(balances.posted(posting.side), posting.amount);
        }
    }

    /// Remembers an entry's id for ever.
    pub fn remember_entry(&mut self, id: EntryId) {
        self.entry_ids.insert(id);
    }

    /// Starts a hold.
    ///
    /// # Panics
    /// As [`Ledger::post`], and when the id was used before.
    pub fn place_hold(&mut self, id: HoldId, hold: Hold) {
        assert!(self.hold_ids.insert(id), "hold {id:?} was placed twice");
        for posting in hold.entry.postings() {
            add(
                self.balances[posting.account.slot()].pending(posting.side),
                posting.amount,
            );
        }
        self.holds.insert(id, hold);
    }

    /// Ends a hold, posting what was captured of it (nothing when it is voided or expires).
    ///
    /// # Panics
    /// When the hold is not open.
    pub fn end_hold(&mut self, id: HoldId, captured: Option<&Entry>) {
        let hold = self.holds.remove(&id).expect("only an open hold ends");
        for posting in hold.entry.postings() {
            let pending = self.balances[posting.account.slot()].pending(posting.side);
            *pending = pending
                .checked_sub(posting.amount)
                .expect("a hold's amount is pending");
        }
        if let Some(entry) = captured {
            self.post(entry);
        }
    }

    /// Every account with its balances, by path and unit: the order of all reports.
    pub fn by_path(&self) -> impl Iterator<Item = (&Account, &Balances)> {
        let mut order: Vec<usize> = (0..self.accounts.len()).collect();
        order.sort_unstable_by(|&a, &b| {
            let key = |slot: usize| (&self.accounts[slot].path, self.accounts[slot].unit);
            key(a).cmp(&key(b))
        });
        order
            .into_iter()
            .map(|slot| (&self.accounts[slot], &self.balances[slot]))
    }

    /// Whether every account keeps its limit: the auditor's question, not the hot path's.
    #[must_use]
    pub fn breaches(&self) -> Vec<AccountId> {
        self.accounts
            .iter()
            .zip(&self.balances)
            .filter(|(account, balances)| !account.limit.allows(balances))
            .map(|(account, _)| account.id)
            .collect()
    }
}

fn add(total: &mut u64, amount: u64) {
    *total = total
        .checked_add(amount)
        .expect("totals were checked before the entry was posted");
}

impl Balances {
    /// The total of one side, posted and pending together.
    #[must_use]
    pub fn total(&self, side: Side) -> u64 {
        match side {
            Side::Debit => self.debits_posted + self.debits_pending,
            Side::Credit => self.credits_posted + self.credits_pending,
        }
    }
}
