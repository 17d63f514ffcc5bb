//! `tillroll doctor`: what is well, what is not, and what to do.

use std::fs;
use std::path::Path;

use tillroll_log::DirStorage;

use crate::mode::set_mode;
use crate::support::{copy, frame_ends, on, path, segment};

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 1;
    fs::write(path, bytes).unwrap();
}

/// The status of a check, and what to do.
fn status(data: &Path, check: &str) -> (String, String) {
    let said = on(data, &["doctor", "--json"]).json();
    let checks = said["checks"].as_array().unwrap();
    let found = checks.iter().find(|found| found["check"] == check);
    let found = found.unwrap_or_else(|| panic!("no {check} in {said}"));
    let text = |field: &str| found[field].as_str().unwrap_or_default().to_owned();
    (text("status"), text("next"))
}

#[test]
fn a_book_that_is_looked_after_has_nothing_to_do() {
    let (data, elsewhere) = (copy(), tempfile::tempdir().unwrap());
    set_mode(data.path(), 0o700);
    for (check, advice) in [
        ("checkpoint", "tillroll checkpoint"),
        ("backup", "tillroll backup"),
    ] {
        let (status, next) = status(data.path(), check);
        assert_eq!(status, "warn", "{check}");
        assert!(next.contains(advice), "{check}: {next}");
    }
    on(data.path(), &["checkpoint"]).done();
    let target = elsewhere.path().join("backup");
    on(data.path(), &["backup", path(&target)]).done();
    let said = on(data.path(), &["doctor", "--json"]).done().json();
    assert_eq!(said["ok"], true);
    for check in [
        "permissions",
        "keys",
        "server",
        "roll",
        "read models",
        "checkpoint",
        "backup",
    ] {
        assert_eq!(status(data.path(), check).0, "ok", "{check} in {said}");
    }
    let table = on(data.path(), &["doctor"]).done();
    for part in ["what to do", "disk space", "clock", path(&target)] {
        assert!(table.out.contains(part), "no {part:?} in\n{}", table.out);
    }
}

#[test]
fn what_is_wrong_fails_with_what_to_do() {
    let table: &[(&str, fn(&Path), &str, &str)] = &[
        (
            "others may write",
            |data| set_mode(data, 0o777),
            "permissions",
            "chmod 700",
        ),
        (
            "others may read the key",
            |data| set_mode(&data.join("keys/signing.key"), 0o644),
            "keys",
            "chmod 600",
        ),
        (
            "others may put a key there",
            |data| set_mode(&data.join("keys"), 0o777),
            "keys",
            "chmod 700",
        ),
        (
            "a private key that is none",
            |data| flip(&data.join("keys/signing.key"), 60),
            "keys",
            "backup --with-keys",
        ),
        (
            "a verifier key that is none",
            |data| flip(&data.join("keys/verifiers"), 60),
            "checkpoint",
            "backup --with-keys",
        ),
        (
            "a statement that vouches for nothing",
            |data| {
                on(data, &["checkpoint", "--rotate"]).done();
                let rotations = fs::read_dir(data.join("keys/rotations")).unwrap();
                for statement in rotations {
                    flip(&statement.unwrap().path(), 100);
                }
            },
            "keys",
            "backup --with-keys",
        ),
        (
            "a roll that lost its end",
            |data| {
                let ends = frame_ends(data);
                let file = fs::OpenOptions::new().write(true).open(segment(data));
                file.unwrap().set_len(ends[ends.len() - 2]).unwrap();
            },
            "read models",
            "tillroll verify",
        ),
        (
            "and less than was signed",
            |data| {
                let ends = frame_ends(data);
                let file = fs::OpenOptions::new().write(true).open(segment(data));
                file.unwrap().set_len(ends[ends.len() - 2]).unwrap();
            },
            "checkpoint",
            "tillroll verify",
        ),
        (
            "damage in the last segment",
            |data| {
                let mut bytes = fs::read(segment(data)).unwrap();
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
                fs::write(segment(data), bytes).unwrap();
            },
            "roll",
            "tillroll verify",
        ),
    ];
    for (what, harm, check, advice) in table {
        let data = copy();
        set_mode(data.path(), 0o700);
        on(data.path(), &["checkpoint"]).done();
        on(data.path(), &["doctor"]).done();
        harm(data.path());
        on(data.path(), &["doctor"]).failed().says("FAIL");
        let (status, next) = status(data.path(), check);
        assert_eq!(status, "fail", "{what}");
        assert!(next.contains(advice), "{what}: {next}");
    }
}

#[test]
fn a_server_is_noticed() {
    let data = copy();
    let found = |data: &Path| on(data, &["doctor"]).out;
    assert!(found(data.path()).contains("not running"));
    let lock = DirStorage::open(data.path().join("log")).unwrap();
    assert!(found(data.path()).contains("running on this directory"));
    drop(lock);
}

#[test]
fn read_models_that_are_left_behind_are_no_failure() {
    let data = copy();
    fs::remove_file(data.path().join("read-models.sqlite")).unwrap();
    let (status, next) = status(data.path(), "read models");
    assert_eq!(status, "warn");
    assert!(next.contains("projections rebuild"), "{next}");
}
