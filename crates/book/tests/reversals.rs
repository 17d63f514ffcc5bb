//! Entries are taken back once, as far as amounts go, and exactly.

mod roll;

use proptest::prelude::*;
use roll::{Roll, path};
use tillroll_book::{
    Action, Book, OpenAccount, OriginalEntry, PostEntry, PostingRequest, Refusal, ReversalPart,
    ReverseEntry,
};
use tillroll_events::{EntryId, EntryReversed, Event};
use tillroll_ledger::{AccountType, Limit, Side};

use Side::{Credit as Cr, Debit as Dr};

const ACCOUNTS: [&str; 4] = ["t:cash", "t:bank:account", "t:sales:web", "t:tax:vat"];

type Leg = (&'static str, Side, u64);

fn opened() -> Roll {
    let mut roll = Roll::new();
    for account in ACCOUNTS {
        for unit in ["EUR", "points"] {
            roll.done(Action::OpenAccount(OpenAccount {
                path: path(account),
                unit: unit.parse().unwrap(),
                kind: Some(AccountType::Asset),
                limit: None,
            }));
        }
    }
    roll
}

fn legs(legs: &[Leg]) -> Vec<PostingRequest> {
    let legs = legs.iter().map(|&(account, side, amount)| {
        // `points:` in front of an account counts points.
        let (unit, account) = match account.strip_prefix("points:") {
            Some(account) => ("points", account),
            None => ("EUR", account),
        };
        PostingRequest {
            account: path(account),
            unit: unit.parse().unwrap(),
            side,
            amount,
        }
    });
    legs.collect()
}

fn id(number: u128) -> EntryId {
    EntryId::from_u128(number)
}

fn post(roll: &mut Roll, number: u128, postings: Vec<PostingRequest>) -> OriginalEntry {
    let events = roll.done(Action::PostEntry(PostEntry {
        id: id(number),
        postings,
        description: None,
        metadata: Default::default(),
        effective_date: None,
    }));
    let [event] = &events[..] else {
        panic!("one event: {events:?}");
    };
    OriginalEntry {
        id: id(number),
        position: roll.records.len() as u64,
        entry: event.posted_entry().expect("an entry").clone(),
    }
}

fn reversal(number: u128, original: &OriginalEntry, part: ReversalPart) -> Action {
    Action::ReverseEntry(ReverseEntry {
        id: id(number),
        original: original.clone(),
        part,
        description: Some("a mistake".into()),
        metadata: Default::default(),
        effective_date: None,
    })
}

fn reversed(events: &[Event]) -> &EntryReversed {
    match events {
        [Event::EntryReversed(event)] => event,
        events => panic!("one reversal: {events:?}"),
    }
}

fn balances(book: &Book) -> Vec<i64> {
    book.ledger()
        .accounts()
        .map(|(_, balances)| balances.net_debit())
        .collect()
}

/// The whole, a part by amount, or parts by posting.
enum Part<'a> {
    All,
    Amount(u64),
    Legs(&'a [Leg]),
}

impl Part<'_> {
    fn request(&self) -> ReversalPart {
        match self {
            Self::All => ReversalPart::All,
            Self::Amount(amount) => ReversalPart::Amount(*amount),
            Self::Legs(postings) => ReversalPart::Postings(legs(postings)),
        }
    }
}

