//! Posting rules: which accounts should stand at what, as functions of what is known.
//!
//! Each rule answers the *whole* of what its subject should have on the books, never a change.
//! [`UnitOfWork::book`](crate::work::UnitOfWork::book) posts the difference to what is there.

use tillroll_money::Unit;

use crate::Refusal;
use crate::store::Legs;
use crate::work::UnitOfWork;

pub(crate) mod balance_transaction;
pub(crate) mod order;
pub(crate) mod processor;

/// Adds to the debit side of an account, or to the credit side when negative. The account is
/// opened only once it has something to say.
fn debit(
    work: &mut UnitOfWork<'_>,
    path: &str,
    unit: Unit,
    amount: i128,
    legs: &mut Legs,
) -> Result<(), Refusal> {
    if amount != 0 {
        legs.debit(work.account(path, unit)?, amount);
    }
    Ok(())
}
