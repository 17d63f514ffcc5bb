//! `tillroll checkpoint`: what is signed, by which key, and what never is.

use std::fs;
use tillroll_log::testing::TestReader;

use tillroll_log::{Deadline, DirStorage, FileLog, Log, LogOptions};
use tillroll_proofs::SignedCheckpoint;

use crate::mode::{mode, set_mode};
use crate::support::{copy, digest, frame_ends, on, path, segment, story, tillroll};

#[test]
fn a_checkpoint_is_of_the_head_and_its_key_is_for_its_owner_only() {
    let data = copy();
    let first = on(data.path(), &["checkpoint"]).done();
    assert!(first.err.contains("a key was made"), "{first:?}");
    let key = on(data.path(), &["checkpoint", "--public-key"]).done().out;
    let signed = SignedCheckpoint::open(first.out.as_bytes(), &[key.trim().parse().unwrap()]);
    assert_eq!(
        signed.unwrap().checkpoint().size,
        digest(data.path()).0,
        "of the head"
    );
    assert_eq!(mode(&data.path().join("keys")), 0o700);
    assert_eq!(mode(&data.path().join("keys/signing.key")), 0o600);
    let secret = fs::read_to_string(data.path().join("keys/signing.key")).unwrap();
    assert!(!first.out.contains(secret.trim()) && !first.err.contains(secret.trim()));

    let again = on(data.path(), &["checkpoint"]).done();
    assert_eq!((again.out, again.err.as_str()), (first.out, ""));
    let said = on(data.path(), &["checkpoint", "--json"]).done().json();
    assert_eq!(said["size"], digest(data.path()).0);
    assert_eq!(said["signers"][0], key.trim());
    on(data.path(), &["verify"]).done();
}

#[test]
fn a_stored_checkpoint_that_is_not_what_was_signed_is_found() {
    let data = copy();
    on(data.path(), &["checkpoint"]).done();
    let head = digest(data.path()).0;
    on(data.path(), &["verify"]).done().says(&format!(
        "1 checkpoint signed here, the newest at position {head}"
    ));
    let directory = data.path().join("proofs/checkpoints");
    let file = directory.join(format!("{head:020}.note"));
    let sound = fs::read(&file).unwrap();
    let finding = || {
        let said = on(data.path(), &["verify", "--json"]).failed().json();
        let checks = said["checks"].as_array().unwrap().iter();
        // All others are done, and hold.
        assert!(
            checks.clone().any(|check| check["check"] == "read models"),
            "{said}"
        );
        let findings = said["findings"].as_array().unwrap();
        assert_eq!(findings.len(), 1, "{said}");
        assert_eq!(findings[0]["check"], "checkpoints", "{said}");
        findings[0]["file"].as_str().unwrap().to_owned()
    };
    for at in (0..sound.len()).step_by(sound.len() / 7) {
        let mut altered = sound.clone();
        altered[at] ^= 1;
        fs::write(&file, altered).unwrap();
        assert_eq!(finding(), path(&file), "byte {at}");
    }
    let doctor = on(data.path(), &["doctor"]).failed();
    doctor.says("1 file cannot be believed");

    // What was signed, under a name that says otherwise.
    let misnamed = directory.join(format!("{:020}.note", head - 1));
    fs::write(&misnamed, &sound).unwrap();
    fs::remove_file(&file).unwrap();
    assert_eq!(finding(), path(&misnamed));
    fs::rename(&misnamed, &file).unwrap();
    on(data.path(), &["verify"]).done();

    // Keys that cannot be read, and none at all.
    let keys = data.path().join("keys/verifiers");
    fs::write(&keys, "no key").unwrap();
    assert_eq!(finding(), path(&keys));
    fs::remove_file(&keys).unwrap();
    on(data.path(), &["verify"])
        .done()
        .says("there is no key to check 1 checkpoint with");
}

#[test]
fn two_directories_have_two_keys() {
    let keys =
        [copy(), copy()].map(|data| on(data.path(), &["checkpoint", "--public-key"]).done().out);
    assert_ne!(keys[0], keys[1]);
}

