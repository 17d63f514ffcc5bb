//! Backups and restores that fail at every call, or lose their power there.

mod support;

use support::backups::{FILES, SEGMENT_BYTES, Shop, restored};
use support::open;
use tillroll_log::testing::{Injection, MemoryStorage, MemoryTree, PowerCut, StorageFailure};
use tillroll_log::{BackupSource, Head, OpenError, Tree, VerifyBackupError, backup, restore};

const FAILURES: [StorageFailure; 3] = [
    StorageFailure::Io,
    StorageFailure::Full,
    StorageFailure::Short,
];

/// Every call of `storage` that `run` makes, failing in each way, once and for
/// good. `run` starts anew each time.
fn at_every_call(calls: u64, mut run: impl FnMut(Injection)) {
    for at in 0..calls {
        for failure in FAILURES {
            for sticky in [false, true] {
                run(Injection {
                    at,
                    failure,
                    sticky,
                });
            }
        }
    }
}

/// What the next process may find.
fn images(storage: &MemoryStorage, seeds: u64) -> Vec<(String, MemoryTree)> {
    let cuts = [PowerCut::LoseAll, PowerCut::KeepAll];
    let torn = (0..seeds).map(PowerCut::Torn);
    let cuts = cuts.into_iter().chain(torn);
    let mut images: Vec<_> = cuts
        .map(|cut| (format!("{cut:?}"), MemoryTree::of(storage.power_cut(cut))))
        .collect();
    images.push(("restarted".into(), MemoryTree::of(storage.restarted())));
    images
}

fn calls_of(tree: &MemoryTree, run: impl FnOnce(&MemoryTree)) -> u64 {
    let probe = MemoryTree::of(tree.storage().restarted());
    run(&probe);
    probe.storage().calls()
}

#[test]
fn a_backup_that_fails_at_any_call_leaves_the_one_before() {
    let mut shop = Shop::new();
    let before = shop.append(5);
    let target = MemoryTree::new();
    shop.backup(&target).unwrap();
    let after = shop.append(5);
    shop.data.put("chart.toml", "other names");
    let records = shop.records();
    let calls = calls_of(&target, |probe| drop(shop.backup(probe).unwrap()));
    assert!(calls > 40, "{calls} calls are no representative run");
    let (mut failed, mut old) = (0, 0);
    at_every_call(calls, |injection| {
        let hurt = MemoryTree::of(target.storage().restarted());
        hurt.storage().inject(injection);
        let result = shop.backup(&hurt);
        failed += usize::from(result.is_err());
        for (image, found) in images(hurt.storage(), 4) {
            let what = format!("{injection:?}, {image}");
            let (head, kept, data) =
                restored(&found).unwrap_or_else(|error| panic!("{what}: {error}"));
            let is_old = head == before;
            old += usize::from(is_old);
            assert!(is_old || head == after, "{what}: {head:?}");
            assert!(
                result.is_err() || !is_old,
                "{what}: reported and not durable"
            );
            assert_eq!(kept, records[..kept.len()], "{what}");
            let chart = data.storage().bytes("chart.toml");
            let expected: &[u8] = if is_old { b"names" } else { b"other names" };
            assert_eq!(chart, expected, "{what}: one backup, not two halves");
            // And the next one is complete, also after a power cut.
            shop.backup(&found)
                .unwrap_or_else(|error| panic!("{what}: {error}"));
            let later = MemoryTree::of(found.storage().power_cut(PowerCut::LoseAll));
            let (head, kept, _) =
                restored(&later).unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!((head, kept.len()), (after, records.len()), "{what}");
        }
    });
    assert!(failed > 200 && old > 1000, "{failed} failed, {old} old");
}

#[test]
fn a_first_backup_that_fails_is_no_backup_and_can_be_made_again() {
    let mut shop = Shop::new();
    let head = shop.append(5);
    let calls = calls_of(&MemoryTree::new(), |probe| {
        drop(shop.backup(probe).unwrap());
    });
    let mut none = 0;
    at_every_call(calls, |injection| {
        let hurt = MemoryTree::new();
        hurt.storage().inject(injection);
        let result = shop.backup(&hurt);
        for (image, found) in images(hurt.storage(), 8) {
            let what = format!("{injection:?}, {image}");
            match restored(&found) {
                Ok((found, _, _)) => assert_eq!(found, head, "{what}"),
                Err(VerifyBackupError::NoManifest { .. }) => {
                    none += 1;
                    assert!(result.is_err(), "{what}: reported and not durable");
                }
                Err(error) => panic!("{what}: {error}"),
            }
            shop.backup(&found)
                .unwrap_or_else(|error| panic!("{what}: {error}"));
            let later = MemoryTree::of(found.storage().power_cut(PowerCut::LoseAll));
            assert_eq!(restored(&later).unwrap().0, head, "{what}");
        }
    });
    assert!(none > 500, "{none}");
}

