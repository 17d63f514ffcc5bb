//! A refund.
//!
//! Until API version 2025-03-31 a refund object also stood for what was authorised and not
//! captured. Inside its charge it can be told (see `charge`); by itself only where it says why
//! or brings its charge along. An endpoint that captures in part should have a later version.

use tillroll_book::Fact;
use tillroll_events::{ExternalId, RefundFacts, RefundStatus};

use super::{ObjectStatement, unknown_status};
use crate::error::FieldProblem;
use crate::fields::Fields;

/// What a refund is of, where the object that holds it says so.
#[derive(Clone, Debug, Default)]
pub(super) struct Of {
    pub(super) charge: Option<ExternalId>,
    pub(super) intent: Option<ExternalId>,
}

pub(super) fn read(
    fields: Fields<'_, '_>,
    of: Of,
    to: &mut ObjectStatement<'_>,
) -> Result<(), FieldProblem> {
    let currency = fields.currency("currency")?;
    let status = match fields.text("status")? {
        Some("pending" | "requires_action") => RefundStatus::Pending,
        // Refunds had no status before they could fail.
        Some("succeeded") | None => RefundStatus::Succeeded,
        Some("failed" | "canceled") => RefundStatus::Failed,
        Some(other) => return Err(unknown_status(other)),
    };
    let facts = RefundFacts {
        id: fields.required_id("id")?,
        charge: fields.id("charge")?.or(of.charge),
        intent: fields.id("payment_intent")?.or(of.intent),
        currency: currency.unit(),
        amount: fields.required_amount("amount", currency)?,
        status,
    };
    if !is_release(fields)? {
        to.say(Fact::Refund(facts));
    }
    to.balance_transaction(fields, "balance_transaction")?;
    to.balance_transaction(fields, "failure_balance_transaction")
}

/// Whether it gave back only what had never been captured.
fn is_release(fields: Fields<'_, '_>) -> Result<bool, FieldProblem> {
    let lapsed = fields.text("reason").ok().flatten() == Some("expired_uncaptured_charge");
    let captured = match fields.expanded("charge") {
        Some(charge) => charge
            .truth("captured")
            .map_err(|problem| problem.within("charge"))?,
        None => None,
    };
    Ok(lapsed || captured == Some(false))
}
