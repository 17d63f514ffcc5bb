//! What a line of the processor's account with us should have on the books.
//!
//! The net moves the balance account; fees go where the fee details say; the other side
//! follows the reporting category and clears what the order, refund, payout or transfer has
//! put into clearing. An unknown category goes to suspense.

use tillroll_events::{BalanceTransactionFacts, OrderId};
use tillroll_money::Unit;

use super::debit;
use crate::Refusal;
use crate::store::Legs;
use crate::work::UnitOfWork;

/// What a balance transaction is about, when that is known and its order is placed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) order: OrderId,
    /// The amount as the customer saw it, in the order's currency.
    pub(crate) presented: u64,
    pub(crate) currency: Unit,
}

/// The family of accounts that a category clears.
enum Clears {
    Order(&'static str),
    Fixed(&'static str),
}

fn clears(category: &str) -> Clears {
    use Clears::{Fixed, Order};
    match category {
        "charge" | "charge_failure" | "partial_capture_reversal" => Order("clearing"),
        "refund" | "refund_failure" => Order("refunds"),
        "dispute" | "dispute_reversal" => Fixed("disputes:held"),
        "payout" | "payout_reversal" | "payout_failure" | "payout_cancel" | "topup"
        | "topup_reversal" => Fixed("bank:transit"),
        "transfer" | "transfer_reversal" | "transfer_refund" | "transfer_cancel"
        | "transfer_failure" => Fixed("clearing:transfers"),
        "platform_earning" | "platform_earning_refund" => Fixed("income:application_fees"),
        "fee" | "network_cost" => Fixed("fees:stripe"),
        "tax" => Fixed("tax:input"),
        "risk_reserved_funds" | "connect_reserved_funds" => Fixed("stripe:reserve"),
        _ => Fixed("suspense:unknown"),
    }
}

fn fee_account(category: &str, kind: &str) -> &'static str {
    match (category, kind) {
        ("dispute" | "dispute_reversal", _) => "fees:disputes",
        (_, "stripe_fee") => "fees:stripe",
        (_, "application_fee") => "fees:application",
        (_, "tax") => "tax:input",
        _ => "fees:other",
    }
}

pub(crate) fn legs(
    work: &mut UnitOfWork<'_>,
    facts: &BalanceTransactionFacts,
    link: Option<&Link>,
) -> Result<Legs, Refusal> {
    let mut legs = Legs::default();
    let unit = facts.currency;
    let amount = i128::from(facts.amount);
    let net = i128::from(facts.net);
    if let Some(account) = &facts.account {
        // A seller's own account: not our money, kept as a memorandum.
        debit(
            work,
            &format!("connected:{account}:balance"),
            unit,
            net,
            &mut legs,
        )?;
        debit(
            work,
            &format!("connected:{account}:activity"),
            unit,
            -net,
            &mut legs,
        )?;
        return Ok(legs);
    }
    debit(work, "stripe:balance", unit, net, &mut legs)?;
    let mut itemised = 0;
    for fee in &facts.fees {
        itemised += i128::from(fee.amount);
        let account = fee_account(&facts.category, &fee.kind);
        debit(work, account, unit, i128::from(fee.amount), &mut legs)?;
    }
    let account = fee_account(&facts.category, "");
    debit(work, account, unit, amount - net - itemised, &mut legs)?;

    match (clears(&facts.category), link) {
        (Clears::Fixed(path), _) => debit(work, path, unit, -amount, &mut legs)?,
        (Clears::Order(_), None) => debit(work, "clearing:unmatched", unit, -amount, &mut legs)?,
        (Clears::Order(name), Some(link)) => {
            let path = format!("order:{}:{name}", link.order);
            if link.currency == unit {
                debit(work, &path, unit, -amount, &mut legs)?;
            } else {
                // Two integer amounts are the rate; a rate is never multiplied.
                let presented = i128::from(link.presented) * amount.signum();
                debit(work, &path, link.currency, -presented, &mut legs)?;
                debit(work, "exchange", link.currency, presented, &mut legs)?;
                debit(work, "exchange", unit, -amount, &mut legs)?;
            }
        }
    }
    Ok(legs)
}
