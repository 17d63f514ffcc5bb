//! `tillroll backup`, `restore` and `verify --backup`.

use std::fs;
use std::path::Path;
use tillroll_log::testing::TestLog;

use tillroll_log::{Batch, Deadline, DirStorage, FileLog, Log, LogOptions, Position};

use crate::mode::mode;
use crate::support::{copy, digest, on, path, tillroll};

fn grow(data: &Path) {
    let log = DirStorage::open(data.join("log")).unwrap();
    let (mut log, _) = FileLog::open(log, LogOptions::default()).unwrap();
    let record = log
        .reader()
        .read_one(Position::FIRST, Deadline::NEVER)
        .unwrap();
    let mut batch = Batch::new();
    batch.push(record.as_deref().unwrap()).unwrap();
    log.append_next(&mut batch).unwrap();
}

#[test]
fn what_is_restored_has_the_same_digest() {
    let (data, elsewhere) = (copy(), tempfile::tempdir().unwrap());
    fs::write(data.path().join("chart.toml"), "").unwrap();
    let (target, restored) = (elsewhere.path().join("a/b"), elsewhere.path().join("new"));
    let made = on(data.path(), &["backup", path(&target), "--json"]).done();
    let said = made.json();
    let head = digest(data.path()).0;
    assert_eq!(
        (&said["position"], &said["files"]),
        (&head.into(), &2.into())
    );
    tillroll(&["verify", "--backup", path(&target)])
        .done()
        .says(&format!("position  {head}"));
    on(&restored, &["restore", path(&target)])
        .done()
        .says(&format!("up to position {head}"))
        .says("next: tillroll verify --data");
    on(&restored, &["verify"]).done();
    assert_eq!(digest(&restored), digest(data.path()));
    assert_eq!((mode(&target), mode(&restored)), (0o700, 0o700));
    for name in ["BOOK", "chart.toml"] {
        let read = |root: &Path| fs::read(root.join(name)).unwrap();
        assert_eq!(read(&restored), read(data.path()), "{name}");
    }
}

#[test]
fn a_second_backup_copies_what_is_new() {
    let (data, elsewhere) = (copy(), tempfile::tempdir().unwrap());
    let target = elsewhere.path().join("backup");
    let backup = || {
        on(data.path(), &["backup", path(&target), "--json"])
            .done()
            .json()
    };
    let first = backup();
    grow(data.path());
    let second = backup();
    assert_eq!(second["position_before"], first["position"]);
    assert_eq!(second["position"], first["position"].as_u64().unwrap() + 1);
    assert_eq!(second["files_copied"], 0);
    tillroll(&["verify", "--backup", path(&target)]).done();
}

#[test]
fn the_private_key_is_copied_only_on_request() {
    let (data, elsewhere) = (copy(), tempfile::tempdir().unwrap());
    let note = on(data.path(), &["checkpoint"]).done().out;
    on(data.path(), &["checkpoint", "--rotate"]).done();
    on(data.path(), &["checkpoint"]).done();
    let key = on(data.path(), &["checkpoint", "--public-key"]).done().out;
    let secret = fs::read(data.path().join("keys/signing.key")).unwrap();
    let holds_secret = |root: &Path| {
        let mut open = vec![root.to_owned()];
        while let Some(directory) = open.pop() {
            for entry in fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                match path.is_dir() {
                    true => open.push(path),
                    false if fs::read(&path).unwrap() == secret => return true,
                    false => {}
                }
            }
        }
        false
    };
    let [without, with] = ["without", "with"].map(|name| elsewhere.path().join(name));
    on(data.path(), &["backup", path(&without)])
        .done()
        .says("no keys");
    assert!(!holds_secret(&without));
    on(data.path(), &["backup", path(&with), "--with-keys"])
        .done()
        .says("keep the backup as you keep the key");
    assert!(holds_secret(&with));

    let restored = elsewhere.path().join("restored");
    on(&restored, &["restore", path(&with)]).done();
    assert_eq!(mode(&restored.join("keys/signing.key")), 0o600);
    let again = on(&restored, &["checkpoint", "--public-key"]).done().out;
    assert_eq!(again, key);
    let old = elsewhere.path().join("old.note");
    fs::write(&old, note).unwrap();
    on(&restored, &["prove", "--from", path(&old)]).done();

    let fresh = elsewhere.path().join("fresh");
    on(&fresh, &["restore", path(&without)]).done();
    let made = on(&fresh, &["checkpoint", "--public-key"]).done().out;
    assert_ne!(made, key, "a restored book without its key gets a new one");
}

#[test]
fn a_backup_that_was_changed_is_found_and_not_restored() {
    let (data, elsewhere) = (copy(), tempfile::tempdir().unwrap());
    let target = elsewhere.path().join("backup");
    on(data.path(), &["backup", path(&target)]).done();
    let segment = target.join("log/00000000000000000001.roll");
    let whole = fs::read(&segment).unwrap();
    let mut bytes = whole.clone();
    bytes[whole.len() / 2] ^= 1;
    for (what, bytes) in [
        ("a bit", Some(bytes)),
        ("the end", Some(whole[..whole.len() - 1].to_vec())),
        ("all of it", None),
    ] {
        match bytes {
            Some(bytes) => fs::write(&segment, bytes).unwrap(),
            None => fs::remove_file(&segment).unwrap(),
        }
        let ran = tillroll(&["verify", "--backup", path(&target)]).failed();
        assert!(
            ran.err.contains("00000000000000000001.roll"),
            "{what}: {ran:?}"
        );
        let restored = elsewhere.path().join(what);
        on(&restored, &["restore", path(&target)])
            .failed()
            .says("try: tillroll verify --backup");
        on(&restored, &["digest"]).failed();
    }
}

#[test]
fn nothing_is_written_over_what_is_there() {
    let (data, elsewhere) = (copy(), tempfile::tempdir().unwrap());
    let before = digest(data.path());
    let target = elsewhere.path().join("backup");
    on(data.path(), &["backup", path(&target)]).done();
    on(data.path(), &["restore", path(&target)])
        .failed()
        .says("not empty");
    assert_eq!(digest(data.path()), before);
    let letters = elsewhere.path().join("letters");
    fs::create_dir(&letters).unwrap();
    fs::write(letters.join("to-my-aunt"), "dear").unwrap();
    on(data.path(), &["backup", path(&letters)])
        .failed()
        .says("to-my-aunt");
    tillroll(&["verify", "--backup", path(&letters)])
        .failed()
        .says("there is no backup here");
    on(elsewhere.path(), &["backup", path(&target)])
        .failed()
        .says("there is no roll");
}
