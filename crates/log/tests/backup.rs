//! What a backup holds, what it refuses, and what it copies.

mod support;

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

use support::backups::{FILES, SEGMENT_BYTES, Shop, backed_up, records_of, restored, with};
use support::{batch, contents, open, segment};
use tillroll_log::testing::{MemoryFile, MemoryStorage, MemoryTree, TestLog};
use tillroll_log::{
    BackupError, BackupSource, BackupStage, Deadline, DirStorage, DirTree, FileLog, Head, Log,
    LogId, LogOptions, PathFault, Position, RestoreBackupError, Storage, Tree, backup, restore,
    verify, verify_backup,
};

fn log_file(first: u64) -> String {
    format!("log/{}", segment(first))
}

#[test]
fn what_is_restored_is_what_was_backed_up() {
    let mut shop = Shop::new();
    shop.append(10);
    let target = MemoryTree::new();
    let report = shop.backup(&target).unwrap();
    assert_eq!((report.head, report.before), (shop.head(), None));
    assert_eq!((report.files, report.files_copied), (3, 3));
    assert_eq!(report.files_absent, ["absent"]);
    assert_eq!(report.segments, shop.segments().len() as u64);
    let (head, records, data) = restored(&target).unwrap();
    assert_eq!((head, records), (shop.head(), shop.records()));
    let expected: Vec<(String, Vec<u8>)> = shop
        .log
        .names()
        .iter()
        .map(|name| (format!("log/{name}"), shop.log.bytes(name)))
        .collect();
    let kept: Vec<_> = contents(data.storage())
        .into_iter()
        .filter(|(name, _)| name.ends_with(".roll"))
        .collect();
    assert_eq!(kept, expected, "byte by byte");
    for file in ["BOOK", "chart.toml", "keys/signing"] {
        let (ours, theirs) = (shop.data.storage(), data.storage());
        assert_eq!(ours.bytes(file), theirs.bytes(file), "{file}");
    }
    let named = data.storage().names();
    assert!(
        !named.iter().any(|name| name.contains("sqlite")),
        "{named:?}"
    );
}

#[test]
fn sealed_segments_are_copied_once() {
    let mut shop = Shop::new();
    let target = MemoryTree::new();
    let mut known = Vec::new();
    for round in 0..5 {
        shop.append(6);
        let segments = shop.segments();
        let report = shop.backup(&target).unwrap();
        // The last one of the round before may have grown since.
        let mut same = segments.iter().zip(&known).take_while(|(a, b)| a == b);
        let (kept, copied) = segments.split_at(same.by_ref().count());
        assert_eq!(report.segment_bytes_kept, kept.iter().sum::<u64>());
        assert_eq!(report.segment_bytes_copied, copied.iter().sum::<u64>());
        assert_eq!(report.segments_copied, copied.len() as u64, "round {round}");
        assert!(kept.len() + 1 >= known.len() && copied.len() > 1);
        known = segments;
        assert_eq!(restored(&target).unwrap().1, shop.records());
    }
    assert_eq!(shop.backup(&target).unwrap().segments_copied, 1);
}

#[test]
fn a_kept_segment_is_not_even_read() {
    let (mut shop, target) = backed_up(20);
    shop.append(1);
    let before = shop.segments().len();
    assert!(before > 6, "{before}");
    // Damage that a reader would find, and that is for `verify` to find.
    let mut bytes = shop.log.bytes(&segment(1));
    let end = bytes.len() - 1;
    bytes[end] ^= 1;
    shop.log.put(&segment(1), bytes);
    assert!(verify(&shop.log, |_| {}).is_err());
    shop.backup(&target).unwrap();
    assert_eq!(restored(&target).unwrap().0, shop.head());
}

