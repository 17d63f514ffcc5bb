//! `tillroll prove` and `tillroll verify --proof`: proofs hold without the data directory, and
//! only as they were made.

use std::fs;
use std::path::PathBuf;
use tillroll_log::testing::TestLog;

use tempfile::TempDir;
use tillroll_log::{Batch, Deadline, DirStorage, FileLog, Log, LogOptions, Position};

use crate::auditor::keep;
use crate::support::{copy, digest, on, path, tillroll};

/// A data directory, and what an auditor has of it.
struct Case {
    data: TempDir,
    auditor: TempDir,
    note: PathBuf,
    key: PathBuf,
}

impl Case {
    fn new() -> Self {
        let (data, auditor) = (copy(), tempfile::tempdir().unwrap());
        let (note, key) = keep(data.path(), auditor.path());
        Self {
            data,
            auditor,
            note,
            key,
        }
    }

    /// Proves into a file, and takes the data directory away.
    fn prove(self, what: &[&str]) -> (PathBuf, Self) {
        let proof = self.auditor.path().join("made.proof");
        let line = [&["prove"], what, &["--out", path(&proof)]].concat();
        on(self.data.path(), &line)
            .done()
            .says("to check it: tillroll verify --proof");
        fs::remove_dir_all(self.data.path().join("log")).unwrap();
        fs::remove_dir_all(self.data.path().join("keys")).unwrap();
        (proof, self)
    }
}

#[test]
fn an_event_is_proved_and_shown_without_the_data_directory() {
    let case = Case::new();
    let head = digest(case.data.path()).0;
    let events = on(case.data.path(), &["events", "--json", "--limit", "100000"]).done();
    let last = events.out.lines().last().unwrap();
    let last: serde_json::Value = serde_json::from_str(last).unwrap();
    let id = last["id"].as_str().unwrap().to_owned();
    let (proof, case) = case.prove(&["--event", &id]);
    let verify = ["verify", "--proof", path(&proof), "--key", path(&case.key)];
    tillroll(&verify)
        .done()
        .says(&format!("at position {head}"))
        .says(&id);
    let said = tillroll(&[&verify[..], &["--json"]].concat()).done().json();
    let shown = &said["proofs"][0];
    assert_eq!(
        (&said["ok"], &shown["proves"], &shown["position"]),
        (&true.into(), &"inclusion".into(), &head.into())
    );
    for field in ["id", "source", "type", "time", "recordedtime", "sequence"] {
        assert_eq!(shown["event"][field], last[field], "{field}");
    }
}

#[test]
fn positions_and_ids_name_the_same_event() {
    let case = Case::new();
    let event = on(
        case.data.path(),
        &["events", "--json", "--after", "4", "--limit", "1"],
    );
    let event: serde_json::Value = serde_json::from_str(event.done().out.trim()).unwrap();
    let prove = |what: &str| on(case.data.path(), &["prove", "--event", what]).done().out;
    assert_eq!(prove("5"), prove(event["id"].as_str().unwrap()));
}

#[test]
fn what_cannot_be_proved_is_refused() {
    let case = Case::new();
    let beyond = (digest(case.data.path()).0 + 1).to_string();
    let prove = |line: &[&str]| on(case.data.path(), &[&["prove"], line].concat());
    prove(&["--event", &beyond])
        .failed()
        .says("nothing is recorded");
    prove(&["--event", "evt_00000000000000000000000001"])
        .failed()
        .says("there is no event");
    prove(&["--event", "0"]).misused();
    prove(&[]).misused();
    prove(&["--event", "1", "--from", path(&case.note)]).misused();
    prove(&["--from", "nowhere.note"])
        .misused()
        .says("nowhere.note");
    prove(&["--from", path(&case.key)])
        .failed()
        .says("try: tillroll checkpoint");
    let other = keep_another();
    prove(&["--from", path(&other.note)]).failed();
}

/// Of a directory with another key.
fn keep_another() -> Case {
    Case::new()
}

