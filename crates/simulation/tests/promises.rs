//! A bounded number of seeds: every promise is kept, and everything that can go wrong did.

use tillroll_simulation::{Count, SimulationOptions, Tally, simulate};

#[test]
fn sixty_seeds_keep_every_promise() {
    let mut tally = Tally::default();
    for seed in 0..60 {
        match simulate(seed, &SimulationOptions::default()) {
            Ok(run) => tally.merge(&run.tally),
            Err(failed) => panic!("{failed}"),
        }
    }
    assert_eq!(
        tally.missing(),
        [],
        "a run that exercises nothing proves nothing"
    );
    assert!(tally.of(Count::Recoveries) > 500, "{tally:?}");
    assert!(tally.refusals().count() >= 14, "{tally:?}");
}

#[test]
fn a_seed_gives_the_same_bytes_and_another_seed_gives_others() {
    let options = SimulationOptions {
        twice_every: 1,
        ..SimulationOptions::default()
    };
    let run = |seed| match simulate(seed, &options) {
        Ok(run) => run,
        Err(failed) => panic!("{failed}"),
    };
    let (first, second) = (run(1001), run(1002));
    assert_eq!(first.tally.of(Count::Repeated), 1);
    assert_ne!(first.fingerprint, second.fingerprint);
}
