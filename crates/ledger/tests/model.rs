//! The ledger against a plain model: what is refused and what the balances are, step by step.
//!
//! The model knows no drafts, slots or indexes: totals in a vector, and the rules spelled out once
//! more. Where the two differ, one of them is wrong.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::{TestCaseError, TestCaseResult};
use tillroll_ledger::{
    AccountId, AccountSpec, AccountTotals, AccountType, Balances, Draft, Entry, EntryId, Hold,
    HoldId, Ledger, LedgerRestore, Limit, Posting, Side,
};
use tillroll_money::MAX_MINOR;

const UNITS: [&str; 3] = ["EUR", "JPY", "sku:TEE-M"];
/// Of the three accounts in each unit.
const LIMITS: [Limit; 3] = [
    Limit::None,
    Limit::DebitsMustNotExceedCredits,
    Limit::CreditsMustNotExceedDebits,
];
const ACCOUNTS: usize = UNITS.len() * LIMITS.len();

/// One leg: account, side, amount.
type Leg = (u32, Side, u64);

#[derive(Clone, Debug)]
enum Step {
    /// Entries of one command, each on its own.
    Post(Vec<(u128, Vec<Leg>)>),
    /// The same in bulk: posted at once, and the second taken back and posted again.
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
    Void {
        id: u128,
        now: i64,
    },
    /// All is kept and put together again, as by a snapshot.
    Restore,
}

/// How large amounts are.
#[derive(Clone, Copy)]
enum Sizes {
    /// As in a shop, with one at the brim now and then.
    Small,
    /// Sums pass 2^63 and 2^64 all the time.
    Huge,
}

/// Pairs that balance, between accounts of one unit.
fn legs(sizes: Sizes) -> impl Strategy<Value = Vec<Leg>> {
    let small = match sizes {
        Sizes::Small => 38,
        Sizes::Huge => 2,
    };
    let amount = prop_oneof![
        small => 1..41_u64,
        1 => (0..3_u64).prop_map(|below| MAX_MINOR - below),
        1 => (0..3_u64).prop_map(|below| MAX_MINOR / 2 + 1 - below),
    ];
    let pair = (0..3_u32, 0..3_u32, 0..3_u32, amount).prop_map(|(unit, from, to, amount)| {
        [
            (3 * unit + from, Side::Debit, amount),
            (3 * unit + to, Side::Credit, amount),
        ]
    });
    prop::collection::vec(pair, 1..3).prop_map(|pairs| pairs.concat())
}

fn step(sizes: Sizes) -> impl Strategy<Value = Step> {
    let entries = move || prop::collection::vec((0..400_u128, legs(sizes)), 1..4);
    prop_oneof![
        3 => entries().prop_map(Step::Post),
        3 => entries().prop_map(Step::Bulk),
        3 => (0..30_u128, legs(sizes), prop::option::of(0..120_i64))
            .prop_map(|(id, legs, expires_at)| Step::Hold { id, legs, expires_at }),
        2 => (0..30_u128, 0..130_u64, 0..120_i64)
            .prop_map(|(id, part, now)| Step::Capture { id, part, now }),
        1 => (0..30_u128, 0..120_i64).prop_map(|(id, now)| Step::Void { id, now }),
        1 => Just(Step::Restore),
    ]
}

#[derive(Clone, Debug)]
struct Model {
    totals: Vec<AccountTotals>,
    entries: BTreeSet<u128>,
    /// Ended ones are kept without legs.
    holds: BTreeMap<u128, Option<(Vec<Leg>, Option<i64>)>>,
}

impl Model {
    fn new() -> Self {
        Self {
            totals: vec![AccountTotals::default(); ACCOUNTS],
            entries: BTreeSet::new(),
            holds: BTreeMap::new(),
        }
    }