/// An entry, what is taken back of it in turn, and what becomes of the last: a code and the field
/// that it names, or what is left then on the side of the first posting.
#[test]
fn what_is_taken_back_is_at_most_what_was_posted() {
    use Part::{All, Amount, Legs};
    let simple: &[Leg] = &[("t:cash", Dr, 10), ("t:sales:web", Cr, 10)];
    let sale: &[Leg] = &[
        ("t:cash", Dr, 12),
        ("t:sales:web", Cr, 10),
        ("t:tax:vat", Cr, 2),
    ];
    let repeated: &[Leg] = &[
        ("t:cash", Dr, 4),
        ("t:cash", Dr, 6),
        ("t:sales:web", Cr, 10),
    ];
    let units: &[Leg] = &[
        ("t:cash", Dr, 5),
        ("t:sales:web", Cr, 5),
        ("points:t:cash", Dr, 7),
        ("points:t:sales:web", Cr, 7),
    ];
    let around: &[Leg] = &[("t:cash", Dr, 5), ("t:cash", Cr, 5)];
    let exceeds = |field: &'static str| Err(("reversal_exceeds_entry", Some(field)));
    let twice = || Err(("entry_already_reversed", None));
    type Outcome = Result<u64, (&'static str, Option<&'static str>)>;
    let table: Vec<(&str, &[Leg], Vec<Part<'_>>, Outcome)> = vec![
        ("whole", simple, vec![All], Ok(0)),
        ("whole, twice", simple, vec![All, All], twice()),
        (
            "a part of what is gone",
            simple,
            vec![All, Amount(1)],
            twice(),
        ),
        ("by amount", simple, vec![Amount(3)], Ok(7)),
        (
            "parts to the end",
            simple,
            vec![Amount(3), Amount(7)],
            Ok(0),
        ),
        ("parts, then the rest", simple, vec![Amount(3), All], Ok(0)),
        (
            "parts, and one too many",
            simple,
            vec![Amount(3), Amount(7), Amount(1)],
            twice(),
        ),
        (
            "more than there is",
            simple,
            vec![Amount(11)],
            exceeds("amount"),
        ),
        (
            "more than is left",
            simple,
            vec![Amount(3), Amount(8)],
            exceeds("amount"),
        ),
        (
            "nothing",
            simple,
            vec![Amount(0)],
            Err(("parameter_invalid", Some("amount"))),
        ),
        (
            "three postings, by amount",
            sale,
            vec![Amount(1)],
            Err(("parameter_invalid", Some("amount"))),
        ),
        (
            "a line of a sale",
            sale,
            vec![Legs(&[
                ("t:cash", Cr, 6),
                ("t:sales:web", Dr, 5),
                ("t:tax:vat", Dr, 1),
            ])],
            Ok(6),
        ),
        (
            "a posting and not another",
            sale,
            vec![Legs(&[("t:cash", Cr, 2), ("t:tax:vat", Dr, 2)])],
            Ok(10),
        ),
        (
            "the other posting is spent",
            sale,
            vec![
                Legs(&[("t:cash", Cr, 2), ("t:tax:vat", Dr, 2)]),
                Legs(&[("t:cash", Cr, 1), ("t:tax:vat", Dr, 1)]),
            ],
            exceeds("postings[1].amount"),
        ),
        (
            "the same sides",
            simple,
            vec![Legs(&[("t:cash", Dr, 5), ("t:sales:web", Cr, 5)])],
            exceeds("postings[0].amount"),
        ),
        (
            "another account",
            simple,
            vec![Legs(&[("t:bank:account", Cr, 5), ("t:sales:web", Dr, 5)])],
            exceeds("postings[0].amount"),
        ),
        (
            "another unit",
            simple,
            vec![Legs(&[
                ("points:t:cash", Cr, 5),
                ("points:t:sales:web", Dr, 5),
            ])],
            exceeds("postings[0].amount"),
        ),
        (
            "other amounts",
            simple,
            vec![Legs(&[
                ("t:cash", Cr, 999_999),
                ("t:sales:web", Dr, 999_999),
            ])],
            exceeds("postings[0].amount"),
        ),
        (
            "too much in two halves",
            simple,
            vec![Legs(&[
                ("t:cash", Cr, 6),
                ("t:cash", Cr, 6),
                ("t:sales:web", Dr, 12),
            ])],
            exceeds("postings[0].amount"),
        ),
        (
            "unbalanced",
            simple,
            vec![Legs(&[("t:cash", Cr, 5), ("t:sales:web", Dr, 4)])],
            Err(("entry_unbalanced", Some("postings"))),
        ),
        (
            "one account in two postings",
            repeated,
            vec![Legs(&[("t:cash", Cr, 7), ("t:sales:web", Dr, 7)])],
            Ok(3),
        ),
        (
            "both of them, too much",
            repeated,
            vec![Legs(&[("t:cash", Cr, 11), ("t:sales:web", Dr, 11)])],
            exceeds("postings[0].amount"),
        ),
        (
            "one unit of two",
            units,
            vec![Legs(&[
                ("points:t:cash", Cr, 7),
                ("points:t:sales:web", Dr, 7),
            ])],
            Ok(5),
        ),
        ("an account on both sides", around, vec![All], Ok(0)),
        (
            "an account on both sides, twice",
            around,
            vec![All, All],
            twice(),
        ),
    ];
    for (name, postings, parts, expected) in table {
        let mut roll = opened();
        let before = balances(roll.book());
        let original = post(&mut roll, 1, legs(postings));
        let last = parts.len() - 1;
        for (index, part) in parts.iter().enumerate() {
            let held = balances(roll.book());
            let outcome = roll.try_do(reversal(10 + index as u128, &original, part.request()));
            if index < last {
                assert!(outcome.is_ok(), "{name}: {outcome:?}");
                continue;
            }
            let outcome = outcome.map(|events| {
                let left = reversed(&events).left.as_ref();
                left.map_or(0, |left| {
                    let first = original.entry.postings()[0];
                    let legs = left.postings().iter();
                    legs.filter(|leg| leg.account == first.account && leg.side == first.side)
                        .map(|leg| leg.amount)
                        .sum()
                })
            });
            let shown = outcome.map_err(|refusal| (refusal.code(), refusal.param()));
            let expected = expected.map_err(|(code, field)| (code, field.map(str::to_owned)));
            assert_eq!(shown, expected, "{name}");
            match expected {
                Ok(0) => assert_eq!(balances(roll.book()), before, "{name}: all is as it was"),
                Ok(_) => {}
                Err(_) => assert_eq!(balances(roll.book()), held, "{name}: nothing happened"),
            }
        }
        assert_eq!(roll.replayed().digest(), roll.book().digest(), "{name}");
    }
}

