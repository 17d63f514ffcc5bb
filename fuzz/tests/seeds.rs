//! Every seed of every target, without a fuzzer.

#[test]
fn every_target_has_seeds_and_holds_on_them() {
    let counts = tillroll_fuzz::replay_seeds().unwrap();
    for (target, seeds) in counts {
        assert!(seeds > 0, "{target} has no seeds");
    }
}
