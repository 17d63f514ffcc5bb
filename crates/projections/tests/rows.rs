//! Given events, then rows: one story per question, with the figures worked out by hand.

mod harness;

use harness::{Cr, Dr, Models, Roll, external, order_id, query, split, standing, unit};
use serde_json::json;
use tillroll_events::{
    AccountLimitSet, EntriesPosted, EntryId, EntryPosted, HoldCaptured, HoldId, HoldPlaced,
    NotificationReceived, OrderBooked, OrderFulfilled, OrderLine, OrderPlaced, OrderStatus,
    PayoutFacts, PayoutObserved, PayoutStatus, PostedEntries, RefundFacts, RefundObserved,
    RefundStatus, SplitRole, StockLine, StockReceived, Timestamp, TransferFacts, TransferObserved,
};
use tillroll_ledger::{AccountType, Limit};
use tillroll_projections::{
    AccountQuery, Counts, HoldStatus, LineRange, OrderQuery, PositionPage, StatementQuery, Total,
};

fn posted(roll: &mut Roll, number: u128, legs: &[(&str, &str, tillroll_ledger::Side, u64)]) -> u64 {
    let entry = roll.entry(legs);
    roll.push(EntryPosted {
        id: EntryId::from_u128(number),
        entry,
        description: Some(format!("sale {number}")),
        metadata: [("till".to_owned(), "7".to_owned())].into(),
        reverses: None,
    })
}

fn line(sku: &str, quantity: u64, unit_price: u64, seller: Option<&str>) -> OrderLine {
    OrderLine {
        sku: Some(sku.into()),
        description: Some("T-shirt".into()),
        quantity,
        unit_price,
        tax_rate_ppm: 200_000,
        tax_included: true,
        tax: quantity * unit_price / 6,
        total: quantity * unit_price,
        seller: seller.map(external),
        commission_rate_ppm: 100_000,
        commission: 0,
        short: 0,
    }
}

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
fn an_accounts_totals_and_statement_follow_its_postings() {
    let mut roll = Roll::default();
    posted(
        &mut roll,
        1,
        &[
            ("stripe:balance", "EUR", Dr, 500),
            ("sales:web", "EUR", Cr, 500),
        ],
    );
    posted(
        &mut roll,
        2,
        &[
            ("stripe:balance", "EUR", Cr, 30),
            ("fees:stripe", "EUR", Dr, 20),
            ("stripe:balance", "EUR", Cr, 5),
            ("sales:web", "EUR", Dr, 15),
        ],
    );
    posted(
        &mut roll,
        3,
        &[
            ("stripe:balance", "JPY", Dr, 9),
            ("sales:web", "JPY", Cr, 9),
        ],
    );
    let models = Models::of(&roll.numbered());
    let read = models.read();

    let rows = read
        .account("stripe:balance", None, None)
        .expect("rows")
        .value;
    let totals: Vec<_> = rows
        .iter()
        .map(|row| {
            (
                row.unit.to_string(),
                row.debits_posted,
                row.credits_posted,
                row.balance,
            )
        })
        .collect();
    assert_eq!(
        totals,
        [("EUR".into(), 500, 35, 465), ("JPY".into(), 9, 0, 9)]
    );

    let statement = read
        .statement(&StatementQuery {
            path: "sales:web".into(),
            unit: unit("EUR"),
            range: LineRange::Start,
            limit: 10,
            newest_first: false,
            as_of: None,
        })
        .expect("an answer")
        .value
        .expect("it is open");
    let lines: Vec<_> = statement
        .lines
        .items
        .iter()
        .map(|line| {
            (
                line.cursor.to_string(),
                line.side,
                line.amount,
                line.balance_after,
                line.kind.as_str(),
                line.description.as_deref(),
            )
        })
        .collect();
    assert_eq!(
        lines,
        [
            (
                "3.1".to_owned(),
                Cr,
                500,
                500,
                "entry.posted",
                Some("sale 1")
            ),
            (
                "5.3".to_owned(),
                Dr,
                15,
                485,
                "entry.posted",
                Some("sale 2")
            ),
        ]
    );
    assert_eq!("5.3".parse().ok(), Some(statement.lines.items[1].cursor));

    let json = serde_json::to_value(&rows[0]).expect("rows are JSON");
    assert_eq!(
        json,
        json!({
            "id": 0, "path": "stripe:balance", "unit": "EUR", "type": "asset", "limit": "none",
            "code": "1000", "name": "Account stripe:balance", "opened_position": 1,
            "debits_posted": 500, "credits_posted": 35, "debits_pending": 0,
            "credits_pending": 0, "balance": 465,
        })
    );
}

