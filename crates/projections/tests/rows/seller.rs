//! Sellers: what is pending, available, owed, paid and reversed.

use tillroll_events::{OrderBooked, OrderStatus, SplitRole, TransferFacts, TransferObserved};

use super::{order::place, posted};
use crate::harness::{Cr, Dr, Models, Roll, external, order_id, split, standing, unit};

fn transfer(id: &str, seller: &str, amount: u64, reversed: u64) -> TransferObserved {
    TransferObserved {
        facts: TransferFacts {
            id: external(id),
            seller: external(seller),
            currency: unit("EUR"),
            amount,
            reversed,
            source_charge: None,
            group: None,
        },
        entry: None,
    }
}

#[test]
fn sellers_see_what_is_pending_available_owed_paid_and_reversed() {
    let mut roll = Roll::default();
    place(&mut roll, 1, "web", 400);
    posted(
        &mut roll,
        1,
        &[
            ("stripe:balance", "EUR", Dr, 900),
            ("seller:acct_1:pending", "EUR", Cr, 300),
            ("seller:acct_1:available", "EUR", Cr, 600),
        ],
    );
    roll.push(transfer("tr_1", "acct_1", 500, 0));
    roll.push(transfer("tr_2", "acct_2", 70, 0));
    roll.push(transfer("tr_1", "acct_1", 500, 120));
    let before = roll.head();
    let mut refunded = standing(OrderStatus::Refunded, 400, 400);
    refunded.splits = vec![
        split(SplitRole::Sales, None, 100, 100, 100),
        split(SplitRole::Seller, Some("acct_1"), 300, 300, 250),
    ];
    roll.push(OrderBooked {
        order: order_id(1),
        standing: refunded,
        entry: None,
    });
    posted(
        &mut roll,
        2,
        &[
            ("seller:acct_2:receivable", "EUR", Dr, 40),
            ("stripe:balance", "EUR", Cr, 40),
        ],
    );
    let models = Models::of(&roll.numbered());
    let rows = |as_of| -> Vec<String> {
        let rows = models.read().splits(as_of).expect("rows").value;
        rows.iter()
            .map(|row| {
                format!(
                    "{} {}: {} {} {} {} {}",
                    row.seller,
                    row.unit,
                    row.pending,
                    row.available,
                    row.owed,
                    row.paid,
                    row.reversed
                )
            })
            .collect()
    };
    //  seller unit: pending available owed paid reversed
    assert_eq!(
        rows(Some(before)),
        ["acct_1 EUR: 300 600 0 380 0", "acct_2 EUR: 0 0 0 70 0"]
    );
    assert_eq!(
        rows(None),
        ["acct_1 EUR: 300 600 0 380 250", "acct_2 EUR: 0 0 40 70 0"]
    );
}
