//! Plants a bug and runs the suite that must find it.

use tillroll_sabotage::{Bug, arm};

use crate::suites::{Caught, Suite};

/// What the suite of a bug said while the bug was planted: `None` when it was content.
///
/// Nothing else of this crate may run meanwhile: the bug is planted for the whole process.
///
/// # Panics
/// When the bug names a suite that does not exist.
#[must_use]
pub fn hunt(bug: Bug) -> Option<Caught> {
    let suite = Suite::named(bug.suite()).expect("every bug names one of the suites");
    arm(Some(bug));
    let verdict = suite.run();
    arm(None);
    verdict.err()
}