#[test]
fn the_trial_balance_lists_what_was_posted_to_and_balances_in_every_unit() {
    let mut roll = Roll::default();
    posted(
        &mut roll,
        1,
        &[
            ("stripe:balance", "EUR", Dr, 500),
            ("sales:web", "EUR", Cr, 500),
        ],
    );
    posted(
        &mut roll,
        2,
        &[
            ("fees:stripe", "EUR", Dr, 20),
            ("stripe:balance", "EUR", Cr, 20),
        ],
    );
    roll.account("bank:account", "EUR");
    posted(
        &mut roll,
        3,
        &[
            ("stripe:balance", "JPY", Dr, 9),
            ("sales:web", "JPY", Cr, 9),
        ],
    );
    let models = Models::of(&roll.numbered());
    let units = models.read().trial_balance(None).expect("rows").value;
    let table: Vec<_> = units
        .iter()
        .flat_map(|unit| {
            unit.rows.iter().map(|row| {
                format!(
                    "{} {} {} {} {}",
                    unit.unit, row.path, row.debits, row.credits, row.balance
                )
            })
        })
        .collect();
    assert_eq!(
        table,
        [
            "EUR fees:stripe 20 0 20",
            "EUR sales:web 0 500 500",
            "EUR stripe:balance 500 20 480",
            "JPY sales:web 0 9 9",
            "JPY stripe:balance 9 0 9",
        ]
    );
    assert_eq!(
        (units[0].debits, units[0].credits),
        (Total(520), Total(520))
    );
    assert!(units.iter().all(|unit| unit.is_balanced()));
}

#[test]
fn sums_beyond_64_bits_are_shown_digit_by_digit() {
    let largest = u64::try_from(i64::MAX).expect("positive");
    let mut roll = Roll::default();
    for (number, path) in [(1, "stripe:balance"), (2, "bank:account")] {
        let sales = format!("sales:{number}");
        posted(
            &mut roll,
            number,
            &[(path, "EUR", Dr, largest), (&sales, "EUR", Cr, largest)],
        );
    }
    let models = Models::of(&roll.numbered());
    let units = models.read().trial_balance(None).expect("rows").value;
    assert_eq!(units[0].debits, Total(2 * i128::from(largest)));
    let json = serde_json::to_value(&units[0]).expect("rows are JSON");
    assert_eq!(json["debits"], json!("18446744073709551614"));
    assert_eq!(json["rows"][0]["debits"], json!(largest));
    assert_eq!(
        serde_json::to_value(Total(-7)).expect("a number"),
        json!(-7)
    );
}

