//! `tillroll verify` finds what is wrong and names the place.

use std::fs;
use std::path::Path;
use tillroll_log::testing::TestLog;

use rusqlite::Connection;
use serde_json::Value;
use tillroll_log::{Batch, Deadline, DirStorage, FileLog, Log, LogOptions, Position};

use crate::support::{copy, frame_ends, head, on, read_models, segment, story};

fn finding(data: &Path) -> Value {
    let ran = on(data, &["verify", "--json"]).failed();
    let report = ran.json();
    assert_eq!(report["ok"], false);
    let findings = report["findings"].as_array().unwrap().clone();
    assert_eq!(findings.len(), 1, "{report}");
    findings[0].clone()
}

/// The table says what the JSON says.
fn says(data: &Path, parts: &[&str]) {
    let ran = on(data, &["verify"]).failed();
    for part in parts {
        assert!(ran.out.contains(part), "no {part:?} in\n{}", ran.out);
    }
}

fn flip(path: &Path, offset: u64) {
    let mut bytes = fs::read(path).unwrap();
    bytes[usize::try_from(offset).unwrap()] ^= 0x20;
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_sound_book_is_reported_with_its_counts_and_digest() {
    let ran = on(story(), &["verify"]).done();
    let frames = frame_ends(story()).len();
    for part in [
        format!("1 segment with {frames} frames and "),
        format!("equal a replay up to position {}", head()),
        format!("digest  {}", on(story(), &["digest"]).done().digest()),
    ] {
        assert!(ran.out.contains(&part), "no {part:?} in\n{}", ran.out);
    }
    let report = on(story(), &["verify", "--json"]).done().json();
    let checks: Vec<&str> = report["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|check| check["check"].as_str().unwrap())
        .collect();
    assert_eq!(checks, ["roll", "books", "snapshots", "read models"]);
    assert_eq!(
        (&report["ok"], &report["position"]),
        (&true.into(), &head().into())
    );
}

#[test]
fn a_flipped_byte_is_found_in_its_frame() {
    let ends = frame_ends(story());
    let middle = ends.len() / 2;
    let (start, end) = (ends[middle - 1], ends[middle]);
    for offset in [
        start,
        start + 50,
        start + 130,
        start + 170,
        end - 10,
        end - 1,
    ] {
        let data = copy();
        flip(&segment(data.path()), offset);
        let found = finding(data.path());
        assert_eq!(found["check"], "roll");
        assert_eq!(found["offset"], start, "byte {offset}: {found}");
        assert_eq!(found["frame"], middle, "byte {offset}: {found}");
        assert!(
            found["position"]
                .as_u64()
                .is_some_and(|position| position <= head())
        );
        assert_eq!(found["file"], segment(data.path()).to_str().unwrap());
        says(
            data.path(),
            &[
                "DAMAGED",
                &format!("byte       {start}"),
                "restore this file",
            ],
        );

        let digest = on(data.path(), &["digest"]).failed();
        assert!(
            digest.err.contains("try: tillroll verify"),
            "{}",
            digest.err
        );
    }
}

#[test]
fn a_damaged_segment_header_is_found() {
    let data = copy();
    flip(&segment(data.path()), 20);
    let found = finding(data.path());
    assert_eq!(
        (&found["offset"], &found["frame"]),
        (&0.into(), &Value::Null),
        "{found}"
    );
}

#[test]
fn a_damaged_last_frame_is_told_from_an_append_cut_short_by_what_was_seen() {
    let data = copy();
    let ends = frame_ends(data.path());
    let start = ends[ends.len() - 2];
    flip(&segment(data.path()), start + 170);
    let found = finding(data.path());
    assert_eq!(found["offset"], start);
    let reason = found["reason"].as_str().unwrap();
    assert!(
        reason.contains("acknowledged records are damaged"),
        "{reason}"
    );

    fs::remove_file(read_models(data.path())).unwrap();
    let found = finding(data.path());
    let reason = found["reason"].as_str().unwrap();
    assert!(reason.contains("or a snapshot have seen"), "{reason}");

    fs::remove_dir_all(data.path().join("snapshots")).unwrap();
    let found = finding(data.path());
    let reason = found["reason"].as_str().unwrap();
    assert!(
        reason.contains("cut short and never acknowledged"),
        "{reason}"
    );
    says(data.path(), &["tillroll serve --data", "digest  "]);
}

#[test]
fn an_append_under_way_beside_a_server_is_no_damage() {
    let data = copy();
    let mut bytes = fs::read(segment(data.path())).unwrap();
    let whole = bytes.len();
    bytes.extend_from_within(whole - 60..);
    fs::write(segment(data.path()), bytes).unwrap();
    let lock = DirStorage::open(data.path().join("log")).unwrap();
    let ran = on(data.path(), &["verify"]).done();
    assert!(
        ran.err.contains("an append that is under way"),
        "{}",
        ran.err
    );
    drop(lock);
    assert_eq!(finding(data.path())["offset"], whole);
}

#[test]
fn a_record_that_breaks_a_law_is_found_by_its_position() {
    let data = copy();
    let log = data.path().join("log");
    let (mut log, _) =
        FileLog::open(DirStorage::open(&log).unwrap(), LogOptions::default()).unwrap();
    // Whole and well-formed, and on the roll a second time.
    let again = log
        .reader()
        .read_one(Position::new(head()), Deadline::NEVER)
        .unwrap()
        .unwrap();
    let mut batch = Batch::new();
    batch.push(&again).unwrap();
    log.append_next(&mut batch).unwrap();
    drop(log);
    let found = finding(data.path());
    assert_eq!(found["check"], "books");
    assert_eq!(found["position"], head() + 1);
    says(data.path(), &["roll         ok", "books        DAMAGED"]);
}

#[test]
fn a_changed_row_is_found_by_its_key() {
    let data = copy();
    let sql = Connection::open(read_models(data.path())).unwrap();
    let changed = sql.execute(
        "UPDATE accounts SET debits_posted = debits_posted + 1 WHERE id = 3",
        [],
    );
    assert_eq!(changed, Ok(1));
    drop(sql);
    let found = finding(data.path());
    assert_eq!(found["check"], "read models");
    assert_eq!(found["row"], "accounts where id = 3");
    assert_ne!(found["expected"], found["found"]);
    says(
        data.path(),
        &[
            "row        accounts where id = 3",
            "expected   (id = 3",
            "tillroll projections rebuild",
        ],
    );
    on(data.path(), &["projections", "rebuild"]).done();
    on(data.path(), &["verify"]).done();
}

#[test]
fn a_damaged_database_is_found_and_can_be_rebuilt() {
    let table: &[(&str, fn(&Path))] = &[
        ("its first page", |path| {
            let mut bytes = fs::read(path).unwrap();
            bytes[..100].fill(0xA5);
            fs::write(path, bytes).unwrap();
        }),
        ("pages in the middle", |path| {
            let mut bytes = fs::read(path).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle..middle + 8192].fill(0xA5);
            fs::write(path, bytes).unwrap();
        }),
    ];
    for (what, damage) in table {
        let data = copy();
        let sql = Connection::open(read_models(data.path())).unwrap();
        // Into the file itself, out of the log beside it.
        sql.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
            .unwrap();
        drop(sql);
        damage(&read_models(data.path()));
        let found = finding(data.path());
        assert_eq!(found["check"], "read models", "{what}: {found}");
        assert_eq!(
            found["file"],
            read_models(data.path()).to_str().unwrap(),
            "{what}"
        );
        on(data.path(), &["projections", "rebuild"]).done();
        on(data.path(), &["verify"]).done();
    }
}

#[test]
fn snapshots_and_read_models_beyond_the_end_of_the_roll_are_found() {
    let data = copy();
    let ends = frame_ends(data.path());
    let file = fs::OpenOptions::new()
        .write(true)
        .open(segment(data.path()))
        .unwrap();
    file.set_len(ends[ends.len() - 3]).unwrap();
    for check in ["snapshots", "read models"] {
        let found = finding(data.path());
        assert_eq!(
            (&found["check"], &found["position"]),
            (&check.into(), &head().into())
        );
        assert!(
            found["reason"].as_str().unwrap().contains("lost its end"),
            "{found}"
        );
        drop(fs::remove_dir_all(data.path().join("snapshots")));
    }
}

#[test]
fn a_damaged_snapshot_is_found_with_its_section_and_no_start_needs_it() {
    let data = copy();
    let file = data
        .path()
        .join(format!("snapshots/{:020}.snapshot", head()));
    let whole = fs::read(&file).unwrap();
    // In the middle are orders and what hangs on them.
    flip(&file, whole.len() as u64 / 2);
    let found = finding(data.path());
    assert_eq!(found["check"], "snapshots");
    assert_eq!(found["file"], file.to_str().unwrap());
    let reason = found["reason"].as_str().unwrap();
    assert!(reason.contains("is damaged at byte"), "{reason}");
    assert!(reason.contains(", in the "), "{reason}");
    says(data.path(), &["snapshots    DAMAGED", "remove this file"]);

    // Bytes that check, and are those of another position.
    let other = data.path().join("snapshots/00000000000000000012.snapshot");
    fs::write(&file, &whole).unwrap();
    fs::rename(&file, &other).unwrap();
    let reason = finding(data.path())["reason"].clone();
    assert!(reason.as_str().unwrap().contains("name"), "{reason}");
}

#[test]
fn a_segment_of_another_book_is_refused() {
    let data = copy();
    let other = "0123456789abcdef0123456789abcdef\n";
    fs::write(data.path().join("BOOK"), other).unwrap();
    let ran = on(data.path(), &["verify"]).failed();
    assert!(ran.err.contains("belongs to log"), "{ran:?}");
    assert!(ran.err.contains("try: put"), "{ran:?}");
}