#[test]
fn a_proof_that_was_changed_is_refused_by_name() {
    let (proof, case) = Case::new().prove(&["--event", "7"]);
    let whole = fs::read_to_string(&proof).unwrap();
    let other = keep_another();
    let lines: Vec<&str> = whole.lines().collect();
    let without = |gone: usize| -> String {
        let kept = lines.iter().enumerate().filter(|(at, _)| *at != gone);
        kept.map(|(_, line)| format!("{line}\n")).collect()
    };
    for (what, text, code) in [
        ("as it is", whole.clone(), None),
        (
            "another record",
            whole.replacen("extra ", "extra AAAA", 1),
            Some("root_mismatch"),
        ),
        (
            "another position",
            whole.replacen("index 6", "index 7", 1),
            Some("root_mismatch"),
        ),
        ("a hash less", without(3), Some("path_length")),
        ("no record", without(1), Some("proof_malformed")),
        ("nothing", String::new(), Some("proof_format_unknown")),
        (
            "another size",
            whole.replacen(&format!("\n{}\n", size(&whole)), "\n8\n", 1),
            Some("signature_invalid"),
        ),
    ] {
        fs::write(&proof, text).unwrap();
        let line = ["verify", "--proof", path(&proof), "--key", path(&case.key)];
        let Some(code) = code else {
            tillroll(&line).done();
            continue;
        };
        let ran = tillroll(&line).failed();
        assert!(ran.out.contains(code), "{what}: {ran:?}");
        let said = tillroll(&[&line[..], &["--json"]].concat()).failed().json();
        assert_eq!(said["proofs"][0]["code"], code, "{what}");
    }
    fs::write(&proof, &whole).unwrap();
    tillroll(&["verify", "--proof", path(&proof), "--key", path(&other.key)])
        .failed()
        .says("signature_");
    tillroll(&["verify", "--proof", path(&proof)])
        .misused()
        .says("--key");
}

/// Of the checkpoint in a proof.
fn size(proof: &str) -> String {
    let (_, note) = proof.split_once("\n\n").unwrap();
    note.lines().nth(1).unwrap().to_owned()
}

#[test]
fn a_roll_that_has_grown_is_proved_to_have_only_grown() {
    let case = Case::new();
    let head = digest(case.data.path()).0;
    let log = DirStorage::open(case.data.path().join("log")).unwrap();
    let (mut log, _) = FileLog::open(log, LogOptions::default()).unwrap();
    let record = log
        .reader()
        .read_one(Position::new(head), Deadline::NEVER)
        .unwrap();
    for _ in 0..3 {
        let mut batch = Batch::new();
        batch.push(record.as_deref().unwrap()).unwrap();
        log.append_next(&mut batch).unwrap();
    }
    drop(log);
    let note = case.note.clone();
    let (proof, case) = case.prove(&["--from", path(&note)]);
    let verify = ["verify", "--proof", path(&proof), "--key", path(&case.key)];
    tillroll(&verify)
        .done()
        .says(&format!("grown from {head} records to {}", head + 3));
    let said = tillroll(&[&verify[..], &["--json"]].concat()).done().json();
    let said = &said["proofs"][0];
    assert_eq!(
        (&said["proves"], &said["from_size"], &said["size"]),
        (&"consistency".into(), &head.into(), &(head + 3).into())
    );
}

#[test]
fn several_proofs_are_checked_and_one_that_fails_fails_all() {
    let case = Case::new();
    let made = ["1", "2", "3"].map(|position| {
        let proof = case.auditor.path().join(position);
        let line = ["prove", "--event", position, "--out", path(&proof)];
        on(case.data.path(), &line).done();
        proof
    });
    let [a, b, c] = made.each_ref().map(|proof| path(proof));
    let line = ["verify", "--proof", a, b, c, "--key", path(&case.key)];
    tillroll(&line).done();
    let text = fs::read_to_string(b).unwrap();
    fs::write(b, text.replacen("index 1", "index 0", 1)).unwrap();
    let ran = tillroll(&line).failed();
    assert_eq!(ran.out.matches("  ok\n").count(), 2, "{ran:?}");
    assert_eq!(ran.out.matches("NOT PROVED").count(), 1, "{ran:?}");
}
