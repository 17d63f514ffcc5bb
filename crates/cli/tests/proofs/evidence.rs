//! `tillroll export --evidence`: what an auditor gets, and that it can be checked without us.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::{copy, on, path, tillroll};

/// An order with entries, the one with the most events.
fn order(data: &Path) -> String {
    let said = on(data, &["orders", "--json", "--limit", "100"])
        .done()
        .json();
    let orders = said["data"].as_array().or(said.as_array()).expect("a list");
    let ids = orders.iter().map(|order| order["id"].as_str().unwrap());
    let events = |id: &str| {
        let said = on(data, &["order", id, "--json"]).done().json();
        said["timeline"].as_array().unwrap().len()
    };
    ids.max_by_key(|id| events(id)).unwrap().to_owned()
}

fn proofs(root: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(root.join("proofs")).unwrap();
    let mut proofs: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    proofs.sort();
    proofs
}

#[test]
fn every_event_is_there_in_order_and_proved() {
    let (data, out) = (copy(), tempfile::tempdir().unwrap());
    let order = order(data.path());
    let line = [
        "export",
        "--evidence",
        &order,
        "--out",
        path(out.path()),
        "--json",
    ];
    let said = on(data.path(), &line).done().json();
    let listed = ["events", "--json", "--limit", "100000", "--order", &order];
    let listed = on(data.path(), &listed).done().out;
    let listed: Vec<Value> = listed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let text = fs::read_to_string(out.path().join("events.json")).unwrap();
    let events: Vec<Value> = serde_json::from_str(&text).unwrap();
    assert_eq!(events, listed);
    assert!(events.len() > 3 && said["events"] == events.len());

    fs::remove_dir_all(data.path()).unwrap();
    let key = out.path().join("public-key.txt");
    let mut proved = BTreeMap::new();
    for proof in proofs(out.path()) {
        let line = [
            "verify",
            "--proof",
            path(&proof),
            "--key",
            path(&key),
            "--json",
        ];
        let said = tillroll(&line).done().json();
        let event = said["proofs"][0]["event"].clone();
        proved.insert(event["id"].as_str().unwrap().to_owned(), event);
    }
    for event in &events {
        let shown = &proved[event["id"].as_str().unwrap()];
        assert_eq!(shown["type"], event["type"]);
        assert_eq!(shown["sequence"], event["sequence"]);
    }
    // Every account in the table of entries is one whose opening is proved.
    let table = fs::read_to_string(out.path().join("entries.csv")).unwrap();
    let opened: Vec<_> = proved
        .values()
        .filter(|event| event["type"] == "tillroll.account.opened")
        .map(|event| event["data"]["path"].as_str().unwrap())
        .collect();
    let mut sums = BTreeMap::<(String, String), i128>::new();
    for line in table.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        assert!(opened.contains(&cells[6]), "{line}");
        let amount: i128 = cells[10].parse().unwrap();
        let signed = match cells[8] {
            "debit" => amount,
            "credit" => -amount,
            side => panic!("{side} in {line}"),
        };
        *sums.entry((cells[0].into(), cells[7].into())).or_default() += signed;
    }
    assert!(sums.len() > 1, "{table}");
    assert!(sums.values().all(|sum| *sum == 0), "{sums:?}");
    let readme = fs::read_to_string(out.path().join("README.md")).unwrap();
    let key = fs::read_to_string(key).unwrap();
    for part in [&*order, key.trim(), "check.py", "openssl"] {
        assert!(readme.contains(part), "no {part:?} in\n{readme}");
    }
    assert!(!readme.contains('{') || !readme.contains("{ORDER}"));
    for mark in [
        "{ORDER}",
        "{EVENTS}",
        "{ACCOUNTS}",
        "{ORIGIN}",
        "{SIZE}",
        "{ROOT}",
        "{KEY}",
    ] {
        assert!(!readme.contains(mark), "{mark} is left in\n{readme}");
    }
}

