//! Facts converge: any order, any repetition, one digest. And deciding never panics.

mod roll;

use proptest::prelude::*;
use roll::*;
use tillroll_book::{Action, Fact};
use tillroll_events::{
    BalanceTransactionFacts, ChargeFacts, DisputeStatus, IntentStatus, PayoutStatus, RefundStatus,
};

/// What a story's messages say: processor facts, and what the merchant does in between.
#[derive(Clone, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "a test's script, a few dozen steps long"
)]
enum Step {
    Fact(Fact),
    Place(u128),
    Fulfil(u128),
}

fn lines(order: u128) -> Vec<tillroll_book::LineRequest> {
    match order {
        1 => vec![sellers_line("acct_a", 1, 12000), line(None, 3, 333)],
        2 => vec![
            sellers_line("acct_a", 2, 2500),
            sellers_line("acct_b", 1, 7000),
        ],
        _ => vec![line(None, 1, 5000)],
    }
}

fn of_charge(change: impl Fn(&mut ChargeFacts), facts: ChargeFacts) -> Step {
    let mut facts = facts;
    change(&mut facts);
    Step::Fact(Fact::Charge(facts))
}

fn row(name: &str, category: &str, source: &str, amount: i64, fee: i64) -> Step {
    Step::Fact(Fact::BalanceTransaction(balance_transaction(
        name, category, source, amount, fee,
    )))
}

fn in_pounds(step: Step) -> Step {
    match step {
        Step::Fact(Fact::BalanceTransaction(facts)) => {
            let currency = "GBP".parse().unwrap();
            Step::Fact(Fact::BalanceTransaction(BalanceTransactionFacts {
                currency,
                ..facts
            }))
        }
        step => step,
    }
}

/// Three whole life cycles: declined, retried, paid, partly refunded; authorised, captured in
/// part and disputed; paid twice. With transfers, a payout that fails after it was paid, and
/// settlement in another currency.
fn life_cycles() -> Vec<Step> {
    use Step::Fact as F;
    let first = || charge("ch_1", "pi_1", Some(1), 12999, 12999);
    let second = || charge("ch_2", "pi_2", None, 12000, 0);
    vec![
        Step::Place(1),
        Step::Fulfil(1),
        F(intent("pi_1", 1, 12999, 0, IntentStatus::Open)),
        of_charge(
            |facts| (facts.authorised, facts.failed, facts.captured) = (false, true, 0),
            charge("ch_0", "pi_1", Some(1), 12999, 0),
        ),
        F(intent("pi_1", 1, 12999, 12999, IntentStatus::Succeeded)),
        of_charge(|_| {}, first()),
        row("txn_1", "charge", "ch_1", 12999, 400),
        of_charge(|facts| facts.refunded = 1000, first()),
        of_charge(|facts| facts.refunded = 4000, first()),
        F(refund("re_1", "ch_1", 1000, RefundStatus::Pending)),
        F(refund("re_1", "ch_1", 1000, RefundStatus::Succeeded)),
        F(refund("re_2", "ch_1", 3000, RefundStatus::Pending)),
        F(refund("re_2", "ch_1", 3000, RefundStatus::Failed)),
        row("txn_2", "refund", "re_1", -1000, 0),
        row("txn_3", "refund", "re_2", -3000, 0),
        row("txn_4", "refund_failure", "re_2", 3000, 0),
        Step::Place(2),
        Step::Fulfil(2),
        F(intent("pi_2", 2, 12000, 0, IntentStatus::RequiresCapture)),
        of_charge(|_| {}, second()),
        of_charge(|facts| facts.captured = 9000, second()),
        F(intent("pi_2", 2, 12000, 9000, IntentStatus::Succeeded)),
        in_pounds(row("txn_5", "charge", "ch_2", 7700, 200)),
        F(dispute("dp_1", "ch_2", 9000, DisputeStatus::NeedsResponse)),
        in_pounds(row("txn_6", "dispute", "dp_1", -7700, 1500)),
        F(dispute("dp_1", "ch_2", 9000, DisputeStatus::Lost)),
        F(transfer("tr_1", "acct_a", 8000, 0)),
        F(transfer("tr_1", "acct_a", 8000, 3000)),
        row("txn_7", "transfer", "tr_1", -8000, 0),
        row("txn_8", "transfer_reversal", "tr_1", 3000, 0),
        Step::Place(3),
        of_charge(|_| {}, charge("ch_3", "pi_3", Some(3), 5000, 5000)),
        of_charge(|_| {}, charge("ch_4", "pi_4", Some(3), 5000, 5000)),
        F(refund("re_3", "ch_4", 5000, RefundStatus::Succeeded)),
        row("txn_9", "charge", "ch_3", 5000, 170),
        row("txn_10", "charge", "ch_4", 5000, 170),
        row("txn_11", "refund", "re_3", -5000, 0),
        F(payout("po_1", 3000, PayoutStatus::Pending)),
        F(payout("po_1", 3000, PayoutStatus::Paid)),
        F(payout("po_1", 3000, PayoutStatus::Failed)),
        row("txn_12", "payout", "po_1", -3000, 0),
        row("txn_13", "payout_reversal", "po_1", 3000, 0),
        row("txn_14", "mystery", "xx_1", 55, 5),
    ]
}

