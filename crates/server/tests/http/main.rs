//! The promises of the HTTP interface.

mod bad_input;
mod failures;
mod harness;
mod idempotency;
mod lists;
mod problems;
mod serving;
mod shop;
mod stream;
mod webhooks;
