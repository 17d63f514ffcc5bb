//! The judge can fail: every planted bug is found within a few seeds, and named for what it
//! breaks.

use tillroll_simulation::{FailedSeed, Law, PlantedBug, SimulationOptions, simulate};

/// The first seed of these that finds a planted bug.
fn found(planted: PlantedBug, seeds: u64) -> Box<FailedSeed> {
    let options = SimulationOptions {
        planted: Some(planted),
        read_models_every: 0,
        twice_every: 0,
        ..SimulationOptions::default()
    };
    (0..seeds)
        .find_map(|seed| simulate(seed, &options).err())
        .unwrap_or_else(|| panic!("{planted:?} is not found by {seeds} seeds"))
}

#[test]
fn every_planted_bug_is_found() {
    use Law::{Acknowledged, Panics, Recovery, Sent, Succession, Whole};
    // The bug, seeds within which it has to be found, laws that it may be found to break.
    let table: &[(PlantedBug, u64, &[Law])] = &[
        (PlantedBug::LostSync, 3, &[Acknowledged]),
        (PlantedBug::SkippedSync, 3, &[Acknowledged, Recovery]),
        (PlantedBug::LostDirectorySync, 3, &[Acknowledged]),
        (
            PlantedBug::SwallowedSyncError,
            20,
            &[Acknowledged, Recovery],
        ),
        (PlantedBug::RetriedSync, 20, &[Acknowledged, Recovery]),
        (PlantedBug::DroppedRecord, 3, &[Acknowledged]),
        (PlantedBug::DroppedFrame, 3, &[Acknowledged]),
        // A fold may stumble over records in the wrong order before anybody can compare them.
        (PlantedBug::SwappedRecords, 3, &[Acknowledged, Panics]),
        (PlantedBug::RepeatedRecord, 3, &[Sent, Acknowledged, Whole]),
        (PlantedBug::EditedRecord, 3, &[Acknowledged]),
        (PlantedBug::ForgottenKey, 3, &[Acknowledged]),
        (PlantedBug::AcknowledgedDoubt, 3, &[Acknowledged]),
        (PlantedBug::DroppedDoubt, 6, &[Succession]),
        (PlantedBug::UncheckedAppend, 3, &[Sent]),
    ];
    assert_eq!(table.len(), PlantedBug::ALL.len());
    for (planted, seeds, laws) in table {
        let failed = found(*planted, *seeds);
        assert!(laws.contains(&failed.law), "{planted:?}: {failed}");
    }
}

#[test]
fn a_failure_says_how_to_see_it_again() {
    let failed = found(PlantedBug::LostSync, 3);
    let shown = failed.to_string();
    let command = format!(
        "cargo run -p tillroll-simulation --release -- --seed {} --plant lost-sync --verbose",
        failed.seed
    );
    assert!(shown.contains(&command), "{shown}");
    assert!(shown.contains(&format!("seed {}, step {}", failed.seed, failed.step)));
    assert!(!failed.schedule.is_empty());
    // And the same seed fails in the same way.
    let again = found(PlantedBug::LostSync, 3);
    assert_eq!(
        (again.seed, again.step, &again.detail, &again.schedule),
        (failed.seed, failed.step, &failed.detail, &failed.schedule)
    );
}
