//! Orders: where they stand and stood, their timelines, and lists of them.

use serde_json::json;
use tillroll_events::{
    OrderBooked, OrderFulfilled, OrderLine, OrderPlaced, OrderStatus, RefundFacts, RefundObserved,
    RefundStatus, SplitRole,
};
use tillroll_projections::OrderQuery;

use crate::harness::{Cr, Dr, Models, Roll, external, order_id, split, standing, unit};

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

pub(super) fn place(roll: &mut Roll, number: u128, channel: &str, total: u64) -> u64 {
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
