//! Command lines that cannot be understood, and help.

use std::process::ExitCode;

use tillroll_cli::Exit;

use crate::support::{on, story, tillroll};

#[test]
fn wrong_usage_exits_2_and_says_what_helps() {
    for args in [
        &[][..],
        &["nonsense"],
        &["balances", "--nonsense"],
        &["balances", "--unit", "EURO"],
        &["balances", "--as-of", "yesterday"],
        &["balances", "--data"],
        &["trial-balance", "--as-of", "-1"],
        &["orders", "--status", "gone"],
        &["orders", "--limit", "0"],
        &["orders", "--limit", "many"],
        &["order"],
        &["order", "ord_1"],
        &["events", "--order", "evt_00000000000000000000000000"],
        &["events", "--after", "-1"],
        &["projections"],
        &["demo", "--orders", "39"],
        &["demo", "--orders", "200001"],
        &["demo", "--orders", "-1"],
        &["demo", "--seed", "x"],
        &["demo", "--listen", "0.0.0.0:7878"],
        &["serve", "--listen", "localhost"],
        &["serve", "--listen", "192.0.2.1:7878"],
        &["serve", "--queue", "0"],
        &["serve", "--stripe-webhook-secret", "sk_live_5f1e"],
    ] {
        let ran = tillroll(args);
        assert_eq!(ran.exit, Exit::Usage, "{args:?}: {ran:?}");
        assert_eq!(ran.out, "", "{args:?}");
        assert!(!ran.err.is_empty(), "{args:?}");
        assert!(!ran.err.contains("5f1e"), "{args:?}: {}", ran.err);
    }
}

#[test]
fn a_moment_beyond_the_roll_is_wrong_usage() {
    for command in ["balances", "trial-balance", "orders", "digest", "replay"] {
        let ran = on(story(), &[command, "--as-of", "99999999"]);
        assert_eq!(ran.exit, Exit::Usage, "{command}: {ran:?}");
        assert!(
            ran.err.contains("the roll ends at position"),
            "{command}: {}",
            ran.err
        );
        assert!(ran.err.contains("\n  try: "), "{command}: {}", ran.err);
    }
}

#[test]
fn a_directory_without_a_roll_is_named_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let nowhere = directory.path().join("nowhere");
    for args in [
        &["balances"][..],
        &["trial-balance"],
        &["orders"],
        &["order", "ord_00000000000000000000000000"],
        &["events"],
        &["verify"],
        &["replay"],
        &["digest"],
        &["projections", "rebuild"],
    ] {
        for data in [directory.path(), &nowhere] {
            let ran = on(data, args).failed();
            assert!(
                ran.err.contains("there is no roll in"),
                "{args:?}: {}",
                ran.err
            );
            assert!(
                ran.err.contains("try: tillroll demo --data"),
                "{args:?}: {}",
                ran.err
            );
        }
    }
    assert!(!nowhere.exists());
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn help_and_version_are_data() {
    for args in [
        &["--help"][..],
        &["help"],
        &["verify", "--help"],
        &["help", "demo"],
    ] {
        let ran = tillroll(args).done();
        assert!(ran.out.contains("Usage: tillroll"), "{args:?}");
        assert_eq!(ran.err, "", "{args:?}");
    }
    let version = tillroll(&["--version"]).done();
    assert_eq!(
        version.out,
        format!("tillroll {}\n", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn the_exit_code_is_that_of_the_process() {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    for (args, code) in [
        (&["tillroll", "--version"][..], ExitCode::SUCCESS),
        (
            &["tillroll", "digest", "--data", "/nowhere"],
            ExitCode::from(1),
        ),
        (&["tillroll", "nonsense"], ExitCode::from(2)),
    ] {
        assert_eq!(
            tillroll_cli::run(args, &mut out, &mut err),
            code,
            "{args:?}"
        );
    }
}
