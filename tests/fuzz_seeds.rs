//! Promise: everything that ever tripped a fuzz target, and every seed it starts from, is read
//! without a panic by what stands in the repository now.

#[test]
fn every_seed_of_every_target_replays() {
    let counts = tillroll_fuzz::replay_seeds().expect("the seeds are files of the repository");
    assert!(!counts.is_empty());
    for (target, seeds) in counts {
        assert!(seeds > 0, "{target} has no seeds");
    }
}
