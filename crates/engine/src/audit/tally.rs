//! The auditor's own totals, summed from the entries in the events and nothing else.

use std::collections::{BTreeMap, HashMap, HashSet};

use tillroll_events::{EntryId, EntryReversed, Event, HoldId};
use tillroll_ledger::{AccountId, AccountTotals, Entry, EntryRef, Hold, Ledger, Limit, Side};
use tillroll_money::MAX_MINOR;

use super::AuditLaw;

#[derive(Debug, Default)]
pub(super) struct AuditTally {
    /// By account number.
    totals: Vec<AccountTotals>,
    /// What is left of entries that were reversed, net by account and side.
    left: HashMap<EntryId, NetPostings>,
}

type NetPostings = BTreeMap<(AccountId, Side), u128>;

#[derive(Clone, Copy)]
enum Move {
    Post,
    Hold,
    Release,
}

impl AuditTally {
    /// Adds an event's entry to the totals and answers the accounts that it touches. `ledger`
    /// is the book's, before the event.
    pub(super) fn take(
        &mut self,
        ledger: &Ledger,
        event: &Event,
    ) -> Result<Vec<AccountId>, AuditLaw> {
        let mut touched = Vec::new();
        match event {
            Event::AccountOpened(opened) => {
                let next = self.totals.len();
                if slot(opened.account) != next {
                    let found = opened.account;
                    return Err(AuditLaw::AccountNumber { found, next });
                }
                if ledger.lookup(opened.path.as_str(), opened.unit).is_some() {
                    let (path, unit) = (opened.path.clone(), opened.unit);
                    return Err(AuditLaw::AccountUsed { path, unit });
                }
                self.totals.push(AccountTotals::default());
                touched.push(opened.account);
            }
            Event::AccountLimitSet(set) => {
                let account = ledger.account(set.account);
                touched.push(account.ok_or(AuditLaw::AccountOpen(set.account))?.id);
            }
            Event::EntryPosted(posted) if ledger.knows_entry(posted.id) => {
                return Err(AuditLaw::EntryUsed(posted.id));
            }
            Event::EntryReversed(reversed) => {
                if ledger.knows_entry(reversed.id) {
                    return Err(AuditLaw::EntryUsed(reversed.id));
                }
                if !ledger.knows_entry(reversed.reverses) {
                    return Err(AuditLaw::ReversedUnknown(reversed.reverses));
                }
                self.reverse(reversed)?;
            }
            Event::EntriesPosted(posted) => {
                let mut own = HashSet::with_capacity(posted.entries.len());
                let mut used = None;
                posted.entries.for_each(|id, _| {
                    let known = ledger.knows_entry(id);
                    if known || !own.insert(id) {
                        used.get_or_insert(id);
                    }
                });
                if let Some(id) = used {
                    return Err(AuditLaw::EntryUsed(id));
                }
            }
            Event::HoldPlaced(placed) => {
                if ledger.knows_hold(placed.id) {
                    return Err(AuditLaw::HoldUsed(placed.id));
                }
                self.apply(ledger, placed.entry.borrowed(), Move::Hold, &mut touched)?;
            }
            Event::HoldCaptured(captured) => {
                let hold = open_hold(ledger, captured.id)?;
                if !hold.covers(&captured.entry) {
                    return Err(AuditLaw::HoldCovers(captured.id));
                }
                self.apply(ledger, hold.entry.borrowed(), Move::Release, &mut touched)?;
            }
            Event::HoldEnded(ended) => {
                let hold = open_hold(ledger, ended.id)?;
                self.apply(ledger, hold.entry.borrowed(), Move::Release, &mut touched)?;
            }
            // All others move nothing, or only what `posted_entry` answers below.
            _ => {}
        }
        let mut law = Ok(());
        event.for_each_posted(|entry| {
            if law.is_ok() {
                law = self.apply(ledger, entry, Move::Post, &mut touched);
            }
        });
        law?;
        touched.sort_unstable();
        touched.dedup();
        Ok(touched)
    }

