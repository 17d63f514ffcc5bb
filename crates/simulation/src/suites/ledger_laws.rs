//! The ledger against a plain count: what is refused and what the balances are, step by step.
//!
//! The count knows no accounts, drafts or indexes: totals in a vector, and the laws spelled out
//! once more. Where the two differ, one of them is wrong.

use std::collections::{BTreeMap, BTreeSet};

use tillroll_journal::testing::Random;
use tillroll_ledger::{
    AccountId, AccountSpec, AccountType, Balances, Draft, Entry, EntryId, Hold, HoldId, Ledger,
    Limit, Posting, Side,
};
use tillroll_money::MAX_MINOR;

use super::{Caught, Verdict, ensure};

const UNITS: [&str; 3] = ["EUR", "JPY", "sku:TEE-M"];
/// In each unit.
const LIMITS: [Limit; 3] = [
    Limit::None,
    Limit::DebitsMustNotExceedCredits,
    Limit::CreditsMustNotExceedDebits,
];
const ACCOUNTS: u32 = 9;
const SEEDS: u64 = 60;
const STEPS: u32 = 120;

pub(super) fn check() -> Verdict {
    only_balanced_postings_are_an_entry()?;
    for seed in 0..SEEDS {
        let mut books = Books::new();
        let mut random = Random::new(seed);
        for step in 0..STEPS {
            let step = Step::of(&mut random, i64::from(step));
            let judged = books.live(&step);
            judged.map_err(|Caught(found)| Caught(format!("seed {seed}: {found}: {step:?}")))?;
        }
    }
    Ok(())
}

/// One leg: account, side, amount.
type Leg = (u32, Side, u64);

#[derive(Debug)]
enum Step {
    /// Entries of one command, each on its own.
    Post(Vec<(u128, Vec<Leg>)>),
    /// The same, in bulk: posted at once, and some taken back and posted again.
    Bulk(Vec<(u128, Vec<Leg>)>),
    Hold {
        id: u128,
        legs: Vec<Leg>,
        expires_at: Option<i64>,
    },
    /// So many hundredths of every leg.
    Capture {
        id: u128,
        part: u64,
        now: i64,
    },
    Void(u128),
}

fn number(random: &mut Random, below: u64) -> u64 {
    random.number() % below
}

impl Step {
    fn of(random: &mut Random, now: i64) -> Self {
        let hold = u128::from(number(random, 30));
        match number(random, 9) {
            0..=4 => {
                let count = number(random, 3) + 1;
                let entries = (0..count)
                    .map(|_| (u128::from(number(random, 400)), legs(random)))
                    .collect();
                match random.coin() {
                    true => Self::Post(entries),
                    false => Self::Bulk(entries),
                }
            }
            5 | 6 => Self::Hold {
                id: hold,
                legs: legs(random),
                expires_at: (number(random, 2) == 0)
                    .then(|| now + i64::try_from(number(random, 12)).expect("below 12")),
            },
            7 => Self::Capture {
                id: hold,
                part: number(random, 130),
                now,
            },
            _ => Self::Void(hold),
        }
    }
}

/// Pairs that balance, between accounts of one unit.
fn legs(random: &mut Random) -> Vec<Leg> {
    let mut legs = Vec::new();
    for _ in 0..=number(random, 2) {
        let pick = |random: &mut Random| u32::try_from(number(random, 3)).expect("below 3");
        let unit = 3 * pick(random);
        let (from, to) = (unit + pick(random), unit + pick(random));
        let amount = match number(random, 40) {
            0 => MAX_MINOR - number(random, 100),
            _ => number(random, 40) + 1,
        };
        legs.extend([(from, Side::Debit, amount), (to, Side::Credit, amount)]);
    }
    legs
}

/// The ledger and the count.
struct Books {
    ledger: Ledger,
    count: Count,
}

#[derive(Clone, Default)]
struct Count {
    totals: Vec<Balances>,
    entries: BTreeSet<u128>,
    /// Ended ones are kept without legs.
    holds: BTreeMap<u128, Option<(Vec<Leg>, Option<i64>)>>,
}

impl Count {
    /// Adds legs, unless a total leaves its range or a limit is broken.
    fn add(&mut self, legs: &[Leg], pending: bool) -> bool {
        let mut totals = self.totals.clone();
        for (account, side, amount) in legs {
            let total = total(&mut totals[*account as usize], *side, pending);
            *total = total.saturating_add(*amount);
        }
        let right = totals.iter().zip(0..).all(|(balances, account)| {
            let debits = u128::from(balances.debits_posted) + u128::from(balances.debits_pending);
            let credits =
                u128::from(balances.credits_posted) + u128::from(balances.credits_pending);
            let most = u128::from(MAX_MINOR);
            let keeps = match LIMITS[account % 3] {
                Limit::None => true,
                Limit::DebitsMustNotExceedCredits => debits <= balances.credits_posted.into(),
                Limit::CreditsMustNotExceedDebits => credits <= balances.debits_posted.into(),
            };
            debits <= most && credits <= most && keeps
        });
        if right {
            self.totals = totals;
        }
        right
    }

