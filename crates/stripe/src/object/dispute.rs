//! A dispute, with the balance transactions that it brought about.

use tillroll_book::Fact;
use tillroll_events::{DisputeFacts, DisputeStatus};

use super::{ObjectStatement, balance_transaction, each, unknown_status};
use crate::error::FieldProblem;
use crate::fields::{Fields, missing};

pub(super) fn read(
    fields: Fields<'_, '_>,
    to: &mut ObjectStatement<'_>,
) -> Result<(), FieldProblem> {
    let currency = fields.currency("currency")?;
    let status = match fields.text("status")?.ok_or_else(|| missing("status"))? {
        "warning_needs_response" | "warning_under_review" => DisputeStatus::Warning,
        // Prevented: settled with the bank before it became a dispute.
        "warning_closed" | "prevented" => DisputeStatus::WarningClosed,
        "needs_response" => DisputeStatus::NeedsResponse,
        "under_review" => DisputeStatus::UnderReview,
        // The merchant refunded instead, and the dispute was dropped. What the customer got is
        // the refund's fact; what matters here is that the dispute ended without a loss, from
        // whichever stage, as if it were won.
        "won" | "charge_refunded" => DisputeStatus::Won,
        "lost" => DisputeStatus::Lost,
        other => return Err(unknown_status(other)),
    };
    to.say(Fact::Dispute(DisputeFacts {
        id: fields.required_id("id")?,
        charge: fields.id("charge")?,
        intent: fields.id("payment_intent")?,
        currency: currency.unit(),
        amount: fields.required_amount("amount", currency)?,
        status,
        reason: fields.note("reason"),
    }));
    let mut book = |movement: Fields<'_, '_>| {
        let facts = balance_transaction::read(movement, to.account, true)?;
        to.say(Fact::BalanceTransaction(facts));
        Ok(())
    };
    each(fields, "balance_transactions", &mut book)?;
    match fields.expanded("balance_transaction") {
        Some(movement) => {
            book(movement).map_err(|problem: FieldProblem| problem.within("balance_transaction"))
        }
        None => Ok(()),
    }
}