#[test]
fn a_hold_is_pending_until_it_is_captured_in_part() {
    let mut roll = Roll::default();
    let id = HoldId::from_u128(5);
    let legs = |amount| {
        [
            ("customer:c1:points", "points", Dr, amount),
            ("points:issued", "points", Cr, amount),
        ]
    };
    let entry = roll.entry(&legs(100));
    let placed = roll.push(HoldPlaced {
        id,
        entry,
        expires_at: Some(Timestamp::from_seconds(9_000)),
        description: Some("voucher".into()),
        metadata: Default::default(),
    });
    let entry = roll.entry(&legs(60));
    let captured = roll.push(HoldCaptured { id, entry });
    let models = Models::of(&roll.numbered());
    let read = models.read();

    let totals = |as_of| {
        let rows = read
            .account("customer:c1:points", None, Some(as_of))
            .expect("rows")
            .value;
        rows.first()
            .map(|row| (row.debits_posted, row.debits_pending))
    };
    assert_eq!(totals(placed - 1), Some((0, 0)));
    assert_eq!(totals(placed), Some((0, 100)));
    assert_eq!(totals(captured), Some((60, 0)));

    let hold = |as_of| read.hold(id, Some(as_of)).expect("an answer").value;
    assert_eq!(hold(placed - 1), None);
    let before = hold(placed).expect("placed");
    assert_eq!(
        (before.status, before.ended_position),
        (HoldStatus::Pending, None)
    );
    assert_eq!(before.postings[0].amount, 100);
    assert!(before.captured.is_empty());
    let after = hold(captured).expect("placed");
    assert_eq!(
        (after.status, after.ended_position),
        (HoldStatus::Captured, Some(captured))
    );
    assert_eq!(after.captured[0].amount, 60);
    assert_eq!(after.captured[0].account, "customer:c1:points");
    // The capture carries the words of the hold.
    let words = query(
        &models.path(),
        "SELECT description FROM events WHERE kind = 'hold.captured'",
    );
    assert_eq!(words, ["voucher"]);
}

#[test]
fn a_limit_is_shown_as_it_was() {
    let mut roll = Roll::default();
    let account = roll.account("stripe:balance", "EUR");
    let mut positions = Vec::new();
    for limit in [
        Limit::CreditsMustNotExceedDebits,
        Limit::DebitsMustNotExceedCredits,
    ] {
        positions.push(roll.push(AccountLimitSet { account, limit }));
    }
    let models = Models::of(&roll.numbered());
    let read = models.read();
    let limit = |as_of| {
        let rows = read
            .account("stripe:balance", None, as_of)
            .expect("rows")
            .value;
        rows[0].limit
    };
    assert_eq!(limit(Some(1)), Limit::None);
    assert_eq!(limit(Some(positions[0])), Limit::CreditsMustNotExceedDebits);
    assert_eq!(limit(Some(positions[1])), Limit::DebitsMustNotExceedCredits);
    assert_eq!(limit(None), Limit::DebitsMustNotExceedCredits);
}

#[test]
fn accounts_are_found_by_prefix_unit_and_type() {
    let mut roll = Roll::default();
    for (path, unit) in [
        ("seller:acct_1:pending", "EUR"),
        ("seller:acct_1:pending", "JPY"),
        ("seller:acct_10:pending", "EUR"),
        ("seller:acct_1:receivable", "EUR"),
        ("sales:web", "EUR"),
    ] {
        roll.account(path, unit);
    }
    let models = Models::of(&roll.numbered());
    let read = models.read();
    let found = |query: AccountQuery| -> Vec<String> {
        let page = read.accounts(&query).expect("rows").value;
        page.items
            .iter()
            .map(|row| format!("{} {}", row.path, row.unit))
            .collect()
    };
    let with = |prefix: &str| AccountQuery {
        prefix: Some(prefix.into()),
        ..AccountQuery::default()
    };
    assert_eq!(
        found(with("seller:acct_1:")),
        [
            "seller:acct_1:pending EUR",
            "seller:acct_1:pending JPY",
            "seller:acct_1:receivable EUR"
        ]
    );
    assert_eq!(found(with("seller:acct_1")).len(), 4);
    assert_eq!(found(with("nobody")), [""; 0]);
    let query = AccountQuery {
        unit: Some(unit("EUR")),
        kind: Some(AccountType::Liability),
        ..AccountQuery::default()
    };
    assert_eq!(
        found(query),
        ["seller:acct_10:pending EUR", "seller:acct_1:pending EUR"]
    );
}

