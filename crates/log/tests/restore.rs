//! What is found in a backup that has changed, and what is restored from it.

mod support;

use support::backups::{SEGMENT_BYTES, backed_up, restored, with};
use support::{contents, open};
use tillroll_log::testing::MemoryTree;
use tillroll_log::{
    BackupSource, BackupStage, OpenError, RestoreBackupError, VerifyBackupError, backup, restore,
    verify, verify_backup,
};

#[test]
fn every_flipped_byte_of_a_backup_is_found_and_its_file_named() {
    let (_, target) = backed_up(8);
    let mut flipped = 0;
    for (path, bytes) in contents(target.storage()) {
        for at in 0..bytes.len() {
            let damaged = with(&target, &path, |bytes| bytes[at] ^= 1 << (at % 8));
            let error = verify_backup(&damaged, |_| {}).unwrap_err().to_string();
            assert!(error.contains(&path), "{path}, byte {at}: {error}");
            if at % 97 == 0 {
                let data = MemoryTree::new();
                let refused = restore(&damaged, &data, |_| {}).unwrap_err();
                assert_eq!(refused.to_string(), error);
                assert!(contents(data.storage()).is_empty(), "{path}, byte {at}");
            }
            flipped += 1;
        }
    }
    assert!(flipped > 2000, "{flipped}");
}

#[test]
fn files_that_are_cut_short_or_gone_are_named_and_copied_anew() {
    let (mut shop, target) = backed_up(9);
    shop.append(1);
    for (path, bytes) in contents(target.storage()) {
        let in_manifest = path.contains('/') && !path.ends_with('/');
        if !in_manifest {
            continue;
        }
        let gone = with(&target, &path, |_| {});
        gone.storage().take(&path);
        let short = with(&target, &path, |bytes| bytes.truncate(bytes.len() - 1));
        for (damaged, missing) in [(gone, true), (short, false)] {
            let error = verify_backup(&damaged, |_| {}).unwrap_err();
            assert!(error.to_string().contains(&path), "{error}");
            match error {
                VerifyBackupError::Missing { .. } => assert!(missing),
                VerifyBackupError::Length {
                    expected, found, ..
                } => {
                    assert_eq!((expected, found + 1), (bytes.len() as u64, expected));
                }
                other => panic!("{other}"),
            }
            shop.backup(&damaged).unwrap();
            assert_eq!(restored(&damaged).unwrap().1, shop.records(), "{path}");
        }
    }
}

#[test]
fn a_file_that_changes_while_it_is_restored_is_named() {
    let (_, target) = backed_up(5);
    let names = target.storage().names().into_iter();
    for path in names.filter(|path| path.contains('/') && !path.ends_with('/')) {
        let changing = MemoryTree::of(target.storage().restarted());
        let data = MemoryTree::new();
        let refused = restore(&changing, &data, |step| {
            if (step.stage, step.done) == (BackupStage::Copying, 0) {
                let mut bytes = changing.storage().bytes(&path);
                bytes[0] ^= 1;
                changing.put(&path, bytes);
            }
        });
        match refused.unwrap_err() {
            RestoreBackupError::Backup(VerifyBackupError::Hash { file }) => assert_eq!(file, path),
            other => panic!("{other}"),
        }
        assert!(open(data.directory("log"), SEGMENT_BYTES).is_err());
    }
}

#[test]
fn a_manifest_that_says_what_is_not_so_is_refused() {
    let (_, target) = backed_up(5);
    let manifest = String::from_utf8(target.storage().bytes("BACKUP")).unwrap();
    let word = |line: usize, word: usize| {
        let line = manifest.lines().nth(line).unwrap();
        line.split(' ').nth(word).unwrap().to_owned()
    };
    let (book, position, frame) = (word(1, 1), word(2, 1), word(2, 2));
    for (from, to, expected) in [
        (book, "ab".repeat(16), "is of book"),
        (frame, "cd".repeat(32), "ends at position"),
        (format!(" {position} "), " 999 ".into(), "ends at position"),
    ] {
        let forged = with(&target, "BACKUP", |bytes| {
            let text = manifest.replace(&from, &to);
            let body = &text[..text.rfind("end ").unwrap()];
            let hash = blake3::hash(body.as_bytes()).to_hex();
            *bytes = format!("{body}end {hash}\n").into_bytes();
        });
        let refused = verify_backup(&forged, |_| {}).unwrap_err().to_string();
        assert!(refused.contains(expected), "{to}: {refused}");
        let data = MemoryTree::new();
        let refused = restore(&forged, &data, |_| {}).unwrap_err();
        assert!(
            matches!(refused, RestoreBackupError::Restored(_)),
            "{refused}"
        );
        assert!(open(data.directory("log"), SEGMENT_BYTES).is_err());
    }
}

#[test]
fn without_a_manifest_there_is_no_backup() {
    let (shop, target) = backed_up(3);
    let bare = MemoryTree::new();
    for (tree, expected) in [(&bare, false), (&target, true)] {
        if expected {
            tree.storage().take("BACKUP");
        }
        match verify_backup(tree, |_| {}) {
            Err(VerifyBackupError::NoManifest { begun }) => assert_eq!(begun, expected),
            other => panic!("{other:?}"),
        }
        let refused = restore(tree, &MemoryTree::new(), |_| {}).unwrap_err();
        assert!(matches!(
            refused,
            RestoreBackupError::Backup(VerifyBackupError::NoManifest { .. })
        ));
    }
    shop.backup(&target).unwrap();
    assert_eq!(restored(&target).unwrap().1, shop.records());
}

#[test]
fn a_directory_with_anything_in_it_is_not_restored_into() {
    let (_, target) = backed_up(3);
    for path in ["BOOK", "log/LOCK", "notes"] {
        let data = MemoryTree::new();
        data.put(path, "mine");
        let before = contents(data.storage());
        let refused = restore(&target, &data, |_| {}).unwrap_err();
        let top = path.split('/').next().unwrap();
        assert!(
            matches!(&refused, RestoreBackupError::NotEmpty { name } if name == top),
            "{refused}"
        );
        assert_eq!(contents(data.storage()), before);
    }
}

#[test]
fn no_log_opens_where_a_restore_did_not_finish() {
    let (shop, target) = backed_up(9);
    let log = shop.log.restarted();
    log.put("UNFINISHED-RESTORE.roll", "");
    let refused = open(log.clone(), SEGMENT_BYTES).map(drop).unwrap_err();
    assert!(matches!(refused, OpenError::StrayFile { .. }));
    let said = refused.to_string();
    assert!(said.contains("restore again"), "{said}");
    assert_eq!(verify(&log, |_| {}).unwrap_err().to_string(), said);
    let source = BackupSource {
        log: &log,
        ..shop.source()
    };
    let refused = backup(&source, &target, |_| {}).unwrap_err();
    assert_eq!(refused.to_string(), said);
}
