//! A shop's story: stock, orders with sellers, and what the processor says about their money,
//! late, twice and out of order. Most commands have several events.

use tillroll_book::{
    Action, Command, CommandKey, EntryBatch, Fact, LineRequest, Observe, PlaceOrder, PostEntries,
    ReceiveStock, SellerRequest, StockRequest, TaxRequest,
};
use tillroll_events::{
    ApplicationFeeFacts, ApplicationFeeRefund, BalanceTransactionFacts, Caller, ChargeFacts,
    DisputeFacts, DisputeStatus, IntentFacts, IntentStatus, KeyScope, Metadata,
    NotificationReceived, OrderId, PayoutFacts, PayoutStatus, RefundFacts, RefundStatus,
    TransferFacts,
};
use tillroll_log::testing::Random;
use tillroll_money::Rate;

use super::{at, fund, opening};

const PRICE: u64 = 1_999;

fn keyed(number: usize, action: Action) -> Command {
    Command {
        at: at(i64::try_from(number).expect("few commands")),
        occurred_at: None,
        caller: Caller::ANONYMOUS,
        key: Some(CommandKey {
            scope: KeyScope::Shared,
            key: format!("step-{number}"),
            fingerprint: [7; 16],
        }),
        action,
    }
}

fn order_id(order: usize) -> OrderId {
    OrderId::from_u128(order as u128)
}

fn rate(ppm: u32) -> Rate {
    Rate::from_ppm(ppm).expect("a rate")
}

fn place(order: usize, quantity: u64) -> Action {
    let article = LineRequest {
        sku: Some("TEE-M".into()),
        description: None,
        quantity,
        unit_price: PRICE,
        tax: Some(TaxRequest {
            rate: rate(200_000),
            included: true,
        }),
        seller: None,
    };
    let service = LineRequest {
        sku: None,
        description: Some("engraving".into()),
        quantity: 1,
        unit_price: 500,
        tax: None,
        seller: Some(SellerRequest {
            account: format!("acct_{}", order % 3).parse().expect("an id"),
            commission: rate(120_000),
        }),
    };
    Action::PlaceOrder(PlaceOrder {
        id: order_id(order),
        channel: ["web", "app", "pos"][order % 3].into(),
        location: Some("store".into()),
        currency: "EUR".parse().expect("a currency"),
        lines: vec![article, service],
        metadata: Metadata::new(),
        offline: order.is_multiple_of(5),
    })
}

fn receive(quantity: u64) -> Action {
    Action::ReceiveStock(ReceiveStock {
        location: "store".into(),
        lines: vec![StockRequest {
            sku: "TEE-M".into(),
            quantity,
        }],
        reference: None,
    })
}

fn said(number: usize, fact: Fact) -> Action {
    Action::Observe(Observe {
        notification: NotificationReceived {
            id: format!("evt_{number}").parse().expect("an id"),
            kind: "test".into(),
            account: None,
            api_version: None,
            created: Some(at(0)),
            livemode: false,
            unrecognised: None,
            detail: None,
            body: None,
        },
        facts: vec![fact],
    })
}

fn charge(order: usize, amount: u64, captured: u64, refunded: u64) -> Fact {
    Fact::Charge(ChargeFacts {
        id: format!("ch_{order}").parse().expect("an id"),
        intent: None,
        order: Some(order_id(order)),
        currency: "EUR".parse().expect("a currency"),
        amount,
        authorised: true,
        captured,
        refunded,
        failed: false,
        expired: false,
        failure_code: None,
    })
}

fn refund(order: usize, amount: u64, status: RefundStatus) -> Fact {
    Fact::Refund(RefundFacts {
        id: format!("re_{order}").parse().expect("an id"),
        charge: format!("ch_{order}").parse().ok(),
        intent: None,
        currency: "EUR".parse().expect("a currency"),
        amount,
        status,
    })
}

fn dispute(order: usize, amount: u64, status: DisputeStatus) -> Fact {
    Fact::Dispute(DisputeFacts {
        id: format!("dp_{order}").parse().expect("an id"),
        charge: format!("ch_{order}").parse().ok(),
        intent: None,
        currency: "EUR".parse().expect("a currency"),
        amount,
        status,
        reason: None,
    })
}

fn transfer(order: usize, amount: u64, reversed: u64) -> Fact {
    Fact::Transfer(TransferFacts {
        id: format!("tr_{order}").parse().expect("an id"),
        seller: format!("acct_{}", order % 3).parse().expect("an id"),
        currency: "EUR".parse().expect("a currency"),
        amount,
        reversed,
        source_charge: None,
        group: None,
    })
}

fn balance_transaction(id: String, category: &str, source: String, amount: i64) -> Action {
    let fee = 30;
    Action::RecordBalanceTransactions(vec![BalanceTransactionFacts {
        id: id.parse().expect("an id"),
        account: None,
        kind: category.into(),
        category: category.into(),
        currency: "EUR".parse().expect("a currency"),
        amount,
        fee,
        net: amount - fee,
        source: source.parse().ok(),
        fees: Vec::new(),
        created: None,
        available_on: None,
    }])
}