#[test]
fn a_later_backup_only_adds() {
    let (mut shop, target) = backed_up(7);
    let before = contents(target.storage());
    shop.append(7);
    shop.backup(&target).unwrap();
    for (name, bytes) in before {
        let now = target.storage().bytes(&name);
        if name.ends_with(".roll") {
            assert!(now.starts_with(&bytes), "{name} begins as it did");
        }
    }
}

#[test]
fn files_beside_the_log_are_as_they_were_at_the_last_backup() {
    let (shop, target) = backed_up(3);
    shop.data.put("chart.toml", "other names");
    shop.data.storage().take("keys/signing");
    let report = shop.backup(&target).unwrap();
    assert_eq!((report.files, report.files_copied), (2, 1));
    assert_eq!(report.files_absent, ["keys/signing", "absent"]);
    let (_, _, data) = restored(&target).unwrap();
    assert_eq!(data.storage().bytes("chart.toml"), b"other names");
    assert!(data.open("keys/signing").is_err());
    // What nothing names any more goes with the backup after.
    shop.backup(&target).unwrap();
    assert_eq!(target.list("files").unwrap().len(), 2);
}

#[test]
fn an_empty_log_is_backed_up_and_grows() {
    let mut shop = Shop::new();
    let target = MemoryTree::new();
    assert_eq!(shop.backup(&target).unwrap().head, Head::EMPTY);
    assert_eq!(restored(&target).unwrap().0, Head::EMPTY);
    shop.append(5);
    assert_eq!(shop.backup(&target).unwrap().before, Some(Head::EMPTY));
    assert_eq!(restored(&target).unwrap().1, shop.records());
}

#[test]
fn without_a_log_there_is_nothing_to_back_up() {
    let target = MemoryTree::new();
    for torn in [None, Some(&b"TILL"[..])] {
        let log = MemoryStorage::new();
        if let Some(bytes) = torn {
            log.put(&segment(1), bytes);
        }
        let source = BackupSource {
            log: &log,
            data: &MemoryTree::new(),
            files: &[],
        };
        let refused = backup(&source, &target, |_| {}).unwrap_err();
        assert!(matches!(refused, BackupError::NoLog), "{refused}");
    }
    assert!(contents(target.storage()).is_empty());
}

#[test]
fn the_book_of_another_shop_is_refused_and_nothing_is_changed() {
    let (_, target) = backed_up(3);
    let before = contents(target.storage());
    let log = MemoryStorage::new();
    let options = LogOptions {
        id: Some(LogId::new(*b"another shop's..")),
        ..LogOptions::default()
    };
    FileLog::open(log.clone(), options).unwrap();
    let source = BackupSource {
        log: &log,
        data: &MemoryTree::new(),
        files: &[],
    };
    let refused = backup(&source, &target, |_| {}).unwrap_err();
    assert!(
        matches!(refused, BackupError::OtherBook { .. }),
        "{refused}"
    );
    assert_eq!(contents(target.storage()), before);
}

#[test]
fn a_directory_that_is_no_backup_is_refused_and_not_changed() {
    let mut shop = Shop::new();
    shop.append(3);
    let data_directory = MemoryTree::new();
    data_directory.put(&log_file(1), shop.log.bytes(&segment(1)));
    for (name, target) in [
        ("notes", {
            let tree = MemoryTree::new();
            tree.put("notes", "mine");
            tree
        }),
        ("log", data_directory),
        ("read-models.sqlite", {
            let tree = MemoryTree::new();
            tree.put("BACKUP.lock", "");
            tree.put("read-models.sqlite", "");
            tree
        }),
    ] {
        let before = contents(target.storage());
        match shop.backup(&target) {
            Err(BackupError::NotABackup { name: found }) => assert_eq!(found, name),
            other => panic!("{other:?}"),
        }
        assert_eq!(contents(target.storage()), before, "{name}");
    }
    let broken = MemoryTree::new();
    broken.put("BACKUP", "not a manifest");
    let refused = shop.backup(&broken).unwrap_err();
    assert!(matches!(refused, BackupError::Manifest(_)), "{refused}");
}

