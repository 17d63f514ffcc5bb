//! The book: one merchant's whole state, and the pure functions that move it.
//!
//! Purpose: [`Book::decide`] turns a command into events or refuses it by name;
//! [`Book::evolve`] folds an event into the state and cannot fail. Posting rules live here.
//!
//! Invariants: deciding is a function of state and command alone; the same events give the
//! same state, whoever folds them; facts about money converge, in whatever order and however
//! often they arrive.
//!
//! Rows that no record has touched for long may be kept elsewhere ([`ColdStore`]); where a row
//! is changes nothing that is decided or listed.
//!
//! It refuses to know: bytes, files, network, clocks, randomness, Stripe's own names and
//! shapes. Facts arrive in the vocabulary of `tillroll-events`.

mod book;
mod bulk;
mod chart;
mod cold;
mod cold_index;
mod command;
mod decide;
mod digest;
mod entry_batch;
mod facts;
mod ids;
mod legs;
mod memory_writer;
mod order;
mod parts;
mod posting;
mod record;
mod refusal;
mod rows;
pub mod state;
mod table;
mod tables;
mod work;

pub use book::{Book, Decided, Decision};
pub use chart::{Chart, ChartError, ChartRule};
pub use cold::{ColdFault, ColdStore, MemoryColdStore, Place, Row};
pub use command::{
    Action, CaptureHold, CapturePart, Command, CommandKey, Fact, LineRequest, Observe, OpenAccount,
    PlaceHold, PlaceOrder, PostEntries, PostEntry, PostingRequest, ReceiveStock, SellerRequest,
    StockRequest, TaxRequest,
};
pub use digest::Digest;
pub use entry_batch::{EntryBatch, EntryRequest, LegRequest, Words};
pub use memory_writer::MemoryWriter;
pub use refusal::{Refusal, Retry};
