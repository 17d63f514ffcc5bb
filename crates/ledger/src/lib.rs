//! The double-entry core: accounts, postings, entries, holds, limits and balances.
//!
//! Purpose: count everything that a business has to count (money, points, stock) under one
//! set of laws. Overselling, over-refunding, over-capturing, over-paying a seller and spending
//! points twice are one refusal here: an account limit.
//!
//! Invariants: an [`Entry`] that does not balance in every unit cannot be built; a [`Draft`]
//! checks every limit before an entry is written down; the sum of all balances of a unit is
//! zero after every step.
//!
//! It refuses to know: bytes, files, clocks, orders, Stripe. Time arrives as a number.

mod account;
mod account_index;
mod ascending;
mod balances;
mod bulk;
mod draft;
mod entry;
mod entry_ids;
mod hold;
pub mod id;
mod id_set;
mod ledger;
mod limits;
mod lines;

pub use account::{
    Account, AccountId, AccountPath, AccountSpec, AccountType, Limit, ParsePathError, PathRef,
    UnitId,
};
pub use account_index::NameHash;
pub use balances::{AccountTotals, Balances};
pub use bulk::HashedAccountName;
pub use draft::{Draft, LedgerRefusal};
pub use entry::{Entry, EntryError, EntryRef, MAX_POSTINGS, Posting, Side};
pub use hold::Hold;
pub use id::{EntryId, HoldId, ParseIdError};
pub use ledger::{Ledger, LedgerRestore, LedgerRestoreError};
