//! Every suite passes as things are, and the table of bugs keeps to the code.

use std::path::Path;

use tillroll_sabotage::Bug;
use tillroll_simulation::suites::Suite;

#[test]
fn every_suite_passes_when_no_bug_is_planted() {
    for suite in Suite::ALL {
        let verdict = suite.run();
        assert!(verdict.is_ok(), "{}: {}", suite.name, verdict.unwrap_err());
    }
}

#[test]
fn every_bug_has_a_suite_and_every_suite_a_bug() {
    for bug in Bug::ALL {
        assert!(
            Suite::named(bug.suite()).is_some(),
            "{bug}: {}",
            bug.suite()
        );
    }
    for suite in Suite::ALL {
        let bugs = Bug::ALL.into_iter().filter(|bug| bug.suite() == suite.name);
        assert!(
            bugs.count() > 0,
            "nothing shows that {} can fail",
            suite.name
        );
    }
}

#[test]
fn every_bug_is_planted_once_in_its_file() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for bug in Bug::ALL {
        let file = crates.join(bug.place());
        let source = std::fs::read_to_string(&file).unwrap_or_else(|error| {
            panic!("{bug} is planted in {}: {error}", bug.place());
        });
        let guard = format!("planted(Bug::{bug:?})");
        let count = source.matches(&guard).count();
        assert_eq!(count, 1, "{guard} in {}", bug.place());
    }
}