    fn release(&mut self, legs: &[Leg]) {
        for (account, side, amount) in legs {
            *total(&mut self.totals[*account as usize], *side, true) -= amount;
        }
    }

    fn post(&mut self, id: u128, legs: &[Leg]) -> bool {
        !self.entries.contains(&id) && self.add(legs, false) && self.entries.insert(id)
    }

    fn hold(&mut self, id: u128, legs: &[Leg], expires_at: Option<i64>) -> bool {
        if self.holds.contains_key(&id) || !self.add(legs, true) {
            return false;
        }
        self.holds.insert(id, Some((legs.to_vec(), expires_at)));
        true
    }

    fn capture(&mut self, id: u128, part: u64, now: i64) -> bool {
        let Some(Some((held, expires_at))) = self.holds.get(&id).cloned() else {
            return false;
        };
        let taken = scaled(&held, part);
        let covered = taken.iter().all(|leg| sum(&taken, leg) <= sum(&held, leg));
        if !covered || expires_at.is_some_and(|at| at <= now) {
            return false;
        }
        let mut after = self.clone();
        after.release(&held);
        after.holds.insert(id, None);
        if !after.add(&taken, false) {
            return false;
        }
        *self = after;
        true
    }

    fn void(&mut self, id: u128) -> bool {
        let Some(Some((held, _))) = self.holds.get(&id).cloned() else {
            return false;
        };
        self.release(&held);
        self.holds.insert(id, None);
        true
    }
}

fn total(balances: &mut Balances, side: Side, pending: bool) -> &mut u64 {
    match (side, pending) {
        (Side::Debit, false) => &mut balances.debits_posted,
        (Side::Credit, false) => &mut balances.credits_posted,
        (Side::Debit, true) => &mut balances.debits_pending,
        (Side::Credit, true) => &mut balances.credits_pending,
    }
}

/// What legs move on the account and the side of one.
fn sum(legs: &[Leg], of: &Leg) -> u128 {
    let same = legs.iter().filter(|leg| (leg.0, leg.1) == (of.0, of.1));
    same.map(|leg| u128::from(leg.2)).sum()
}

fn scaled(legs: &[Leg], part: u64) -> Vec<Leg> {
    let scale = |amount: u64| {
        let part = u128::from(amount) * u128::from(part) / 100;
        u64::try_from(part).expect("a little more than an amount")
    };
    let scaled = legs.iter().map(|leg| (leg.0, leg.1, scale(leg.2)));
    scaled.filter(|leg| leg.2 > 0).collect()
}

impl Books {
    fn new() -> Self {
        let mut ledger = Ledger::new();
        for unit in UNITS {
            for (number, limit) in LIMITS.into_iter().enumerate() {
                ledger.open(AccountSpec {
                    path: format!("suite:{number}").parse().expect("a path"),
                    unit: unit.parse().expect("a unit"),
                    kind: AccountType::Asset,
                    limit,
                });
            }
        }
        let count = Count {
            totals: vec![Balances::default(); ACCOUNTS as usize],
            ..Count::default()
        };
        Self { ledger, count }
    }

    fn entry(&self, legs: &[Leg]) -> Option<Entry> {
        let posting = |leg: &Leg| {
            let account = AccountId::new(leg.0);
            Draft::new(&self.ledger).posting(account, leg.1, leg.2)
        };
        let postings: Option<Vec<Posting>> = legs.iter().map(posting).collect();
        Entry::new(postings?).ok()
    }

    fn live(&mut self, step: &Step) -> Verdict {
        match step {
            Step::Post(entries) => self.post(entries)?,
            Step::Bulk(entries) => self.bulk(entries)?,
            Step::Hold {
                id,
                legs,
                expires_at,
            } => {
                let entry = self.entry(legs).expect("pairs balance");
                let mut draft = Draft::new(&self.ledger);
                let placed = draft.place_hold(HoldId(*id), &entry);
                let expected = self.count.hold(*id, legs, *expires_at);
                agree(placed.is_ok(), expected)?;
                if expected {
                    self.same("the draft", |account| draft.balances(account))?;
                    let expires_at = *expires_at;
                    let hold = Hold { entry, expires_at };
                    self.ledger.place_hold(HoldId(*id), hold);
                }
            }
            Step::Capture { id, part, now } => {
                let held = self.count.holds.get(id).cloned().flatten();
                let nothing = || vec![(0, Side::Debit, 1), (0, Side::Credit, 1)];
                let legs = held.map_or_else(nothing, |(legs, _)| scaled(&legs, *part));
                let Some(entry) = self.entry(&legs) else {
                    return Ok(()); // nothing would be left of it
                };
                let mut draft = Draft::new(&self.ledger);
                let captured = draft.capture_hold(HoldId(*id), Some(entry.clone()), *now);
                let expected = self.count.capture(*id, *part, *now);
                agree(captured.is_ok(), expected)?;
                if expected {
                    self.same("the draft", |account| draft.balances(account))?;
                    self.ledger.end_hold(HoldId(*id), Some(entry.borrowed()));
                }
            }
            Step::Void(id) => {
                let mut draft = Draft::new(&self.ledger);
                let voided = draft.void_hold(HoldId(*id));
                let expected = self.count.void(*id);
                agree(voided.is_ok(), expected)?;
                if expected {
                    self.same("the draft", |account| draft.balances(account))?;
                    self.ledger.end_hold(HoldId(*id), None);
                }
            }
        }
        let found = |account| self.ledger.balances(account).copied();
        self.same("the ledger", |account| found(account).unwrap_or_default())
    }