#[test]
fn only_what_is_on_the_roll_is_taken_back() {
    let mut roll = opened();
    let original = post(
        &mut roll,
        1,
        legs(&[("t:cash", Dr, 10), ("t:sales:web", Cr, 10)]),
    );
    let other = post(
        &mut roll,
        2,
        legs(&[("t:cash", Dr, 1), ("t:tax:vat", Cr, 1)]),
    );
    let code = |roll: &mut Roll, action| roll.try_do(action).map_err(|refusal| refusal.code());
    let all = || ReversalPart::All;
    let unknown = OriginalEntry {
        id: id(9),
        ..original.clone()
    };
    let refused = code(&mut roll, reversal(3, &unknown, all()));
    assert_eq!(refused, Err("entry_not_found"));
    // An entry cannot take itself back: its id is used.
    let refused = code(&mut roll, reversal(1, &original, all()));
    assert_eq!(refused, Err("entry_exists"));
    // What the sender says of the entry is held against what is known of it.
    roll.done(reversal(3, &original, ReversalPart::Amount(4)));
    let moved = OriginalEntry {
        position: other.position,
        ..original.clone()
    };
    let refused = code(&mut roll, reversal(4, &moved, all()));
    assert_eq!(refused, Err("parameter_invalid"));
    let swollen = OriginalEntry {
        entry: other.entry.clone(),
        ..original.clone()
    };
    let events = roll.done(reversal(4, &swollen, all()));
    let amounts: Vec<u64> = reversed(&events)
        .entry
        .postings()
        .iter()
        .map(|posting| posting.amount)
        .collect();
    assert_eq!(amounts, [6, 6], "the book goes by what it knows to be left");
}

