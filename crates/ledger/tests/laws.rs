//! The laws of the ledger, on random commands: each is a promise to the accountant.

use proptest::prelude::*;
use tillroll_ledger::{
    AccountId, AccountSpec, AccountTotals, AccountType, Draft, Entry, EntryId, HashedAccountName,
    Hold, HoldId, Ledger, LedgerRefusal, Limit, NameHash, Posting, Side, UnitId,
};

const UNITS: [&str; 3] = ["EUR", "JPY", "sku:TEE-M"];

/// Nine accounts, three in each unit, one of each limit.
fn ledger() -> Ledger {
    let mut ledger = Ledger::new();
    for unit in UNITS {
        for (name, limit) in [
            ("free", Limit::None),
            ("owed", Limit::DebitsMustNotExceedCredits),
            ("shelf", Limit::CreditsMustNotExceedDebits),
        ] {
            ledger.open(AccountSpec {
                path: format!("test:{name}").parse().unwrap(),
                unit: unit.parse().unwrap(),
                kind: AccountType::Asset,
                limit,
            });
        }
    }
    ledger
}

fn totals(ledger: &Ledger) -> Vec<AccountTotals> {
    let accounts = ledger.accounts();
    accounts
        .map(|(account, _)| ledger.totals(account.id).unwrap())
        .collect()
}

#[derive(Clone, Debug)]
enum Step {
    Post {
        id: u128,
        legs: Vec<(u32, bool, u64)>,
    },
    Hold {
        id: u128,
        legs: Vec<(u32, bool, u64)>,
        expires: Option<i64>,
    },
    Capture {
        id: u128,
        part: u64,
        now: i64,
    },
    Void {
        id: u128,
    },
}

fn legs() -> impl Strategy<Value = Vec<(u32, bool, u64)>> {
    // Pairs balance by construction, so that most steps get past the constructor.
    prop::collection::vec((0..9_u32, 0..3_u32, 1..50_u64), 1..4).prop_map(|pairs| {
        pairs
            .into_iter()
            .flat_map(|(from, offset, amount)| {
                let to = from / 3 * 3 + (from + offset) % 3;
                [(from, true, amount), (to, false, amount)]
            })
            .collect()
    })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..60_u128, legs()).prop_map(|(id, legs)| Step::Post { id, legs }),
        2 => (0..20_u128, legs(), prop::option::of(0..100_i64))
            .prop_map(|(id, legs, expires)| Step::Hold { id, legs, expires }),
        2 => (0..20_u128, 0..=100_u64, 0..100_i64)
            .prop_map(|(id, part, now)| Step::Capture { id, part, now }),
        1 => (0..20_u128).prop_map(|id| Step::Void { id }),
    ]
}

fn entry(draft: &Draft<'_>, legs: &[(u32, bool, u64)]) -> Entry {
    let postings: Vec<Posting> = legs
        .iter()
        .map(|&(account, debit, amount)| {
            let side = if debit { Side::Debit } else { Side::Credit };
            draft
                .posting(AccountId::new(account), side, amount)
                .expect("an account of the test")
        })
        .collect();
    Entry::new(postings).expect("pairs balance")
}

