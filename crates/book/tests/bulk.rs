//! Bulk entries by the quick way and by the plain one: the same answers, the same books.

use proptest::prelude::*;
use tillroll_book::{
    Action, Book, Chart, Command, CommandKey, Decision, EntryBatch, OpenAccount, PlaceHold,
    PostEntries, PostEntry, PostingRequest, Refusal, Words,
};
use tillroll_events::{Caller, EntryId, EventId, HoldId, KeyScope, Timestamp};
use tillroll_ledger::{Account, AccountType, Limit, PathRef, Side};
use tillroll_money::MAX_MINOR;

const ACCOUNTS: [(&str, &str, Limit); 6] = [
    ("bank", "EUR", Limit::None),
    ("wallet:a", "EUR", Limit::DebitsMustNotExceedCredits),
    ("wallet:b", "EUR", Limit::DebitsMustNotExceedCredits),
    ("shelf", "EUR", Limit::CreditsMustNotExceedDebits),
    ("wallet:a", "points", Limit::DebitsMustNotExceedCredits),
    ("issued", "points", Limit::None),
];

fn command(action: Action) -> Command {
    Command {
        at: Timestamp::from_seconds(1_790_000_000),
        occurred_at: None,
        caller: Caller::ANONYMOUS,
        key: None,
        action,
    }
}

/// A book and the position that it has reached.
struct Roll {
    book: Book,
    position: u64,
    quick: bool,
}

impl Roll {
    fn opened(quick: bool) -> Self {
        let mut roll = Self {
            book: Book::new(Chart::default()),
            position: 0,
            quick,
        };
        for (path, unit, limit) in ACCOUNTS {
            let open = Action::OpenAccount(OpenAccount {
                path: path.parse().unwrap(),
                unit: unit.parse().unwrap(),
                kind: Some(AccountType::Asset),
                limit: Some(limit),
            });
            roll.apply(&command(open)).unwrap();
        }
        roll
    }

    fn apply(&mut self, command: &Command) -> Result<Decision, tillroll_book::Refusal> {
        let quick = match &command.action {
            Action::PostEntries(request) if self.quick => Some(request),
            _ => None,
        };
        let decision = match quick {
            Some(request) => self.book.post_bulk(command, request)?,
            None => self.book.decide(command)?,
        };
        let Decision::Append(decided) = &decision else {
            return Ok(decision);
        };
        let mut bytes = 0;
        let id = |position| EventId::from_u128(u128::from(position));
        for (position, record) in command.records(self.position + 1, decided.clone(), id) {
            let mut buffer = Vec::new();
            record.encode(&mut buffer);
            bytes += buffer.len();
            match quick {
                Some(_) => self.book.evolve_posted(position, &record),
                None => self.book.evolve(position, &record),
            }
            self.position = position;
        }
        if let Action::PostEntries(request) = &command.action {
            assert!(bytes <= Book::bulk_bytes_at_most(request), "{bytes} bytes");
        }
        Ok(decision)
    }

    /// Everything that can be told of the ledger.
    fn state(&self) -> Vec<String> {
        let ledger = self.book.ledger();
        let accounts = ledger.accounts();
        let row = |account: &Account| format!("{account:?} {:?}", ledger.totals(account.id));
        let mut lines: Vec<String> = accounts.map(|(account, _)| row(account)).collect();
        let ids = ledger.ascending_entry_ids();
        let mut ids: Vec<_> = ids.chain(ledger.scattered_entry_ids()).collect();
        ids.sort_unstable();
        lines.push(format!("{ids:?}"));
        lines
    }
}

fn leg() -> impl Strategy<Value = PostingRequest> {
    let side = prop_oneof![Just(Side::Debit), Just(Side::Credit)];
    let amount = prop_oneof![
        10 => 1..40_u64,
        1 => Just(0),
        1 => Just(MAX_MINOR),
        1 => Just(MAX_MINOR + 1),
    ];
    (0..8_usize, side, amount).prop_map(|(account, side, amount)| {
        let nowhere = ("wallet:nobody", "KWD", Limit::None);
        let (path, unit, _) = ACCOUNTS.get(account).copied().unwrap_or(nowhere);
        PostingRequest {
            account: path.parse().unwrap(),
            unit: unit.parse().unwrap(),
            side,
            amount,
        }
    })
}

