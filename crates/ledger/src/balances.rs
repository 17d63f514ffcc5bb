//! What stands on an account: in 64 bits where postings are made, and exactly for reports.
//!
//! Totals of an account only grow, a balance hardly does. So nothing that is decided depends on a
//! total: a limit and a balance are differences of the two sides, and stay what they are when the
//! same amount is taken off both. When a total is about to leave its 64 bits, what both sides have
//! in common goes to a table beside the accounts ([`Carries`]), and an account goes on for ever.

use foldhash::quality::FixedState;
use hashbrown::HashMap;
use tillroll_money::MAX_MINOR;

use crate::limits::TotalsKind;
use crate::{AccountId, AccountType, Side};

/// What stands on an account, as posting needs it: both sides less the same amount, which is zero
/// for nearly every account. [`AccountTotals`] are what was ever posted.
///
/// The posted balance together with what is pending on its side, and what is pending on either
/// side, are each at most [`MAX_MINOR`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Balances {
    pub(crate) debits_posted: u64,
    pub(crate) credits_posted: u64,
    pub(crate) debits_pending: u64,
    pub(crate) credits_pending: u64,
}

/// Everything that was posted to an account since it opened, by side, and what open holds come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct AccountTotals {
    pub debits_posted: u128,
    pub credits_posted: u128,
    pub debits_pending: u64,
    pub credits_pending: u64,
}

impl Balances {
    /// Posted debits less posted credits.
    #[must_use]
    pub fn net_debit(&self) -> i64 {
        let signed = |total: u64| i64::try_from(total).expect("totals stay below MAX_MINOR");
        signed(self.debits_posted) - signed(self.credits_posted)
    }

    /// The balance as the accountant reads it: positive on the normal side.
    #[must_use]
    pub fn normal(&self, kind: AccountType) -> i64 {
        match kind.normal_side() {
            Side::Debit => self.net_debit(),
            Side::Credit => -self.net_debit(),
        }
    }

    /// What open holds come to on a side.
    #[must_use]
    pub fn pending(&self, side: Side) -> u64 {
        match side {
            Side::Debit => self.debits_pending,
            Side::Credit => self.credits_pending,
        }
    }

    /// How much more a side can take, what is pending on it counted, before it exceeds what is
    /// posted on the other; zero when it does already.
    #[must_use]
    pub fn available(&self, side: Side) -> u64 {
        let (backing, posted) = match side {
            Side::Debit => (self.credits_posted, self.debits_posted),
            Side::Credit => (self.debits_posted, self.credits_posted),
        };
        backing.saturating_sub(posted + self.pending(side))
    }

    pub(crate) fn posted_mut(&mut self, side: Side) -> &mut u64 {
        match side {
            Side::Debit => &mut self.debits_posted,
            Side::Credit => &mut self.credits_posted,
        }
    }

    pub(crate) fn pending_mut(&mut self, side: Side) -> &mut u64 {
        match side {
            Side::Debit => &mut self.debits_pending,
            Side::Credit => &mut self.credits_pending,
        }
    }

    /// Adds to a total. Answers what was taken off both sides for it, which the caller keeps; none,
    /// and nothing is added, when the balance would leave its range.
    #[inline]
    pub(crate) fn add(&mut self, kind: TotalsKind, side: Side, amount: u64) -> Option<u64> {
        let before = *self;
        let total = match kind {
            TotalsKind::Posted => self.posted_mut(side),
            TotalsKind::Pending => self.pending_mut(side),
        };
        *total = total.saturating_add(amount);
        if self.in_range() {
            return Some(0);
        }
        *self = before;
        self.add_beyond(kind, side, amount)
    }

    /// The same when a total leaves its range, unless both sides get smaller.
    #[cold]
    fn add_beyond(&mut self, kind: TotalsKind, side: Side, amount: u64) -> Option<u64> {
        let mut totals = AccountTotals::of(self, 0);
        match kind {
            TotalsKind::Posted => *totals.posted_mut(side) += u128::from(amount),
            TotalsKind::Pending => {
                let pending = totals.pending_mut(side);
                *pending = pending.checked_add(amount)?;
            }
        }
        let (balances, common) = totals.split()?;
        *self = balances;
        Some(u64::try_from(common).expect("one of the sides has stayed as it was"))
    }

    /// Whether every total, with what is pending on its side, fits as it is.
    pub(crate) fn in_range(&self) -> bool {
        let fits = |posted: u64, pending: u64| {
            posted
                .checked_add(pending)
                .is_some_and(|total| total <= MAX_MINOR)
        };
        fits(self.debits_posted, self.debits_pending)
            && fits(self.credits_posted, self.credits_pending)
    }
}

impl AccountTotals {
    pub(crate) fn of(balances: &Balances, common: u128) -> Self {
        Self {
            debits_posted: common + u128::from(balances.debits_posted),
            credits_posted: common + u128::from(balances.credits_posted),
            debits_pending: balances.debits_pending,
            credits_pending: balances.credits_pending,
        }
    }

    /// A side's posted total.
    pub fn posted_mut(&mut self, side: Side) -> &mut u128 {
        match side {
            Side::Debit => &mut self.debits_posted,
            Side::Credit => &mut self.credits_posted,
        }
    }

    /// A side's pending total.
    pub fn pending_mut(&mut self, side: Side) -> &mut u64 {
        match side {
            Side::Debit => &mut self.debits_pending,
            Side::Credit => &mut self.credits_pending,
        }
    }

