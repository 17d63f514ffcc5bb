//! What clients get. Answers to commands are rendered from the command's records alone, so that
//! a repeated request gets the same bytes.

mod account;
mod entry;
mod order;

pub(crate) use account::{AccountView, SplitView, StatementLineView, StockView, TrialBalanceView};
pub(crate) use entry::{BulkView, EntryView, HoldView, ReceiptView};
pub(crate) use order::OrderView;