/// Mostly moves that balance, in one unit or two.
fn postings() -> impl Strategy<Value = Vec<PostingRequest>> {
    // Sums of the largest pass 64 bits, and entries that fall together are taken back from there.
    let amount = prop_oneof![
        8 => 1..60_u64,
        1 => Just(MAX_MINOR),
        1 => Just(MAX_MINOR / 2 + 1),
    ];
    let transfer = (0..4_usize, 0..4_usize, amount).prop_map(|(from, to, amount)| {
        [(from, Side::Debit), (to, Side::Credit)]
            .map(|(account, side)| PostingRequest {
                account: ACCOUNTS[account].0.parse().unwrap(),
                unit: "EUR".parse().unwrap(),
                side,
                amount,
            })
            .to_vec()
    });
    let points = (1..60_u64, any::<bool>()).prop_map(|(amount, earn)| {
        let sides = if earn {
            [Side::Credit, Side::Debit]
        } else {
            [Side::Debit, Side::Credit]
        };
        [("wallet:a", sides[0]), ("issued", sides[1])]
            .map(|(path, side)| PostingRequest {
                account: path.parse().unwrap(),
                unit: "points".parse().unwrap(),
                side,
                amount,
            })
            .to_vec()
    });
    prop_oneof![
        6 => transfer.clone(),
        2 => points.clone(),
        1 => (transfer, points).prop_map(|(a, b)| [a, b].concat()),
        1 => prop::collection::vec(leg(), 0..5),
    ]
}

fn entry() -> impl Strategy<Value = PostEntry> {
    let description = prop::option::weighted(0.1, Just("in words".to_owned()));
    let metadata = prop_oneof![
        9 => Just(Default::default()),
        1 => Just([("till".to_owned(), "4".to_owned())].into()),
    ];
    let id = (0..60_u128).prop_map(|id| EntryId::from_u128(id.pow(12)));
    (id, postings(), description, metadata).prop_map(|(id, postings, description, metadata)| {
        PostEntry {
            id,
            postings,
            description,
            metadata,
            effective_date: None,
        }
    })
}

