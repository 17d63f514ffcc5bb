//! What is done while the clock runs: entries between accounts, Stripe's webhooks, whole logs.
//!
//! Everything is made from seeds and counters, before the clock starts where it can be. The
//! criterion benches use the same.

mod bodies;
mod draw;
mod entries;
mod logs;
mod webhooks;

pub use bodies::{bulk_body, entry_body, lines_body};
pub use draw::Distribution;
pub use entries::{Entries, Ids, PlannedTransfer, at, euro, id, wallet, wallets};
pub use logs::{ACCOUNTS as LOG_ACCOUNTS, FilledLog, bulk_log, bulk_log_of, commerce_log};
pub use webhooks::{SECRET, SignedWebhook, Webhooks};
