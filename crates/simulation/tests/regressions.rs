//! Seeds that have failed, and why. They stay.

use tillroll_simulation::{Options, simulate};

const SEEDS: &[(u64, &str)] = &[(
    109,
    "the log had one frame, and the judge forged it: nobody can tell the last frame's forgery \
     from the frame without a mark of what was durable",
)];

#[test]
fn seeds_that_have_failed_pass() {
    for (seed, why) in SEEDS {
        if let Err(failed) = simulate(*seed, &Options::default()) {
            panic!("once more ({why}):\n{failed}");
        }
    }
}