#[derive(Clone, Debug)]
enum Step {
    Bulk(Vec<PostEntry>, bool, u8),
    Single(PostEntry),
    Hold(u128, Vec<PostingRequest>),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (prop::collection::vec(entry(), 0..40), any::<bool>(), 0..12_u8)
            .prop_map(|(entries, all, key)| Step::Bulk(entries, all, key)),
        2 => entry().prop_map(Step::Single),
        1 => (0..9_u128, postings()).prop_map(|(id, postings)| Step::Hold(id, postings)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn bulk_entries_come_to_the_same_at_once_and_in_a_draft(
        steps in prop::collection::vec(step(), 1..12),
    ) {
        let (mut quick, mut plain) = (Roll::opened(true), Roll::opened(false));
        for step in steps {
            let command = match step {
                Step::Bulk(entries, all_or_nothing, key) => Command {
                    key: (key < 8).then(|| CommandKey {
                        scope: KeyScope::Shared,
                        key: format!("bulk-{}", key / 2),
                        fingerprint: [key; 16],
                    }),
                    ..command(Action::PostEntries(PostEntries {
                        entries: entries.into_iter().collect(),
                        all_or_nothing,
                    }))
                },
                Step::Single(entry) => command(Action::PostEntry(entry)),
                Step::Hold(id, postings) => command(Action::PlaceHold(PlaceHold {
                    id: HoldId::from_u128(id),
                    postings,
                    expires_at: None,
                    description: None,
                    metadata: Default::default(),
                })),
            };
            prop_assert_eq!(quick.apply(&command), plain.apply(&command));
            prop_assert_eq!(quick.state(), plain.state());
            prop_assert_eq!(quick.book.digest(), plain.book.digest());
        }
    }
}

#[test]
fn a_request_of_many_legs_is_split_into_events_that_readers_can_take() {
    let (mut quick, mut plain) = (Roll::opened(true), Roll::opened(false));
    let mut entries = EntryBatch::default();
    let path = |text| PathRef::parse(text).unwrap();
    for number in 0..1000 {
        entries.start(EntryId::from_u128(number));
        for _ in 0..60 {
            entries.leg(path("bank"), "EUR".parse().unwrap(), Side::Debit, 1);
            entries.leg(path("wallet:a"), "EUR".parse().unwrap(), Side::Credit, 1);
        }
    }
    entries.say(Words {
        description: Some("in words".into()),
        ..Words::default()
    });
    let command = command(Action::PostEntries(PostEntries {
        entries,
        all_or_nothing: true,
    }));
    let decided = quick.apply(&command);
    assert_eq!(decided, plain.apply(&command));
    assert_eq!(quick.state(), plain.state());
    let Ok(Decision::Append(decided)) = decided else {
        panic!("nothing is wrong with it");
    };
    let kinds: Vec<_> = decided.iter().map(|one| one.event.kind().name()).collect();
    assert_eq!(
        kinds,
        [
            "entries.posted",
            "entries.posted",
            "entry.posted",
            "bulk.closed"
        ],
        "1.9 MB of plain entries, one with words, and the end"
    );
}

/// The bounds of an account, one command after the other: how the entries are posted, from where
/// to where, how much, and what becomes of it. Both ways of posting give each answer.
#[test]
fn an_account_is_bounded_by_its_balance_and_not_by_what_has_passed_through_it() {
    const MAX: u64 = MAX_MINOR;
    type Transfers = &'static [(&'static str, &'static str, u64)];
    #[rustfmt::skip]
    let table: &[(Transfers, &str)] = &[
        // The largest amount, and back, again and again.
        (&[("bank", "wallet:a", MAX)],                                    "applied"),
        (&[("wallet:a", "bank", MAX)],                                    "applied"),
        (&[("bank", "wallet:a", MAX), ("wallet:a", "bank", MAX)],         "applied"),
        (&[("bank", "wallet:a", MAX), ("wallet:a", "wallet:b", MAX)],     "applied"),
        // The balance of the bank is the largest that there can be.
        (&[("bank", "wallet:a", 1)],                                      "balance_out_of_range"),
        (&[("wallet:b", "bank", 1), ("bank", "wallet:a", 2)],             "balance_out_of_range"),
        (&[("wallet:b", "bank", 1), ("bank", "wallet:a", 1)],             "applied"),
        (&[("wallet:a", "bank", 2)],                                      "would_exceed_limit"),
        (&[("wallet:a", "wallet:b", 1)],                                  "applied"),
        (&[("wallet:b", "bank", MAX)],                                    "applied"),
        // And on the other side.
        (&[("shelf", "bank", MAX)],                                       "applied"),
        (&[("shelf", "bank", 1)],                                         "balance_out_of_range"),
        (&[("bank", "shelf", MAX), ("wallet:a", "bank", 1)],              "would_exceed_limit"),
        (&[("bank", "shelf", MAX)],                                       "applied"),
    ];
    let (mut quick, mut plain) = (Roll::opened(true), Roll::opened(false));
    for (number, (transfers, expected)) in table.iter().enumerate() {
        let entries = transfers
            .iter()
            .enumerate()
            .map(|(index, (from, to, amount))| {
                let leg = |account: &str, side| PostingRequest {
                    account: account.parse().unwrap(),
                    unit: "EUR".parse().unwrap(),
                    side,
                    amount: *amount,
                };
                PostEntry {
                    id: EntryId::from_u128((number * 8 + index) as u128),
                    postings: vec![leg(from, Side::Debit), leg(to, Side::Credit)],
                    description: None,
                    metadata: Default::default(),
                    effective_date: None,
                }
            });
        let command = command(Action::PostEntries(PostEntries {
            entries: entries.collect(),
            all_or_nothing: true,
        }));
        let became = quick.apply(&command);
        assert_eq!(became, plain.apply(&command), "{transfers:?}");
        assert_eq!(quick.state(), plain.state(), "{transfers:?}");
        let became = match became {
            Ok(_) => "applied",
            Err(Refusal::InBulk { refusal, .. }) => refusal.code(),
            Err(refusal) => refusal.code(),
        };
        assert_eq!(became, *expected, "{transfers:?}");
    }
    let ledger = quick.book.ledger();
    let bank = ledger.lookup("bank", "EUR".parse().unwrap()).unwrap();
    let totals = ledger.totals(bank).unwrap();
    assert_eq!(totals.debits_posted, 4 * u128::from(MAX) + 1);
    assert_eq!(totals.credits_posted, 4 * u128::from(MAX) + 1);
}
