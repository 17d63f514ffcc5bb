//! Read models that are not where the roll is: numbers are brought up to date or refused, and
//! never shown as they are.

use std::fs::{self, OpenOptions};

use tillroll_events::Record;
use tillroll_log::{Deadline, DirStorage, FileLog, Log, LogOptions, Position};
use tillroll_projections::{Projector, ReadModels};

use crate::support::{copy, frame_ends, head, on, read_models, segment, story};

const QUESTIONS: [&[&str]; 3] = [
    &["balances", "--json", "--all"],
    &["trial-balance", "--json"],
    &["orders", "--json", "--limit", "1000"],
];

#[test]
fn without_read_models_the_answers_are_the_same() {
    let data = copy();
    for suffix in ["", "-wal", "-shm"] {
        let path = format!("{}{suffix}", read_models(data.path()).display());
        if fs::exists(&path).unwrap() {
            fs::remove_file(path).unwrap();
        }
    }
    for question in QUESTIONS {
        let expected = on(story(), question).done().json();
        let ran = on(data.path(), question).done();
        assert_eq!(ran.json(), expected, "{question:?}");
        assert!(ran.err.contains("there are no read models"), "{}", ran.err);
    }
    assert!(
        !read_models(data.path()).exists(),
        "a question leaves none behind"
    );
}

#[test]
fn read_models_that_are_behind_are_brought_up_to_date_in_a_copy() {
    let data = copy();
    let path = read_models(data.path());
    fs::remove_file(&path).unwrap();
    let (log, _) = FileLog::open(
        DirStorage::open(data.path().join("log")).unwrap(),
        LogOptions::default(),
    )
    .unwrap();
    let half = head() / 2;
    let records = log
        .reader()
        .read_from(Position::FIRST, Deadline::NEVER)
        .unwrap()
        .map(|record| {
            let (position, bytes) = record.unwrap();
            (position.get(), Record::decode(&bytes).unwrap())
        });
    let mut projector = Projector::open(&path).unwrap();
    projector
        .apply(records.take_while(|(position, _)| *position <= half))
        .unwrap();
    drop((projector, log));

    for question in QUESTIONS {
        let expected = on(story(), question).done().json();
        let ran = on(data.path(), question).done();
        assert_eq!(ran.json(), expected, "{question:?}");
        assert!(
            ran.err
                .contains(&format!("at position {half}, the roll at {}", head())),
            "{}",
            ran.err
        );
    }
    let seen = ReadModels::open(&path).unwrap().checkpoint().unwrap();
    assert_eq!(seen, half, "the directory's own are left to the server");
}

#[test]
fn read_models_of_another_book_are_not_believed() {
    let data = copy();
    let sql = rusqlite::Connection::open(read_models(data.path())).unwrap();
    sql.execute_batch(
        "UPDATE checkpoint SET event_id = 'evt_00000000000000000000000000';
         UPDATE accounts SET debits_posted = debits_posted + 100;
         UPDATE orders SET channel = 'fax';",
    )
    .unwrap();
    drop(sql);
    for question in QUESTIONS {
        let expected = on(story(), question).done().json();
        let ran = on(data.path(), question).done();
        assert_eq!(ran.json(), expected, "{question:?}");
        assert!(ran.err.contains("those of another book"), "{}", ran.err);
    }
}

#[test]
fn a_roll_that_lost_its_end_is_no_source_of_numbers() {
    let data = copy();
    let ends = frame_ends(data.path());
    let file = OpenOptions::new()
        .write(true)
        .open(segment(data.path()))
        .unwrap();
    file.set_len(ends[ends.len() - 2]).unwrap();
    for question in QUESTIONS {
        let ran = on(data.path(), question).failed();
        assert_eq!(ran.out, "", "{question:?}");
        assert!(ran.err.contains("has lost its end"), "{}", ran.err);
        assert!(
            ran.err.contains("try: tillroll verify --data"),
            "{}",
            ran.err
        );
    }
}

#[test]
fn reading_goes_on_beside_a_server_and_rebuilding_does_not() {
    let data = copy();
    let lock = DirStorage::open(data.path().join("log")).unwrap();
    for question in QUESTIONS {
        on(data.path(), question).done();
    }
    on(data.path(), &["verify"]).done();
    on(data.path(), &["digest"]).done();
    let refused = on(data.path(), &["projections", "rebuild"]).failed();
    assert!(
        refused.err.contains("a server is running"),
        "{}",
        refused.err
    );
    drop(lock);
    on(data.path(), &["projections", "rebuild"]).done();
}
