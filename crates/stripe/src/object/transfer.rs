//! A transfer to a connected seller.

use tillroll_book::Fact;
use tillroll_events::TransferFacts;

use super::{ObjectStatement, each, payout};
use crate::error::FieldProblem;
use crate::fields::Fields;

pub(super) fn read(
    fields: Fields<'_, '_>,
    to: &mut ObjectStatement<'_>,
) -> Result<(), FieldProblem> {
    let seller = fields.id("destination")?;
    let seller = seller.filter(|destination| destination.as_str().starts_with("acct_"));
    let Some(seller) = seller else {
        // Until API version 2017-04-06 payouts were transfers to a bank account. Only those
        // have a status.
        return payout::read(fields, to);
    };
    let currency = fields.currency("currency")?;
    let amount = fields.required_amount("amount", currency)?;
    let reversed = fields.amount("amount_reversed", currency)?;
    let all = fields.truth("reversed")?.unwrap_or(false);
    to.say(Fact::Transfer(TransferFacts {
        id: fields.required_id("id")?,
        seller,
        currency: currency.unit(),
        amount,
        reversed: reversed.unwrap_or(if all { amount } else { 0 }),
        source_charge: fields.id("source_transaction")?,
        group: fields.note("transfer_group"),
    }));
    to.balance_transaction(fields, "balance_transaction")?;
    each(fields, "reversals", |reversal| {
        to.balance_transaction(reversal, "balance_transaction")
    })
}