#[test]
fn a_reversal_is_an_entry_like_any_other() {
    let mut roll = opened();
    let original = post(
        &mut roll,
        1,
        legs(&[("t:cash", Dr, 10), ("t:sales:web", Cr, 10)]),
    );
    let posted = balances(roll.book());
    let events = roll.done(reversal(2, &original, ReversalPart::All));
    let event = reversed(&events);
    assert_eq!(
        (event.reverses, event.reverses_position),
        (id(1), original.position)
    );
    // It can be taken back itself; the first entry stays reversed.
    let correction = OriginalEntry {
        id: id(2),
        position: roll.records.len() as u64,
        entry: event.entry.0.clone(),
    };
    roll.done(reversal(3, &correction, ReversalPart::All));
    assert_eq!(balances(roll.book()), posted);
    let again = roll.try_do(reversal(4, &original, ReversalPart::All));
    assert_eq!(again, Err(Refusal::EntryAlreadyReversed(id(1))));
}

#[test]
fn limits_hold_for_reversals() {
    let mut roll = opened();
    let original = post(
        &mut roll,
        1,
        legs(&[("t:cash", Dr, 10), ("t:sales:web", Cr, 10)]),
    );
    roll.done(Action::OpenAccount(OpenAccount {
        path: path("t:cash"),
        unit: "EUR".parse().unwrap(),
        kind: Some(AccountType::Asset),
        limit: Some(Limit::CreditsMustNotExceedDebits),
    }));
    post(
        &mut roll,
        2,
        legs(&[("t:cash", Cr, 4), ("t:bank:account", Dr, 4)]),
    );
    let refused = roll.try_do(reversal(3, &original, ReversalPart::All));
    assert_eq!(refused.unwrap_err().code(), "would_exceed_limit");
    // A refusal leaves no trace: what is left can be taken back.
    roll.done(reversal(3, &original, ReversalPart::Amount(6)));
}

fn leg() -> impl Strategy<Value = (usize, usize, bool, u64)> {
    (0..4_usize, 0..4_usize, any::<bool>(), 1..40_u64)
}

/// Pairs of postings: always balanced.
fn pairs(pairs: &[(usize, usize, bool, u64)]) -> Vec<PostingRequest> {
    let both = pairs.iter().flat_map(|&(from, to, points, amount)| {
        let unit = if points { "points" } else { "EUR" };
        [(from, Dr), (to, Cr)].map(|(account, side)| PostingRequest {
            account: path(ACCOUNTS[account]),
            unit: unit.parse().unwrap(),
            side,
            amount,
        })
    });
    both.collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// After any sequence of partial reversals no posting was taken back beyond what it was, what
    /// is left is exactly the rest, and the rest taken back leaves the balances as they were.
    #[test]
    fn parts_add_up_to_the_whole_and_no_more(
        whole in prop::collection::vec(leg(), 1..4),
        parts in prop::collection::vec(prop::collection::vec(leg(), 1..3), 0..12),
    ) {
        let mut roll = opened();
        let before = balances(roll.book());
        let original = post(&mut roll, 1, pairs(&whole));
        let mut taken = std::collections::BTreeMap::new();
        for (index, part) in parts.iter().enumerate() {
            // The sides of a reversal are the opposite ones.
            let mut postings = pairs(part);
            for posting in &mut postings {
                posting.side = posting.side.opposite();
            }
            let action = reversal(2 + index as u128, &original, ReversalPart::Postings(postings));
            let Ok(events) = roll.try_do(action) else {
                continue;
            };
            for posting in reversed(&events).entry.postings() {
                *taken.entry((posting.account, posting.side.opposite())).or_insert(0) += posting.amount;
            }
        }
        let mut posted = std::collections::BTreeMap::new();
        for posting in original.entry.postings() {
            *posted.entry((posting.account, posting.side)).or_insert(0) += posting.amount;
        }
        for (key, taken) in &taken {
            prop_assert!(posted.get(key).is_some_and(|posted| taken <= posted), "{key:?}");
        }
        prop_assert_eq!(roll.replayed().digest(), roll.book().digest());
        let rest = roll.try_do(reversal(100, &original, ReversalPart::All));
        match taken == posted {
            true => prop_assert_eq!(rest, Err(Refusal::EntryAlreadyReversed(id(1)))),
            false => prop_assert!(reversed(&rest.unwrap()).left.is_none()),
        }
        prop_assert_eq!(balances(roll.book()), before);
    }
}