/// Orders are fulfilled after they are placed; nothing else is in order.
fn tell(steps: &[Step]) -> Roll {
    let mut roll = Roll::new();
    let mut early = Vec::new();
    for step in steps {
        match step {
            Step::Fact(fact) => {
                roll.observe(fact.clone());
            }
            Step::Place(order) => {
                if roll
                    .try_do(Action::PlaceOrder(placed(*order, lines(*order))))
                    .is_ok()
                    && early.contains(order)
                {
                    roll.done(Action::FulfilOrder(order_id(*order)));
                }
            }
            Step::Fulfil(order) => {
                if roll.try_do(Action::FulfilOrder(order_id(*order))).is_err() {
                    early.push(*order);
                }
            }
        }
    }
    roll
}

#[test]
fn the_story_in_order_settles_every_clearing_account() {
    let roll = tell(&life_cycles());
    assert_eq!(roll.listing("clearing:"), "");
    let open: Vec<_> = roll
        .listing("order:")
        .lines()
        .filter(|line| line.contains(":clearing") || line.contains(":refunds"))
        .map(String::from)
        .collect();
    assert!(open.is_empty(), "{open:?}");
    assert_eq!(roll.book().digest(), roll.replayed().digest());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn webhooks_converge(
        order in Just((0..life_cycles().len()).collect::<Vec<_>>()).prop_shuffle(),
        again in prop::collection::vec((0..life_cycles().len(), 0..life_cycles().len()), 0..30),
    ) {
        let steps = life_cycles();
        let mut told: Vec<Step> = order.iter().map(|&index| steps[index].clone()).collect();
        for (what, at) in again {
            told.insert(at, steps[what].clone());
        }
        let roll = tell(&told);
        prop_assert_eq!(roll.book().digest(), tell(&steps).book().digest());
        prop_assert_eq!(roll.book().digest(), roll.replayed().digest());
    }
}

mod arbitrary {
    //! Commands that nobody sane would send.

    use super::*;
    use tillroll_book::{
        CaptureHold, CapturePart, LineRequest, OpenAccount, PlaceHold, PlaceOrder, PostEntries,
        PostEntry, PostingRequest, SellerRequest, TaxRequest,
    };
    use tillroll_events::{EntryId, HoldId, Timestamp};
    use tillroll_ledger::{AccountType, Limit, Side};
    use tillroll_money::{MAX_MINOR, Rate};

    fn amount() -> impl Strategy<Value = u64> {
        prop_oneof![
            0..4_u64,
            0..100_000_u64,
            Just(MAX_MINOR),
            Just(MAX_MINOR + 1),
            any::<u64>()
        ]
    }

    fn signed() -> impl Strategy<Value = i64> {
        prop_oneof![-9..9_i64, any::<i64>()]
    }

