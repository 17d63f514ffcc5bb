//! Keys in files: who may read them, and what a crash leaves.

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use support::{key, name};
use tempfile::TempDir;
use tillroll_proofs::{KeyFiles, Keyring, KeyringError, Rotation, VerifierKey};

fn place() -> (TempDir, PathBuf) {
    let directory = TempDir::new().unwrap();
    let keys = directory.path().join("proofs/keys");
    (directory, keys)
}

fn verifier(seed: u8) -> VerifierKey {
    key(seed).verifier().clone()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_key_is_made_once_and_found_again() {
    let (_directory, keys) = place();
    let missing = Keyring::open(&keys).unwrap_err();
    assert!(matches!(missing, KeyringError::Missing { .. }), "{missing}");
    let made = Keyring::create(&keys, name(), &[1; 32]).unwrap();
    assert_eq!(made.verifiers(), [verifier(1)]);
    let found = Keyring::open(&keys).unwrap();
    assert_eq!(found.signing_key().secret_text(), key(1).secret_text());
    assert_eq!(
        (found.verifiers(), found.name()),
        (made.verifiers(), &name())
    );
    let exists = Keyring::create(&keys, name(), &[2; 32]).unwrap_err();
    assert!(matches!(exists, KeyringError::Exists { .. }), "{exists}");
    assert_eq!(Keyring::open(&keys).unwrap().verifiers(), [verifier(1)]);
}

#[test]
fn a_private_key_is_its_owners_only() {
    let (_directory, keys) = place();
    Keyring::create(&keys, name(), &[1; 32]).unwrap();
    let path = keys.join("signing.key");
    assert_eq!((mode(&path), mode(&keys)), (0o600, 0o700));
    for exposed in [
        0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o644, 0o660, 0o777,
    ] {
        fs::set_permissions(&path, fs::Permissions::from_mode(exposed)).unwrap();
        match Keyring::open(&keys) {
            Err(KeyringError::Exposed { mode, .. }) => assert_eq!(mode, exposed),
            other => panic!("{exposed:o}: {other:?}"),
        }
    }
    for private in [0o600, 0o400] {
        fs::set_permissions(&path, fs::Permissions::from_mode(private)).unwrap();
        assert!(Keyring::open(&keys).is_ok(), "{private:o}");
    }
    Keyring::open(&keys).unwrap().rotate(&[2; 32]).unwrap();
    assert_eq!(mode(&path), 0o600);
}

#[test]
fn a_changed_key_signs_and_the_old_ones_are_remembered() {
    let (_directory, keys) = place();
    let mut ring = Keyring::create(&keys, name(), &[1; 32]).unwrap();
    for seed in [2, 3] {
        let statement = ring.rotate(&[seed; 32]).unwrap();
        let expected = Rotation::sign(&key(seed - 1), &key(seed)).unwrap();
        assert_eq!(statement, expected);
    }
    let found = Keyring::open(&keys).unwrap();
    for ring in [&ring, &found] {
        assert_eq!(ring.verifiers(), [1, 2, 3].map(verifier));
        assert_eq!(ring.signing_key().verifier(), &verifier(3));
        let trusted = Rotation::follow(&[verifier(1)], &ring.rotations().unwrap());
        assert_eq!(trusted.unwrap(), ring.verifiers());
    }
    for entry in fs::read_dir(&keys).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let text = fs::read_to_string(&path).unwrap();
            for old in [1, 2] {
                assert!(
                    !text.contains(&key(old).secret_text()),
                    "{}",
                    path.display()
                );
            }
        }
    }
}

#[test]
fn every_altered_byte_of_keys_and_statements_is_found() {
    let (_directory, keys) = place();
    let mut ring = Keyring::create(&keys, name(), &[1; 32]).unwrap();
    for seed in [2, 3] {
        ring.rotate(&[seed; 32]).unwrap();
    }
    Keyring::check(&keys).unwrap();
    let statement = |seed| keys.join(format!("rotations/{}.note", verifier(seed).id()));
    for path in [
        keys.join("signing.key"),
        keys.join("verifiers"),
        statement(2),
        statement(3),
    ] {
        let sound = fs::read(&path).unwrap();
        // The newline at the end says nothing.
        for at in 0..sound.len() - 1 {
            let mut altered = sound.clone();
            altered[at] ^= 1;
            fs::write(&path, altered).unwrap();
            let found = Keyring::check(&keys);
            assert!(found.is_err(), "byte {at} of {}", path.display());
        }
        fs::write(&path, &sound).unwrap();
    }
    // One in the place of another.
    fs::copy(statement(2), statement(3)).unwrap();
    let found = Keyring::check(&keys).unwrap_err();
    assert!(matches!(found, KeyringError::OtherKey { .. }), "{found}");
    assert!(ring.rotations().is_err());
}

#[test]
fn no_change_of_the_key_is_overwritten() {
    let (_directory, keys) = place();
    let mut ring = Keyring::create(&keys, name(), &[1; 32]).unwrap();
    Keyring::open(&keys).unwrap().rotate(&[2; 32]).unwrap();
    let refused = ring.rotate(&[3; 32]).unwrap_err();
    assert!(matches!(refused, KeyringError::Stale { .. }), "{refused}");
    assert_eq!(
        Keyring::open(&keys).unwrap().verifiers(),
        [1, 2].map(verifier)
    );
}

/// All files of a directory, as a crash finds them.
fn files(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            files.push((path.clone(), fs::read(&path).unwrap()));
        }
    }
    files
}

