//! An order: what was sold, for how much, to whom it belongs, and where it stands.

use std::collections::BTreeMap;

use tillroll_events::{
    ExternalId, OrderLine, OrderPlaced, OrderSplit, OrderStanding, OrderStatus, SplitRole,
};
use tillroll_ledger::Entry;
use tillroll_money::{MAX_MINOR, Unit, largest_remainder};

use crate::store::{Goods, Legs, Order};
use crate::{LineRequest, Refusal};

/// The order as the book remembers it when it is placed. `entry` is the event's.
pub(crate) fn placed(event: &OrderPlaced, entry: Option<&Entry>) -> Order {
    let mut booked = Legs::default();
    booked.add_entry(entry);
    Order {
        id: event.order,
        channel: event.channel.clone(),
        location: event.location.clone(),
        currency: event.currency,
        goods: goods(&event.lines),
        standing: event.standing.clone(),
        booked,
    }
}

/// What moves stock, by article.
fn goods(lines: &[OrderLine]) -> Vec<Goods> {
    let mut by_sku: BTreeMap<Unit, (u64, u64)> = BTreeMap::new();
    for line in lines {
        let Some(sku) = line.sku.as_deref().and_then(|code| Unit::sku(code).ok()) else {
            continue;
        };
        let (quantity, short) = by_sku.entry(sku).or_default();
        *quantity = quantity.saturating_add(line.quantity);
        *short = short.saturating_add(line.short);
    }
    by_sku
        .into_iter()
        .map(|(sku, (quantity, short))| Goods {
            sku,
            quantity,
            short,
        })
        .collect()
}

/// The line that a request comes to, or the field at fault.
pub(crate) fn price(index: usize, request: &LineRequest) -> Result<OrderLine, Refusal> {
    let param = |field: &str| format!("lines[{index}].{field}");
    if request.quantity == 0 {
        return Err(Refusal::invalid(
            param("quantity"),
            "a line has at least one piece",
        ));
    }
    if let Some(sku) = &request.sku {
        Unit::sku(sku).map_err(|error| Refusal::invalid(param("sku"), error.to_string()))?;
    }
    let too_large = || Refusal::AmountOutOfRange {
        param: param("unit_price"),
        detail: format!("the line comes to more than {MAX_MINOR} minor units"),
    };
    let in_range = |amount: u64| (amount <= MAX_MINOR).then_some(amount);
    let gross = request
        .quantity
        .checked_mul(request.unit_price)
        .and_then(in_range)
        .ok_or_else(too_large)?;
    let (tax, total) = match request.tax {
        None => (0, gross),
        Some(tax) if tax.included => (tax.rate.included_in(gross), gross),
        Some(tax) => {
            let on_top = tax.rate.of(gross);
            (
                on_top,
                gross
                    .checked_add(on_top)
                    .and_then(in_range)
                    .ok_or_else(too_large)?,
            )
        }
    };
    let commission = match &request.seller {
        None => 0,
        Some(seller) => {
            // The id becomes a part of account paths.
            let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
            let id = seller.account.as_str();
            if id.len() > 64 || !id.bytes().all(plain) {
                return Err(Refusal::invalid(
                    param("seller.account"),
                    "at most 64 letters, digits, `_`, `-` and `.`",
                ));
            }
            let net = total - tax;
            let commission = seller.commission.of(net);
            if commission > net {
                return Err(Refusal::invalid(
                    param("seller.commission"),
                    "a commission is at most 1: the whole price before tax",
                ));
            }
            commission
        }
    };
    Ok(OrderLine {
        sku: request.sku.clone(),
        description: request.description.clone(),
        quantity: request.quantity,
        unit_price: request.unit_price,
        tax_rate_ppm: request.tax.map_or(0, |tax| tax.rate.ppm()),
        tax_included: request.tax.is_some_and(|tax| tax.included),
        tax,
        total,
        seller: request.seller.as_ref().map(|seller| seller.account.clone()),
        commission_rate_ppm: request
            .seller
            .as_ref()
            .map_or(0, |seller| seller.commission.ppm()),
        commission,
        short: 0,
    })
}

