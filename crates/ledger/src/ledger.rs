//! The state that entries leave behind.
//!
//! These methods write down what a [`Draft`](crate::Draft) has already checked, and what
//! replay reads from history; they decide nothing. Applying what was never checked is a bug,
//! and they panic where it would corrupt the books.

mod restore;

use foldhash::quality::FixedState;
use hashbrown::HashMap;
use tillroll_money::Unit;

use crate::account::{Account, AccountId, AccountSpec, Limit, UnitId};
use crate::account_index::{AccountIndex, NameHash};
use crate::balances::Carries;
use crate::entry_ids::EntryIds;
use crate::id_set::IdSet;
use crate::limits::TotalsKind;
use crate::{AccountTotals, Balances, EntryId, EntryRef, Hold, HoldId, Posting};

pub use restore::{LedgerRestore, LedgerRestoreError};

/// What posting to an account needs, in one line of the processor's cache.
#[derive(Debug)]
#[repr(align(64))]
pub(crate) struct LedgerRow {
    pub(crate) balances: Balances,
    pub(crate) account: Account,
}

/// Accounts in dense slots behind one lookup.
#[derive(Debug)]
pub struct Ledger {
    pub(crate) rows: Vec<LedgerRow>,
    pub(crate) carries: Carries,
    pub(crate) index: AccountIndex,
    units: Vec<Unit>,
    pub(crate) entry_ids: EntryIds,
    holds: HashMap<HoldId, Hold, FixedState>,
    /// Every hold that ever was, so that an id is never used twice.
    hold_ids: IdSet,
}

