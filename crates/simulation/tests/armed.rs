//! Every planted bug is found by the suite that it names. It takes a build with bugs:
//! `cargo test -p tillroll-simulation --release --features planted-bugs --test armed`.

use tillroll_sabotage::Bug;
use tillroll_simulation::hunt::hunt;

/// One test: a bug is planted for the whole process.
#[test]
fn every_planted_bug_is_caught() {
    let missed: Vec<Bug> = Bug::ALL
        .into_iter()
        .filter(|bug| hunt(*bug).is_none())
        .collect();
    assert!(missed.is_empty(), "not caught: {missed:?}");
}