/// Every party's share of the whole order: they sum to its total.
pub(crate) fn shares(lines: &[OrderLine]) -> Vec<OrderSplit> {
    let mut shares: BTreeMap<(SplitRole, Option<&ExternalId>), u64> = BTreeMap::new();
    for line in lines {
        let mut add = |role, seller, amount: u64| {
            *shares.entry((role, seller)).or_default() += amount;
        };
        add(SplitRole::Tax, None, line.tax);
        let net = line.total - line.tax;
        match &line.seller {
            None => add(SplitRole::Sales, None, net),
            Some(seller) => {
                add(SplitRole::Commission, None, line.commission);
                add(SplitRole::Seller, Some(seller), net - line.commission);
            }
        }
    }
    shares
        .into_iter()
        .filter(|(_, share)| *share > 0)
        .map(|((role, seller), share)| OrderSplit {
            role,
            seller: seller.cloned(),
            share,
            earned: 0,
            returned: 0,
        })
        .collect()
}

/// All that was observed of an order's payments, in the order's currency.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Observed {
    pub(crate) captured: u64,
    pub(crate) refunded: u64,
    pub(crate) authorised: u64,
    pub(crate) disputed: u64,
    pub(crate) charged_back: u64,
    pub(crate) failed_attempts: u32,
}

/// What was captured and given back, assigned: first to what is due, the rest to suspense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Assigned {
    /// Captured for the order: never more than its total.
    pub(crate) accepted: u64,
    /// Captured beyond the total, and not given back.
    pub(crate) excess: u64,
    /// Given back of what was accepted.
    pub(crate) returned: u64,
    /// Given back beyond everything that was captured.
    pub(crate) over_returned: u64,
}

impl Assigned {
    pub(crate) fn of(total: u64, cancelled: bool, observed: &Observed) -> Self {
        let payable = if cancelled { 0 } else { total };
        let accepted = observed.captured.min(payable);
        let beyond = observed.captured - accepted;
        // Money paid beyond what was due goes back first.
        let from_beyond = observed.refunded.min(beyond);
        let returned = (observed.refunded - from_beyond).min(accepted);
        Self {
            accepted,
            excess: beyond - from_beyond,
            returned,
            over_returned: observed.refunded - from_beyond - returned,
        }
    }
}

/// Where the order stands, as a function of what is known: never of how it became known.
pub(crate) fn standing(known: &OrderStanding, observed: &Observed) -> OrderStanding {
    let Assigned {
        accepted,
        excess,
        returned,
        ..
    } = Assigned::of(known.total, known.cancelled, observed);
    let shares: Vec<u64> = known.splits.iter().map(|split| split.share).collect();
    let earned = largest_remainder(accepted, &shares);
    let given_back = largest_remainder(returned, &earned);
    let splits = known
        .splits
        .iter()
        .zip(earned.into_iter().zip(given_back))
        .map(|(split, (earned, returned))| OrderSplit {
            earned,
            returned,
            ..split.clone()
        })
        .collect();
    let mut standing = OrderStanding {
        status: OrderStatus::Placed,
        total: known.total,
        due: if known.cancelled {
            0
        } else {
            known.total - accepted
        },
        authorised: observed.authorised,
        paid: accepted,
        refunded: returned,
        overpaid: excess,
        disputed: observed.disputed,
        charged_back: observed.charged_back,
        failed_attempts: observed.failed_attempts,
        fulfilled: known.fulfilled,
        cancelled: known.cancelled,
        splits,
    };
    standing.status = status(&standing);
    standing
}

