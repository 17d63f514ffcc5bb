//! Facts: the latest of each, in the order of first mention, as they were written.

use std::collections::BTreeMap;

use tillroll_events::{
    ApplicationFeeFacts, ApplicationFeeObserved, ApplicationFeeRefund, BalanceTransactionBooked,
    BalanceTransactionFacts, ChargeFacts, ChargeObserved, DisputeFacts, DisputeObserved,
    DisputeStatus, FeeDetail, IntentFacts, IntentObserved, IntentStatus, PayoutFacts,
    PayoutObserved, PayoutStatus, RefundFacts, RefundObserved, RefundStatus, Timestamp,
    TransferFacts, TransferObserved, Word as _,
};
use tillroll_projections::{FactRow, PositionPage};

use crate::harness::{Models, Roll, external, order_id, query, unit};

fn payout(id: &str, status: PayoutStatus) -> PayoutObserved {
    PayoutObserved {
        facts: PayoutFacts {
            id: external(id),
            account: None,
            currency: unit("EUR"),
            amount: 700,
            status,
            arrival: None,
        },
        entry: None,
    }
}

#[test]
fn facts_are_the_latest_and_listed_by_first_mention() {
    let mut roll = Roll::default();
    roll.push(payout("po_1", PayoutStatus::InTransit));
    roll.push(payout("po_2", PayoutStatus::Pending));
    roll.push(payout("po_1", PayoutStatus::Paid));
    let models = Models::of(&roll.numbered());
    let rows = models
        .read()
        .facts::<PayoutFacts>(&PositionPage::default())
        .expect("rows")
        .value;
    let expected = |id, status, position, last_position| FactRow {
        facts: payout(id, status).facts,
        order: None,
        position,
        last_position,
    };
    assert_eq!(
        rows.items,
        [
            expected("po_2", PayoutStatus::Pending, 2, 2),
            expected("po_1", PayoutStatus::Paid, 1, 3),
        ]
    );
}

/// Whatever a listed fact says, its row says, and every word of its status reads back.
#[test]
fn listed_facts_read_back_as_they_were_told() {
    let mut roll = Roll::default();
    let mut told = (Vec::new(), Vec::new());
    for (number, status) in (1..).zip(DisputeStatus::ALL) {
        let facts = DisputeFacts {
            id: external(&format!("dp_{number}")),
            charge: (number % 2 == 0).then(|| external("ch_1")),
            intent: Some(external("pi_1")),
            currency: unit("JPY"),
            amount: number,
            status: *status,
            reason: (number % 3 == 0).then(|| "fraudulent".into()),
        };
        let order = (number % 2 == 0).then(|| order_id(7));
        let entry = None;
        let position = roll.push_for(
            order,
            DisputeObserved {
                facts: facts.clone(),
                entry,
            },
        );
        told.0.push((facts, order, position));
    }
    for (number, status) in (1..).zip(PayoutStatus::ALL) {
        let facts = PayoutFacts {
            account: (number % 2 == 0).then(|| external("acct_1")),
            arrival: (number % 3 == 0).then(|| Timestamp::from_seconds(number)),
            ..payout(&format!("po_{number}"), *status).facts
        };
        let entry = None;
        let position = roll.push(PayoutObserved {
            facts: facts.clone(),
            entry,
        });
        told.1.push((facts, None, position));
    }
    let models = Models::of(&roll.numbered());
    let page = PositionPage::default();
    let read = models.read();
    let disputes = read.facts::<DisputeFacts>(&page).expect("rows").value;
    let payouts = read.facts::<PayoutFacts>(&page).expect("rows").value;
    let disputes = disputes.items.into_iter().rev();
    let disputes: Vec<_> = disputes
        .map(|row| (row.facts, row.order, row.position))
        .collect();
    let payouts = payouts.items.into_iter().rev();
    let payouts: Vec<_> = payouts
        .map(|row| (row.facts, row.order, row.position))
        .collect();
    assert_eq!((disputes, payouts), told);
}

