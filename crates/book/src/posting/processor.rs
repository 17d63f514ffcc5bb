//! What disputes, transfers and payouts should have on the books.
//!
//! | what | debit | credit |
//! |---|---|---|
//! | dispute lost | `chargebacks:lost` | `disputes:held`, as much as was withdrawn |
//! | transfer to a seller | `seller:*:available` | `clearing:transfers` |
//! | payout paid | `bank:account` | `bank:transit` |

use std::collections::BTreeMap;

use tillroll_events::{DisputeFacts, DisputeStatus, PayoutFacts, PayoutStatus, TransferFacts};
use tillroll_money::Unit;

use crate::Refusal;
use crate::store::{BalanceTransaction, ExternalIds, Legs};
use crate::work::UnitOfWork;

pub(crate) fn dispute(work: &mut UnitOfWork<'_>, facts: &DisputeFacts) -> Result<Legs, Refusal> {
    let mut legs = Legs::default();
    if facts.status != DisputeStatus::Lost {
        return Ok(legs);
    }
    let mut held: BTreeMap<Unit, i128> = BTreeMap::new();
    if let Some(ids) = work.tables.get::<ExternalIds>(&facts.id) {
        for id in &*ids {
            let row = work.tables.get::<BalanceTransaction>(id);
            let facts = row.as_ref().and_then(|row| row.facts.as_ref());
            let moved = facts.filter(|row| {
                row.account.is_none() && matches!(&*row.category, "dispute" | "dispute_reversal")
            });
            if let Some(row) = moved {
                *held.entry(row.currency).or_default() -= i128::from(row.amount);
            }
        }
    }
    for (unit, amount) in held {
        if amount != 0 {
            legs.debit(work.account("chargebacks:lost", unit)?, amount);
            legs.debit(work.account("disputes:held", unit)?, -amount);
        }
    }
    Ok(legs)
}

pub(crate) fn transfer(work: &mut UnitOfWork<'_>, facts: &TransferFacts) -> Result<Legs, Refusal> {
    let mut legs = Legs::default();
    let sent = i128::from(facts.amount.saturating_sub(facts.reversed));
    if sent != 0 {
        let available = format!("seller:{}:available", facts.seller);
        legs.debit(work.account(&available, facts.currency)?, sent);
        legs.debit(work.account("clearing:transfers", facts.currency)?, -sent);
    }
    Ok(legs)
}

pub(crate) fn payout(work: &mut UnitOfWork<'_>, facts: &PayoutFacts) -> Result<Legs, Refusal> {
    let mut legs = Legs::default();
    // A seller's own payout is between him and his bank.
    if facts.account.is_none() && facts.status == PayoutStatus::Paid {
        legs.debit(
            work.account("bank:account", facts.currency)?,
            facts.amount.into(),
        );
        legs.debit(
            work.account("bank:transit", facts.currency)?,
            -i128::from(facts.amount),
        );
    }
    Ok(legs)
}