fn status(standing: &OrderStanding) -> OrderStatus {
    match standing {
        OrderStanding {
            cancelled: true, ..
        } => OrderStatus::Cancelled,
        OrderStanding {
            charged_back: 1.., ..
        } => OrderStatus::ChargedBack,
        OrderStanding { disputed: 1.., .. } => OrderStatus::Disputed,
        OrderStanding {
            refunded: refunded @ 1..,
            paid,
            ..
        } if refunded == paid => OrderStatus::Refunded,
        OrderStanding { refunded: 1.., .. } => OrderStatus::PartiallyRefunded,
        OrderStanding {
            fulfilled: true, ..
        } => OrderStatus::Fulfilled,
        OrderStanding { due: 0, .. } => OrderStatus::Paid,
        OrderStanding { paid: 1.., .. } => OrderStatus::PartiallyPaid,
        OrderStanding {
            authorised: 1.., ..
        } => OrderStatus::Authorised,
        OrderStanding { .. } => OrderStatus::Placed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SellerRequest, TaxRequest};

    fn request(quantity: u64, unit_price: u64) -> LineRequest {
        LineRequest {
            sku: Some("TEE-M".into()),
            description: None,
            quantity,
            unit_price,
            tax: None,
            seller: None,
        }
    }

    fn rate(text: &str) -> tillroll_money::Rate {
        text.parse().unwrap()
    }

    #[test]
    fn lines_are_priced_to_the_last_minor_unit() {
        type PricingCase<'a> = (
            &'a str,
            u64,
            u64,
            Option<(&'a str, bool)>,
            Option<&'a str>,
            [u64; 3],
        );
        // name, quantity, price, tax (rate, included), commission -> total, tax, commission
        let table: &[PricingCase] = &[
            ("plain", 2, 1999, None, None, [3998, 0, 0]),
            (
                "tax inside",
                1,
                12000,
                Some(("0.2", true)),
                None,
                [12000, 2000, 0],
            ),
            (
                "tax on top",
                3,
                1000,
                Some(("0.0825", false)),
                None,
                [3248, 248, 0],
            ),
            (
                "seller",
                1,
                12000,
                Some(("0.2", true)),
                Some("0.12"),
                [12000, 2000, 1200],
            ),
            ("free", 1, 0, Some(("0.2", true)), Some("0.12"), [0, 0, 0]),
        ];
        for (name, quantity, price_each, tax, commission, expected) in table {
            let mut request = request(*quantity, *price_each);
            request.tax = tax.map(|(text, included)| TaxRequest {
                rate: rate(text),
                included,
            });
            request.seller = commission.map(|text| SellerRequest {
                account: "acct_1".parse().unwrap(),
                commission: rate(text),
            });
            let line = price(0, &request).unwrap();
            assert_eq!([line.total, line.tax, line.commission], *expected, "{name}");
            let shares = shares(&[line]);
            assert_eq!(
                shares.iter().map(|split| split.share).sum::<u64>(),
                expected[0],
                "{name}"
            );
        }
    }

    #[test]
    fn lines_that_cannot_be_name_the_field() {
        let huge = request(2, MAX_MINOR);
        let none = request(0, 5);
        let mut odd = request(1, 5);
        odd.sku = Some("A B".into());
        let mut greedy = request(1, 100);
        greedy.seller = Some(SellerRequest {
            account: "a".parse().unwrap(),
            commission: rate("1.5"),
        });
        for (request, field) in [
            (huge, "lines[3].unit_price"),
            (none, "lines[3].quantity"),
            (odd, "lines[3].sku"),
            (greedy, "lines[3].seller.commission"),
        ] {
            assert_eq!(
                price(3, &request).unwrap_err().param().as_deref(),
                Some(field)
            );
        }
    }

    #[test]
    fn money_is_assigned_to_the_order_first_and_given_back_from_the_excess_first() {
        // total, cancelled, captured, refunded -> accepted, excess, returned, over-returned
        let table: &[(u64, bool, u64, u64, [u64; 4])] = &[
            (100, false, 0, 0, [0, 0, 0, 0]),
            (100, false, 60, 0, [60, 0, 0, 0]),
            (100, false, 100, 30, [100, 0, 30, 0]),
            (100, false, 150, 0, [100, 50, 0, 0]),
            (100, false, 150, 50, [100, 0, 0, 0]),
            (100, false, 150, 80, [100, 0, 30, 0]),
            (100, false, 100, 130, [100, 0, 100, 30]),
            (100, true, 100, 0, [0, 100, 0, 0]),
            (100, true, 100, 100, [0, 0, 0, 0]),
        ];
        for (total, cancelled, captured, refunded, expected) in table {
            let observed = Observed {
                captured: *captured,
                refunded: *refunded,
                ..Observed::default()
            };
            let seen = Assigned::of(*total, *cancelled, &observed);
            assert_eq!(
                [
                    seen.accepted,
                    seen.excess,
                    seen.returned,
                    seen.over_returned
                ],
                *expected,
                "{captured} captured and {refunded} refunded of {total}"
            );
        }
    }
}
