//! A payment intent: one attempt to be paid.

use tillroll_book::Fact;
use tillroll_events::{ChargeFacts, IntentFacts, IntentStatus};

use super::{ObjectStatement, charge, each, unknown_status};
use crate::error::FieldProblem;
use crate::fields::{Fields, missing};

pub(super) fn read(
    fields: Fields<'_, '_>,
    to: &mut ObjectStatement<'_>,
) -> Result<(), FieldProblem> {
    let currency = fields.currency("currency")?;
    let status = match fields.text("status")?.ok_or_else(|| missing("status"))? {
        // `…_source…` are the names until API version 2019-02-11.
        "requires_payment_method"
        | "requires_confirmation"
        | "requires_action"
        | "requires_source"
        | "requires_source_action" => IntentStatus::Open,
        "processing" => IntentStatus::Processing,
        "requires_capture" => IntentStatus::RequiresCapture,
        "canceled" => IntentStatus::Cancelled,
        "succeeded" => IntentStatus::Succeeded,
        other => return Err(unknown_status(other)),
    };
    let facts = IntentFacts {
        id: fields.required_id("id")?,
        order: fields.order(),
        currency: currency.unit(),
        amount: fields.required_amount("amount", currency)?,
        capturable: fields.amount("amount_capturable", currency)?.unwrap_or(0),
        received: fields.amount("amount_received", currency)?.unwrap_or(0),
        status,
    };
    let id = facts.id.clone();
    to.say(Fact::Intent(facts.clone()));

    // Until API version 2022-11-15 an intent holds its charges, after it the latest one.
    each(fields, "charges", |held| charge::read(held, Some(&id), to))?;
    if let Some(latest) = fields.expanded("latest_charge") {
        charge::read(latest, Some(&id), to).map_err(|problem| problem.within("latest_charge"))?;
    } else if let Some(latest) = fields.id("latest_charge")?
        && status == IntentStatus::Succeeded
    {
        // Of a bare id only this much is sure: it is the charge that succeeded, and what the
        // intent received was captured on it.
        to.say(Fact::Charge(ChargeFacts {
            id: latest,
            intent: Some(facts.id),
            order: facts.order,
            currency: facts.currency,
            amount: facts.amount,
            authorised: true,
            captured: facts.received,
            refunded: 0,
            failed: false,
            expired: false,
            failure_code: None,
        }));
    }
    Ok(())
}
