//! What becomes of orders: stock, splits, refunds, sellers.

use tillroll_book::{
    Action, Fact, LineRequest, PlaceOrder, ReceiveStock, SellerRequest, StockRequest, TaxRequest,
};
use tillroll_events::{ChargeFacts, Metadata, OrderId, RefundFacts, RefundStatus};
use tillroll_money::Unit;

use super::roll::Roll;
use super::{Caught, Verdict, ensure};

pub(super) fn check() -> Verdict {
    goods_are_reserved_once_and_given_back()?;
    a_seller_waits_for_the_goods_to_leave()?;
    parts_of_a_payment_are_shared_to_the_last_minor_unit()?;
    no_more_is_returned_than_was_paid()?;
    a_paid_order_is_not_cancelled()
}

fn eur() -> Unit {
    "EUR".parse().expect("a currency")
}

fn order(number: u128, lines: Vec<LineRequest>) -> (OrderId, Action) {
    let id = OrderId::from_u128(number);
    let action = Action::PlaceOrder(PlaceOrder {
        id,
        channel: "web".into(),
        location: Some("store".into()),
        currency: eur(),
        lines,
        metadata: Metadata::new(),
        offline: false,
    });
    (id, action)
}

fn article(sku: &str, quantity: u64) -> LineRequest {
    LineRequest {
        sku: Some(sku.into()),
        description: None,
        quantity,
        unit_price: 1_999,
        tax: None,
        seller: None,
    }
}

/// Tax inside, and a seller who pays a commission.
fn service(seller: &str, price: u64) -> LineRequest {
    LineRequest {
        sku: None,
        description: Some("engraving".into()),
        quantity: 1,
        unit_price: price,
        tax: Some(TaxRequest {
            rate: "0.2".parse().expect("a rate"),
            included: true,
        }),
        seller: Some(SellerRequest {
            account: seller.parse().expect("an id"),
            commission: "0.1".parse().expect("a rate"),
        }),
    }
}

/// A payment of an order: what was authorised, and what was taken of it so far.
fn charge(order: OrderId, amount: u64, captured: u64) -> Fact {
    Fact::Charge(ChargeFacts {
        id: format!("ch_{order}").parse().expect("an id"),
        intent: None,
        order: Some(order),
        currency: eur(),
        amount,
        authorised: true,
        captured,
        refunded: 0,
        failed: false,
        expired: false,
        failure_code: None,
    })
}

fn refund(order: OrderId, number: u64, amount: u64) -> Fact {
    Fact::Refund(RefundFacts {
        id: format!("re_{number}").parse().expect("an id"),
        charge: Some(format!("ch_{order}").parse().expect("an id")),
        intent: None,
        currency: eur(),
        amount,
        status: RefundStatus::Succeeded,
    })
}

fn goods_are_reserved_once_and_given_back() -> Verdict {
    let mut roll = Roll::new();
    let delivery = Action::ReceiveStock(ReceiveStock {
        location: "store".into(),
        lines: vec![StockRequest {
            sku: "MUG".into(),
            quantity: 5,
        }],
        reference: None,
    });
    roll.apply(delivery, "a delivery")?;
    let mug = Unit::sku("MUG").map_err(Caught::unexpected("an article"))?;
    let shelf = |roll: &Roll, when: &str, expected: [i64; 2]| {
        let paths = ["stock:store:available", "stock:store:reserved"];
        let found = paths.map(|path| roll.net(path, mug));
        ensure(found == expected, || {
            format!("{when}, {found:?} pieces are available and reserved, not {expected:?}")
        })
    };
    let (first, action) = order(1, vec![article("MUG", 3)]);
    roll.apply(action, "an order of what is there")?;
    shelf(&roll, "after an order of 3 of 5", [2, 3])?;
    let (_, action) = order(2, vec![article("MUG", 3)]);
    match roll.submit(None, action)? {
        Err(refusal) if refusal.code() == "insufficient_stock" => {}
        Err(refusal) => return Err(Caught(format!("3 of 2 are ordered: {refusal}"))),
        Ok(_) => return Err(Caught::new("3 of 2 pieces are sold online")),
    }
    roll.apply(Action::CancelOrder(first), "an order is cancelled")?;
    shelf(&roll, "after that order is cancelled", [5, 0])?;
    let (third, action) = order(3, vec![article("MUG", 5)]);
    roll.apply(action, "an order of everything")?;
    roll.apply(Action::FulfilOrder(third), "the goods leave")?;
    shelf(&roll, "after everything is sold", [0, 0])
}