    /// Entries of one command share a draft, and each stands on its own.
    fn post(&mut self, entries: &[(u128, Vec<Leg>)]) -> Verdict {
        let mut accepted = Vec::new();
        for (id, legs) in entries {
            accepted.push((*id, self.entry(legs).expect("pairs balance"), legs));
        }
        let mut count = self.count.clone();
        let mut draft = Draft::new(&self.ledger);
        let mut verdict = Ok(());
        accepted.retain(|(id, entry, legs)| {
            let claimed = draft.claim_entry(EntryId(*id));
            let posted = claimed.is_ok() && draft.post(entry).is_ok();
            if claimed.is_ok() && !posted {
                draft.release_entry(EntryId(*id));
            }
            let expected = count.post(*id, legs);
            if verdict.is_ok() {
                let found = |account| draft.balances(account);
                verdict = agree(posted, expected).and_then(|()| same(&count, "the draft", found));
            }
            expected
        });
        verdict?;
        self.count = count;
        for (id, entry, _) in accepted {
            self.ledger.post(&entry);
            self.ledger.remember_entry(EntryId(id));
        }
        Ok(())
    }

    fn bulk(&mut self, entries: &[(u128, Vec<Leg>)]) -> Verdict {
        for (number, (id, legs)) in entries.iter().enumerate() {
            let entry = self.entry(legs).expect("pairs balance");
            let posted = self.ledger.try_post(EntryId(*id), entry.borrowed());
            agree(posted.is_ok(), self.count.post(*id, legs))?;
            if posted.is_ok() && number == 1 {
                self.ledger.take_back(entry.borrowed());
                self.ledger.forget(&[EntryId(*id)]);
                let again = self.ledger.try_post(EntryId(*id), entry.borrowed());
                agree(again.is_ok(), true)?;
            }
            let found = |account| self.ledger.balances(account).copied();
            self.same("the ledger", |account| found(account).unwrap_or_default())?;
        }
        Ok(())
    }

    fn same(&self, what: &str, found: impl Fn(AccountId) -> Balances) -> Verdict {
        same(&self.count, what, found)
    }
}

fn agree(accepted: bool, expected: bool) -> Verdict {
    ensure(accepted == expected, || match accepted {
        true => "accepted, and a plain count refuses it".into(),
        false => "refused, and a plain count accepts it".into(),
    })
}

fn same(count: &Count, what: &str, found: impl Fn(AccountId) -> Balances) -> Verdict {
    for (account, expected) in (0..).zip(&count.totals) {
        let found = found(AccountId::new(account));
        ensure(found == *expected, || {
            format!("{what} has {found:?} for account {account}, the count {expected:?}")
        })?;
    }
    Ok(())
}

fn only_balanced_postings_are_an_entry() -> Verdict {
    let books = Books::new();
    let mut random = Random::new(7);
    for _ in 0..4_000 {
        let count = number(&mut random, 5) + 2;
        let legs: Vec<Leg> = (0..count)
            .map(|_| {
                let account = u32::try_from(number(&mut random, 6)).expect("below 6");
                let side = match random.coin() {
                    true => Side::Debit,
                    false => Side::Credit,
                };
                (account, side, number(&mut random, 2) + 1)
            })
            .collect();
        let balance = |unit: u32| {
            let of_unit = legs.iter().filter(|leg| leg.0 / 3 == unit);
            of_unit.fold((0, 0), |(debits, credits), leg| match leg.1 {
                Side::Debit => (debits + leg.2, credits),
                Side::Credit => (debits, credits + leg.2),
            })
        };
        let balances = [balance(0), balance(1)];
        let expected = balances.iter().all(|(debits, credits)| debits == credits);
        ensure(books.entry(&legs).is_some() == expected, || {
            format!("{legs:?} has debits and credits of {balances:?} in its units")
        })?;
    }
    Ok(())
}