#[test]
fn a_change_that_a_crash_interrupts_is_finished_or_forgotten() {
    let (_directory, keys) = place();
    let mut ring = Keyring::create(&keys, name(), &[1; 32]).unwrap();
    let before = files(&keys);
    ring.rotate(&[2; 32]).unwrap();
    let verifiers = fs::read(keys.join("verifiers")).unwrap();
    let secret = fs::read(keys.join("signing.key")).unwrap();
    let half = &secret[..secret.len() / 2];
    let cases: [(&str, Option<&[u8]>, bool, u8); 5] = [
        ("before the new key is there", None, false, 1),
        ("while the new key is written", Some(half), false, 1),
        ("before the new key counts", Some(&secret), false, 1),
        ("once it counts", Some(&secret), true, 2),
        ("with an empty file", Some(b""), false, 1),
    ];
    for (case, next, counts, newest) in cases {
        for (path, bytes) in &before {
            fs::write(path, bytes).unwrap();
        }
        let path = keys.join("signing.key.next");
        if let Some(bytes) = next {
            fs::write(&path, bytes).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        }
        if counts {
            fs::write(keys.join("verifiers"), &verifiers).unwrap();
        }
        let mut ring = Keyring::open(&keys).unwrap();
        assert_eq!(ring.signing_key().verifier(), &verifier(newest), "{case}");
        assert_eq!(ring.verifiers().last(), Some(&verifier(newest)), "{case}");
        assert!(!path.exists(), "{case}");
        ring.rotate(&[3; 32]).unwrap();
        assert_eq!(
            Keyring::open(&keys).unwrap().verifiers().last(),
            Some(&verifier(3))
        );
    }
}

#[test]
fn the_first_key_survives_a_crash_or_was_never_there() {
    let (_directory, keys) = place();
    Keyring::create(&keys, name(), &[1; 32]).unwrap();
    let (path, next) = (keys.join("signing.key"), keys.join("signing.key.next"));
    fs::rename(&path, &next).unwrap();
    assert_eq!(Keyring::open(&keys).unwrap().verifiers(), [verifier(1)]);
    fs::rename(&path, &next).unwrap();
    fs::remove_file(keys.join("verifiers")).unwrap();
    assert!(matches!(
        Keyring::open(&keys),
        Err(KeyringError::Missing { .. })
    ));
    let made = Keyring::create(&keys, name(), &[2; 32]).unwrap();
    assert_eq!(made.verifiers(), [verifier(2)]);
}

#[test]
fn keys_that_do_not_belong_together_are_refused() {
    let (_directory, keys) = place();
    Keyring::create(&keys, name(), &[1; 32]).unwrap();
    let path = keys.join("verifiers");
    fs::write(&path, format!("{}\n{}\n", verifier(1), verifier(2))).unwrap();
    let refused = Keyring::open(&keys).unwrap_err();
    assert!(
        matches!(refused, KeyringError::NotNewest { .. }),
        "{refused}"
    );
    fs::write(&path, format!("{}\n?\n", verifier(1))).unwrap();
    match Keyring::open(&keys) {
        Err(KeyringError::Key { line: 2, .. }) => {}
        other => panic!("{other:?}"),
    }
    let path = keys.join("signing.key");
    let secret = fs::read_to_string(&path).unwrap();
    fs::write(&path, secret.replace('+', "-")).unwrap();
    let refused = Keyring::open(&keys).unwrap_err();
    let hidden = secret.trim_end().rsplit('+').next().unwrap();
    assert!(
        matches!(refused, KeyringError::Key { line: 1, .. }),
        "{refused}"
    );
    assert!(!format!("{refused:?} {refused}").contains(hidden));
}

#[test]
fn a_private_key_may_lie_elsewhere() {
    let (directory, keys) = place();
    let signing = directory.path().join("token/shop.key");
    let files = KeyFiles::with_signing_key(&keys, &signing);
    // The place is never made: it may be a disk that is not mounted. Nothing is left of the attempt.
    assert!(Keyring::create(files.clone(), name(), &[1; 32]).is_err());
    assert!(!keys.join("verifiers").exists());
    fs::create_dir(directory.path().join("token")).unwrap();
    Keyring::create(files.clone(), name(), &[1; 32]).unwrap();
    assert_eq!(mode(&signing), 0o600);
    assert!(!keys.join("signing.key").exists());
    let without = Keyring::open(&keys).unwrap_err();
    assert!(
        matches!(without, KeyringError::NoPrivateKey { .. }),
        "{without}"
    );
    let without = Keyring::create(&keys, name(), &[2; 32]).unwrap_err();
    assert!(matches!(without, KeyringError::Exists { .. }), "{without}");

    Keyring::open(files.clone())
        .unwrap()
        .rotate(&[2; 32])
        .unwrap();
    let names = |path: &Path| -> Vec<_> {
        let entries = fs::read_dir(path).unwrap();
        entries.map(|entry| entry.unwrap().file_name()).collect()
    };
    assert_eq!(names(&directory.path().join("token")), ["shop.key"]);
    Keyring::check(files.clone()).unwrap();
    // A change that was interrupted once it counted.
    let next = directory.path().join("token/shop.key.next");
    fs::rename(&signing, &next).unwrap();
    let ring = Keyring::open(files.clone()).unwrap();
    assert_eq!(ring.signing_key().verifier(), &verifier(2));
    assert!(signing.exists() && !next.exists());
    fs::set_permissions(&signing, fs::Permissions::from_mode(0o604)).unwrap();
    let exposed = Keyring::open(files).unwrap_err();
    assert!(matches!(exposed, KeyringError::Exposed { .. }), "{exposed}");
}
