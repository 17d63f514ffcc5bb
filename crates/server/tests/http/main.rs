//! The promises of the HTTP interface.

mod bad_input;
mod bounded_answers;
mod bounded_bodies;
mod bulk_stream;
mod callers;
mod card_numbers;
mod clocks;
mod cold_rows;
mod contract;
mod failures;
mod harness;
mod idempotency;
mod lists;
mod mutations;
mod problems;
mod reversals;
mod serving;
mod shop;
mod snapshots;
mod staleness;
mod stream;
mod totals;
mod webhooks;
