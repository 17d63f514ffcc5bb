//! What an order should have on the books.
//!
//! | what | debit | credit |
//! |---|---|---|
//! | due, paid, refunded | `order:*:due`, `order:*:paid`, `order:*:refunded` | `orders:placed` |
//! | captured | `order:*:clearing` | sales, commission, seller, tax; beyond the total `suspense:overpaid` |
//! | given back | returns, seller, tax | `order:*:refunds` |
//! | goods | `stock:*:reserved`, once fulfilled `stock:sold` | `stock:*:available`, sold offline beyond it `stock:*:shortage` |

use tillroll_events::{OrderStanding, SplitRole};

use crate::Refusal;
use crate::legs::Legs;
use crate::order::{Assigned, Observed, Order};
use crate::work::Work;

pub(crate) fn legs(
    work: &mut Work<'_>,
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
    work: &mut Work<'_>,
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
        debit(work, order, &path, i128::from(amount), legs)?;
    }
    debit(work, order, "orders:placed", -placed, legs)
}

fn money(
    work: &mut Work<'_>,
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
        order,
        &format!("order:{id}:clearing"),
        observed.captured.into(),
        legs,
    )?;
    debit(
        work,
        order,
        &format!("order:{id}:refunds"),
        -i128::from(observed.refunded),
        legs,
    )?;
    let suspense = i128::from(over_returned) - i128::from(excess);
    debit(work, order, "suspense:overpaid", suspense, legs)?;
    for split in &standing.splits {
        let (earned, returned) = (i128::from(split.earned), i128::from(split.returned));
        match (split.role, &split.seller) {
            (SplitRole::Sales, _) => {
                debit(
                    work,
                    order,
                    &format!("sales:{}", order.channel),
                    -earned,
                    legs,
                )?;
                debit(work, order, "sales:returns", returned, legs)?;
            }
            (SplitRole::Commission, _) => {
                debit(work, order, "commission:earned", -earned, legs)?;
                debit(work, order, "commission:returned", returned, legs)?;
            }
            (SplitRole::Seller, Some(seller)) => {
                let stage = if standing.fulfilled {
                    "available"
                } else {
                    "pending"
                };
                debit(
                    work,
                    order,
                    &format!("seller:{seller}:{stage}"),
                    returned - earned,
                    legs,
                )?;
            }
            (SplitRole::Tax, _) | (SplitRole::Seller, None) => {
                debit(work, order, "tax:payable", returned - earned, legs)?;
            }
        }
    }
    Ok(())
}

fn goods(
    work: &mut Work<'_>,
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
            if amount != 0 {
                legs.debit(work.account(&path, goods.sku)?, amount);
            }
        }
    }
    Ok(())
}

/// An account is opened only once it has something to say.
fn debit(
    work: &mut Work<'_>,
    order: &Order,
    path: &str,
    amount: i128,
    legs: &mut Legs,
) -> Result<(), Refusal> {
    if amount != 0 {
        legs.debit(work.account(path, order.currency)?, amount);
    }
    Ok(())
}