    /// Takes what is reversed from what is left; the first reversal of an entry says what that was.
    fn reverse(&mut self, reversed: &EntryReversed) -> Result<(), AuditLaw> {
        let taken = net(&reversed.entry, Side::opposite);
        let rest = reversed.left.as_ref();
        let rest = rest.map_or_else(NetPostings::new, |left| net(left, |side| side));
        let mut sum = taken;
        for (key, amount) in &rest {
            *sum.entry(*key).or_default() += amount;
        }
        let before = self.left.insert(reversed.reverses, rest);
        match before.is_none_or(|before| before == sum) {
            true => Ok(()),
            false => Err(AuditLaw::ReversedRest(reversed.reverses)),
        }
    }

    fn apply(
        &mut self,
        ledger: &Ledger,
        entry: EntryRef<'_>,
        how: Move,
        touched: &mut Vec<AccountId>,
    ) -> Result<(), AuditLaw> {
        for posting in entry.postings() {
            let account = ledger.account(posting.account);
            let account = account.ok_or(AuditLaw::AccountOpen(posting.account))?;
            let (path, unit) = (&account.path, ledger.unit_of(account));
            if account.unit_id != posting.unit {
                let path = path.clone();
                return Err(AuditLaw::Unit { path, unit });
            }
            let totals = &mut self.totals[slot(posting.account)];
            let (side, amount) = (posting.side, posting.amount);
            let moved = match how {
                Move::Post => {
                    *totals.posted_mut(side) += u128::from(amount);
                    true
                }
                Move::Hold => put(totals.pending_mut(side), u64::checked_add, amount),
                Move::Release => put(totals.pending_mut(side), u64::checked_sub, amount),
            };
            if !moved || !in_range(totals) {
                let path = path.clone();
                return Err(AuditLaw::Range { path, unit });
            }
            touched.push(posting.account);
        }
        Ok(())
    }

    /// Compares the book's balances with the totals, and both with the laws.
    pub(super) fn compare(&self, ledger: &Ledger, accounts: &[AccountId]) -> Result<(), AuditLaw> {
        let (expected, found) = (self.totals.len(), ledger.account_count());
        if expected != found {
            return Err(AuditLaw::Accounts { expected, found });
        }
        for id in accounts {
            let (Some(account), Some(found)) = (ledger.account(*id), ledger.totals(*id)) else {
                return Err(AuditLaw::AccountOpen(*id));
            };
            let (path, unit, limit) =
                (account.path.clone(), ledger.unit_of(account), account.limit);
            let expected = self.totals[slot(*id)];
            if found != expected {
                return Err(AuditLaw::Balance {
                    path,
                    unit,
                    expected,
                    found,
                });
            }
            if !is_within(limit, &expected) {
                return Err(AuditLaw::Limit {
                    path,
                    unit,
                    limit,
                    totals: expected,
                });
            }
        }
        Ok(())
    }
}

fn net(entry: &Entry, side: impl Fn(Side) -> Side) -> NetPostings {
    let mut net = NetPostings::new();
    for posting in entry.postings() {
        let key = (posting.account, side(posting.side));
        *net.entry(key).or_default() += u128::from(posting.amount);
    }
    net
}

/// Puts the sum or difference in place of a total, if there is one.
fn put(total: &mut u64, of: fn(u64, u64) -> Option<u64>, amount: u64) -> bool {
    of(*total, amount).map(|moved| *total = moved).is_some()
}

/// Whether a balance, with what is pending on its side, and what is pending on the other fit.
fn in_range(totals: &AccountTotals) -> bool {
    let fits = |posted: u128, pending: u64| posted + u128::from(pending) <= u128::from(MAX_MINOR);
    let AccountTotals {
        debits_posted: debits,
        credits_posted: credits,
        ..
    } = *totals;
    fits(debits.saturating_sub(credits), totals.debits_pending)
        && fits(credits.saturating_sub(debits), totals.credits_pending)
}

fn is_within(limit: Limit, totals: &AccountTotals) -> bool {
    let (debits, credits) = (totals.debits_posted, totals.credits_posted);
    match limit {
        Limit::None => true,
        Limit::DebitsMustNotExceedCredits => debits + u128::from(totals.debits_pending) <= credits,
        Limit::CreditsMustNotExceedDebits => credits + u128::from(totals.credits_pending) <= debits,
    }
}

fn open_hold(ledger: &Ledger, id: HoldId) -> Result<&Hold, AuditLaw> {
    ledger.hold(id).ok_or(AuditLaw::HoldOpen(id))
}

fn slot(id: AccountId) -> usize {
    usize::try_from(id.get()).expect("a 32-bit number fits the address space")
}