    /// What an account with these totals holds where postings are made, and what is taken off both
    /// sides for it: nothing where they fit as they are, else all that they have in common. None
    /// when no account has such totals, because its balance would be out of range.
    #[must_use]
    pub fn split(&self) -> Option<(Balances, u128)> {
        let less = |common: u128| {
            let part = |total: u128| u64::try_from(total - common).ok();
            let balances = Balances {
                debits_posted: part(self.debits_posted)?,
                credits_posted: part(self.credits_posted)?,
                debits_pending: self.debits_pending,
                credits_pending: self.credits_pending,
            };
            balances.in_range().then_some((balances, common))
        };
        less(0).or_else(|| less(self.debits_posted.min(self.credits_posted)))
    }
}

/// What was taken off both sides of accounts, so that their totals stay in 64 bits. Hardly any
/// account ever has an entry here.
#[derive(Debug)]
pub(crate) struct Carries(HashMap<AccountId, u128, FixedState>);

impl Default for Carries {
    fn default() -> Self {
        Self(HashMap::with_hasher(FixedState::default()))
    }
}

impl Carries {
    pub(crate) fn of(&self, id: AccountId) -> u128 {
        self.0.get(&id).copied().unwrap_or_default()
    }

    #[cold]
    pub(crate) fn add(&mut self, id: AccountId, common: u128) {
        self.set(id, self.of(id) + common);
    }

    pub(crate) fn set(&mut self, id: AccountId, common: u128) {
        match common {
            0 => self.0.remove(&id),
            common => self.0.insert(id, common),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: u64 = MAX_MINOR;

    /// Posted debits and credits, pending debits and credits; then how much is added to what, and
    /// the same four and what was taken off both sides.
    #[test]
    fn a_total_leaves_its_range_only_with_the_balance() {
        use Side::{Credit as Cr, Debit as Dr};
        use TotalsKind::{Pending, Posted};
        type Four = (u64, u64, u64, u64);
        type Case = (Four, TotalsKind, Side, u64, Option<(Four, u64)>);
        #[rustfmt::skip]
        let table: &[Case] = &[
            ((0, 0, 0, 0), Posted, Dr, MAX, Some(((MAX, 0, 0, 0), 0))),
            ((MAX, 0, 0, 0), Posted, Cr, MAX, Some(((MAX, MAX, 0, 0), 0))),
            // The total would be 2^63: what both sides have in common goes.
            ((MAX, MAX, 0, 0), Posted, Dr, 1, Some(((1, 0, 0, 0), MAX))),
            ((MAX, 5, 0, 0), Posted, Cr, MAX, Some(((0, 5, 0, 0), MAX))),
            ((MAX, MAX, 0, 0), Posted, Cr, MAX, Some(((0, MAX, 0, 0), MAX))),
            // The balance itself would be 2^63.
            ((MAX, 0, 0, 0), Posted, Dr, 1, None),
            ((MAX - 5, 0, 0, 0), Posted, Dr, 6, None),
            ((MAX, 5, 0, 0), Posted, Dr, 6, None),
            ((MAX, 5, 0, 0), Posted, Dr, 5, Some(((MAX, 0, 0, 0), 5))),
            ((0, MAX, 0, 0), Posted, Cr, u64::MAX, None),
            // What is pending counts on its side, and alone.
            ((MAX - 7, 3, 7, 0), Posted, Dr, 3, Some(((MAX - 7, 0, 7, 0), 3))),
            ((MAX - 7, 3, 7, 0), Posted, Dr, 4, None),
            ((MAX, 9, 0, 0), Pending, Dr, 9, Some(((MAX - 9, 0, 9, 0), 9))),
            ((MAX, 9, 0, 0), Pending, Dr, 10, None),
            ((MAX, 0, 0, 0), Pending, Cr, MAX, Some(((MAX, 0, 0, MAX), 0))),
            ((0, 0, 0, MAX), Pending, Cr, 1, None),
            ((0, 0, 0, MAX), Pending, Cr, u64::MAX, None),
        ];
        let four = |b: &Balances| {
            (
                b.debits_posted,
                b.credits_posted,
                b.debits_pending,
                b.credits_pending,
            )
        };
        for (before, kind, side, amount, expected) in table {
            let mut balances = Balances {
                debits_posted: before.0,
                credits_posted: before.1,
                debits_pending: before.2,
                credits_pending: before.3,
            };
            let common = balances.add(*kind, *side, *amount);
            let after = expected.map_or(*before, |(after, _)| after);
            assert_eq!(four(&balances), after, "{before:?} {side:?} {amount}");
            assert_eq!(common, expected.map(|(_, common)| common), "{before:?}");
        }
    }

    #[test]
    fn totals_without_a_carry_are_kept_as_they_are() {
        let totals = |debits_posted, credits_posted| AccountTotals {
            debits_posted,
            credits_posted,
            ..AccountTotals::default()
        };
        let max = u128::from(MAX);
        for (debits, credits, expected) in [
            (7, 9, Some((7, 9, 0))),
            (max, max, Some((max, max, 0))),
            (max + 1, max, Some((1, 0, max))),
            (u128::MAX, u128::MAX - max, Some((max, 0, u128::MAX - max))),
            (max + 1, 0, None),
            (u128::MAX, 0, None),
        ] {
            let split = totals(debits, credits).split();
            let found = split.map(|(balances, common)| {
                let total = |total| u128::from(total);
                (
                    total(balances.debits_posted),
                    total(balances.credits_posted),
                    common,
                )
            });
            assert_eq!(found, expected, "{debits} {credits}");
            if let Some((balances, common)) = split {
                assert_eq!(
                    AccountTotals::of(&balances, common),
                    totals(debits, credits)
                );
            }
        }
    }
}
