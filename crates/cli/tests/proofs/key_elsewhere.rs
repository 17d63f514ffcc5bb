//! A private key outside of the data directory: whoever has the directory, or a backup of it, cannot
//! sign.

use std::fs;
use std::path::Path;

use crate::mode::{mode, set_mode};
use crate::support::{Ran, copy, on, path, tillroll};

/// A command on a data directory, with its key.
fn with(data: &Path, key: &Path, args: &[&str]) -> Ran {
    let ran = on(data, &[args, &["--signing-key", path(key)]].concat());
    if let Ok(secret) = fs::read_to_string(key) {
        let hidden = secret.trim_end().rsplit('+').next().unwrap();
        assert!(
            !ran.out.contains(hidden) && !ran.err.contains(hidden),
            "{args:?}"
        );
    }
    ran
}

/// Every file below a directory.
fn texts(root: &Path) -> String {
    let mut all = String::new();
    for entry in fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        all += &match path.is_dir() {
            true => texts(&path),
            false => String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned(),
        };
    }
    all
}

#[test]
fn nothing_in_the_directory_or_its_backup_can_sign() {
    let (data, elsewhere) = (copy(), tempfile::tempdir().unwrap());
    let (data, key) = (data.path(), elsewhere.path().join("shop.key"));
    with(data, &key, &["checkpoint"]).done().says(path(&key));
    assert_eq!(mode(&key), 0o600);
    let public = with(data, &key, &["checkpoint", "--public-key"]).done().out;
    let proof = elsewhere.path().join("sale.tlog-proof");
    with(
        data,
        &key,
        &["prove", "--event", "3", "--out", path(&proof)],
    )
    .done();
    tillroll(&["verify", "--proof", path(&proof), "--key", public.trim()]).done();
    with(data, &key, &["doctor"]).says("the private key has mode 600");
    with(data, &key, &["checkpoint", "--rotate"]).done();
    on(data, &["verify"]).done();

    let backup = elsewhere.path().join("backup");
    with(data, &key, &["backup", path(&backup), "--with-keys"])
        .done()
        .says("the private key is not among them");
    let secret = fs::read_to_string(&key).unwrap();
    let hidden = secret.trim_end().rsplit('+').next().unwrap();
    for root in [data, &backup] {
        assert!(!texts(root).contains("PRIVATE+KEY") && !texts(root).contains(hidden));
    }
    let restored = elsewhere.path().join("restored");
    on(&restored, &["restore", path(&backup)]).done();
    with(&restored, &key, &["checkpoint"]).done();
}

#[test]
fn a_key_that_is_not_there_or_open_to_others_is_said_with_what_to_do() {
    let (data, elsewhere) = (copy(), tempfile::tempdir().unwrap());
    let (data, key) = (data.path(), elsewhere.path().join("shop.key"));
    let nowhere = elsewhere.path().join("unmounted/shop.key");
    with(data, &nowhere, &["checkpoint"])
        .failed()
        .says("mkdir -m 700");
    assert!(
        !nowhere.parent().unwrap().exists(),
        "no directory is made for it"
    );
    with(data, &key, &["checkpoint"]).done();

    on(data, &["checkpoint"])
        .failed()
        .says("checkpoint --signing-key FILE");
    let missing = with(data, &nowhere, &["checkpoint"]).failed();
    missing.says("mount its disk");
    with(data, &nowhere, &["doctor"])
        .failed()
        .says("mount its disk");
    on(data, &["doctor"]).says("nothing can be signed without --signing-key");
    set_mode(&key, 0o640);
    for args in [
        &["checkpoint"][..],
        &["prove", "--event", "1"],
        &["checkpoint", "--rotate"],
    ] {
        with(data, &key, args)
            .failed()
            .says(&format!("chmod 600 {}", path(&key)));
    }
    set_mode(&key, 0o600);
    with(data, &key, &["checkpoint"]).done();
}

#[test]
fn a_key_that_is_in_the_directory_can_be_moved_out() {
    let (data, elsewhere) = (copy(), tempfile::tempdir().unwrap());
    let (data, key) = (data.path(), elsewhere.path().join("shop.key"));
    let public = on(data, &["checkpoint", "--public-key"]).done().out;
    let inside = data.join("keys/signing.key");
    fs::copy(&inside, &key).unwrap();
    set_mode(&key, 0o600);
    with(data, &key, &["doctor"]).says(&format!("rm {}", path(&inside)));
    fs::remove_file(&inside).unwrap();
    let moved = with(data, &key, &["checkpoint", "--public-key"]).done().out;
    assert_eq!(moved, public);
    with(data, &key, &["checkpoint", "--rotate"]).done();
    assert!(!inside.exists());
}