fn a_seller_waits_for_the_goods_to_leave() -> Verdict {
    let mut roll = Roll::new();
    let (id, action) = order(1, vec![service("acct_a", 12_000)]);
    roll.apply(action, "an order")?;
    roll.fact(charge(id, 12_000, 12_000))?;
    let sellers = |roll: &Roll| {
        ["seller:acct_a:pending", "seller:acct_a:available"].map(|path| -roll.net(path, eur()))
    };
    let before = sellers(&roll);
    ensure(before == [9_000, 0], || {
        format!("before the order is fulfilled, {before:?} are pending and available to its seller")
    })?;
    roll.apply(Action::FulfilOrder(id), "the order is fulfilled")?;
    let after = sellers(&roll);
    ensure(after == [0, 9_000], || {
        format!("after the order is fulfilled, {after:?} are pending and available to its seller")
    })
}

fn parts_of_a_payment_are_shared_to_the_last_minor_unit() -> Verdict {
    let lines = || vec![service("acct_a", 3_331), service("acct_b", 1_009)];
    let total = 4_340;
    for captured in (1..total).step_by(97) {
        let mut roll = Roll::new();
        let (id, action) = order(1, lines());
        roll.apply(action, "an order")?;
        roll.fact(charge(id, total, captured))?;
        let back = captured / 3;
        roll.fact(refund(id, 1, back))?;
        let standing = roll.standing(id).ok_or_else(|| Caught::new("no order"))?;
        let earned: u64 = standing.splits.iter().map(|split| split.earned).sum();
        let returned: u64 = standing.splits.iter().map(|split| split.returned).sum();
        ensure((earned, returned) == (captured, back), || {
            format!(
                "of {captured} captured and {back} given back, {earned} and {returned} are shared"
            )
        })?;
    }
    Ok(())
}

fn no_more_is_returned_than_was_paid() -> Verdict {
    let mut roll = Roll::new();
    let (id, action) = order(1, vec![service("acct_a", 12_000)]);
    roll.apply(action, "an order")?;
    roll.fact(charge(id, 12_000, 12_000))?;
    for (number, amount, refunded, beyond) in [(1, 4_000, 4_000, 0), (2, 8_500, 12_000, 500)] {
        roll.fact(refund(id, number, amount))?;
        let standing = roll.standing(id).ok_or_else(|| Caught::new("no order"))?;
        let suspense = roll.net("suspense:overpaid", eur());
        ensure((standing.refunded, suspense) == (refunded, beyond), || {
            format!(
                "of 12000 paid, {} are returned and {suspense} stand in suspense, not {refunded} and {beyond}",
                standing.refunded
            )
        })?;
    }
    Ok(())
}

fn a_paid_order_is_not_cancelled() -> Verdict {
    let mut roll = Roll::new();
    let (id, action) = order(1, vec![service("acct_a", 12_000)]);
    roll.apply(action, "an order")?;
    roll.fact(charge(id, 12_000, 12_000))?;
    match roll.submit(None, Action::CancelOrder(id))? {
        Err(refusal) if refusal.code() == "order_state" => Ok(()),
        Err(refusal) => Err(Caught(format!("a paid order is cancelled: {refusal}"))),
        Ok(_) => Err(Caught::new("a paid order is cancelled")),
    }
}
