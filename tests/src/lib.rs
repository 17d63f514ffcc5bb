//! The harness of the tests that cross crates. Each test file beside it is a promise to a user.

pub mod shop;
pub mod teller;

/// A number from the environment, for who wants more of a test than the gate runs.
///
/// # Panics
/// When what is there is no number.
#[must_use]
pub fn number(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Err(_) => default,
        Ok(text) => text
            .parse()
            .unwrap_or_else(|error| panic!("{name}={text}: {error}")),
    }
}
