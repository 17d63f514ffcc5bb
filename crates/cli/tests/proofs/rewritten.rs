//! `tillroll verify --checkpoint`: a roll that was written anew, with checksums and hashes that
//! hold, is found by whoever has kept a checkpoint.

use std::fs;
use std::path::Path;
use tillroll_log::testing::TestLog;

use tempfile::TempDir;
use tillroll_events::{Record, Timestamp};
use tillroll_log::{Batch, Deadline, DirStorage, FileLog, Log, LogOptions, Position};

use crate::auditor::keep;
use crate::support::{copy, digest, on, path};

/// Writes a roll anew into another directory, frame by frame, each record as `change` makes it.
fn rewrite(data: &Path, frames: u64, change: impl Fn(Position, &mut Record)) -> TempDir {
    let forged = tempfile::tempdir().unwrap();
    fs::copy(data.join("BOOK"), forged.path().join("BOOK")).unwrap();
    let open = |path: &Path, id| {
        let storage = DirStorage::open(path.join("log")).unwrap();
        let options = LogOptions {
            id,
            ..LogOptions::default()
        };
        FileLog::open(storage, options).unwrap().0
    };
    let original = open(data, None);
    let mut log = open(forged.path(), Some(original.id()));
    let reader = original.reader();
    let mut source = reader.frames(Position::FIRST, Deadline::NEVER).unwrap();
    for _ in 0..frames {
        let Some(frame) = source.next_frame().unwrap() else {
            break;
        };
        let mut batch = Batch::new();
        for (position, bytes) in frame.records() {
            let mut record = Record::decode(bytes).unwrap();
            change(position, &mut record);
            let mut bytes = Vec::new();
            record.encode(&mut bytes);
            batch.push(&bytes).unwrap();
        }
        log.append_next(&mut batch).unwrap();
    }
    forged
}

fn as_it_was(_: Position, _: &mut Record) {}

/// An hour earlier: what a cheat would do to get a sale into last month.
fn backdate(record: &mut Record) {
    record.occurred_at = Timestamp::from_seconds(record.occurred_at.seconds() - 3_600);
}

#[test]
fn a_rewritten_roll_passes_every_checksum_and_not_the_checkpoint() {
    let (data, auditor) = (copy(), tempfile::tempdir().unwrap());
    let (note, key) = keep(data.path(), auditor.path());
    let head = digest(data.path()).0;
    let with = ["verify", "--checkpoint", path(&note), "--key", path(&key)];
    on(data.path(), &with)
        .done()
        .says("are those that were signed for");

    for altered in [1, head / 2, head] {
        let forged = rewrite(data.path(), u64::MAX, |position, record| {
            if position.get() == altered {
                backdate(record);
            }
        });
        on(forged.path(), &["verify"]).done();
        let line = [&with[..], &["--json"]].concat();
        let said = on(forged.path(), &line).failed().json();
        let finding = &said["findings"][0];
        assert_eq!(finding["check"], "checkpoint", "{said}");
        let reason = finding["reason"].as_str().unwrap();
        assert!(reason.contains(&format!("of size {head} ")), "{reason}");
        on(forged.path(), &with).failed().says("DAMAGED");
    }
    let same = rewrite(data.path(), u64::MAX, as_it_was);
    on(same.path(), &with).done();
}

#[test]
fn a_roll_that_was_cut_is_found() {
    let (data, auditor) = (copy(), tempfile::tempdir().unwrap());
    let (note, key) = keep(data.path(), auditor.path());
    let head = digest(data.path()).0;
    let cut = rewrite(data.path(), 20, as_it_was);
    on(cut.path(), &["verify"]).done();
    on(
        cut.path(),
        &["verify", "--checkpoint", path(&note), "--key", path(&key)],
    )
    .failed()
    .says("records were removed")
    .says(&format!("of size {head} "));
}

#[test]
fn earlier_checkpoints_of_the_directory_say_where() {
    let data = copy();
    let half = rewrite(data.path(), 20, as_it_was);
    on(half.path(), &["checkpoint"]).done();
    let early = digest(half.path()).0;
    // The rest of the roll follows.
    fs::remove_dir_all(half.path().join("log")).unwrap();
    crate::support::copy_into(&data.path().join("log"), &half.path().join("log"));
    let auditor = tempfile::tempdir().unwrap();
    let (note, key) = keep(half.path(), auditor.path());

    let forged = rewrite(half.path(), u64::MAX, |position, record| {
        if position.get() == early + 1 {
            backdate(record);
        }
    });
    crate::support::copy_into(&half.path().join("keys"), &forged.path().join("keys"));
    crate::support::copy_into(
        &half.path().join("proofs/checkpoints"),
        &forged.path().join("proofs/checkpoints"),
    );
    on(
        forged.path(),
        &["verify", "--checkpoint", path(&note), "--key", path(&key)],
    )
    .failed()
    .says(&format!("of positions {} to ", early + 1));

    // They tell it by themselves to whoever gives none.
    let said = on(forged.path(), &["verify", "--json"]).failed().json();
    let findings = said["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 1, "{said}");
    assert_eq!(findings[0]["check"], "checkpoints");
    assert_eq!(findings[0]["position"], early + 1);

    // Nothing is signed that contradicts what was signed before.
    on(forged.path(), &["checkpoint"])
        .failed()
        .says("at least one was altered");
}

#[test]
fn a_checkpoint_that_proves_nothing_is_refused() {
    let (data, auditor) = (copy(), tempfile::tempdir().unwrap());
    let (note, key) = keep(data.path(), auditor.path());
    let other = copy();
    let with = |data: &Path, note: &Path, key: &Path| {
        let line = ["verify", "--checkpoint", path(note), "--key", path(key)];
        on(data, &line)
    };
    let text = fs::read_to_string(&note).unwrap();
    let forged = auditor.path().join("forged.note");
    let (first, rest) = text.split_once('\n').unwrap();
    fs::write(&forged, format!("{first}\n1{rest}")).unwrap();
    with(data.path(), &forged, &key).failed().says("--key");
    with(data.path(), &note, &note).failed();
    let theirs = keep(other.path(), other.path()).1;
    with(data.path(), &note, &theirs).failed();
    let line = ["verify", "--checkpoint", path(&note)];
    on(data.path(), &line)
        .done()
        .says("with the key in the data directory");
    fs::remove_dir_all(data.path().join("keys")).unwrap();
    on(data.path(), &line).misused().says("--key");
    on(data.path(), &["verify", "--key", path(&key)]).misused();
}
