//! What clients send, and how it becomes what the book is asked to do.
//!
//! Shapes are strict: an unknown field is refused. Values are looked at together, so that one
//! answer names everything that is wrong with a body. What only the state can tell (whether an
//! account is open, whether there is enough of it) is left to the book.

mod account;
mod bulk;
mod entry;
mod hold;
mod order;
mod reversal;
mod stock;

pub(crate) use account::AccountBody;
pub(crate) use bulk::{
    BulkBody, BulkMode, BulkRead, MOST_ENTRIES, RefusedBefore, add_unreadable, each, entry_at,
    within_entry,
};
pub(crate) use entry::EntryBody;
pub(crate) use hold::{CaptureBody, HoldBody};
pub(crate) use order::OrderBody;
pub(crate) use reversal::ReversalBody;
pub(crate) use stock::ReceiptBody;