fn place(roll: &mut Roll, number: u128, channel: &str, total: u64) -> u64 {
    let mut standing = standing(OrderStatus::Placed, total, 0);
    standing.splits = vec![
        split(SplitRole::Sales, None, total / 4, 0, 0),
        split(SplitRole::Seller, Some("acct_1"), total - total / 4, 0, 0),
    ];
    roll.push(OrderPlaced {
        order: order_id(number),
        channel: channel.into(),
        location: Some("paris".into()),
        currency: unit("EUR"),
        lines: vec![line("TEE-M", 2, total / 2, Some("acct_1"))],
        metadata: [("basket".to_owned(), number.to_string())].into(),
        offline: false,
        standing,
        entry: None,
    })
}

#[test]
fn an_order_stands_as_its_latest_event_says_and_as_it_stood_before() {
    let mut roll = Roll::default();
    let placed = place(&mut roll, 1, "web", 1_000);
    let mut paid = standing(OrderStatus::Paid, 1_000, 1_000);
    paid.splits = vec![
        split(SplitRole::Sales, None, 250, 250, 0),
        split(SplitRole::Seller, Some("acct_1"), 750, 750, 0),
    ];
    let entry = Some(roll.entry(&[
        ("stripe:balance", "EUR", Dr, 1_000),
        ("sales:web", "EUR", Cr, 250),
        ("seller:acct_1:pending", "EUR", Cr, 750),
    ]));
    let booked = roll.push(OrderBooked {
        order: order_id(1),
        standing: paid.clone(),
        entry,
    });
    let refund = roll.push_for(
        Some(order_id(1)),
        RefundObserved {
            facts: RefundFacts {
                id: external("re_1"),
                charge: None,
                intent: None,
                currency: unit("EUR"),
                amount: 400,
                status: RefundStatus::Succeeded,
            },
        },
    );
    let mut refunded = paid;
    refunded.status = OrderStatus::PartiallyRefunded;
    refunded.refunded = 400;
    refunded.splits[1].returned = 300;
    refunded.splits[0].returned = 100;
    let returned = roll.push(OrderBooked {
        order: order_id(1),
        standing: refunded,
        entry: None,
    });
    let models = Models::of(&roll.numbered());
    let read = models.read();

    let at = |as_of| {
        read.order(order_id(1), Some(as_of))
            .expect("an answer")
            .value
    };
    assert_eq!(at(placed - 1), None);
    let steps: Vec<_> = [placed, booked, refund, returned]
        .map(|position| {
            let order = at(position).expect("placed");
            (
                order.standing.status,
                order.standing.refunded,
                order.last_position,
            )
        })
        .into();
    assert_eq!(
        steps,
        [
            (OrderStatus::Placed, 0, placed),
            (OrderStatus::Paid, 0, booked),
            (OrderStatus::Paid, 0, booked),
            (OrderStatus::PartiallyRefunded, 400, returned),
        ]
    );
    let timeline = read
        .timeline(order_id(1), None, None, 10)
        .expect("rows")
        .value;
    let kinds: Vec<_> = timeline
        .items
        .iter()
        .map(|row| (row.position, row.kind.as_str()))
        .collect();
    assert_eq!(
        kinds,
        [
            (placed, "order.placed"),
            (booked, "order.booked"),
            (refund, "refund.observed"),
            (returned, "order.booked"),
        ]
    );
    let rest = read
        .timeline(order_id(1), None, Some(booked), 1)
        .expect("rows")
        .value;
    assert_eq!((rest.items[0].position, rest.has_more), (refund, true));

    let json = serde_json::to_value(at(returned)).expect("rows are JSON");
    assert_eq!(
        json,
        json!({
            "id": "ord_00000000000000000000000001", "channel": "web", "location": "paris",
            "currency": "EUR", "status": "partially_refunded", "total": 1000, "due": 0,
            "authorised": 0, "paid": 1000, "refunded": 400, "overpaid": 0, "disputed": 0,
            "charged_back": 0, "failed_attempts": 0, "fulfilled": false, "cancelled": false,
            "splits": [
                {"role": "sales", "seller": null, "share": 250, "earned": 250, "returned": 100},
                {"role": "seller", "seller": "acct_1", "share": 750, "earned": 750, "returned": 300},
            ],
            "offline": false,
            "lines": [{
                "sku": "TEE-M", "description": "T-shirt", "quantity": 2, "unit_price": 500,
                "tax_rate_ppm": 200000, "tax_included": true, "tax": 166, "total": 1000,
                "seller": "acct_1", "commission_rate_ppm": 100000, "commission": 0, "short": 0,
            }],
            "metadata": {"basket": "1"},
            "occurred_at": "1970-01-01T00:16:36Z", "recorded_at": "1970-01-01T00:16:41Z",
            "position": placed, "last_position": returned,
        })
    );
}

