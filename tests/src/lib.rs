//! The harness for tests that cross crates: one file per promise
