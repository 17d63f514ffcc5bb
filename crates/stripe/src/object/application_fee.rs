//! The platform's fee on a seller's payment, and what was given back of it.
//!
//! A refund of a fee comes with its fee, or alone (`application_fee.refund.updated`). Alone it says
//! of its fee that at least so much went back.

use std::collections::BTreeMap;

use tillroll_book::Fact;
use tillroll_events::{ApplicationFeeFacts, ApplicationFeeRefund, ExternalId};

use super::{ObjectStatement, each};
use crate::Currency;
use crate::error::FieldProblem;
use crate::fields::Fields;

pub(super) fn read(
    fields: Fields<'_, '_>,
    to: &mut ObjectStatement<'_>,
) -> Result<(), FieldProblem> {
    let currency = fields.currency("currency")?;
    let amount = fields.required_amount("amount", currency)?;
    let all = fields.truth("refunded")?.unwrap_or(false);
    let refunded = fields.amount("amount_refunded", currency)?;
    let mut refunds = BTreeMap::new();
    each(fields, "refunds", |held| {
        let (id, refund) = refund(held, currency)?;
        refunds.insert(id, refund);
        to.balance_transaction(held, "balance_transaction")
    })?;
    to.say(Fact::ApplicationFee(ApplicationFeeFacts {
        id: fields.required_id("id")?,
        account: fields.id("account")?,
        charge: fields.id("charge")?,
        originating_transaction: fields.id("originating_transaction")?,
        currency: currency.unit(),
        amount,
        refunded: refunded.unwrap_or(if all { amount } else { 0 }),
        balance_transaction: fields.id("balance_transaction")?,
        refunds,
    }));
    to.balance_transaction(fields, "balance_transaction")
}

/// A refund by itself, with its fee's id.
pub(super) fn read_refund(
    fields: Fields<'_, '_>,
    to: &mut ObjectStatement<'_>,
) -> Result<(), FieldProblem> {
    if let Some(fee) = fields.expanded("fee") {
        read(fee, to).map_err(|problem| problem.within("fee"))?;
    }
    let currency = fields.currency("currency")?;
    let (id, refund) = refund(fields, currency)?;
    to.say(Fact::ApplicationFee(ApplicationFeeFacts {
        id: fields.required_id("fee")?,
        account: None,
        charge: None,
        originating_transaction: None,
        currency: currency.unit(),
        amount: 0,
        refunded: refund.amount,
        balance_transaction: None,
        refunds: BTreeMap::from([(id, refund)]),
    }));
    to.balance_transaction(fields, "balance_transaction")
}

fn refund(
    fields: Fields<'_, '_>,
    currency: Currency,
) -> Result<(ExternalId, ApplicationFeeRefund), FieldProblem> {
    let refund = ApplicationFeeRefund {
        amount: fields.required_amount("amount", currency)?,
        balance_transaction: fields.id("balance_transaction")?,
    };
    Ok((fields.required_id("id")?, refund))
}