#[test]
fn a_new_key_is_vouched_for_by_the_old_one() {
    let data = copy();
    on(data.path(), &["checkpoint", "--rotate"])
        .misused()
        .says("try: tillroll checkpoint --data");
    let old = on(data.path(), &["checkpoint", "--public-key"]).done().out;
    let statement = on(data.path(), &["checkpoint", "--rotate"]).done().out;
    let new = on(data.path(), &["checkpoint", "--public-key"]).done().out;
    assert_ne!(old, new);
    assert!(statement.contains(new.trim()));

    let kept = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = kept.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let statement = file("rotation.note", &statement);
    let proof = on(data.path(), &["prove", "--event", "3"]).done().out;
    let proof = file("event.tlog-proof", &proof);
    let verify = ["verify", "--proof", path(&proof), "--key"];
    let with = |keys: &[&str]| tillroll(&[&verify[..], keys].concat());
    with(&[new.trim()]).done();
    with(&[old.trim()]).failed().says("signature_missing");
    with(&[old.trim(), "--key", path(&statement)]).done();
    assert_eq!(mode(&data.path().join("keys/signing.key")), 0o600);
}

#[test]
fn a_private_key_that_others_can_read_is_not_used() {
    let data = copy();
    on(data.path(), &["checkpoint"]).done();
    set_mode(&data.path().join("keys/signing.key"), 0o640);
    on(data.path(), &["checkpoint"])
        .failed()
        .says("can be read by others")
        .says("try: chmod 600");
}

#[test]
fn beside_a_server_only_what_is_known_to_be_durable_is_signed() {
    let data = copy();
    let head = digest(data.path()).0;
    let lock = DirStorage::open(data.path().join("log")).unwrap();
    let size = || on(data.path(), &["checkpoint", "--json"]).done().json()["size"].clone();
    // The read models follow what is committed, and have seen all of it.
    assert_eq!(size(), head);
    drop(lock);

    let data = copy();
    fs::remove_file(data.path().join("read-models.sqlite")).unwrap();
    let (log, _) = FileLog::open(
        DirStorage::open(data.path().join("log")).unwrap(),
        LogOptions::default(),
    )
    .unwrap();
    let reader = log.reader();
    let mut frames = reader
        .frames(reader.head_now().position, Deadline::NEVER)
        .unwrap();
    let first_of_last = frames.next_frame().unwrap().unwrap().first.get();
    // The log holds the lock. Only its writer knows whether its last frame was synced.
    let size = || on(data.path(), &["checkpoint", "--json"]).done().json()["size"].clone();
    assert_eq!(size(), first_of_last - 1);
    drop((frames, reader, log));
    assert_eq!(size(), head);
}

#[test]
fn nothing_is_signed_over_an_end_that_nobody_has_looked_at() {
    let data = copy();
    let ends = frame_ends(data.path());
    let file = fs::OpenOptions::new()
        .write(true)
        .open(segment(data.path()))
        .unwrap();
    file.set_len(ends[ends.len() - 1] - 1).unwrap();
    on(data.path(), &["checkpoint"])
        .failed()
        .says("try: tillroll verify --data");
    assert_eq!(
        fs::metadata(segment(data.path())).unwrap().len(),
        ends[ends.len() - 1] - 1,
        "and nothing was cut"
    );
}

#[test]
fn a_directory_without_a_roll_gets_no_key() {
    let empty = tempfile::tempdir().unwrap();
    for command in [
        &["checkpoint"][..],
        &["checkpoint", "--public-key"],
        &["checkpoint", "--rotate"],
        &["prove", "--event", "1"],
    ] {
        on(empty.path(), command).failed().says("there is no roll");
        assert_eq!(
            fs::read_dir(empty.path()).unwrap().count(),
            0,
            "{command:?}"
        );
    }
    assert!(
        !story().join("keys").exists(),
        "no test may change the story"
    );
}