/// A log or a file beside it that cannot be read is not half backed up.
#[test]
fn a_source_that_fails_at_any_call_leaves_the_backup_before() {
    let mut shop = Shop::new();
    let before = shop.append(5);
    let target = MemoryTree::new();
    shop.backup(&target).unwrap();
    let after = shop.append(6);
    let run = |log: &MemoryStorage, data: &MemoryTree, target: &MemoryTree| {
        let source = BackupSource {
            log,
            data,
            files: FILES,
        };
        backup(&source, target, |_| {})
    };
    let again = || MemoryTree::of(target.storage().restarted());
    let mut failed = 0;
    let mut check = |injection: Injection, log: &MemoryStorage, data: &MemoryTree| {
        let target = again();
        let expected = match run(log, data, &target) {
            Ok(_) => {
                assert_eq!(injection.failure, StorageFailure::Short, "{injection:?}");
                after
            }
            Err(_) => {
                failed += 1;
                before
            }
        };
        assert_eq!(restored(&target).unwrap().0, expected, "{injection:?}");
    };
    let log = shop.log.restarted();
    run(&log, &shop.data, &again()).unwrap();
    at_every_call(log.calls(), |injection| {
        let log = shop.log.restarted();
        log.inject(injection);
        check(injection, &log, &shop.data);
    });
    let calls = calls_of(&shop.data, |data| {
        drop(run(&shop.log, data, &again()).unwrap());
    });
    at_every_call(calls, |injection| {
        let data = MemoryTree::of(shop.data.storage().restarted());
        data.storage().inject(injection);
        check(injection, &shop.log, &data);
    });
    assert!(failed > 100, "{failed}");
}

/// Nothing, a directory that no log opens in, or all of it.
fn check_restored(data: &MemoryTree, head: Head, what: &str) -> bool {
    let log = data.directory("log");
    if log.names().is_empty() {
        assert!(data.list("").unwrap().iter().all(|name| name == "log"));
        return false;
    }
    match open(log, SEGMENT_BYTES) {
        Ok((log, recovery)) => {
            assert_eq!(log.end(), head, "{what}: a part passes for the whole");
            support::backups::assert_clean(&recovery);
            for file in ["BOOK", "chart.toml", "keys/signing"] {
                let bytes = data.storage().bytes(file);
                assert!(!bytes.is_empty(), "{what}: {file} is missing");
            }
            true
        }
        Err(OpenError::StrayFile { .. }) => false,
        Err(error) => panic!("{what}: {error}"),
    }
}

#[test]
fn a_restore_that_fails_at_any_call_never_passes_for_a_whole_one() {
    let mut shop = Shop::new();
    let head = shop.append(6);
    let target = MemoryTree::new();
    shop.backup(&target).unwrap();
    let calls = calls_of(&MemoryTree::new(), |data| {
        drop(restore(&target, data, |_| {}).unwrap());
    });
    let mut refused = 0;
    at_every_call(calls, |injection| {
        let data = MemoryTree::new();
        data.storage().inject(injection);
        let result = restore(&target, &data, |_| {});
        for (image, found) in images(data.storage(), 4) {
            let what = format!("{injection:?}, {image}");
            let whole = check_restored(&found, head, &what);
            assert!(whole || result.is_err(), "{what}: reported and not durable");
            refused += usize::from(!whole);
        }
    });
    assert!(refused > 1000, "{refused}");
    let calls = calls_of(&target, |probe| {
        drop(restore(probe, &MemoryTree::new(), |_| {}).unwrap());
    });
    at_every_call(calls, |injection| {
        let hurt = MemoryTree::of(target.storage().restarted());
        hurt.storage().inject(injection);
        let data = MemoryTree::new();
        let result = restore(&hurt, &data, |_| {});
        let unhurt = result.is_ok();
        assert!(
            !unhurt || injection.failure == StorageFailure::Short,
            "{injection:?}"
        );
        let whole = check_restored(&data, head, &format!("{injection:?}"));
        assert_eq!(whole, unhurt, "{injection:?}");
    });
}