#[test]
fn application_fees_are_listed_with_what_is_known_of_their_refunds() {
    let mut roll = Roll::default();
    let refund = |amount| ApplicationFeeRefund {
        amount,
        balance_transaction: None,
    };
    let mut facts = ApplicationFeeFacts {
        id: external("fee_1"),
        account: Some(external("acct_1")),
        charge: Some(external("ch_1")),
        originating_transaction: Some(external("tr_1")),
        currency: unit("EUR"),
        amount: 500,
        refunded: 0,
        balance_transaction: Some(external("txn_1")),
        refunds: BTreeMap::new(),
    };
    let told = |facts: &ApplicationFeeFacts| ApplicationFeeObserved {
        facts: facts.clone(),
    };
    roll.push(told(&facts));
    facts.refunded = 200;
    facts.refunds.insert(external("fr_1"), refund(200));
    roll.push(told(&facts));
    facts.refunded = 500;
    facts.refunds.insert(external("fr_2"), refund(300));
    roll.push_for(Some(order_id(3)), told(&facts));
    let models = Models::of(&roll.numbered());
    let read = models.read();
    let page = read.facts::<ApplicationFeeFacts>(&PositionPage::default());
    let expected = FactRow {
        facts,
        order: Some(order_id(3)),
        position: 1,
        last_position: 3,
    };
    assert_eq!(page.expect("rows").value.items, [expected]);
}

/// Every field is in the column of its name.
#[test]
fn every_field_has_its_column() {
    let mut roll = Roll::default();
    roll.push_for(
        Some(order_id(1)),
        IntentObserved {
            facts: IntentFacts {
                id: external("pi_1"),
                order: Some(order_id(1)),
                currency: unit("EUR"),
                amount: 11,
                capturable: 12,
                received: 13,
                status: IntentStatus::RequiresCapture,
            },
        },
    );
    roll.push(ChargeObserved {
        facts: ChargeFacts {
            id: external("ch_1"),
            intent: Some(external("pi_1")),
            order: None,
            currency: unit("EUR"),
            amount: 21,
            authorised: true,
            captured: 22,
            refunded: 23,
            failed: false,
            expired: true,
            failure_code: Some("declined".into()),
        },
    });
    roll.push(RefundObserved {
        facts: RefundFacts {
            id: external("re_1"),
            charge: None,
            intent: Some(external("pi_1")),
            currency: unit("EUR"),
            amount: 31,
            status: RefundStatus::Failed,
        },
    });
    roll.push(TransferObserved {
        facts: TransferFacts {
            id: external("tr_1"),
            seller: external("acct_1"),
            currency: unit("EUR"),
            amount: 41,
            reversed: 42,
            source_charge: Some(external("ch_1")),
            group: Some("group".into()),
        },
        entry: None,
    });
    roll.push(BalanceTransactionBooked {
        facts: BalanceTransactionFacts {
            id: external("txn_1"),
            account: Some(external("acct_1")),
            kind: "charge".into(),
            category: "charge".into(),
            currency: unit("EUR"),
            amount: -51,
            fee: -1,
            net: -50,
            source: Some(external("ch_1")),
            fees: vec![FeeDetail {
                kind: "tax".into(),
                amount: -1,
            }],
            created: Some(Timestamp::from_seconds(1)),
            available_on: None,
        },
        order: None,
        entry: None,
    });
    let models = Models::of(&roll.numbered());
    let order = order_id(1);
    for (sql, expected) in [
        (
            "SELECT currency, amount, capturable, received, status, order_id FROM intents",
            format!("EUR | 11 | 12 | 13 | requires_capture | {order}"),
        ),
        (
            "SELECT intent, amount, authorised, captured, refunded, failed, expired, failure_code,
             order_id, first_position, last_position FROM charges",
            "pi_1 | 21 | 1 | 22 | 23 | 0 | 1 | declined | - | 2 | 2".into(),
        ),
        (
            "SELECT charge, intent, amount, status FROM refunds",
            "- | pi_1 | 31 | failed".into(),
        ),
        (
            "SELECT seller, amount, reversed, source_charge, transfer_group FROM transfers",
            "acct_1 | 41 | 42 | ch_1 | group".into(),
        ),
        (
            "SELECT account, kind, category, amount, fee, net, source, fees, created, available_on
             FROM balance_transactions",
            "acct_1 | charge | charge | -51 | -1 | -50 | ch_1 | \
             [{\"kind\":\"tax\",\"amount\":-1}] | 1000000 | -"
                .into(),
        ),
    ] {
        assert_eq!(query(&models.path(), sql), [expected], "{sql}");
    }
}