fn bulk(number: usize, entries: usize) -> Action {
    let entries = (0..entries).map(|entry| {
        let id = (number * 100 + entry) as u128;
        let wallet = if entry == 1 { "nobody" } else { "wallet:0" };
        match fund(id, wallet, 3).action {
            Action::PostEntry(entry) => entry,
            _ => unreachable!("funding posts an entry"),
        }
    });
    Action::PostEntries(PostEntries {
        entries: entries.collect::<EntryBatch>(),
        all_or_nothing: false,
    })
}

/// `steps` commands about a handful of orders. Any of them may be refused.
pub fn shop(seed: u64, steps: usize) -> Vec<Command> {
    let mut random = Random::new(seed);
    let mut story = opening(1);
    for number in 0..steps {
        let order = random.below(12) + 1;
        let quantity = random.below(3) as u64 + 1;
        let total = quantity * PRICE + 500;
        let part = random.below(usize::try_from(total).expect("small")) as u64;
        let signed = i64::try_from(total).expect("small");
        let action = match random.below(16) {
            0 => receive(quantity * 3),
            1..=3 => place(order, quantity),
            4 => Action::FulfilOrder(order_id(order)),
            5 => Action::CancelOrder(order_id(order)),
            6 | 7 => said(number, charge(order, total, total, 0)),
            8 => said(number, charge(order, total, part, part / 2)),
            9 => {
                let status = [
                    RefundStatus::Pending,
                    RefundStatus::Succeeded,
                    RefundStatus::Failed,
                ];
                said(number, refund(order, part.max(1), status[random.below(3)]))
            }
            10 => {
                let status = [
                    DisputeStatus::NeedsResponse,
                    DisputeStatus::Won,
                    DisputeStatus::Lost,
                ];
                said(number, dispute(order, total, status[random.below(3)]))
            }
            11 => said(number, transfer(order, 440, [0, 40, 440][random.below(3)])),
            12 => {
                let (id, source) = (format!("txn_c{order}"), format!("ch_{order}"));
                balance_transaction(id, "charge", source, signed)
            }
            13 => {
                let (id, source) = (format!("txn_r{order}"), format!("re_{order}"));
                balance_transaction(id, "refund", source, -signed)
            }
            14 => bulk(number, random.below(4) + 1),
            _ => {
                story.push(story[random.below(story.len())].clone());
                continue;
            }
        };
        story.push(keyed(number, action));
    }
    story
}

/// What the processor says through intents, and about payouts: the rest of the tables that a
/// book has. An order number may be one of [`shop`].
pub fn through_intents(seed: u64, steps: usize) -> Vec<Command> {
    let mut random = Random::new(seed);
    let fact = |number: usize, random: &mut Random| {
        let order = random.below(8) + 1;
        let id = |prefix: &str| format!("{prefix}_{order}").parse().expect("an id");
        let (currency, amount) = ("EUR".parse().expect("a currency"), 2_499);
        let fact = match random.below(7) {
            0 | 1 => Fact::Intent(IntentFacts {
                id: id("pi"),
                order: random.coin().then(|| order_id(order)),
                currency,
                amount,
                capturable: 0,
                received: amount,
                status: [IntentStatus::Open, IntentStatus::Succeeded][random.below(2)],
            }),
            2 => Fact::Charge(ChargeFacts {
                id: id("py"),
                intent: Some(id("pi")),
                order: random.coin().then(|| order_id(order)),
                currency,
                amount,
                authorised: true,
                captured: amount,
                refunded: 0,
                failed: false,
                expired: false,
                failure_code: random.coin().then(|| "declined".into()),
            }),
            3 => Fact::Refund(RefundFacts {
                id: id("pyr"),
                charge: random.coin().then(|| id("py")),
                intent: Some(id("pi")),
                currency,
                amount: 99,
                status: RefundStatus::Succeeded,
            }),
            4 => Fact::Dispute(DisputeFacts {
                id: id("du"),
                charge: None,
                intent: Some(id("pi")),
                currency,
                amount: 100,
                status: [DisputeStatus::NeedsResponse, DisputeStatus::Lost][random.below(2)],
                reason: Some("fraudulent".into()),
            }),
            5 => Fact::ApplicationFee(ApplicationFeeFacts {
                id: id("fee"),
                account: Some(id("acct")),
                charge: Some(id("py")),
                originating_transaction: None,
                currency,
                amount: 50,
                refunded: 20,
                balance_transaction: random.coin().then(|| id("txn_fee")),
                refunds: [(
                    id("fr"),
                    ApplicationFeeRefund {
                        amount: 20,
                        balance_transaction: random.coin().then(|| id("txn_fr")),
                    },
                )]
                .into(),
            }),
            _ => Fact::Payout(PayoutFacts {
                id: id("po"),
                account: None,
                currency,
                amount: 500,
                status: [PayoutStatus::Paid, PayoutStatus::Failed][random.below(2)],
                arrival: random.coin().then(|| at(86_400)),
            }),
        };
        keyed(number, said(number, fact))
    };
    (100_000..100_000 + steps)
        .map(|number| fact(number, &mut random))
        .collect()
}
