//! What the system does not let us do is told apart from what is damaged and from what is not there.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use crate::support::{copy, path};

const TILLROLL: &str = env!("CARGO_BIN_EXE_tillroll");

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn said(output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8_lossy(&text).into_owned()
}

/// As a user who owns nothing; none where this process cannot become one.
fn as_nobody(args: &[&str]) -> Option<Output> {
    let mut command = match is_root() {
        true => {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=65534", "--regid=65534", "--clear-groups", TILLROLL]);
            command
        }
        false => Command::new(TILLROLL),
    };
    command.args(args).output().ok()
}

#[test]
fn without_permission_nothing_is_said_to_be_missing_or_damaged() {
    let data = copy();
    let root = data.path();
    // The binary and the way to the directory are for everybody.
    let mode = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(root, 0o755);
    let log = root.join("log");
    mode(&log, 0o000);
    let data_of = path(root);
    let works = as_nobody(&["--version"]).is_some_and(|ran| ran.status.success());
    if !works {
        eprintln!("SKIPPED: this process cannot run tillroll as another user");
        mode(&log, 0o755);
        return;
    }
    for line in [
        &["verify", "--data", data_of][..],
        &["digest", "--data", data_of],
        &["balances", "--data", data_of],
        &["events", "--data", data_of],
        &["replay", "--data", data_of],
        &["serve", "--listen", "127.0.0.1:0", "--data", data_of],
    ] {
        let ran = as_nobody(line).unwrap();
        let said = said(&ran);
        assert_eq!(ran.status.code(), Some(1), "{line:?}: {said}");
        assert!(said.contains("Permission denied"), "{line:?}: {said}");
        assert!(
            said.contains("try: as the user who owns"),
            "{line:?}: {said}"
        );
        for wrong in ["no roll", "tillroll demo", "DAMAGED", "damaged"] {
            assert!(!said.contains(wrong), "{wrong:?} of {line:?}: {said}");
        }
    }
    mode(&log, 0o755);
}

/// A directory that is mounted for reading only. Dropping it unmounts it.
struct ReadOnlyMount(tempfile::TempDir);

impl ReadOnlyMount {
    fn of(directory: &Path) -> Option<Self> {
        let at = tempfile::tempdir().unwrap();
        let ran = |args: &[&str]| {
            let ran = Command::new("mount").args(args).output();
            ran.is_ok_and(|ran| ran.status.success())
        };
        if !ran(&["--bind", path(directory), path(at.path())]) {
            return None;
        }
        let mount = Self(at);
        ran(&["-o", "remount,ro,bind", path(mount.0.path())]).then_some(mount)
    }
}

impl Drop for ReadOnlyMount {
    fn drop(&mut self) {
        let ran = Command::new("umount").arg("-l").arg(self.0.path()).status();
        assert!(
            ran.is_ok_and(|status| status.success()),
            "it is left mounted"
        );
    }
}

#[test]
fn a_read_only_mount_is_verified_and_read_and_not_served() {
    let data = copy();
    let Some(mount) = ReadOnlyMount::of(data.path()) else {
        eprintln!("SKIPPED: this process cannot mount");
        return;
    };
    let root = path(mount.0.path());
    for line in [
        &["verify", "--data", root][..],
        &["digest", "--data", root],
        &["balances", "--data", root],
        &["events", "--data", root],
    ] {
        let ran = Command::new(TILLROLL).args(line).output().unwrap();
        assert_eq!(ran.status.code(), Some(0), "{line:?}: {}", said(&ran));
        let said = said(&ran);
        assert!(!said.contains("DAMAGED"), "{line:?}: {said}");
        if line[0] == "verify" {
            assert!(said.contains("read models  ok"), "{said}");
        }
    }
    let line = ["serve", "--listen", "127.0.0.1:0", "--data", root];
    let ran = Command::new(TILLROLL).args(line).output().unwrap();
    let said = said(&ran);
    assert_eq!(ran.status.code(), Some(1), "{said}");
    assert!(said.contains("Read-only file system"), "{said}");
    assert!(said.contains("try: mount the file system of"), "{said}");
}

/// Every file, with its content.
fn contents(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        match entry.file_type().unwrap().is_dir() {
            true => found.extend(contents(&entry.path())),
            false => found.push((
                path(&entry.path()).to_owned(),
                fs::read(entry.path()).unwrap(),
            )),
        }
    }
    found.sort();
    found
}

#[test]
fn a_verification_leaves_every_byte_and_every_directory_as_it_was() {
    let data = copy();
    let before = contents(data.path());
    let changed = |directory: &Path| fs::metadata(directory).unwrap().modified().unwrap();
    let times: Vec<_> = [data.path().to_owned(), data.path().join("log")]
        .iter()
        .map(|directory| changed(directory))
        .collect();
    crate::support::on(data.path(), &["verify"]).done();
    assert_eq!(contents(data.path()), before);
    // Not even for a moment: that would show in the times of the directories.
    for (directory, time) in [data.path().to_owned(), data.path().join("log")]
        .iter()
        .zip(times)
    {
        assert_eq!(changed(directory), time, "{}", directory.display());
    }
}