    /// Adds legs, unless a balance leaves its range on the way or a limit is broken in the end.
    fn add(&mut self, legs: &[Leg], pending: bool) -> bool {
        let mut totals = self.totals.clone();
        for (account, side, amount) in legs {
            let totals = &mut totals[*account as usize];
            match pending {
                true => match totals.pending_mut(*side).checked_add(*amount) {
                    Some(sum) => *totals.pending_mut(*side) = sum,
                    None => return false,
                },
                false => *totals.posted_mut(*side) += u128::from(*amount),
            }
            if !in_range(totals) {
                return false;
            }
        }
        let allowed = totals.iter().enumerate().all(|(account, totals)| {
            let debits = totals.debits_posted + u128::from(totals.debits_pending);
            let credits = totals.credits_posted + u128::from(totals.credits_pending);
            match LIMITS[account % LIMITS.len()] {
                Limit::None => true,
                Limit::DebitsMustNotExceedCredits => debits <= totals.credits_posted,
                Limit::CreditsMustNotExceedDebits => credits <= totals.debits_posted,
            }
        });
        if allowed {
            self.totals = totals;
        }
        allowed
    }

    fn release(&mut self, legs: &[Leg]) {
        for (account, side, amount) in legs {
            *self.totals[*account as usize].pending_mut(*side) -= amount;
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

    fn capture(&mut self, id: u128, captured: &[Leg], now: i64) -> bool {
        let Some(Some((held, expires_at))) = self.holds.get(&id).cloned() else {
            return false;
        };
        let covered = captured
            .iter()
            .all(|leg| sum(captured, leg) <= sum(&held, leg));
        if !covered || expires_at.is_some_and(|at| at <= now) {
            return false;
        }
        let mut after = self.clone();
        after.release(&held);
        after.holds.insert(id, None);
        if !after.add(captured, false) {
            return false;
        }
        *self = after;
        true
    }

    fn void(&mut self, id: u128, now: i64) -> bool {
        let Some(Some((held, expires_at))) = self.holds.get(&id).cloned() else {
            return false;
        };
        if expires_at.is_some_and(|at| at <= now) {
            return false;
        }
        self.release(&held);
        self.holds.insert(id, None);
        true
    }
}

/// The bound of a balance, said plainly: with what is pending on its side, and what is pending on
/// the other.
fn in_range(totals: &AccountTotals) -> bool {
    let posted = [totals.debits_posted, totals.credits_posted];
    let [debits, credits] = posted.map(|total| i128::try_from(total).expect("a few of 2^63"));
    let net = debits - credits;
    let most = i128::from(MAX_MINOR);
    net.max(0) + i128::from(totals.debits_pending) <= most
        && (-net).max(0) + i128::from(totals.credits_pending) <= most
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

/// The ledger and the model.
struct Pair {
    ledger: Ledger,
    model: Model,
}

impl Pair {
    fn new() -> Self {
        let mut ledger = Ledger::new();
        for unit in UNITS {
            for (number, limit) in LIMITS.into_iter().enumerate() {
                ledger.open(AccountSpec {
                    path: format!("model:{number}").parse().unwrap(),
                    unit: unit.parse().unwrap(),
                    kind: AccountType::Asset,
                    limit,
                });
            }
        }
        let model = Model::new();
        Self { ledger, model }
    }

    fn entry(&self, legs: &[Leg]) -> Option<Entry> {
        let posting = |leg: &Leg| {
            let account = AccountId::new(leg.0);
            Draft::new(&self.ledger).posting(account, leg.1, leg.2)
        };
        let postings: Option<Vec<Posting>> = legs.iter().map(posting).collect();
        Entry::new(postings?).ok()
    }

    fn run(&mut self, step: &Step) -> TestCaseResult {
        match step {
            Step::Post(entries) => self.post(entries)?,
            Step::Bulk(entries) => self.bulk(entries)?,
            Step::Hold {
                id,
                legs,
                expires_at,
            } => self.hold(*id, legs, *expires_at)?,
            Step::Capture { id, part, now } => self.capture(*id, *part, *now)?,
            Step::Void { id, now } => self.void(*id, *now)?,
            Step::Restore => self.restore(),
        }
        self.ledger_agrees()
    }

    /// Entries of one command share a draft, and each stands on its own.
    fn post(&mut self, entries: &[(u128, Vec<Leg>)]) -> TestCaseResult {
        let mut model = self.model.clone();
        let mut draft = Draft::new(&self.ledger);
        let mut posted = Vec::new();
        for (id, legs) in entries {
            let entry = self.entry(legs).expect("pairs balance");
            let entry_id = EntryId::from_u128(*id);
            let claimed = draft.claim_entry(entry_id).is_ok();
            let accepted = claimed && draft.post(&entry).is_ok();
            if claimed && !accepted {
                draft.release_entry(entry_id);
            }
            prop_assert_eq!(accepted, model.post(*id, legs));
            draft_agrees(&model, &draft)?;
            if accepted {
                posted.push((entry_id, entry));
            }
        }
        self.model = model;
        for (id, entry) in posted {
            self.ledger.post(&entry);
            self.ledger.remember_entry(id);
        }
        Ok(())
    }

    fn bulk(&mut self, entries: &[(u128, Vec<Leg>)]) -> TestCaseResult {
        for (number, (id, legs)) in entries.iter().enumerate() {
            let entry = self.entry(legs).expect("pairs balance");
            let id_of_entry = EntryId::from_u128(*id);
            let accepted = self.ledger.try_post(id_of_entry, entry.borrowed()).is_ok();
            prop_assert_eq!(accepted, self.model.post(*id, legs));
            if accepted && number == 1 {
                self.ledger.take_back(entry.borrowed());
                self.ledger.forget(&[id_of_entry]);
                let again = self.ledger.try_post(id_of_entry, entry.borrowed());
                prop_assert_eq!(again, Ok(()));
            }
            self.ledger_agrees()?;
        }
        Ok(())
    }

    fn hold(&mut self, id: u128, legs: &[Leg], expires_at: Option<i64>) -> TestCaseResult {
        let entry = self.entry(legs).expect("pairs balance");
        let hold_id = HoldId::from_u128(id);
        let mut draft = Draft::new(&self.ledger);
        let accepted = draft.place_hold(hold_id, &entry).is_ok();
        prop_assert_eq!(accepted, self.model.hold(id, legs, expires_at));
        if accepted {
            draft_agrees(&self.model, &draft)?;
            self.ledger.place_hold(hold_id, Hold { entry, expires_at });
        }
        Ok(())
    }

    fn capture(&mut self, id: u128, part: u64, now: i64) -> TestCaseResult {
        let legs = match self.model.holds.get(&id) {
            Some(Some((held, _))) => scaled(held, part),
            _ => vec![(0, Side::Debit, 1), (0, Side::Credit, 1)],
        };
        let Some(entry) = self.entry(&legs) else {
            return Ok(()); // Nothing would be left of it.
        };
        let hold_id = HoldId::from_u128(id);
        let mut draft = Draft::new(&self.ledger);
        let accepted = draft
            .capture_hold(hold_id, Some(entry.clone()), now)
            .is_ok();
        prop_assert_eq!(accepted, self.model.capture(id, &legs, now));
        if accepted {
            draft_agrees(&self.model, &draft)?;
            self.ledger.end_hold(hold_id, Some(entry.borrowed()));
        }
        Ok(())
    }

    fn void(&mut self, id: u128, now: i64) -> TestCaseResult {
        let hold_id = HoldId::from_u128(id);
        let mut draft = Draft::new(&self.ledger);
        let accepted = draft.void_hold(hold_id, now).is_ok();
        prop_assert_eq!(accepted, self.model.void(id, now));
        if accepted {
            draft_agrees(&self.model, &draft)?;
            self.ledger.end_hold(hold_id, None);
        }
        Ok(())
    }

    fn restore(&mut self) {
        let kept = &self.ledger;
        let mut restore = LedgerRestore::default();
        for (account, _) in kept.accounts() {
            let spec = AccountSpec {
                path: account.path.clone(),
                unit: kept.unit_of(account),
                kind: account.kind,
                limit: account.limit,
            };
            let totals = kept.totals(account.id).expect("it is open");
            restore.account(spec, totals).expect("an account");
        }
        for id in kept.ascending_entry_ids() {
            restore.ascending_entry(id).expect("an entry");
        }
        for id in kept.scattered_entry_ids() {
            restore.scattered_entry(id).expect("an entry");
        }
        for id in kept.hold_ids() {
            restore.hold_id(id).expect("a hold");
        }
        for (id, hold) in kept.holds() {
            restore.open_hold(id, hold.clone()).expect("an open hold");
        }
        self.ledger = restore.finish().expect("a ledger");
    }

    fn ledger_agrees(&self) -> TestCaseResult {
        let ledger = &self.ledger;
        let accounts = ledger.accounts();
        let found: Vec<_> = accounts
            .map(|(it, _)| ledger.totals(it.id).unwrap())
            .collect();
        prop_assert_eq!(&found, &self.model.totals, "the ledger");
        for (unit, sum) in ledger.sums() {
            prop_assert_eq!(sum, 0, "{}", unit);
        }
        balances_agree(
            &self.model,
            |id| *ledger.balances(id).unwrap(),
            "the ledger",
        )
    }
}

fn draft_agrees(model: &Model, draft: &Draft<'_>) -> TestCaseResult {
    balances_agree(model, |id| draft.balances(id), "the draft")
}

fn balances_agree(model: &Model, of: impl Fn(AccountId) -> Balances, what: &str) -> TestCaseResult {
    for (account, totals) in model.totals.iter().enumerate() {
        let balances = of(AccountId::new(u32::try_from(account).expect("nine")));
        let posted = [totals.debits_posted, totals.credits_posted];
        let [debits, credits] = posted.map(|total| i128::try_from(total).expect("a few of 2^63"));
        let net = debits - credits;
        prop_assert_eq!(
            i128::from(balances.net_debit()),
            net,
            "{} {}",
            what,
            account
        );
        for (side, pending, left) in [
            (Side::Debit, totals.debits_pending, -net),
            (Side::Credit, totals.credits_pending, net),
        ] {
            prop_assert_eq!(balances.pending(side), pending, "{} {}", what, account);
            let left = (left - i128::from(pending)).max(0);
            prop_assert_eq!(
                i128::from(balances.available(side)),
                left,
                "{} {}",
                what,
                account
            );
        }
    }
    Ok(())
}

fn run_all(steps: &[Step]) -> Result<Pair, TestCaseError> {
    let mut pair = Pair::new();
    for step in steps {
        pair.run(step)?;
    }
    Ok(pair)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_answer_and_every_balance_is_the_model_s(
        steps in prop::collection::vec(step(Sizes::Small), 1..120),
    ) {
        run_all(&steps)?;
    }

    #[test]
    fn the_same_near_the_bounds_of_64_bits(
        steps in prop::collection::vec(step(Sizes::Huge), 1..120),
    ) {
        run_all(&steps)?;
    }
}

/// What the random steps above have to come to, in any case: an account goes on and on.
#[test]
fn an_account_outlives_any_number_of_largest_entries() {
    let mut pair = Pair::new();
    for round in 0..6_u128 {
        let entry = vec![(0, Side::Debit, MAX_MINOR), (1, Side::Credit, MAX_MINOR)];
        let reversal = vec![(1, Side::Debit, MAX_MINOR), (0, Side::Credit, MAX_MINOR)];
        for (id, legs) in [(2 * round, entry), (2 * round + 1, reversal)] {
            let step = match round % 2 {
                0 => Step::Post(vec![(id, legs)]),
                _ => Step::Bulk(vec![(id, legs)]),
            };
            pair.run(&step).unwrap();
        }
        pair.run(&Step::Restore).unwrap();
        let totals = pair.ledger.totals(AccountId::new(0)).unwrap();
        let expected = (round + 1) * u128::from(MAX_MINOR);
        assert_eq!(
            (totals.debits_posted, totals.credits_posted),
            (expected, expected)
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Legs of two units with small amounts: often, only one of the units balances.
    #[test]
    fn an_entry_balances_in_each_of_its_units(
        legs in prop::collection::vec((0..6_u32, any::<bool>(), 1..3_u64), 2..7),
    ) {
        let side = |debit| if debit { Side::Debit } else { Side::Credit };
        let legs: Vec<Leg> = legs
            .into_iter()
            .map(|(account, debit, amount)| (account, side(debit), amount))
            .collect();
        let sum_of = |unit: u32, side: Side| -> u64 {
            let legs = legs.iter().filter(|leg| leg.0 / 3 == unit && leg.1 == side);
            legs.map(|leg| leg.2).sum()
        };
        let balanced = (0..2).all(|unit| sum_of(unit, Side::Debit) == sum_of(unit, Side::Credit));
        prop_assert_eq!(Pair::new().entry(&legs).is_some(), balanced);
    }
}