    fn name() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec!["a", "b", "c"])
    }

    fn unit() -> impl Strategy<Value = tillroll_money::Unit> {
        prop::sample::select(vec!["EUR", "JPY", "sku:TEE-M", "points"])
            .prop_map(|code| code.parse().unwrap())
    }

    fn account() -> impl Strategy<Value = tillroll_ledger::AccountPath> {
        prop::sample::select(vec![
            "cash",
            "stripe:balance",
            "customer:c:points",
            "points:issued",
            "bank:account",
            "stock:a:available",
            "order:x:due",
            "seller:a:available",
            "suspense:overpaid",
        ])
        .prop_map(path)
    }

    fn postings() -> impl Strategy<Value = Vec<PostingRequest>> {
        let posting = || {
            (account(), unit(), any::<bool>(), amount()).prop_map(
                |(account, unit, debit, amount)| PostingRequest {
                    account,
                    unit,
                    side: if debit { Side::Debit } else { Side::Credit },
                    amount,
                },
            )
        };
        let free = prop::collection::vec(posting(), 0..5);
        let balanced = (posting(), account()).prop_map(|(posting, to)| {
            let other = PostingRequest {
                account: to,
                side: posting.side.opposite(),
                ..posting.clone()
            };
            vec![posting, other]
        });
        prop_oneof![free, balanced]
    }

    fn entry() -> impl Strategy<Value = PostEntry> {
        (0..9_u128, postings()).prop_map(|(id, postings)| PostEntry {
            id: EntryId::from_u128(id),
            postings,
            description: None,
            metadata: Default::default(),
            reverses: None,
        })
    }

    fn order() -> impl Strategy<Value = PlaceOrder> {
        let rate = || (0..=10_000_000_u32).prop_map(|ppm| Rate::from_ppm(ppm).unwrap());
        let line = (
            prop::option::of(prop::sample::select(vec!["TEE-M", "CAP", "", "a b"])),
            prop_oneof![0..3_u64, amount()],
            amount(),
            prop::option::of((rate(), any::<bool>())),
            prop::option::of((name(), rate())),
        )
            .prop_map(|(sku, quantity, unit_price, tax, seller)| LineRequest {
                sku: sku.map(Into::into),
                description: None,
                quantity,
                unit_price,
                tax: tax.map(|(rate, included)| TaxRequest { rate, included }),
                seller: seller.map(|(name, commission)| SellerRequest {
                    account: id(name),
                    commission,
                }),
            });
        let place = prop::option::of(prop::sample::select(vec!["a", "warehouse", "", "x:y"]));
        (
            0..4_u128,
            place,
            unit(),
            prop::collection::vec(line, 0..4),
            any::<bool>(),
        )
            .prop_map(|(order, location, currency, lines, offline)| PlaceOrder {
                location: location.map(Into::into),
                currency,
                offline,
                ..placed(order, lines)
            })
    }

    fn fact() -> impl Strategy<Value = Fact> {
        let status = prop::sample::select(vec![
            IntentStatus::Open,
            IntentStatus::Processing,
            IntentStatus::RequiresCapture,
            IntentStatus::Cancelled,
            IntentStatus::Succeeded,
        ]);
        let category = prop::sample::select(vec![
            "charge",
            "refund",
            "dispute",
            "payout",
            "transfer",
            "refund_failure",
            "other",
        ]);
        let text = |prefix: &'static str, name: &str| format!("{prefix}_{name}");
        prop_oneof![
            (name(), 0..4_u128, amount(), amount(), status).prop_map(
                move |(name, order, amount, received, status)| intent(
                    &text("pi", name),
                    order,
                    amount,
                    received,
                    status
                )
            ),
            (
                name(),
                name(),
                prop::option::of(0..4_u128),
                amount(),
                amount(),
                amount(),
                any::<[bool; 3]>()
            )
                .prop_map(
                    move |(name, of, order, amount, captured, refunded, flags)| {
                        let mut facts =
                            charge(&text("ch", name), &text("pi", of), order, amount, captured);
                        facts.refunded = refunded;
                        [facts.authorised, facts.failed, facts.expired] = flags;
                        Fact::Charge(facts)
                    }
                ),
            (name(), name(), amount()).prop_map(move |(name, of, amount)| refund(
                &text("re", name),
                &text("ch", of),
                amount,
                RefundStatus::Succeeded
            )),
            (name(), name(), amount(), any::<bool>()).prop_map(move |(name, of, amount, lost)| {
                let end = if lost {
                    DisputeStatus::Lost
                } else {
                    DisputeStatus::NeedsResponse
                };
                dispute(&text("dp", name), &text("ch", of), amount, end)
            }),
            (name(), name(), amount(), amount()).prop_map(
                move |(name, to, amount, back)| transfer(&text("tr", name), to, amount, back)
            ),
            (name(), amount()).prop_map(move |(name, amount)| payout(
                &text("po", name),
                amount,
                PayoutStatus::Paid
            )),
            (name(), category, name(), signed(), -99..99_i64, unit()).prop_map(
                move |(name, category, of, amount, fee, unit)| {
                    let prefix = match category {
                        "charge" => "ch",
                        "dispute" => "dp",
                        _ => "re",
                    };
                    let amount = amount.clamp(i64::MIN / 2, i64::MAX / 2);
                    let mut facts = balance_transaction(
                        &text("txn", name),
                        category,
                        &text(prefix, of),
                        amount,
                        fee,
                    );
                    facts.currency = unit;
                    Fact::BalanceTransaction(facts)
                }
            ),
        ]
    }

    pub fn action() -> impl Strategy<Value = Action> {
        let hold = (0..5_u128, postings(), prop::option::of(0..90_000_000_i64)).prop_map(
            |(number, postings, expires)| {
                Action::PlaceHold(PlaceHold {
                    id: HoldId::from_u128(number),
                    postings,
                    expires_at: expires.map(Timestamp::from_micros),
                    description: None,
                    metadata: Default::default(),
                })
            },
        );
        let part = prop_oneof![
            Just(CapturePart::All),
            amount().prop_map(CapturePart::Amount),
            postings().prop_map(CapturePart::Postings),
        ];
        prop_oneof![
            (
                account(),
                unit(),
                prop::option::of(prop::sample::select(AccountType::ALL.to_vec())),
                prop::option::of(prop::sample::select(Limit::ALL.to_vec()))
            )
                .prop_map(|(path, unit, kind, limit)| Action::OpenAccount(
                    OpenAccount {
                        path,
                        unit,
                        kind,
                        limit
                    }
                )),
            entry().prop_map(Action::PostEntry),
            (prop::collection::vec(entry(), 0..6), any::<bool>()).prop_map(
                |(entries, all_or_nothing)| {
                    Action::PostEntries(PostEntries {
                        entries: entries.into_iter().collect(),
                        all_or_nothing,
                    })
                }
            ),
            hold,
            (0..5_u128, part).prop_map(|(number, part)| Action::CaptureHold(CaptureHold {
                id: HoldId::from_u128(number),
                part,
            })),
            (0..5_u128).prop_map(|number| Action::VoidHold(HoldId::from_u128(number))),
            Just(Action::ExpireHolds),
            (name(), amount())
                .prop_map(|(location, quantity)| received(location, "TEE-M", quantity)),
            order().prop_map(Action::PlaceOrder),
            (0..4_u128).prop_map(|number| Action::FulfilOrder(order_id(number))),
            (0..4_u128).prop_map(|number| Action::CancelOrder(order_id(number))),
            fact().prop_map(observed),
            fact().prop_map(observed),
            fact().prop_map(observed),
        ]
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn deciding_never_panics_and_every_unit_sums_to_zero_after_every_command(
        actions in prop::collection::vec(arbitrary::action(), 1..60),
    ) {
        let mut roll = Roll::new();
        for action in actions {
            let before = roll.book().digest();
            if let Err(refusal) = roll.try_do(action) {
                prop_assert_eq!(before, roll.book().digest(), "a refusal changed the book");
                let known = tillroll_book::Refusal::CODES.iter().any(|(code, _)| *code == refusal.code());
                prop_assert!(known, "{} is not documented", refusal.code());
            }
        }
        prop_assert_eq!(roll.book().digest(), roll.replayed().digest());
    }
}