/// A log that was set back and went on is not the one in the backup.
#[test]
fn a_log_that_holds_another_history_is_refused() {
    let mut shop = Shop::new();
    shop.append(4);
    let earlier = MemoryTree::new();
    shop.backup(&earlier).unwrap();
    for (backed_up, went_on) in [(1, 0), (1, 1), (1, 9), (9, 0), (9, 1), (9, 9), (9, 20)] {
        let (_, _, data) = restored(&earlier).unwrap();
        let mut one = Shop::over(data.directory("log"), MemoryTree::new());
        let mut two = Shop::over(data.directory("log"), MemoryTree::new());
        one.append(backed_up);
        let target = MemoryTree::new();
        one.backup(&target).unwrap();
        two.word = "RECORD";
        two.append(went_on);
        if backed_up == went_on {
            assert_eq!(one.segments(), two.segments());
        }
        let refused = two.backup(&target).unwrap_err();
        let what = format!("{backed_up} and {went_on}: {refused}");
        assert!(matches!(refused, BackupError::Diverged { .. }), "{what}");
        assert_eq!(restored(&target).unwrap().1, one.records(), "{what}");
        one.append(2);
        one.backup(&target).unwrap();
        assert_eq!(restored(&target).unwrap().1, one.records(), "{what}");
    }
}

/// A log that lost its last segments is whole as far as it goes.
#[test]
fn a_log_that_ends_before_the_backup_is_refused() {
    let (shop, target) = backed_up(12);
    while shop.log.names().len() > 1 {
        shop.log.take(&shop.log.names().pop().unwrap());
        verify(&shop.log, |_| {}).unwrap();
        let refused = shop.backup(&target).unwrap_err();
        assert!(matches!(refused, BackupError::Diverged { .. }), "{refused}");
        assert_eq!(restored(&target).unwrap().0, shop.head());
    }
}

#[test]
fn a_torn_tail_stays_out_at_whatever_byte_it_is_torn() {
    let mut shop = Shop::new();
    shop.append(4);
    let expected = (shop.head(), shop.records());
    let whole = shop.log.names().pop().unwrap();
    let whole_length = shop.log.bytes(&whole).len();
    shop.append(1);
    let torn = shop.log.names().pop().unwrap();
    let start = match torn == whole {
        true => whole_length,
        false => 0,
    };
    let bytes = shop.log.bytes(&torn);
    for length in start..bytes.len() {
        let log = support::with(&shop.log, &torn, |bytes| bytes.truncate(length));
        let source = BackupSource {
            log: &log,
            ..shop.source()
        };
        let target = MemoryTree::new();
        let report = backup(&source, &target, |_| {}).unwrap();
        assert_eq!(report.head, expected.0, "{length}");
        let (head, records, _) = restored(&target).unwrap();
        assert_eq!((head, records), expected, "{length}");
        // It is written to its end, and the next backup has it.
        shop.backup(&target).unwrap();
        assert_eq!(restored(&target).unwrap().1, shop.records(), "{length}");
    }
}

#[test]
fn a_segment_without_frames_stays_out() {
    let mut shop = Shop::new();
    shop.append(9);
    let last = shop.log.names().pop().unwrap();
    let before = shop.log.restarted();
    before.take(&last);
    let target = MemoryTree::new();
    for length in [128, 64, 0, 130, 200] {
        let log = support::with(&shop.log, &last, |bytes| bytes.truncate(length));
        let source = BackupSource {
            log: &log,
            ..shop.source()
        };
        backup(&source, &target, |_| {}).unwrap();
        let found = restored(&target).unwrap().1;
        assert_eq!(found, records_of(before.restarted()), "{length}");
    }
    shop.backup(&target).unwrap();
    assert_eq!(restored(&target).unwrap().1, shop.records());
}

