//! What an order should have on the books.
//!
//! | what | debit | credit |
//! |---|---|---|
//! | due, paid, refunded | `order:*:due`, `order:*:paid`, `order:*:refunded` | `orders:placed` |
//! | captured | `order:*:clearing` | sales, commission, seller, tax; beyond the total `suspense:overpaid` |
//! | given back | returns, seller, tax | `order:*:refunds` |
//! | goods | `stock:*:reserved`, once fulfilled `stock:sold` | `stock:*:available`, sold offline beyond it `stock:*:shortage` |

use tillroll_events::{OrderStanding, SplitRole};

use super::debit;
use crate::Refusal;
use crate::order::{Assigned, Observed};
use crate::store::{Legs, Order};
use crate::work::UnitOfWork;

pub(crate) fn legs(
    work: &mut UnitOfWork<'_>,
    order: &Order,
    standing: &OrderStanding,
    observed: &Observed,
) -> Result<Legs, Refusal> {
    let mut legs = Legs::default();
    memoranda(work, order, standing, &mut legs)?;
    money(work, order, standing, observed, &mut legs)?;
    if !standing.cancelled {
        goods(work, order, standing.fulfilled, &mut legs)?;
    }
    Ok(legs)
}

fn memoranda(
    work: &mut UnitOfWork<'_>,
    order: &Order,
    standing: &OrderStanding,
    legs: &mut Legs,
) -> Result<(), Refusal> {
    let net_paid = standing.paid - standing.refunded;
    let mut placed = 0;
    for (name, amount) in [
        ("due", standing.due),
        ("paid", net_paid),
        ("refunded", standing.refunded),
    ] {
        let path = format!("order:{}:{name}", order.id);
        placed += i128::from(amount);
        debit(work, &path, order.currency, i128::from(amount), legs)?;
    }
    debit(work, "orders:placed", order.currency, -placed, legs)
}

fn money(
    work: &mut UnitOfWork<'_>,
    order: &Order,
    standing: &OrderStanding,
    observed: &Observed,
    legs: &mut Legs,
) -> Result<(), Refusal> {
    let Assigned {
        excess,
        over_returned,
        ..
    } = Assigned::of(standing.total, standing.cancelled, observed);
    let id = order.id;
    debit(
        work,
        &format!("order:{id}:clearing"),
        order.currency,
        observed.captured.into(),
        legs,
    )?;
    debit(
        work,
        &format!("order:{id}:refunds"),
        order.currency,
        -i128::from(observed.refunded),
        legs,
    )?;
    let suspense = i128::from(over_returned) - i128::from(excess);
    debit(work, "suspense:overpaid", order.currency, suspense, legs)?;
    for split in &standing.splits {
        let (earned, returned) = (i128::from(split.earned), i128::from(split.returned));
        match (split.role, &split.seller) {
            (SplitRole::Sales, _) => {
                debit(
                    work,
                    &format!("sales:{}", order.channel),
                    order.currency,
                    -earned,
                    legs,
                )?;
                debit(work, "sales:returns", order.currency, returned, legs)?;
            }
            (SplitRole::Commission, _) => {
                debit(work, "commission:earned", order.currency, -earned, legs)?;
                debit(work, "commission:returned", order.currency, returned, legs)?;
            }
            (SplitRole::Seller, Some(seller)) => {
                let stage = if standing.fulfilled {
                    "available"
                } else {
                    "pending"
                };
                debit(
                    work,
                    &format!("seller:{seller}:{stage}"),
                    order.currency,
                    returned - earned,
                    legs,
                )?;
            }
            (SplitRole::Tax, _) | (SplitRole::Seller, None) => {
                debit(work, "tax:payable", order.currency, returned - earned, legs)?;
            }
        }
    }
    Ok(())
}

fn goods(
    work: &mut UnitOfWork<'_>,
    order: &Order,
    fulfilled: bool,
    legs: &mut Legs,
) -> Result<(), Refusal> {
    let Some(location) = &order.location else {
        return Ok(());
    };
    for goods in &order.goods {
        let (quantity, short) = (i128::from(goods.quantity), i128::from(goods.short));
        let held = if fulfilled {
            "stock:sold".into()
        } else {
            format!("stock:{location}:reserved")
        };
        for (path, amount) in [
            (format!("stock:{location}:available"), short - quantity),
            (format!("stock:{location}:shortage"), -short),
            (held, quantity),
        ] {
            debit(work, &path, goods.sku, amount, legs)?;
        }
    }
    Ok(())
}
