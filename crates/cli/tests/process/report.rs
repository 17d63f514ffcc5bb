//! What has to be seen although the test passed: what was skipped, and figures.

use std::io::Write;

/// Prints past the capture of the test harness.
pub fn say(text: &str) {
    // One write, so that tests beside this one do not cut it in two.
    let line = format!("{text}\n");
    std::io::stderr()
        .write_all(line.as_bytes())
        .expect("the tests have a standard error");
}

/// Says that a part was not run. Where everything has to run, that is a failure.
#[track_caller]
pub fn skipped(what: &str, why: &str) {
    let required = std::env::var_os("TILLROLL_REQUIRE_FAULTS").is_some();
    assert!(!required, "{what} has to run, and cannot: {why}");
    say(&format!("SKIPPED: {what}: {why}"));
}

/// The seed of this run.
pub fn seed() -> u64 {
    number("TILLROLL_SEED", 7)
}

/// A number from the environment.
pub fn number(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Err(_) => default,
        Ok(text) => text
            .parse()
            .unwrap_or_else(|error| panic!("{name}={text}: {error}")),
    }
}

/// Whether this process has the rights of root.
pub fn is_root() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells");
    let effective = status
        .lines()
        .find_map(|line| line.strip_prefix("Uid:"))
        .and_then(|ids| ids.split_whitespace().nth(1));
    effective == Some("0")
}