/// A listing that is made while segments are begun may show the newer one only.
#[test]
fn a_listing_that_misses_a_segment_is_no_damage() {
    let mut shop = Shop::new();
    shop.append(20);
    for missed in 1..shop.segments().len() - 1 {
        let log = Missing {
            inner: shop.log.restarted(),
            missed: shop.log.names().remove(missed),
            listings: AtomicUsize::new(0),
        };
        let source = BackupSource {
            log: &log,
            data: &shop.data,
            files: &[],
        };
        let target = MemoryTree::new();
        backup(&source, &target, |_| {}).unwrap();
        assert_eq!(restored(&target).unwrap().1, shop.records());
    }
}

/// The first listing misses one name.
struct Missing {
    inner: MemoryStorage,
    missed: String,
    listings: AtomicUsize,
}

impl Storage for Missing {
    type File = MemoryFile;

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = self.inner.list()?;
        if self.listings.fetch_add(1, Ordering::Relaxed) == 0 {
            names.retain(|name| *name != self.missed);
        }
        Ok(names)
    }

    fn open(&self, name: &str) -> io::Result<MemoryFile> {
        self.inner.open(name)
    }

    fn create(&self, name: &str) -> io::Result<MemoryFile> {
        self.inner.create(name)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.inner.remove(name)
    }

    fn sync_directory(&self) -> io::Result<()> {
        self.inner.sync_directory()
    }
}

#[test]
fn damage_never_enters_a_backup() {
    let (mut shop, target) = backed_up(4);
    let before = restored(&target).unwrap().1;
    shop.append(8);
    for name in shop.log.names().into_iter().skip(2) {
        let sealed = Some(&name) != shop.log.names().last();
        let length = shop.log.bytes(&name).len();
        // In the last one, damage to the last frame is a torn tail.
        let within = if sealed { length } else { 128 + 160 };
        for at in (0..within).step_by(7) {
            let log = support::with(&shop.log, &name, |bytes| bytes[at] ^= 0x10);
            let source = BackupSource {
                log: &log,
                ..shop.source()
            };
            match backup(&source, &target, |_| {}) {
                Err(BackupError::Damaged(damage)) => assert_eq!(damage.file, name, "{at}"),
                other if sealed => panic!("{name}, byte {at}: {other:?}"),
                // One frame in the last segment, and that torn.
                Ok(report) => assert!(report.bytes_left_out > 0, "{name}, byte {at}"),
                Err(error) => panic!("{name}, byte {at}: {error}"),
            }
            let after = restored(&target).unwrap().1;
            assert!(after.starts_with(&before), "{name}, byte {at}");
        }
    }
}

fn refused_as_damage(shop: &Shop, log: &MemoryStorage, target: &MemoryTree) -> String {
    let source = BackupSource {
        log,
        ..shop.source()
    };
    match backup(&source, target, |_| {}) {
        Err(BackupError::Damaged(damage)) => damage.file,
        other => panic!("{other:?}"),
    }
}

/// What is sealed has its length for good.
#[test]
fn a_sealed_segment_of_another_length_is_damage() {
    let (mut shop, target) = backed_up(9);
    shop.append(1);
    let name = segment(1);
    let cut = support::with(&shop.log, &name, |bytes| bytes.truncate(bytes.len() - 1));
    assert_eq!(refused_as_damage(&shop, &cut, &target), name);
    let grown = support::with(&shop.log, &name, |bytes| bytes.push(0));
    assert_eq!(refused_as_damage(&shop, &grown, &target), name);
    // The same history in one segment: the first has a whole frame more.
    let records = shop.log.names().len();
    assert!(records > 3);
    let wide = MemoryStorage::new();
    let (mut log, _) = open(wide.clone(), 1 << 20).unwrap();
    let mut frames = Vec::new();
    let reader = FileLog::open(shop.log.restarted(), support::options(SEGMENT_BYTES));
    let mut read = reader
        .unwrap()
        .0
        .reader()
        .frames(Position::FIRST, Deadline::NEVER)
        .unwrap();
    while let Some(frame) = read.next_frame().unwrap() {
        let records = frame.records().map(|(_, record)| record.to_vec());
        log.append_next(&mut batch(records)).unwrap();
        frames.push(wide.bytes(&name).len());
    }
    let first = shop.log.bytes(&name).len();
    let more = frames.iter().position(|end| *end == first).unwrap() + 1;
    let wide = wide.bytes(&name)[..frames[more]].to_vec();
    let twice = support::with(&shop.log, &name, |bytes| *bytes = wide);
    let second = shop.log.names().remove(1);
    assert_eq!(refused_as_damage(&shop, &twice, &target), second);
    assert!(verify_backup(&target, |_| {}).is_ok());
}

