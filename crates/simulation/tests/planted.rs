//! The judge can fail: every planted bug is found within a few seeds, and named for what it
//! breaks.

use tillroll_simulation::{Failed, Law, Options, Planted, simulate};

/// The first seed of these that finds a planted bug.
fn found(planted: Planted, seeds: u64) -> Box<Failed> {
    let options = Options {
        planted: Some(planted),
        read_models_every: 0,
        twice_every: 0,
        ..Options::default()
    };
    (0..seeds)
        .find_map(|seed| simulate(seed, &options).err())
        .unwrap_or_else(|| panic!("{planted:?} is not found by {seeds} seeds"))
}

#[test]
fn every_planted_bug_is_found() {
    use Law::{Acknowledged, Panics, Recovery, Sent, Succession, Whole};
    // The bug, seeds within which it has to be found, laws that it may be found to break.
    let table: &[(Planted, u64, &[Law])] = &[
        (Planted::LostSync, 3, &[Acknowledged]),
        (Planted::SkippedSync, 3, &[Acknowledged, Recovery]),
        (Planted::LostDirectorySync, 3, &[Acknowledged]),
        (Planted::SwallowedSyncError, 20, &[Acknowledged, Recovery]),
        (Planted::RetriedSync, 20, &[Acknowledged, Recovery]),
        (Planted::DroppedRecord, 3, &[Acknowledged]),
        (Planted::DroppedFrame, 3, &[Acknowledged]),
        // A fold may stumble over records in the wrong order before anybody can compare them.
        (Planted::SwappedRecords, 3, &[Acknowledged, Panics]),
        (Planted::RepeatedRecord, 3, &[Sent, Acknowledged, Whole]),
        (Planted::EditedRecord, 3, &[Acknowledged]),
        (Planted::ForgottenKey, 3, &[Acknowledged]),
        (Planted::AcknowledgedDoubt, 3, &[Acknowledged]),
        (Planted::DroppedDoubt, 6, &[Succession]),
        (Planted::UncheckedAppend, 3, &[Sent]),
    ];
    assert_eq!(table.len(), Planted::ALL.len());
    for (planted, seeds, laws) in table {
        let failed = found(*planted, *seeds);
        assert!(laws.contains(&failed.law), "{planted:?}: {failed}");
    }
}

#[test]
fn a_failure_says_how_to_see_it_again() {
    let failed = found(Planted::LostSync, 3);
    let shown = failed.to_string();
    let command = format!(
        "cargo run -p tillroll-simulation --release -- --seed {} --plant lost-sync --verbose",
        failed.seed
    );
    assert!(shown.contains(&command), "{shown}");
    assert!(shown.contains(&format!("seed {}, step {}", failed.seed, failed.step)));
    assert!(!failed.schedule.is_empty());
    // And the same seed fails in the same way.
    let again = found(Planted::LostSync, 3);
    assert_eq!(
        (again.seed, again.step, &again.detail, &again.schedule),
        (failed.seed, failed.step, &failed.detail, &failed.schedule)
    );
}