#[test]
fn an_archive_is_the_same_each_time_and_holds_what_the_directory_holds() {
    let (data, out) = (copy(), tempfile::tempdir().unwrap());
    let order = order(data.path());
    let export = |name: &str| {
        let to = out.path().join(name);
        on(
            data.path(),
            &["export", "--evidence", &order, "--out", path(&to)],
        )
        .done();
        to
    };
    let [one, two] = ["one.tar", "two.tar"].map(|name| fs::read(export(name)).unwrap());
    assert!(one == two, "the same bytes");
    let directory = export("files");
    let mut names = 0;
    for (name, bytes) in unpack(&one) {
        let name = name.strip_prefix(&format!("{order}/")).unwrap();
        assert_eq!(fs::read(directory.join(name)).unwrap(), bytes, "{name}");
        names += 1;
    }
    assert_eq!(names, proofs(&directory).len() + 7);
    on(
        data.path(),
        &["export", "--evidence", &order, "--out", path(&directory)],
    )
    .misused()
    .says("not empty");
}

/// Names and contents of an archive, by its headers.
fn unpack(archive: &[u8]) -> Vec<(String, Vec<u8>)> {
    let text = |bytes: &[u8]| {
        let end = bytes.iter().position(|byte| *byte == 0);
        String::from_utf8(bytes[..end.unwrap_or(bytes.len())].to_vec()).unwrap()
    };
    let (mut at, mut files) = (0, Vec::new());
    while archive[at] != 0 {
        let header = &archive[at..at + 512];
        let name = match text(&header[345..500]) {
            prefix if prefix.is_empty() => text(&header[..100]),
            prefix => format!("{prefix}/{}", text(&header[..100])),
        };
        let length = usize::from_str_radix(&text(&header[124..136]), 8).unwrap();
        at += 512;
        files.push((name, archive[at..at + length].to_vec()));
        at += length.next_multiple_of(512);
    }
    files
}

#[test]
fn the_steps_in_the_readme_find_what_was_changed() {
    let (data, out) = (copy(), tempfile::tempdir().unwrap());
    let order = order(data.path());
    let line = ["export", "--evidence", &order, "--out", path(out.path())];
    on(data.path(), &line).done();
    let proof = proofs(out.path())[0].clone();
    let python = || {
        Command::new("python3")
            .arg("check.py")
            .args(proofs(out.path()))
            .current_dir(out.path())
            .output()
    };
    let readme = fs::read_to_string(out.path().join("README.md")).unwrap();
    let blocks: Vec<&str> = readme.split("```").skip(1).step_by(2).collect();
    let signature = blocks.last().unwrap();
    assert!(signature.contains("openssl"), "{signature}");
    let openssl = || {
        Command::new("sh")
            .args(["-c", &format!("set -e\n{signature}")])
            .current_dir(out.path())
            .output()
            .unwrap()
    };
    let has = |program: &str| Command::new(program).arg("--version").output().is_ok();
    let (has_python, has_openssl) = (has("python3"), has("openssl"));
    if has_python {
        let ran = python().unwrap();
        assert!(ran.status.success(), "{ran:?}");
    }
    if has_openssl {
        let ran = openssl();
        assert!(ran.status.success(), "{ran:?}");
    }
    let text = fs::read_to_string(&proof).unwrap();
    fs::write(&proof, text.replacen("extra ", "extra AAAA", 1)).unwrap();
    if has_python {
        assert!(!python().unwrap().status.success());
    }
    let note = out.path().join("checkpoint.note");
    let text = fs::read_to_string(&note).unwrap();
    fs::write(&note, text.replacen('\n', "\n1", 1)).unwrap();
    if has_openssl {
        assert!(!openssl().status.success());
    }
    // Ours finds both, whatever is installed.
    let key = out.path().join("public-key.txt");
    tillroll(&["verify", "--proof", path(&proof), "--key", path(&key)]).failed();
}

#[test]
fn an_order_that_is_not_there_is_refused() {
    let data = copy();
    let line = ["export", "--evidence", "ord_00000000000000000000000001"];
    on(data.path(), &line)
        .failed()
        .says("try: tillroll orders --data");
    on(data.path(), &["export"]).misused();
}
