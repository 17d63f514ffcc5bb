//! Whether an entry may draw on an account: one question, asked of a draft and of the ledger.

use tillroll_money::Unit;

use crate::account::{Account, Balances};
use crate::{EntryRef, LedgerRefusal, Side};

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
    let moved = |wanted: Side| -> u64 {
        entry
            .postings()
            .iter()
            .filter(|posting| posting.account == account.id && posting.side == wanted)
            .map(|posting| posting.amount)
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
    let (backing, used) = match side {
        Side::Debit => (after.credits_posted, after.total(side)),
        Side::Credit => (after.debits_posted, after.total(side)),
    };
    // As it was before the entry.
    let available = (backing - added).saturating_sub(used - drawn);
    Err(LedgerRefusal::WouldExceedLimit {
        path: account.path.clone(),
        unit: unit(),
        limit: account.limit,
        available,
        amount: drawn,
    })
}
