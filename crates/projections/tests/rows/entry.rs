//! Entries: found by their ids, and tied to what corrects them.

use tillroll_events::{EntriesPosted, EntryId, EntryPosted, EntryReversed, PostedEntries};
use tillroll_projections::{LineRange, ReversalState, StatementQuery};

use super::posted;
use crate::harness::{Cr, Dr, Models, Roll, unit};

#[test]
fn each_of_many_entries_is_found_by_its_id_and_on_statements() {
    let mut roll = Roll::default();
    let legs = |amount| {
        [
            ("stripe:balance", "EUR", Dr, amount),
            ("sales:web", "EUR", Cr, amount),
        ]
    };
    let mut entries = PostedEntries::default();
    for (number, amount) in [(7, 500), (8, 20), (9, 3)] {
        entries.push(
            EntryId::from_u128(number),
            roll.entry(&legs(amount)).borrowed(),
        );
    }
    let position = roll.push(EntriesPosted { entries });
    let models = Models::of(&roll.numbered());
    for (number, amount) in [(7, 500), (8, 20), (9, 3)] {
        let id = EntryId::from_u128(number);
        let entry = models.read().entry(id, None).unwrap().value.unwrap();
        assert_eq!(entry.position, position);
        let amounts: Vec<_> = entry.postings.iter().map(|leg| leg.amount).collect();
        assert_eq!(amounts, [amount, amount]);
        assert_eq!(entry.postings[0].account, "stripe:balance");
    }
    let query = StatementQuery {
        path: "sales:web".into(),
        unit: unit("EUR"),
        range: LineRange::Start,
        limit: 10,
        newest_first: false,
        as_of: None,
    };
    let statement = models.read().statement(&query).unwrap().value.unwrap();
    let lines: Vec<_> = statement.lines.items.iter().collect();
    let told: Vec<_> = lines
        .iter()
        .map(|line| {
            (
                line.entry.unwrap().as_u128(),
                line.amount,
                line.balance_after,
            )
        })
        .collect();
    assert_eq!(told, [(7, 500, 500), (8, 20, 520), (9, 3, 523)]);
}

#[test]
fn an_entry_knows_what_it_takes_back_and_what_took_it_back() {
    let mut roll = Roll::default();
    let legs = [
        ("stripe:balance", "EUR", Dr, 500),
        ("sales:web", "EUR", Cr, 500),
    ];
    let first = posted(&mut roll, 1, &legs);
    let entry = roll.entry(&[
        ("sales:web", "EUR", Dr, 500),
        ("stripe:balance", "EUR", Cr, 500),
    ]);
    // A remark of before reversals were checked.
    let remark = roll.push(EntryPosted {
        id: EntryId::from_u128(9),
        entry: entry.clone(),
        description: None,
        metadata: Default::default(),
        reverses: Some(EntryId::from_u128(1)),
        effective_date: None,
    });
    let part = |amount| {
        [
            ("sales:web", "EUR", Dr, amount),
            ("stripe:balance", "EUR", Cr, amount),
        ]
    };
    let rest = roll.entry(&[
        ("stripe:balance", "EUR", Dr, 380),
        ("sales:web", "EUR", Cr, 380),
    ]);
    let mut reversal = EntryReversed {
        id: EntryId::from_u128(2),
        entry: roll.entry(&part(120)),
        description: None,
        metadata: Default::default(),
        reverses: EntryId::from_u128(1),
        effective_date: Some("2026-08-31".parse().unwrap()),
        reverses_position: first,
        left: Some(rest),
    };
    let half = roll.push(reversal.clone());
    reversal.id = EntryId::from_u128(3);
    reversal.entry = roll.entry(&part(380));
    reversal.left = None;
    roll.push(reversal);
    let models = Models::of(&roll.numbered());
    let read = models.read();
    let entry = |number, as_of| {
        read.entry(EntryId::from_u128(number), as_of)
            .expect("an answer")
            .value
    };
    let found = entry(1, None).expect("posted");
    assert_eq!(found.description.as_deref(), Some("sale 1"));
    assert_eq!(found.metadata["till"], "7");
    let postings: Vec<_> = found
        .postings
        .iter()
        .map(|posting| {
            (
                posting.account.as_str(),
                posting.side.as_str(),
                posting.amount,
            )
        })
        .collect();
    assert_eq!(
        postings,
        [
            ("stripe:balance", "debit", 500),
            ("sales:web", "credit", 500)
        ]
    );
    let reversals = |as_of| {
        let entry = entry(1, as_of).expect("posted");
        let by = entry.reversed_by.iter();
        let by: Vec<_> = by
            .map(|one| (one.id.as_u128(), one.postings[0].amount))
            .collect();
        (entry.reversal, by)
    };
    let cases = [
        (Some(first), ReversalState::None, vec![]),
        (Some(remark), ReversalState::None, vec![]),
        (Some(half), ReversalState::Part, vec![(2, 120)]),
        (None, ReversalState::Whole, vec![(2, 120), (3, 380)]),
    ];
    for (as_of, state, by) in cases {
        assert_eq!(reversals(as_of), (state, by), "{as_of:?}");
    }
    assert_eq!(
        entry(9, None).expect("posted").reverses,
        Some(EntryId::from_u128(1)),
        "what was said is shown as it was said"
    );
    assert_eq!(
        entry(2, None).expect("posted").reverses,
        Some(EntryId::from_u128(1))
    );
    let day = |number| {
        let day = entry(number, None).expect("posted").effective_date;
        day.map(|day| day.to_string())
    };
    assert_eq!(day(2).as_deref(), Some("2026-08-31"));
    assert_eq!(day(1), None);
    assert_eq!(entry(2, Some(first)), None);
    assert_eq!(entry(4, None), None);
}
