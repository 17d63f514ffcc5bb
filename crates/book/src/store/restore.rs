//! Rows that were kept, taken back: nothing that would make deciding panic gets in.

use tillroll_ledger::{AccountId, Ledger};

use super::row::{RowKind, StateRow, decode_row};

/// Rows that no book has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateContradiction {
    #[error("{kind}: {key} is there twice")]
    Twice { kind: RowKind, key: String },
    #[error("{kind}: {key} is booked to account number {}, which is not open", account.get())]
    Account {
        kind: RowKind,
        key: String,
        account: AccountId,
    },
}

/// Why a row cannot be taken back.
#[derive(Debug, thiserror::Error)]
pub enum RestoreRowError {
    #[error(transparent)]
    Malformed(#[from] minicbor::decode::Error),
    #[error(transparent)]
    Contradiction(#[from] StateContradiction),
}

/// Reads the row at the start of `bytes`, and checks that what it is booked to is open; answers
/// its length as well.
pub(super) fn read_row<V: StateRow>(
    ledger: &Ledger,
    bytes: &[u8],
) -> Result<(V::Key, V, usize), RestoreRowError> {
    let (key, row, used) = decode_row::<V>(bytes)?;
    let unknown = row.booked().and_then(|booked| {
        let mut accounts = booked.iter().map(|(account, _)| account);
        accounts.find(|account| ledger.account(*account).is_none())
    });
    match unknown {
        None => Ok((key, row, used)),
        Some(account) => {
            let (kind, key) = (V::KIND, key.to_string());
            Err(StateContradiction::Account { kind, key, account }.into())
        }
    }
}
