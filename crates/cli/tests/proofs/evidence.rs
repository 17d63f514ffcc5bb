//! `tillroll export --evidence`: what an auditor gets, and that it can be checked without us.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

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

/// The check that lies in the pack, if there is a Python to run it with.
fn check_py(pack: &Path, arguments: &[&str]) -> Option<Output> {
    let python = Command::new("python3")
        .arg("check.py")
        .args(arguments)
        .current_dir(pack)
        .output();
    if python.is_err() {
        eprintln!("skipped: there is no python3 to run check.py with");
    }
    python.ok()
}

#[test]
fn a_pack_has_the_orders_events_and_both_checks_pass_without_the_directory() {
    let (data, out) = (copy(), tempfile::tempdir().unwrap());
    let order = order(data.path());
    let pack = out.path().join("pack");
    let line = [
        "export",
        "--evidence",
        &order,
        "--out",
        path(&pack),
        "--json",
    ];
    let said = on(data.path(), &line).done().json();
    let listed = ["events", "--json", "--limit", "100000", "--order", &order];
    let listed = on(data.path(), &listed).done().out;
    let public = on(data.path(), &["checkpoint", "--public-key"]).done().out;
    let events: Vec<Value> =
        serde_json::from_slice(&fs::read(pack.join("events.json")).unwrap()).unwrap();
    for line in listed.lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        assert!(events.contains(&event), "{event}");
    }
    assert_eq!(said["events"], events.len());
    assert_eq!(events.len(), proofs(&pack).len());

    fs::remove_dir_all(data.path()).unwrap();
    let key = public.trim();
    tillroll(&["verify", "--proof", path(&pack), "--key", key])
        .done()
        .says(&order);
    tillroll(&["verify", "--proof", path(&pack)])
        .done()
        .says("ask for the key in another way");
    if let Some(ran) = check_py(&pack, &["--key", key]) {
        assert!(ran.status.success(), "{ran:?}");
    }
    // Each proof holds by itself, too.
    let each: Vec<PathBuf> = proofs(&pack);
    let mut line = vec!["verify", "--key", key, "--proof"];
    line.extend(each.iter().map(|proof| path(proof)));
    tillroll(&line).done();
}

#[test]
fn what_was_changed_is_named() {
    let (data, out) = (copy(), tempfile::tempdir().unwrap());
    let order = order(data.path());
    let pack = out.path().join("pack");
    on(
        data.path(),
        &["export", "--evidence", &order, "--out", path(&pack)],
    )
    .done();
    let table = pack.join("entries.csv");
    let text = fs::read_to_string(&table).unwrap();
    let row = text.lines().nth(1).unwrap();
    let amount = row.rsplit(',').next().unwrap();
    fs::write(&table, text.replacen(row, &format!("{row}1"), 1)).unwrap();
    let said =
        format!("entries.csv: row 1, minor_units: it says {amount}1, and the record says {amount}");
    tillroll(&["verify", "--proof", path(&pack)])
        .failed()
        .says(&said);
    let json = tillroll(&["verify", "--proof", path(&pack), "--json"])
        .failed()
        .json();
    assert_eq!(json["proofs"][0]["findings"][0]["file"], "entries.csv");
    if let Some(ran) = check_py(&pack, &[]) {
        assert_eq!(ran.status.code(), Some(1));
        assert!(
            String::from_utf8_lossy(&ran.stdout).contains(&said),
            "{ran:?}"
        );
    }
    fs::write(&table, &text).unwrap();
    tillroll(&["verify", "--proof", path(&pack)]).done();
    let key = "tillroll/00000000000000000000000000000000+00000000+AA==";
    if let Some(ran) = check_py(&pack, &["--key", key]) {
        assert_eq!(ran.status.code(), Some(1), "{ran:?}");
    }
}

#[test]
fn a_pack_is_the_same_each_time_and_nothing_is_written_over() {
    let (data, out) = (copy(), tempfile::tempdir().unwrap());
    let order = order(data.path());
    let export = |name: &str| {
        let to = out.path().join(name);
        on(
            data.path(),
            &["export", "--evidence", &order, "--out", path(&to)],
        )
    };
    let [one, two] = ["one.tar", "two.tar"].map(|name| {
        export(name).done();
        fs::read(out.path().join(name)).unwrap()
    });
    assert!(one == two, "the same bytes");
    fs::create_dir(out.path().join("empty")).unwrap();
    export("empty").done();
    fs::write(out.path().join("nothing.tar"), b"").unwrap();
    export("nothing.tar").done();
    for name in ["one.tar", "empty"] {
        tillroll(&["verify", "--proof", path(&out.path().join(name))]).done();
        export(name).misused().says("is there and not empty");
    }
    fs::write(out.path().join("file"), b"kept").unwrap();
    export("file").misused();
    assert_eq!(fs::read(out.path().join("file")).unwrap(), b"kept");
    // Nothing half-written is left beside.
    let mut names: Vec<_> = fs::read_dir(out.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(
        names,
        ["empty", "file", "nothing.tar", "one.tar", "two.tar"]
    );

    let archive = out.path().join("one.tar");
    let mut bytes = one;
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    fs::write(&archive, &bytes).unwrap();
    tillroll(&["verify", "--proof", path(&archive)]).failed();
    fs::write(&archive, &bytes[..at]).unwrap();
    tillroll(&["verify", "--proof", path(&archive)])
        .failed()
        .says("no archive of evidence");
}

#[test]
fn the_signature_can_be_checked_with_openssl_as_the_readme_says() {
    let (data, out) = (copy(), tempfile::tempdir().unwrap());
    let order = order(data.path());
    let pack = out.path().join("pack");
    on(
        data.path(),
        &["export", "--evidence", &order, "--out", path(&pack)],
    )
    .done();
    let readme = fs::read_to_string(pack.join("README.md")).unwrap();
    let blocks: Vec<&str> = readme.split("```").skip(1).step_by(2).collect();
    let block = blocks.last().unwrap();
    assert!(block.contains("openssl"), "{block}");
    if Command::new("openssl").arg("version").output().is_err() {
        eprintln!("skipped: there is no openssl");
        return;
    }
    let scratch = block.replace("/tmp/", &format!("{}/", out.path().display()));
    let openssl = || {
        let script = format!("set -e\n{scratch}");
        Command::new("sh")
            .args(["-c", &script])
            .current_dir(&pack)
            .output()
            .unwrap()
    };
    let ran = openssl();
    assert!(ran.status.success(), "{ran:?}");
    let note = pack.join("checkpoint.note");
    let text = fs::read_to_string(&note).unwrap();
    fs::write(&note, text.replacen('\n', "\n1", 1)).unwrap();
    assert!(!openssl().status.success());
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