impl Default for Ledger {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            carries: Carries::default(),
            index: AccountIndex::default(),
            units: Vec::new(),
            entry_ids: EntryIds::default(),
            holds: HashMap::with_hasher(FixedState::default()),
            hold_ids: IdSet::default(),
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
        self.lookup_hashed(NameHash::of(path, unit), path, unit)
    }

    /// Like [`Ledger::lookup`], for a caller that knows the hash already.
    #[must_use]
    pub fn lookup_hashed(&self, hash: NameHash, path: &str, unit: Unit) -> Option<AccountId> {
        let unit = self.unit_id(unit)?;
        self.index.find(hash, |id| {
            let account = &self.rows[id.slot()].account;
            account.unit_id == unit && account.path.as_str() == path
        })
    }

    #[must_use]
    pub fn account(&self, id: AccountId) -> Option<&Account> {
        self.rows.get(id.slot()).map(|row| &row.account)
    }

    /// How many accounts are open. They are numbered from 0 in the order of opening.
    #[must_use]
    pub fn account_count(&self) -> usize {
        self.rows.len()
    }

    /// Accounts in the order of opening.
    pub fn accounts(&self) -> impl ExactSizeIterator<Item = (&Account, &Balances)> {
        self.rows.iter().map(|row| (&row.account, &row.balances))
    }

    #[must_use]
    pub fn balances(&self, id: AccountId) -> Option<&Balances> {
        self.rows.get(id.slot()).map(|row| &row.balances)
    }

    /// Everything that was ever posted to an account.
    #[must_use]
    pub fn totals(&self, id: AccountId) -> Option<AccountTotals> {
        let balances = self.balances(id)?;
        Some(AccountTotals::of(balances, self.carries.of(id)))
    }

    /// The unit of an account of this ledger.
    ///
    /// # Panics
    /// When it is an account of another one.
    #[must_use]
    pub fn unit_of(&self, account: &Account) -> Unit {
        self.unit(account.unit_id)
            .expect("an open account's unit is known")
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
        self.hold_ids.contains(id.as_u128())
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
        self.entry_ids.contains(id.as_u128())
    }

    /// The ids of entries that came in about ascending order, in that order. Which those are
    /// depends on the history of entries alone.
    pub fn ascending_entry_ids(&self) -> impl Iterator<Item = EntryId> {
        self.entry_ids.ascending().map(EntryId::from_u128)
    }

    /// The ids of all other entries that ever were, in an order that depends on the set alone.
    pub fn scattered_entry_ids(&self) -> impl Iterator<Item = EntryId> {
        self.entry_ids.scattered().map(EntryId::from_u128)
    }

    #[must_use]
    pub fn entry_count(&self) -> usize {
        self.entry_ids.len()
    }

    /// Every hold id that was ever used, in an order that depends on the set alone.
    pub fn hold_ids(&self) -> impl Iterator<Item = HoldId> {
        self.hold_ids.iter().map(HoldId::from_u128)
    }

    /// Open holds, in order of id.
    #[must_use]
    pub fn holds(&self) -> Vec<(HoldId, &Hold)> {
        let mut holds: Vec<_> = self.holds.iter().map(|(id, hold)| (*id, hold)).collect();
        holds.sort_unstable_by_key(|(id, _)| *id);
        holds
    }

    /// Debits less credits of every unit, posted and pending: all zero, always.
    #[must_use]
    pub fn sums(&self) -> Vec<(Unit, i128)> {
        let mut sums: Vec<(Unit, i128)> = self.units.iter().map(|unit| (*unit, 0)).collect();
        for (account, balances) in self.accounts() {
            let net = i128::from(balances.net_debit()) + i128::from(balances.debits_pending)
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
        let (path, unit) = (&spec.path, spec.unit);
        let hash = NameHash::of(path.as_str(), unit);
        assert!(
            self.lookup_hashed(hash, path.as_str(), unit).is_none(),
            "{path} in {unit} was opened twice",
        );
        let id = self.push(hash, spec, Balances::default());
        let rows = &self.rows;
        self.index
            .insert(hash, id, |id| rows[id.slot()].account.hash);
        id
    }

    /// The next row. It is not in the index yet.
    fn push(&mut self, hash: NameHash, spec: AccountSpec, balances: Balances) -> AccountId {
        let AccountSpec {
            path,
            unit,
            kind,
            limit,
        } = spec;
        let number = u32::try_from(self.rows.len()).ok();
        let number = number.filter(|number| *number != u32::MAX);
        let id = AccountId::new(number.expect("fewer than 2^32 - 1 accounts"));
        let unit_id = self.unit_id(unit).unwrap_or_else(|| {
            let next = u16::try_from(self.units.len()).expect("fewer than 2^16 units");
            self.units.push(unit);
            UnitId::new(next)
        });
        self.rows.push(LedgerRow {
            balances,
            account: Account {
                path,
                hash,
                id,
                unit_id,
                kind,
                limit,
            },
        });
        id
    }

    pub fn set_limit(&mut self, id: AccountId, limit: Limit) {
        self.rows[id.slot()].account.limit = limit;
    }

    /// Posts a checked entry.
    ///
    /// # Panics
    /// When a balance leaves its range or an account is not open: the entry was never checked.
    pub fn post<'e>(&mut self, entry: impl Into<EntryRef<'e>>) {
        for posting in entry.into().postings() {
            self.add_checked(posting, TotalsKind::Posted);
        }
    }

    fn add_checked(&mut self, posting: &Posting, kind: TotalsKind) {
        let balances = &mut self.rows[posting.account.slot()].balances;
        match balances.add(kind, posting.side, posting.amount) {
            Some(0) => {}
            Some(common) => self.carries.add(posting.account, common.into()),
            None => panic!("balances were checked before the entry was posted"),
        }
    }

    /// Remembers an entry's id for ever.
    pub fn remember_entry(&mut self, id: EntryId) {
        self.entry_ids.insert(id.as_u128());
    }

    /// Starts a hold.
    ///
    /// # Panics
    /// As [`Ledger::post`], and when the id was used before.
    pub fn place_hold(&mut self, id: HoldId, hold: Hold) {
        assert!(
            self.hold_ids.insert(id.as_u128()),
            "hold {id:?} was placed twice"
        );
        for posting in hold.entry.postings() {
            self.add_checked(posting, TotalsKind::Pending);
        }
        self.holds.insert(id, hold);
    }

    /// Ends a hold, posting what was captured of it (nothing when it is voided or expires).
    ///
    /// # Panics
    /// When the hold is not open.
    pub fn end_hold<'e>(&mut self, id: HoldId, captured: Option<EntryRef<'e>>) {
        let hold = self.holds.remove(&id).expect("only an open hold ends");
        for posting in hold.entry.postings() {
            let balances = &mut self.rows[posting.account.slot()].balances;
            let pending = balances.pending_mut(posting.side);
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
        let mut order: Vec<(&Account, &Balances)> = self.accounts().collect();
        order.sort_unstable_by(|(a, _), (b, _)| {
            let by_unit = || self.unit_of(a).cmp(&self.unit_of(b));
            a.path.cmp(&b.path).then_with(by_unit)
        });
        order.into_iter()
    }

    /// Whether every account keeps its limit: the auditor's question, not the hot path's.
    #[must_use]
    pub fn breaches(&self) -> Vec<AccountId> {
        self.accounts()
            .filter(|(account, balances)| !account.limit.allows(balances))
            .map(|(account, _)| account.id)
            .collect()
    }
}
