//! The harness of the tests that cross crates. Each test file beside it is a promise to a user.

pub mod shop;
pub mod teller;
