//! The book: one merchant's whole state, and the pure functions that move it.
//!
//! Purpose: [`Book::decide`] turns a command into events or refuses it by name;
//! [`Book::evolve`] folds an event into the state and cannot fail. Posting rules live here.
//!
//! Invariants: deciding is a function of state and command alone; the same events give the
//! same state wherever they are folded; facts about money converge, in whatever order and however
//! often they arrive.
//!
//! Rows that no record has touched for long may be kept elsewhere ([`ColdStore`]); where a row
//! is changes nothing that is decided or listed. The rules stand on `store`, which holds the rows
//! and knows no rule.
//!
//! It knows no files, network, clocks, randomness, nor Stripe's own names and shapes. Of bytes it
//! knows how a row of its state is written, derived from the row's numbered fields as those of
//! events are, and not where. Facts arrive in the vocabulary of `tillroll-events`.

mod book;
mod bulk;
mod chart;
pub mod clock;
mod command;
mod decide;
mod decision;
mod digest;
mod entry_batch;
mod facts;
mod fold;
pub mod key;
mod links;
mod memory_writer;
mod order;
mod posting;
mod record;
mod refusal;
mod refusal_kind;
pub mod state;
mod store;
mod work;

pub use book::Book;
pub use chart::{Chart, ChartError, ChartRule};
pub use command::{
    Action, CaptureHold, CapturePart, Command, ConfirmClock, LineRequest, Observe, OpenAccount,
    OriginalEntry, PlaceHold, PlaceOrder, PostEntries, PostEntry, PostingRequest, ReceiveStock,
    ReversalPart, ReverseEntry, SellerRequest, StockRequest, TaxRequest,
};
pub use decision::{Decided, Decision};
pub use digest::Digest;
pub use entry_batch::{EntryBatch, EntryRequest, LegRequest, Words};
pub use key::CommandKey;
pub use memory_writer::MemoryWriter;
pub use refusal::{Refusal, Retry};
pub use refusal_kind::RefusalKind;
pub use store::{ColdFault, ColdStore, MemoryColdStore, RowAddress};
pub use tillroll_events::Fact;
