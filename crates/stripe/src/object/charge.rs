//! A charge: an authorisation, what was captured of it, and what was given back.
//!
//! `amount_refunded` means two things. Until API version 2025-03-31 the part of an
//! authorisation that was not captured counted as refunded, and a refund object stood for it;
//! since then it does not. Which of the two a charge follows depends on the version that the
//! capture was asked for in, which the event does not tell. The rule, with `rest` the part
//! that was not captured, is to say the most that is certain in both readings:
//!
//! - Nothing captured: nothing was refunded. What looks refunded was released.
//! - Less than `rest` is reported: the rest is not in it.
//! - More is reported than was captured: the rest is in it.
//! - All of what was captured: Stripe's `refunded` is true only if the rest is not in it.
//! - Otherwise the embedded refunds decide, if they are there and add up to what is reported:
//!   none of them is as large as the rest, so the rest is not in it.
//! - Otherwise the rest is taken to be in it.
//!
//! So a charge never overstates what went back to the customer. Where the last line understates
//! it, the refund's own events say the rest: the book joins both and keeps the larger.

use std::cmp::{Ordering, Reverse};

use tillroll_book::Fact;
use tillroll_events::{ChargeFacts, ExternalId};

use super::{ObjectStatement, dispute, each, refund, unknown_status};
use crate::error::FieldProblem;
use crate::fields::Fields;
use crate::{Currency, fields};

/// `intent` is the intent that holds the charge, where one does.
pub(super) fn read(
    fields: Fields<'_, '_>,
    intent: Option<&ExternalId>,
    to: &mut ObjectStatement<'_>,
) -> Result<(), FieldProblem> {
    let currency = fields.currency("currency")?;
    let paid = fields.truth("paid")?.unwrap_or(false);
    // `paid` was a status until API version 2015-02-18.
    let (succeeded, failed) = match fields.text("status")? {
        Some("succeeded" | "paid") => (true, false),
        Some("failed") => (false, true),
        Some("pending") | None => (false, false),
        Some(other) => return Err(unknown_status(other)),
    };
    let authorised = paid || succeeded;
    let sums = Sums::read(fields, currency, authorised)?;
    let facts = ChargeFacts {
        id: fields.required_id("id")?,
        intent: fields.id("payment_intent")?.or_else(|| intent.cloned()),
        order: fields.order(),
        currency: currency.unit(),
        amount: sums.amount,
        authorised,
        captured: sums.captured,
        refunded: sums.refunded,
        failed,
        expired: to.kind == "charge.expired" && !sums.is_captured || sums.released,
        failure_code: fields.note("failure_code"),
    };
    let of = refund::Of {
        charge: Some(facts.id.clone()),
        intent: facts.intent.clone(),
    };
    to.say(Fact::Charge(facts));

    to.balance_transaction(fields, "balance_transaction")?;
    to.balance_transaction(fields, "failure_balance_transaction")?;
    let mut place = 0;
    each(fields, "refunds", |held| {
        let is_release = !sums.is_captured || sums.release == Some(place);
        place += 1;
        if is_release {
            return to.balance_transaction(held, "balance_transaction");
        }
        refund::read(held, of.clone(), to)
    })?;
    if let Some(dispute) = fields.expanded("dispute") {
        dispute::read(dispute, to).map_err(|problem| problem.within("dispute"))?;
    }
    Ok(())
}

#[derive(Debug)]
struct Sums {
    amount: u64,
    is_captured: bool,
    captured: u64,
    refunded: u64,
    /// An authorisation that was given up without capturing any of it.
    released: bool,
    /// Which of the embedded refunds is none, but the release of what was not captured.
    release: Option<usize>,
}

impl Sums {
    fn read(
        fields: Fields<'_, '_>,
        currency: Currency,
        authorised: bool,
    ) -> Result<Self, FieldProblem> {
        let amount = fields.required_amount("amount", currency)?;
        let flagged = fields.truth("captured")?.unwrap_or(false);
        // Snapshots since 2020-09, of whatever version, say how much. A slow payment counts as
        // captured while the bank has not yet paid.
        let captured = match fields.amount("amount_captured", currency)? {
            _ if !authorised || !flagged => 0,
            Some(captured) => captured,
            None => amount,
        };
        let is_captured = authorised && flagged;
        let reported = fields.amount("amount_refunded", currency)?.unwrap_or(0);
        let all = fields.truth("refunded")?.unwrap_or(false);
        if !is_captured {
            return Ok(Self {
                amount,
                is_captured,
                captured,
                refunded: 0,
                released: authorised && (reported > 0 || all),
                release: None,
            });
        }
        let rest = amount.saturating_sub(captured);
        let embedded = Embedded::read(fields, currency)?;
        let rest_is_in_it = embedded.rest_is_in(reported, rest, captured, all);
        let refunded = if rest_is_in_it {
            reported - rest
        } else {
            reported
        };
        if refunded > captured {
            let detail = format!("is above what was captured, {captured} in minor units");
            return Err(FieldProblem::malformed("amount_refunded", detail));
        }
        Ok(Self {
            amount,
            is_captured,
            captured,
            refunded,
            released: false,
            release: if rest_is_in_it && embedded.sum() != Some(refunded) {
                embedded.oldest_of(rest)
            } else {
                None
            },
        })
    }
}

/// The refunds that a charge holds, as far as their sum goes.
#[derive(Debug)]
struct Embedded {
    /// Place in the list, creation time, amount; of those that did not fail.
    refunds: Vec<(usize, i64, u64)>,
    whole: bool,
}

impl Embedded {
    fn read(fields: Fields<'_, '_>, currency: Currency) -> Result<Self, FieldProblem> {
        let list = fields.list("refunds");
        let mut refunds = Vec::new();
        let mut place = 0;
        each(fields, "refunds", |held| {
            let failed = matches!(held.text("status")?, Some("failed" | "canceled"));
            let amount = held
                .amount("amount", currency)?
                .ok_or_else(|| fields::missing("amount"))?;
            if !failed {
                let created = held.time("created").map_or(0, |time| time.seconds());
                refunds.push((place, created, amount));
            }
            place += 1;
            Ok(())
        })?;
        // Bare ids among them have no amount.
        let whole = list.whole && place == list.items.len();
        Ok(Self { refunds, whole })
    }

    /// What they add up to, if they are all there.
    fn sum(&self) -> Option<u64> {
        let amounts = self.refunds.iter().map(|(_, _, amount)| *amount);
        self.whole.then(|| amounts.fold(0, u64::saturating_add))
    }

    /// Whether `reported` counts the `rest` of the authorisation as refunded: see the head of
    /// this module. `all` is Stripe's `refunded`.
    fn rest_is_in(&self, reported: u64, rest: u64, captured: u64, all: bool) -> bool {
        if rest == 0 || reported < rest {
            return false;
        }
        match reported.cmp(&captured) {
            Ordering::Greater => true,
            Ordering::Equal => !all,
            Ordering::Less => self.sum() != Some(reported) || self.oldest_of(rest).is_some(),
        }
    }

    /// A release happens with the capture, before any refund.
    fn oldest_of(&self, amount: u64) -> Option<usize> {
        self.refunds
            .iter()
            .filter(|refund| refund.2 == amount)
            // Newest first, as Stripe lists them: of one second the last is the oldest.
            .min_by_key(|(place, created, _)| (*created, Reverse(*place)))
            .map(|(place, _, _)| *place)
    }
}
