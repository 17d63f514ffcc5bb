//! A payout to a bank account: ours, or a seller's when the event is of a connected account.

use tillroll_book::Fact;
use tillroll_events::{PayoutFacts, PayoutStatus};

use super::{ObjectStatement, unknown_status};
use crate::error::FieldProblem;
use crate::fields::{Fields, missing};

pub(super) fn read(
    fields: Fields<'_, '_>,
    to: &mut ObjectStatement<'_>,
) -> Result<(), FieldProblem> {
    let currency = fields.currency("currency")?;
    let status = match fields.text("status")?.ok_or_else(|| missing("status"))? {
        "pending" => PayoutStatus::Pending,
        "in_transit" => PayoutStatus::InTransit,
        "paid" => PayoutStatus::Paid,
        "canceled" => PayoutStatus::Cancelled,
        "failed" => PayoutStatus::Failed,
        other => return Err(unknown_status(other)),
    };
    to.say(Fact::Payout(PayoutFacts {
        id: fields.required_id("id")?,
        account: to.account.cloned(),
        currency: currency.unit(),
        amount: fields.required_amount("amount", currency)?,
        status,
        // `date` while payouts were transfers.
        arrival: fields.time("arrival_date").or_else(|| fields.time("date")),
    }));
    to.balance_transaction(fields, "balance_transaction")?;
    to.balance_transaction(fields, "failure_balance_transaction")
}