/// A rotation begins only when everything before it is durable.
#[test]
fn a_torn_frame_before_a_rotation_is_damage() {
    let mut shop = Shop::new();
    shop.append(9);
    let mut names = shop.log.names();
    let last = names.pop().unwrap();
    let before = names.pop().unwrap();
    let torn = support::with(&shop.log, &last, |bytes| bytes.truncate(100));
    let torn = support::with(&torn, &before, |bytes| bytes.truncate(bytes.len() - 1));
    let target = MemoryTree::new();
    assert_eq!(refused_as_damage(&shop, &torn, &target), before);
}

#[test]
fn files_that_are_not_whole_are_ignored_and_swept() {
    let (mut shop, target) = backed_up(6);
    let stored = target.list("files").unwrap().remove(0);
    let torn = [
        log_file(1) + ".new",
        log_file(900),
        log_file(900) + ".new",
        format!("files/{stored}.new"),
        format!("files/{}", "ab".repeat(32)),
    ];
    for path in &torn {
        target.put(path, "half of some");
    }
    target.put("BACKUP.new", "tillroll backup 1\nbook 61");
    target.put("log/README", "a file of the owner");
    assert_eq!(restored(&target).unwrap().1, shop.records());
    shop.append(1);
    shop.backup(&target).unwrap();
    let names = target.storage().names();
    for path in &torn {
        assert!(!names.contains(path), "{path}: {names:?}");
    }
    assert!(names.contains(&"log/README".to_owned()));
    assert!(!names.contains(&"BACKUP.new".to_owned()));
    assert_eq!(restored(&target).unwrap().1, shop.records());
}

#[test]
fn a_file_that_has_changed_in_the_backup_is_written_again() {
    let (shop, target) = backed_up(3);
    for stored in target.list("files").unwrap() {
        let path = format!("files/{stored}");
        let damaged = with(&target, &path, |bytes| bytes[0] ^= 1);
        assert_eq!(shop.backup(&damaged).unwrap().files_copied, 1);
        verify_backup(&damaged, |_| {}).unwrap();
    }
}

/// Between the check and the copy.
/// Every hash holds in these, because they are computed anew.
#[test]
fn paths_that_a_backup_cannot_hold_are_refused_before_anything_is_done() {
    let (shop, _) = backed_up(1);
    shop.data.put("huge", vec![0; 16 * 1024 * 1024 + 1]);
    for (files, expected) in [
        (&["log/LOCK"][..], Some(PathFault::InLog)),
        (&["../elsewhere"], Some(PathFault::NotPlain)),
        (&["BOOK", "BOOK"], Some(PathFault::Twice)),
        (&["a\nb"], Some(PathFault::Control)),
        (&["huge"], None),
    ] {
        let target = MemoryTree::new();
        let source = BackupSource {
            files,
            ..shop.source()
        };
        match (backup(&source, &target, |_| {}), expected) {
            (Err(BackupError::Path { path, fault }), Some(expected)) => {
                assert_eq!((path.as_str(), fault), (files[files.len() - 1], expected));
                assert!(contents(target.storage()).is_empty());
            }
            (Err(BackupError::FileTooLarge { path, .. }), None) => {
                assert_eq!(path, "huge");
                assert!(verify_backup(&target, |_| {}).is_err());
            }
            (other, _) => panic!("{files:?}: {other:?}"),
        }
    }
}