#[test]
fn orders_are_listed_newest_first_and_filtered() {
    let mut roll = Roll::default();
    for (number, channel) in [(1, "web"), (2, "pos"), (3, "web"), (4, "app")] {
        place(&mut roll, number, channel, 100);
    }
    roll.push(OrderFulfilled {
        order: order_id(3),
        standing: standing(OrderStatus::Fulfilled, 100, 100),
        entry: None,
    });
    let models = Models::of(&roll.numbered());
    let read = models.read();
    let found = |query: OrderQuery| -> (Vec<u128>, bool) {
        let page = read.orders(&query).expect("rows").value;
        let ids = page.items.iter().map(|order| order.id.as_u128()).collect();
        (ids, page.has_more)
    };
    let all = OrderQuery::default;
    //  what is asked, orders, whether there are more
    let table = [
        (all(), vec![4, 3, 2, 1], false),
        (OrderQuery { limit: 2, ..all() }, vec![4, 3], true),
        (
            OrderQuery {
                limit: 2,
                starting_after: Some(order_id(3)),
                ..all()
            },
            vec![2, 1],
            false,
        ),
        (
            OrderQuery {
                limit: 2,
                ending_before: Some(order_id(1)),
                ..all()
            },
            vec![3, 2],
            true,
        ),
        (
            OrderQuery {
                channel: Some("web".into()),
                ..all()
            },
            vec![3, 1],
            false,
        ),
        (
            OrderQuery {
                status: Some(OrderStatus::Placed),
                ..all()
            },
            vec![4, 2, 1],
            false,
        ),
        (
            OrderQuery {
                status: Some(OrderStatus::Fulfilled),
                ..all()
            },
            vec![3],
            false,
        ),
        (
            OrderQuery {
                status: Some(OrderStatus::Placed),
                as_of: Some(3),
                limit: 1,
                ..all()
            },
            vec![3],
            true,
        ),
        (
            OrderQuery {
                seller: Some("acct_1".into()),
                limit: 2,
                ..all()
            },
            vec![4, 2],
            true,
        ),
        (
            OrderQuery {
                seller: Some("acct_9".into()),
                ..all()
            },
            vec![],
            false,
        ),
    ];
    for (query, ids, has_more) in table {
        assert_eq!(found(query.clone()), (ids, has_more), "{query:?}");
    }
    let counts = read.counts().expect("counts").value;
    let by_channel: Vec<_> = counts
        .orders
        .iter()
        .map(|row| (row.channel.as_str(), row.status.as_str(), row.orders))
        .collect();
    assert_eq!(
        by_channel,
        [
            ("app", "placed", 1),
            ("pos", "placed", 1),
            ("web", "fulfilled", 1),
            ("web", "placed", 1),
        ]
    );
}

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

