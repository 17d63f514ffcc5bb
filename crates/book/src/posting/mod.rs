//! Posting rules: which accounts should stand at what, as functions of what is known.
//!
//! Each rule answers the *whole* of what its subject should have on the books, never a change.
//! [`Work::book`](crate::work::Work::book) posts the difference to what is there.

pub(crate) mod balance_transaction;
pub(crate) mod order;
pub(crate) mod processor;
