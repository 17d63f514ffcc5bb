//! A balance transaction: a line of Stripe's account with us.
//!
//! `net` is `amount` less `fee`, and `fee` is the sum of its details: a line that does not add
//! up is refused, because an entry made from it would not either. `exchange_rate` is a float
//! and never looked at: two integer amounts are the rate.

use tillroll_events::{BalanceTransactionFacts, ExternalId, FeeDetail};
use tillroll_json::Json;

use super::each;
use crate::category;
use crate::error::FieldProblem;
use crate::fields::{Fields, missing, note};

pub(crate) fn balance_transaction(
    json: &Json<'_>,
) -> Result<BalanceTransactionFacts, FieldProblem> {
    let fields = Fields::required_of(json)?;
    if let Some(object) = fields.text("object")?
        && object != "balance_transaction"
    {
        return Err(FieldProblem::malformed(
            "object",
            "is not `balance_transaction`",
        ));
    }
    read(fields, None, false)
}

/// `of_dispute` says that it was found in a dispute.
pub(super) fn read(
    fields: Fields<'_, '_>,
    account: Option<&ExternalId>,
    of_dispute: bool,
) -> Result<BalanceTransactionFacts, FieldProblem> {
    let currency = fields.currency("currency")?;
    let amount = fields.required_signed("amount", currency)?;
    let fee = fields.required_signed("fee", currency)?;
    let net = fields.required_signed("net", currency)?;
    if amount.checked_sub(fee) != Some(net) {
        let detail = format!("is {net}, which is not {amount} less a fee of {fee}");
        return Err(FieldProblem::malformed("net", detail));
    }
    let mut fees = Vec::new();
    each(fields, "fee_details", |detail| {
        fees.push(FeeDetail {
            kind: detail.note("type").ok_or_else(|| missing("type"))?,
            amount: detail.required_signed("amount", currency)?,
        });
        Ok(())
    })?;
    let sum: i128 = fees.iter().map(|detail| i128::from(detail.amount)).sum();
    if sum != i128::from(fee) {
        let detail = format!("add up to {sum}, the fee is {fee}");
        return Err(FieldProblem::malformed("fee_details", detail));
    }
    let kind = fields.text("type")?.ok_or_else(|| missing("type"))?;
    let source = fields.id("source")?;
    let category = match fields.text("reporting_category")? {
        Some(category) => category,
        None => {
            let source = source.as_ref().map(ExternalId::as_str);
            category::of_type(kind, source, amount, of_dispute)
        }
    };
    Ok(BalanceTransactionFacts {
        id: fields.required_id("id")?,
        account: account.cloned(),
        kind: note(kind),
        category: note(category),
        currency: currency.unit(),
        amount,
        fee,
        net,
        source,
        fees,
        created: fields.time("created"),
        available_on: fields.time("available_on"),
    })
}
