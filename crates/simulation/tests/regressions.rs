//! Seeds that have failed, and why. They stay.

use tillroll_simulation::{SimulationOptions, simulate};

const SEEDS: &[(u64, &str)] = &[
    (
        109,
        "the log had one frame, and the judge forged it: the last frame's forgery \
         cannot be told from the frame without a mark of what was durable",
    ),
    (
        100_768,
        "a recovery cut a torn tail, failed at its sync and was killed; the next one was shown \
         the cut, which the disk did not have, and a power cut brought the tail back",
    ),
    (
        6_198,
        "the same, and by the time of the power cut another segment had been begun: the log did \
         not open any more, with acknowledged frames in it",
    ),
    (10_901, "the same as 6198, by another way"),
    (
        400_232,
        "a start removed a segment that a rotation had begun, and failed to make that durable; the \
         next made the segment before one byte longer and failed; a power cut brought both back, \
         and a segment that is not the last must not end in a nought",
    ),
];

#[test]
fn seeds_that_have_failed_pass() {
    for (seed, why) in SEEDS {
        if let Err(failed) = simulate(*seed, &SimulationOptions::default()) {
            panic!("once more ({why}):\n{failed}");
        }
    }
}
