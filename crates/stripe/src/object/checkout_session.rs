//! A Checkout session: what it tells of the intent behind it, and of the order.

use tillroll_book::Fact;
use tillroll_events::{IntentFacts, IntentStatus};

use super::{ObjectStatement, intent};
use crate::error::FieldProblem;
use crate::fields::Fields;

pub(super) fn read(
    fields: Fields<'_, '_>,
    to: &mut ObjectStatement<'_>,
) -> Result<(), FieldProblem> {
    if let Some(expanded) = fields.expanded("payment_intent") {
        intent::read(expanded, to).map_err(|problem| problem.within("payment_intent"))?;
    }
    let Some(id) = fields.id("payment_intent")? else {
        // For a set-up or a subscription, or nothing was to pay.
        return Ok(());
    };
    if fields.get("amount_total").is_none() {
        // Sessions did not always say how much.
        return Ok(());
    }
    let currency = fields.currency("currency")?;
    let amount = fields.required_amount("amount_total", currency)?;
    let paid = fields.text("payment_status")? == Some("paid");
    let reference = fields.text("client_reference_id").ok().flatten();
    let order = reference.and_then(|reference| reference.parse().ok());
    to.say(Fact::Intent(IntentFacts {
        id,
        order: order.or_else(|| fields.order()),
        currency: currency.unit(),
        amount,
        capturable: 0,
        received: if paid { amount } else { 0 },
        status: match to.kind {
            _ if paid => IntentStatus::Succeeded,
            // The customer is done and the money is not there: a slow method, or an
            // authorisation to be captured.
            "checkout.session.completed" => IntentStatus::Processing,
            // Also when the session is over: whether the intent is, the intent says.
            _ => IntentStatus::Open,
        },
    }));
    Ok(())
}
