//! Stock: nothing but the balances of the accounts of articles.

use tillroll_events::{HoldId, HoldPlaced, StockLine, StockReceived};

use super::posted;
use crate::harness::{Cr, Dr, Models, Roll, query};

#[test]
fn stock_is_what_the_accounts_of_articles_say() {
    let mut roll = Roll::default();
    let tee = "sku:TEE-M";
    let entry = roll.entry(&[
        ("stock:paris:available", tee, Dr, 10),
        ("stock:suppliers", tee, Cr, 10),
    ]);
    let received = roll.push(StockReceived {
        location: "paris".into(),
        lines: vec![StockLine {
            sku: "TEE-M".into(),
            quantity: 10,
        }],
        reference: Some("note 4".into()),
        entry,
    });
    posted(
        &mut roll,
        1,
        &[
            ("stock:paris:reserved", tee, Dr, 3),
            ("stock:paris:available", tee, Cr, 3),
        ],
    );
    posted(
        &mut roll,
        2,
        &[
            ("stock:lyon:reserved", tee, Dr, 2),
            ("stock:lyon:shortage", tee, Cr, 2),
        ],
    );
    let entry = roll.entry(&[
        ("stock:paris:available", tee, Cr, 1),
        ("stock:paris:reserved", tee, Dr, 1),
    ]);
    roll.push(HoldPlaced {
        id: HoldId::from_u128(1),
        entry,
        expires_at: None,
        description: None,
        metadata: Default::default(),
    });
    // Not stock: money in an account of that name, and another shelf.
    posted(
        &mut roll,
        3,
        &[
            ("stock:paris:available", "EUR", Dr, 5),
            ("stock:paris:lost", "EUR", Cr, 5),
        ],
    );
    let models = Models::of(&roll.numbered());
    let rows = |as_of, location| -> Vec<String> {
        let rows = models.read().stock(as_of, location).expect("rows").value;
        rows.iter()
            .map(|row| {
                format!(
                    "{} | {} | {} | {} | {}",
                    row.location, row.sku, row.available, row.reserved, row.short
                )
            })
            .collect()
    };
    let now = ["lyon | TEE-M | 0 | 2 | 2", "paris | TEE-M | 6 | 3 | 0"];
    assert_eq!(rows(None, None), now);
    assert_eq!(rows(None, Some("paris")), now[1..]);
    assert_eq!(rows(Some(received), None), ["paris | TEE-M | 10 | 0 | 0"]);
    // The view says the same to SQL.
    assert_eq!(
        query(&models.path(), "SELECT * FROM stock ORDER BY location, sku"),
        now
    );
}
