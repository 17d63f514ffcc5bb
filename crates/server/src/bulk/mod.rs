//! Many entries at once: from a body to commands of up to 10,000 entries, and what they are
//! answered.
//!
//! A JSON document is one command. A stream of lines is cut into commands as it arrives: each is
//! read while the one before it becomes durable, and none is submitted before the one before it
//! was applied, so that a stream stops where something is wrong.
//!
//! # Invariants
//! - What is in memory of a stream is bounded: the command that is being read, and the one that
//!   is being applied.
//! - Where a stream is cut follows from its bytes alone, not from how they arrived: sent again
//!   under the same key, every command is found again.

mod batch;
mod items;
mod lines;
mod stream;
#[cfg(test)]
mod tests;

pub(crate) use batch::CommandBatch;
#[cfg(any(feature = "fuzzed", feature = "measured", test))]
pub(crate) use items::careful;
pub(crate) use items::{BulkItems, document, quick};
pub(crate) use lines::Lines;
pub(crate) use stream::{BulkContext, Stream, answer, line};
