//! Orders are placed, fulfilled, cancelled.

use std::collections::BTreeMap;

use tillroll_events::{
    OrderCancelled, OrderFulfilled, OrderId, OrderLine, OrderPlaced, OrderStanding, OrderStatus,
};
use tillroll_ledger::Side;
use tillroll_money::{MAX_MINOR, Unit, UnitKind};

use super::stock::MAX_LINES;
use super::{has_happened, path_name, reconcile};
use crate::order::{self, Observed};
use crate::store::{Legs, Order};
use crate::work::UnitOfWork;
use crate::{PlaceOrder, Refusal, posting};

pub(super) fn place(work: &mut UnitOfWork<'_>, request: &PlaceOrder) -> Result<(), Refusal> {
    validate(request)?;
    has_happened(work)?;
    let mut lines = request
        .lines
        .iter()
        .enumerate()
        .map(|(index, line)| order::price(index, line))
        .collect::<Result<Vec<_>, _>>()?;
    let total = lines
        .iter()
        .try_fold(0_u64, |sum, line| sum.checked_add(line.total))
        .filter(|total| *total <= MAX_MINOR)
        .ok_or_else(|| Refusal::AmountOutOfRange {
            param: "lines".into(),
            detail: format!("the order comes to more than {MAX_MINOR} minor units"),
        })?;
    if work.tables.order(request.id).is_some() {
        return Err(Refusal::OrderExists(request.id));
    }
    if let Some(location) = &request.location {
        take_from_shelf(work, location, request.offline, &mut lines)?;
    }

    let blank = OrderStanding {
        status: OrderStatus::Placed,
        total,
        due: 0,
        authorised: 0,
        paid: 0,
        refunded: 0,
        overpaid: 0,
        disputed: 0,
        charged_back: 0,
        failed_attempts: 0,
        fulfilled: false,
        cancelled: false,
        splits: order::shares(&lines),
    };
    let standing = order::standing(&blank, &Observed::default());
    let placed = OrderPlaced {
        order: request.id,
        channel: request.channel.clone(),
        location: request.location.clone(),
        currency: request.currency,
        lines,
        metadata: request.metadata.clone(),
        offline: request.offline,
        standing,
        entry: None,
    };
    let draft = order::placed(&placed, None);
    let legs = posting::order::legs(work, &draft, &placed.standing, &Observed::default())?;
    let event = |entry| OrderPlaced { entry, ..placed }.into();
    work.book(&legs, Some(request.id), event)?;
    // The money may have been observed before the order was known.
    reconcile::order(work, request.id)
}

fn validate(request: &PlaceOrder) -> Result<(), Refusal> {
    if request.currency.kind() != UnitKind::Currency {
        return Err(Refusal::invalid(
            "currency",
            "an order is priced in a currency, such as EUR",
        ));
    }
    path_name("channel", &request.channel)?;
    if !(1..=MAX_LINES).contains(&request.lines.len()) {
        return Err(Refusal::invalid(
            "lines",
            format!("one to {MAX_LINES} lines"),
        ));
    }
    match &request.location {
        Some(location) => path_name("location", location),
        None if request.lines.iter().any(|line| line.sku.is_some()) => Err(Refusal::invalid(
            "location",
            "a line has an article: say where it comes from",
        )),
        None => Ok(()),
    }
}

/// Refuses what the shelf does not hold, but for a sale that has happened already: there the
/// missing pieces are written down as such.
fn take_from_shelf(
    work: &UnitOfWork<'_>,
    location: &str,
    offline: bool,
    lines: &mut [OrderLine],
) -> Result<(), Refusal> {
    let path = format!("stock:{location}:available");
    let mut left: BTreeMap<Unit, u64> = BTreeMap::new();
    for (index, line) in lines.iter_mut().enumerate() {
        let Some(sku) = line.sku.as_deref().and_then(|code| Unit::sku(code).ok()) else {
            continue;
        };
        let left = left.entry(sku).or_insert_with(|| {
            let shelf = work.draft.lookup(&path, sku);
            shelf.map_or(0, |shelf| {
                work.draft.balances(shelf).available(Side::Credit)
            })
        });
        let taken = line.quantity.min(*left);
        if taken < line.quantity {
            if !offline {
                return Err(Refusal::InsufficientStock {
                    param: format!("lines[{index}].quantity"),
                    sku: line.sku.clone().unwrap_or_default(),
                    location: location.into(),
                    available: *left,
                    asked: line.quantity,
                });
            }
            line.short = line.quantity - taken;
        }
        *left -= taken;
    }
    Ok(())
}

pub(super) fn fulfil(work: &mut UnitOfWork<'_>, id: OrderId) -> Result<(), Refusal> {
    let order = open_order(work, id)?;
    if order.standing.fulfilled {
        return Err(state(&order, "it was fulfilled before"));
    }
    let known = OrderStanding {
        fulfilled: true,
        ..order.standing.clone()
    };
    let (standing, difference) = restate(work, &order, &known)?;
    work.book(&difference, Some(id), |entry| {
        OrderFulfilled {
            order: id,
            standing,
            entry,
        }
        .into()
    })
}

pub(super) fn cancel(work: &mut UnitOfWork<'_>, id: OrderId) -> Result<(), Refusal> {
    let order = open_order(work, id)?;
    if order.standing.fulfilled {
        return Err(state(&order, "it was fulfilled; refund it instead"));
    }
    if order.standing.paid > 0 {
        return Err(state(&order, "it was paid; refund it instead"));
    }
    let known = OrderStanding {
        cancelled: true,
        ..order.standing.clone()
    };
    let (standing, difference) = restate(work, &order, &known)?;
    work.book(&difference, Some(id), |entry| {
        OrderCancelled {
            order: id,
            standing,
            entry,
        }
        .into()
    })
}

fn open_order(work: &UnitOfWork<'_>, id: OrderId) -> Result<Order, Refusal> {
    let order = work
        .tables
        .order(id)
        .ok_or(Refusal::OrderNotFound(id))?
        .into_owned();
    if order.standing.cancelled {
        return Err(state(&order, "it was cancelled before"));
    }
    Ok(order)
}

fn state(order: &Order, detail: &str) -> Refusal {
    let status = order.standing.status.as_str();
    Refusal::OrderState {
        order: order.id,
        status,
        detail: detail.into(),
    }
}

fn restate(
    work: &mut UnitOfWork<'_>,
    order: &Order,
    known: &OrderStanding,
) -> Result<(OrderStanding, Legs), Refusal> {
    let observed = reconcile::observed(&work.tables, order);
    let standing = order::standing(known, &observed);
    let legs = posting::order::legs(work, order, &standing, &observed)?;
    let difference = legs.less(&order.booked);
    Ok((standing, difference))
}
