//! Where the state beside the ledger is kept: tables of rows, and the tier below them for rows
//! that no record has touched for long.
//!
//! Purpose: hold every kind of row ([`rows`]), find it by its key wherever it is, list it, and
//! make it again of what was listed. A new kind of row is declared in `rows` and nowhere else
//! here.
//!
//! It knows no command, no rule and no refusal: what an event changes is said in `fold`, what
//! follows from it in `decide` and `posting`.

mod cold;
mod cold_index;
mod entry_key;
mod hash_filter;
mod ids;
mod legs;
mod parts;
mod restore;
mod row;
pub(crate) mod rows;
mod run_index;
mod table;
mod tables;

pub use cold::{ColdFault, ColdStore, MemoryColdStore, RowAddress};
pub use entry_key::EntryKey;
pub use ids::ExternalIds;
pub use legs::Legs;
pub use restore::{RestoreRowError, StateContradiction};
pub use row::{RowKind, StateRow, encode_row};
pub use rows::*;
pub use tables::{BookRow, ListedRow, ROW_KINDS, RowVisitor};

pub(crate) use cold::ColdTier;
pub(crate) use tables::Tables;