fn notification(id: &str, unrecognised: Option<&str>) -> NotificationReceived {
    NotificationReceived {
        id: external(id),
        kind: "tax.form.updated".into(),
        account: Some(external("acct_1")),
        api_version: None,
        created: None,
        livemode: true,
        unrecognised: unrecognised.map(str::to_owned),
        detail: Some("no rule".into()),
        body: unrecognised.map(|_| "{\"id\":1}".into()),
    }
}

#[test]
fn what_was_not_understood_is_listed_until_it_is() {
    let mut roll = Roll::default();
    roll.push(notification("evt_a", Some("unknown_type")));
    roll.push(notification("evt_b", None));
    let both = roll.push(notification("evt_c", Some("malformed")));
    roll.push(notification("evt_a", None));
    // An id that is used again for something else explains nothing.
    roll.push(NotificationReceived {
        kind: "charge.updated".into(),
        ..notification("evt_c", None)
    });
    let models = Models::of(&roll.numbered());
    let read = models.read();
    let list = |page: PositionPage| -> Vec<String> {
        let rows = read.unrecognised(&page).expect("rows").value;
        rows.items
            .iter()
            .map(|row| format!("{} {} {}", row.position, row.id, row.reason))
            .collect()
    };
    assert_eq!(list(PositionPage::default()), ["3 evt_c malformed"]);
    let before = PositionPage {
        as_of: Some(both),
        ..PositionPage::default()
    };
    assert_eq!(list(before), ["3 evt_c malformed", "1 evt_a unknown_type"]);
    let older = PositionPage {
        after: Some(3),
        ..before
    };
    assert_eq!(list(older), ["1 evt_a unknown_type"]);
    let newer = PositionPage {
        before: Some(1),
        ..before
    };
    assert_eq!(list(newer), ["3 evt_c malformed"]);
    let Counts {
        unrecognised,
        events,
        ..
    } = read.counts().expect("counts").value;
    assert_eq!(unrecognised, 1);
    assert_eq!(
        (events[0].kind.as_str(), events[0].events),
        ("notification.received", 5)
    );
    let row = &read
        .unrecognised(&PositionPage::default())
        .expect("rows")
        .value
        .items[0];
    assert_eq!(row.body.as_deref(), Some("{\"id\":1}"));
    assert_eq!(row.account.as_deref(), Some("acct_1"));
}

#[test]
fn an_entry_knows_what_it_corrects_and_what_corrects_it() {
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
    roll.push(EntryPosted {
        id: EntryId::from_u128(2),
        entry,
        description: None,
        metadata: Default::default(),
        reverses: Some(EntryId::from_u128(1)),
    });
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
    assert_eq!(found.reversed_by, [EntryId::from_u128(2)]);
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
    assert_eq!(entry(1, Some(first)).expect("posted").reversed_by, []);
    assert_eq!(
        entry(2, None).expect("posted").reverses,
        Some(EntryId::from_u128(1))
    );
    assert_eq!(entry(2, Some(first)), None);
    assert_eq!(entry(3, None), None);
}

#[test]
fn facts_are_the_latest_and_listed_by_first_mention() {
    let mut roll = Roll::default();
    let payout = |id: &str, status| PayoutObserved {
        facts: PayoutFacts {
            id: external(id),
            account: None,
            currency: unit("EUR"),
            amount: 700,
            status,
            arrival: None,
        },
        entry: None,
    };
    roll.push(payout("po_1", PayoutStatus::InTransit));
    roll.push(payout("po_2", PayoutStatus::Pending));
    roll.push(payout("po_1", PayoutStatus::Paid));
    let models = Models::of(&roll.numbered());
    let rows = models
        .read()
        .payouts(&PositionPage::default())
        .expect("rows")
        .value;
    let rows: Vec<_> = rows
        .items
        .iter()
        .map(|row| (row.id.as_str(), row.status, row.position, row.last_position))
        .collect();
    assert_eq!(
        rows,
        [
            ("po_2", PayoutStatus::Pending, 2, 2),
            ("po_1", PayoutStatus::Paid, 1, 3),
        ]
    );
}
