//! What clients get. Answers to commands are rendered from the command's records alone, so that
//! a repeated request gets the same bytes.

mod account;
mod bulk;
mod entry;
mod hold;
mod order;
mod split;
mod stock;
mod total;
mod trial_balance;

pub(crate) use account::{AccountView, StatementLineView};
pub(crate) use bulk::{BulkView, Results};
pub(crate) use entry::{EntryAnswer, EntryView};
pub(crate) use hold::HoldView;
pub(crate) use order::OrderView;
pub(crate) use split::SplitView;
pub(crate) use stock::{ReceiptView, StockView};
pub(crate) use trial_balance::TrialBalanceView;