/// Decides on a draft, then writes down: what the book does with every command.
fn run(ledger: &mut Ledger, step: &Step) -> Result<(), LedgerRefusal> {
    let mut draft = Draft::new(ledger);
    match step {
        Step::Post { id, legs } => {
            let entry = entry(&draft, legs);
            draft.claim_entry(EntryId::from_u128(*id))?;
            draft.post(&entry)?;
            ledger.post(&entry);
            ledger.remember_entry(EntryId::from_u128(*id));
        }
        Step::Hold { id, legs, expires } => {
            let entry = entry(&draft, legs);
            draft.place_hold(HoldId::from_u128(*id), &entry)?;
            ledger.place_hold(
                HoldId::from_u128(*id),
                Hold {
                    entry,
                    expires_at: *expires,
                },
            );
        }
        Step::Capture { id, part, now } => {
            let part = ledger.hold(HoldId::from_u128(*id)).and_then(|hold| {
                let scaled: Vec<Posting> = hold
                    .entry
                    .postings()
                    .iter()
                    .map(|leg| Posting {
                        amount: leg.amount * part / 100,
                        ..*leg
                    })
                    .filter(|leg| leg.amount > 0)
                    .collect();
                Entry::new(scaled).ok()
            });
            let captured = Draft::new(ledger).capture_hold(HoldId::from_u128(*id), part, *now)?;
            ledger.end_hold(HoldId::from_u128(*id), Some(captured.borrowed()));
        }
        Step::Void { id } => {
            draft.void_hold(HoldId::from_u128(*id), 0)?;
            ledger.end_hold(HoldId::from_u128(*id), None);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn every_unit_sums_to_zero_and_every_limit_holds_after_every_step(
        steps in prop::collection::vec(step(), 1..80),
    ) {
        let mut ledger = ledger();
        for step in &steps {
            let before = totals(&ledger);
            let outcome = run(&mut ledger, step);
            for (unit, sum) in ledger.sums() {
                prop_assert_eq!(sum, 0, "{} after {:?}", unit, step);
            }
            prop_assert!(ledger.breaches().is_empty(), "{:?} broke {:?}", step, ledger.breaches());
            if outcome.is_err() {
                let after = totals(&ledger);
                prop_assert_eq!(before, after, "the refused {:?} left a trace", step);
            }
        }
    }

    #[test]
    fn an_entry_id_is_posted_once(legs in legs()) {
        let mut ledger = ledger();
        let first = run(&mut ledger, &Step::Post { id: 7, legs: legs.clone() });
        let again = run(&mut ledger, &Step::Post { id: 7, legs });
        if first.is_ok() {
            prop_assert_eq!(again, Err(LedgerRefusal::EntryExists(EntryId::from_u128(7))));
        }
    }
}

#[test]
fn limits_count_what_is_pending_and_name_what_is_left() {
    let mut ledger = ledger();
    let fund = Step::Post {
        id: 1,
        legs: vec![(0, true, 100), (1, false, 100)],
    };
    run(&mut ledger, &fund).unwrap();
    let reserve = Step::Hold {
        id: 1,
        legs: vec![(1, true, 70), (0, false, 70)],
        expires: Some(50),
    };
    run(&mut ledger, &reserve).unwrap();
    let spend = |id, amount| Step::Post {
        id,
        legs: vec![(1, true, amount), (0, false, amount)],
    };

    let refusal = run(&mut ledger, &spend(2, 31)).unwrap_err();
    assert!(
        matches!(
            refusal,
            LedgerRefusal::WouldExceedLimit {
                available: 30,
                amount: 31,
                ..
            }
        ),
        "{refusal:?}"
    );
    run(&mut ledger, &spend(3, 30)).expect("30 are left beside the hold");

    let late = Step::Capture {
        id: 1,
        part: 100,
        now: 50,
    };
    assert_eq!(
        run(&mut ledger, &late),
        Err(LedgerRefusal::HoldExpired {
            id: HoldId::from_u128(1),
            at: 50
        })
    );
    run(&mut ledger, &Step::Void { id: 1 }).unwrap();
    run(&mut ledger, &spend(4, 70)).expect("voiding frees what was held");
    assert_eq!(
        run(&mut ledger, &Step::Void { id: 1 }),
        Err(LedgerRefusal::HoldEnded(HoldId::from_u128(1)))
    );
    assert_eq!(
        run(&mut ledger, &Step::Void { id: 2 }),
        Err(LedgerRefusal::HoldNotFound(HoldId::from_u128(2)))
    );
}

/// Legs as a client might send them: unknown accounts, other units, amounts at the brim.
fn any_legs() -> impl Strategy<Value = Vec<Posting>> {
    let amount = prop_oneof![
        8 => 1..60_u64,
        1 => (0..5_u64).prop_map(|low| tillroll_money::MAX_MINOR - low),
    ];
    let pair = (0..10_u32, 0..10_u32, 0..4_u16, 0..3_u16, amount);
    prop::collection::vec(pair, 1..4).prop_map(|pairs| {
        let legs = pairs
            .into_iter()
            .flat_map(|(from, to, unit, skew, amount)| {
                let leg = |account, side| Posting {
                    account: AccountId::new(account),
                    // Mostly the unit that the account counts.
                    unit: UnitId::new(match skew {
                        0 => unit,
                        _ => u16::try_from(from / 3).unwrap_or(0),
                    }),
                    side,
                    amount,
                };
                [leg(from, Side::Debit), leg(to, Side::Credit)]
            });
        legs.collect()
    })
}

proptest! {
    #[test]
    fn posting_at_once_says_and_does_what_a_draft_does(
        steps in prop::collection::vec((0..40_u128, any_legs(), 0..8_u8), 1..120),
    ) {
        let (mut quick, mut naive) = (ledger(), ledger());
        for (number, (id, legs, what)) in steps.iter().enumerate() {
            let Ok(entry) = Entry::new(legs.clone()) else { continue };
            let id = EntryId::from_u128(*id);
            if *what == 0 {
                // What is held counts against limits in both.
                let hold = HoldId::from_u128(number as u128);
                if Draft::new(&naive).place_hold(hold, &entry).is_ok() {
                    for ledger in [&mut quick, &mut naive] {
                        ledger.place_hold(hold, Hold { entry: entry.clone(), expires_at: None });
                    }
                }
                continue;
            }
            let mut draft = Draft::new(&naive);
            let decided = draft.claim_entry(id).and_then(|()| draft.post(&entry));
            if decided.is_ok() {
                naive.remember_entry(id);
                naive.post(&entry);
            }
            quick.touch([id].into_iter(), entry.postings());
            prop_assert_eq!(quick.try_post(id, entry.borrowed()), decided.clone());
            if decided.is_ok() && *what == 1 {
                // Taken back and posted again, it is as if nothing had happened.
                quick.take_back(entry.borrowed());
                quick.forget(&[id]);
                prop_assert!(!quick.knows_entry(id));
                prop_assert_eq!(quick.try_post(id, entry.borrowed()), Ok(()));
            }
            prop_assert_eq!(totals(&quick), totals(&naive));
            prop_assert_eq!(quick.entry_count(), naive.entry_count());
        }
    }

    #[test]
    fn names_are_resolved_as_one_by_one(
        opened in prop::collection::btree_set((0..300_u32, 0..3_usize), 0..200),
        asked in prop::collection::vec((0..300_u32, 0..4_usize), 0..200),
    ) {
        let units = ["EUR", "JPY", "points", "KWD"];
        let mut ledger = Ledger::new();
        for (number, unit) in &opened {
            ledger.open(AccountSpec {
                path: format!("wallet:{number}").parse().unwrap(),
                unit: units[*unit].parse().unwrap(),
                kind: AccountType::Asset,
                limit: Limit::None,
            });
        }
        let paths: Vec<String> = asked.iter().map(|(number, _)| format!("wallet:{number}")).collect();
        let names: Vec<_> = asked.iter().zip(&paths).map(|((_, unit), path)| {
            let unit: tillroll_money::Unit = units[*unit].parse().unwrap();
            HashedAccountName { hash: NameHash::of(path, unit), path, unit: ledger.unit_id(unit) }
        }).collect();
        let mut found = Vec::new();
        ledger.resolve(&names, &mut found);
        for (((number, unit), path), found) in asked.iter().zip(&paths).zip(found) {
            let unit_name = units[*unit].parse().unwrap();
            prop_assert_eq!(found, ledger.lookup(path, unit_name));
            prop_assert_eq!(found.is_some(), opened.contains(&(*number, *unit)));
        }
    }
}