#[test]
fn progress_runs_from_nothing_to_everything_in_each_stage() {
    let (shop, target) = backed_up(12);
    let mut steps = Vec::new();
    backup(&shop.source(), &target, |step| steps.push(step.clone())).unwrap();
    verify_backup(&target, |step| steps.push(step.clone())).unwrap();
    restore(&target, &MemoryTree::new(), |step| steps.push(step.clone())).unwrap();
    let stages: Vec<BackupStage> = steps
        .chunk_by(|one, two| one.stage == two.stage)
        .map(|stage| {
            assert_eq!(stage[0].done, 0);
            assert!(stage.windows(2).all(|two| two[0].done <= two[1].done));
            let end = stage.last().unwrap();
            assert_eq!(end.done, end.total, "{:?}", end.stage);
            end.stage
        })
        .collect();
    use BackupStage::{Checking, Copying, Verifying};
    let expected = [Copying, Checking, Verifying, Checking, Copying, Verifying];
    assert_eq!(stages, expected);
}

#[test]
fn directories_are_backed_up_beside_their_writer_and_restored() {
    use std::os::unix::fs::PermissionsExt;
    let root = tempfile::tempdir().unwrap();
    let data_dir = root.path().join("data");
    let log_dir = data_dir.join("log");
    let (mut writer, _) = open(DirStorage::open(&log_dir).unwrap(), SEGMENT_BYTES).unwrap();
    std::fs::write(data_dir.join("BOOK"), "the id\n").unwrap();
    std::fs::create_dir(data_dir.join("keys")).unwrap();
    std::fs::write(data_dir.join("keys/signing"), "a key").unwrap();
    let target = DirTree::create(root.path().join("backups/of the shop")).unwrap();
    let log = DirStorage::open_read_only(&log_dir).unwrap();
    let data = DirTree::open(&data_dir).unwrap();
    let source = BackupSource {
        log: &log,
        data: &data,
        files: FILES,
    };
    for round in 0..3 {
        for number in 0..5 {
            let text = format!("{round} {number}");
            writer.append_next(&mut batch([text])).unwrap();
        }
        let report = backup(&source, &target, |_| {}).unwrap();
        assert_eq!(report.head, writer.end());
        assert_eq!(report.files_absent, ["chart.toml", "absent"]);
        let fresh = DirTree::create(root.path().join(format!("restored {round}"))).unwrap();
        restore(&target, &fresh, |_| {}).unwrap();
        let restored = DirStorage::open(fresh.root().join("log")).unwrap();
        let (restored, _) = open(restored, SEGMENT_BYTES).unwrap();
        assert_eq!(restored.end(), writer.end());
        for file in ["BOOK", "keys/signing"] {
            let (ours, theirs) = (data_dir.join(file), fresh.root().join(file));
            let private = std::fs::metadata(&theirs).unwrap().permissions().mode() & 0o777;
            assert_eq!(private, 0o600, "{file}");
            assert_eq!(std::fs::read(ours).unwrap(), std::fs::read(theirs).unwrap());
        }
        assert!(matches!(
            restore(&target, &fresh, |_| {}),
            Err(RestoreBackupError::NotEmpty { .. })
        ));
    }
    let held = target.lock("BACKUP.lock").unwrap();
    let refused = backup(&source, &target, |_| {}).unwrap_err();
    assert!(matches!(refused, BackupError::InUse), "{refused}");
    drop(held);
    backup(&source, &target, |_| {}).unwrap();
    let onto_itself = backup(&source, &data, |_| {}).unwrap_err();
    assert!(matches!(onto_itself, BackupError::NotABackup { .. }));
    assert!(!data_dir.join("BACKUP.lock").exists());
    assert_eq!(writer.end().position, Position::new(15));
}
