//! The log in a directory of the file system.

mod support;

use support::{batch, open, segment, texts};
use tillroll_log::testing::TestLog;
use tillroll_log::{
    DirStorage, DirStorageError, FileLog, Log, LogOptions, OpenError, Storage, verify,
};

#[test]
fn a_second_writer_is_told_which_directory_is_in_use() {
    let directory = tempfile::tempdir().unwrap();
    let (log, _) = open(DirStorage::open(directory.path()).unwrap(), 4096).unwrap();
    let refused = DirStorage::open(directory.path()).unwrap_err();
    assert!(matches!(refused, DirStorageError::Locked { .. }));
    let said = refused.to_string();
    assert!(
        said.contains(&directory.path().display().to_string()),
        "{said}"
    );
    drop(log);
    DirStorage::open(directory.path()).unwrap();
}

#[test]
fn the_lock_is_held_for_as_long_as_a_reader_lives() {
    let directory = tempfile::tempdir().unwrap();
    let (log, _) = open(DirStorage::open(directory.path()).unwrap(), 4096).unwrap();
    let reader = log.reader();
    drop(log);
    assert!(DirStorage::open(directory.path()).is_err());
    drop(reader);
    DirStorage::open(directory.path()).unwrap();
}

#[test]
fn missing_directories_are_created() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a/b/c");
    let (mut log, report) = open(DirStorage::open(&path).unwrap(), 4096).unwrap();
    assert!(report.created);
    log.append_next(&mut batch(["one"])).unwrap();
    let mut names = DirStorage::open_read_only(&path).unwrap().list().unwrap();
    names.sort();
    assert_eq!(names, [segment(1), "LOCK".to_owned()]);
}

#[test]
fn a_log_is_verified_beside_its_writer_and_not_changed() {
    let directory = tempfile::tempdir().unwrap();
    let (mut log, _) = open(DirStorage::open(directory.path()).unwrap(), 300).unwrap();
    for text in ["one", "two", "three"] {
        log.append_next(&mut batch([text])).unwrap();
    }
    let storage = DirStorage::open_read_only(directory.path()).unwrap();
    let report = verify(&storage, |_| {}).unwrap();
    assert_eq!((report.segments, report.head), (3, log.end()));
    assert!(storage.create("x").is_err());
    assert!(storage.remove(&segment(1)).is_err());
    assert_eq!(texts(&log), ["one", "two", "three"]);
    let refused = FileLog::open(storage, LogOptions::default()).map(|_| ());
    assert!(matches!(refused, Err(OpenError::Storage(_))), "{refused:?}");
    assert!(DirStorage::open_read_only(directory.path().join("nowhere")).is_err());
}

#[test]
fn a_torn_tail_on_disk_is_cut() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(segment(1));
    let (mut log, _) = open(DirStorage::open(directory.path()).unwrap(), 4096).unwrap();
    log.append_next(&mut batch(["one"])).unwrap();
    let whole = std::fs::metadata(&path).unwrap().len();
    log.append_next(&mut batch(["two"])).unwrap();
    drop(log);
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len(whole + 100).unwrap();
    let (log, report) = open(DirStorage::open(directory.path()).unwrap(), 4096).unwrap();
    assert_eq!(report.torn_tail.unwrap().bytes, 100);
    assert_eq!(texts(&log), ["one"]);
    assert_eq!(std::fs::metadata(&path).unwrap().len(), whole);
}

#[test]
fn a_new_log_without_an_id_gets_one_of_its_own() {
    let ids = [(); 2].map(|()| {
        let directory = tempfile::tempdir().unwrap();
        let open = || {
            let storage = DirStorage::open(directory.path()).unwrap();
            FileLog::open(storage, LogOptions::default())
                .unwrap()
                .0
                .id()
        };
        let id = open();
        assert_eq!(open(), id);
        id
    });
    assert_ne!(ids[0], ids[1]);
}
