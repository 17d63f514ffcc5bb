//! Commands that no sane client would send.

use proptest::prelude::*;
use tillroll_book::{
    Action, CaptureHold, CapturePart, Fact, LineRequest, OpenAccount, PlaceHold, PlaceOrder,
    PostEntries, PostEntry, PostingRequest, SellerRequest, TaxRequest,
};
use tillroll_events::{DisputeStatus, IntentStatus, PayoutStatus, RefundStatus};
use tillroll_events::{EntryId, HoldId, Timestamp};
use tillroll_ledger::{AccountType, Limit, Side};
use tillroll_money::{MAX_MINOR, Rate};

use super::{
    application_fee, balance_transaction, charge, dispute, id, intent, observed, order_id, path,
    payout, placed, received, refund, transfer,
};

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
        (account(), unit(), any::<bool>(), amount()).prop_map(|(account, unit, debit, amount)| {
            PostingRequest {
                account,
                unit,
                side: if debit { Side::Debit } else { Side::Credit },
                amount,
            }
        })
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
        effective_date: None,
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
        (name(), name(), amount(), amount()).prop_map(move |(name, to, amount, back)| transfer(
            &text("tr", name),
            to,
            amount,
            back
        )),
        (name(), amount()).prop_map(move |(name, amount)| payout(
            &text("po", name),
            amount,
            PayoutStatus::Paid
        )),
        (name(), name(), amount()).prop_map(move |(name, of, amount)| application_fee(
            &text("fee", name),
            &text("ch", of),
            amount,
            &[("fr_1", amount)]
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
            .prop_map(
                |(path, unit, kind, limit)| Action::OpenAccount(OpenAccount {
                    path,
                    unit,
                    kind,
                    limit
                })
            ),
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
        (name(), amount()).prop_map(|(location, quantity)| received(location, "TEE-M", quantity)),
        order().prop_map(Action::PlaceOrder),
        (0..4_u128).prop_map(|number| Action::FulfilOrder(order_id(number))),
        (0..4_u128).prop_map(|number| Action::CancelOrder(order_id(number))),
        fact().prop_map(observed),
        fact().prop_map(observed),
        fact().prop_map(observed),
    ]
}
