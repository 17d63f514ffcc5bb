//! Whether an entry may draw on an account: one question, asked of a draft and of the ledger.

use tillroll_money::Unit;

use crate::account::Account;
use crate::{Balances, EntryRef, LedgerRefusal, Side};

/// Which totals an entry goes to.
#[derive(Clone, Copy)]
pub(crate) enum TotalsKind {
    Posted,
    Pending,
}

/// Checks the account's limit against its balances `after` the entry.
///
/// An account that breaks its limit already may still be mended: only an entry that draws on the
/// limited side is refused.
pub(crate) fn check(
    account: &Account,
    unit: impl FnOnce() -> Unit,
    after: &Balances,
    entry: EntryRef<'_>,
    stage: TotalsKind,
) -> Result<(), LedgerRefusal> {
    let Some(side) = account.limit.restricts() else {
        return Ok(());
    };
    if account.limit.allows(after) {
        return Ok(());
    }
    let moved = |wanted: Side| -> i128 {
        entry
            .postings()
            .iter()
            .filter(|posting| posting.account == account.id && posting.side == wanted)
            .map(|posting| i128::from(posting.amount))
            .sum()
    };
    let drawn = moved(side);
    // What is only pending backs nothing yet.
    let added = match stage {
        TotalsKind::Posted => moved(side.opposite()),
        TotalsKind::Pending => 0,
    };
    if drawn <= added {
        return Ok(());
    }
    let (backing, posted) = match side {
        Side::Debit => (after.credits_posted, after.debits_posted),
        Side::Credit => (after.debits_posted, after.credits_posted),
    };
    // As it was before the entry. What both sides have in common may have been taken off them
    // meanwhile, so only the difference counts.
    let left = i128::from(backing) - i128::from(posted) - i128::from(after.pending(side));
    let before = (left + drawn - added).max(0);
    let clamped = |number: i128| u64::try_from(number).unwrap_or(u64::MAX);
    Err(LedgerRefusal::WouldExceedLimit {
        path: account.path.clone(),
        unit: unit(),
        limit: account.limit,
        available: clamped(before),
        // Beyond 64 bits only where an entry names the account many times.
        amount: clamped(drawn),
    })
}
