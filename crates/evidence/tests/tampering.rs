//! Whatever is changed in a pack is found and named, by both checks.

mod support;

use std::path::Path;

use proptest::prelude::*;
use serde_json::Value;
use sha2::{Digest, Sha256};
use support::{ORDER, found, found_by_python, has_python, key, pack_of, python, story, story_pack};
use tillroll_evidence::PackFiles;
use tillroll_proofs::Note;

fn text(files: &PackFiles, name: &str) -> String {
    String::from_utf8(files[name].clone()).unwrap()
}

fn put(files: &mut PackFiles, name: &str, text: String) {
    assert_ne!(
        files.insert(name.into(), text.clone().into()),
        Some(text.into()),
        "{name}"
    );
}

/// Replaces the first of something that is there.
fn replace(files: &mut PackFiles, name: &str, from: &str, to: &str) {
    let whole = text(files, name);
    put(files, name, whole.replacen(from, to, 1));
}

fn lines(files: &PackFiles, name: &str) -> Vec<String> {
    text(files, name).lines().map(str::to_owned).collect()
}

fn put_lines(files: &mut PackFiles, name: &str, lines: &[String]) {
    put(
        files,
        name,
        lines.iter().map(|line| format!("{line}\n")).collect(),
    );
}

fn events(files: &PackFiles) -> Vec<Value> {
    serde_json::from_slice(&files["events.json"]).unwrap()
}

fn put_events(files: &mut PackFiles, events: &[Value]) {
    put(
        files,
        "events.json",
        serde_json::to_string_pretty(events).unwrap() + "\n",
    );
}

fn proof(files: &PackFiles, kind: &str) -> String {
    let suffix = format!("-{kind}.tlog-proof");
    files
        .keys()
        .find(|name| name.ends_with(&suffix))
        .unwrap()
        .clone()
}

#[test]
fn an_untouched_pack_passes_both_checks() {
    let files = story_pack();
    assert_eq!(found(&files), [""; 0]);
    if has_python() {
        assert_eq!(found_by_python(&files), [""; 0]);
    }
}

/// An auditor keeps a pack for years. When this fails after a change of `check.py`, of README or of
/// how anything is shown: if packs like it were ever released, the hashes of what was go into
/// `EARLIER_TEXTS`, what is shown otherwise is another format, and a new pack is put beside the old.
/// Before that, `UPDATE_PACK=1` writes it anew.
#[test]
fn packs_that_were_ever_written_pass() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    if std::env::var_os("UPDATE_PACK").is_some() {
        let newest = root.join("format-1");
        drop(std::fs::remove_dir_all(&newest));
        support::write(&story_pack(), &newest);
    }
    let mut packs = 0;
    for entry in std::fs::read_dir(&root).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(found(&support::read(&path)), [""; 0], "{}", path.display());
        packs += 1;
    }
    assert!(packs > 0);
}

#[test]
fn what_was_changed_is_named_by_both() {
    let placed = story()
        .labels
        .iter()
        .position(|label| *label == "placed")
        .unwrap()
        + 1;
    let place = format!("(position {placed})");
    let amount = format!(
        "events.json: event 4 {place}, data.entry.postings[0].amount: it says 20091, and the \
         record says 30091"
    );
    let time = format!(
        "events.json: event 4 {place}, time: it says \"2026-08-28T20:23:21Z\", and the record says \
         \"2026-08-29T10:23:20Z\""
    );
    type Change = fn(&mut PackFiles);
    let cases: &[(&str, Change, &[&str])] = &[
        (
            "an amount in the table",
            |files| {
                replace(files, "entries.csv", ",300.91,30091\n", ",200.91,20091\n");
            },
            &[
                "entries.csv: row 1, amount: it says 200.91, and the record says 300.91",
                "entries.csv: row 1, minor_units: it says 20091, and the record says 30091",
            ],
        ),
        (
            "an amount in the events",
            |files| {
                replace(
                    files,
                    "events.json",
                    "\"amount\": 30091,",
                    "\"amount\": 20091,",
                );
            },
            &[&amount],
        ),
        (
            "an amount as another number",
            |files| {
                replace(
                    files,
                    "events.json",
                    "\"amount\": 30091,",
                    "\"amount\": 30091.0,",
                );
            },
            &["events.json: event 4 "],
        ),
        (
            "two events swapped",
            |files| {
                let mut all = events(files);
                all.swap(3, 4);
                put_events(files, &all);
            },
            &["events.json: event 3 is what belongs in place 4"],
        ),
        (
            "two events swapped and a third one changed",
            |files| {
                let mut all = events(files);
                all.swap(3, 4);
                all[6]["origin"] = "api".into();
                put_events(files, &all);
            },
            &[
                "events.json: event 3 is what belongs in place 4",
                "origin: it says \"api\", and the record says \"stripe\"",
            ],
        ),
        (
            "an event removed",
            |files| {
                let mut all = events(files);
                all.remove(3);
                put_events(files, &all);
            },
            &["events.json: the event of position 5 is missing"],
        ),
        (
            "an event twice",
            |files| {
                let mut all = events(files);
                all.push(all[3].clone());
                put_events(files, &all);
            },
            &["events.json: event "],
        ),
        (
            "a row removed",
            |files| {
                let mut rows = lines(files, "entries.csv");
                rows.remove(2);
                put_lines(files, "entries.csv", &rows);
            },
            &["entries.csv: row 2 is missing: 7,order.placed,"],
        ),
        (
            "a row added",
            |files| {
                let mut rows = lines(files, "entries.csv");
                rows.insert(2, "1,refund,,,,,,,,,".into());
                put_lines(files, "entries.csv", &rows);
            },
            &["entries.csv: row 2 is what no record says: 1,refund,"],
        ),
        (
            "rows in another order",
            |files| {
                let mut rows = lines(files, "entries.csv");
                rows.swap(1, 2);
                put_lines(files, "entries.csv", &rows);
            },
            &["entries.csv: row 1 is what belongs in row 2"],
        ),
        (
            "a currency",
            |files| {
                replace(files, "entries.csv", ",EUR,", ",USD,");
            },
            &["entries.csv: row 1, unit: it says USD, and the record says EUR"],
        ),
        (
            "a time in the table",
            |files| {
                replace(
                    files,
                    "entries.csv",
                    "2026-08-29T10:23:20Z",
                    "2026-08-28T20:23:21Z",
                );
            },
            &["entries.csv: row 1, occurred_at: it says 2026-08-28T20:23:21Z"],
        ),
        (
            "a time in the events",
            |files| {
                let at = text(files, "events.json").find("order.placed").unwrap();
                let (before, after) = (
                    text(files, "events.json")[..at].to_owned(),
                    text(files, "events.json")[at..].to_owned(),
                );
                // The time of an event stands before its type.
                let cut = before.len();
                let whole = before + &after;
                let from = whole[cut..].find("\"time\": \"2026-08-29T10:23:20Z\"");
                let at = cut + from.unwrap();
                let mut whole = whole;
                whole.replace_range(at..at + 30, "\"time\": \"2026-08-28T20:23:21Z\"");
                put(files, "events.json", whole);
            },
            &[],
        ),
        (
            "an account's name",
            |files| {
                replace(files, "accounts.csv", "Clearing", "Cash");
            },
            &["accounts.csv: row 4, name: it says Cash, and the record says Clearing"],
        ),
        (
            "a reason",
            |files| {
                replace(files, "contents.csv", ",link,", ",order,");
            },
            &[
                "contents.csv: row ",
                ", why: it says order, and the record says link",
            ],
        ),
        (
            "the heading of a table",
            |files| {
                replace(files, "entries.csv", "minor_units", "cents");
            },
            &["entries.csv: row 0, minor_units: it says cents"],
        ),
        (
            "the order in the summary",
            |files| {
                replace(
                    files,
                    "about.txt",
                    &ORDER.to_string(),
                    "ord_00000000000000000000000008",
                );
            },
            &["about.txt: line 2: it says order   ord_00000000000000000000000008"],
        ),
        (
            "a record replaced by another that is proved",
            |files| {
                let (one, other) = (
                    proof(files, "dispute.observed"),
                    proof(files, "refund.observed"),
                );
                files.insert(one, files[&other].clone());
            },
            &[
                "proofs/00000000000000000017-dispute.observed.tlog-proof: it proves another record: \
             refund.observed at position 19",
                "events.json: event ",
                "is what no record says: 17,dispute.observed,",
            ],
        ),
        (
            "a proof under another name",
            |files| {
                let bytes = files[&proof(files, "refund.observed")].clone();
                files.insert("proofs/refund.tlog-proof".into(), bytes);
            },
            &["proofs/refund.tlog-proof: it proves another record: refund.observed at position 19"],
        ),
        (
            "a record cut short",
            |files| {
                let name = proof(files, "dispute.observed");
                let whole = text(files, &name);
                let line = whole.lines().nth(1).unwrap();
                put(
                    files,
                    &name,
                    whole.replacen(line, &line[..line.len() - 8], 1),
                );
            },
            &["proofs/00000000000000000017-dispute.observed.tlog-proof: "],
        ),
        (
            "a hash in a proof",
            |files| {
                let name = proof(files, "dispute.observed");
                let whole = text(files, &name);
                let hash = whole.lines().nth(3).unwrap();
                let other = whole.lines().nth(4).unwrap();
                put(files, &name, whole.replacen(hash, other, 1));
            },
            &["proofs/00000000000000000017-dispute.observed.tlog-proof: the record "],
        ),
        (
            "a proof removed",
            |files| {
                files.remove(&proof(files, "dispute.observed"));
            },
            &[
                "proofs/00000000000000000017-dispute.observed.tlog-proof: it is missing",
                "entries.csv: row ",
            ],
        ),
        (
            "a table removed",
            |files| {
                files.remove("accounts.csv");
            },
            &["accounts.csv: it is missing"],
        ),
        (
            "a table and its line in the list removed",
            |files| {
                files.remove("accounts.csv");
                let rows = lines(files, "manifest.txt");
                let rows: Vec<_> = rows
                    .into_iter()
                    .filter(|row| !row.ends_with("accounts.csv"))
                    .collect();
                put_lines(files, "manifest.txt", &rows);
            },
            &[
                "accounts.csv: it is missing",
                "manifest.txt: it is not the list",
            ],
        ),
        (
            "a file added",
            |files| {
                files.insert("summary.txt".into(), b"paid in full".to_vec());
            },
            &["summary.txt: no pack has such a file"],
        ),
        (
            "README",
            |files| {
                replace(files, "README.md", "complete** is not", "complete** is");
            },
            &["README.md: it is not "],
        ),
        (
            "a space at the end",
            |files| {
                files.get_mut("events.json").unwrap().push(b' ');
            },
            &["events.json: line "],
        ),
        (
            "a checkpoint by another key",
            |files| {
                let other = pack_of(&story().encoded(), story().find(ORDER), ORDER, &[key(3)]);
                files.insert("checkpoint.note".into(), other["checkpoint.note"].clone());
            },
            &["checkpoint.note: "],
        ),
        (
            "everything by another key, but for the seal",
            |files| {
                let other = pack_of(
                    &story().encoded(),
                    story().find(ORDER),
                    ORDER,
                    &[key(1), key(3)],
                );
                let seal = files["seal.note"].clone();
                *files = other;
                files.insert("seal.note".into(), seal);
            },
            &["seal.note: ", "manifest.txt: it is not the list"],
        ),
        (
            "the seal removed",
            |files| {
                files.remove("seal.note");
            },
            &["seal.note: "],
        ),
        (
            "a key added",
            |files| {
                let keys = text(files, "public-key.txt") + &format!("{}\n", key(3).verifier());
                put(files, "public-key.txt", keys);
            },
            &["rotations/2.note: "],
        ),
        (
            "the first key removed",
            |files| {
                let keys = lines(files, "public-key.txt");
                put_lines(files, "public-key.txt", &keys[1..]);
            },
            &["public-key.txt: it is not what it was when the pack was sealed"],
        ),
    ];
    let python = has_python();
    for (case, change, expected) in cases {
        let mut files = story_pack();
        change(&mut files);
        let ours = found(&files);
        let theirs = if python {
            found_by_python(&files)
        } else {
            ours.clone()
        };
        for (who, findings) in [("tillroll", &ours), ("check.py", &theirs)] {
            assert!(!findings.is_empty(), "{case}: {who}");
            for part in *expected {
                let named = findings.iter().any(|finding| finding.contains(part));
                assert!(
                    named,
                    "{case}: {who} does not say {part:?}, but {findings:#?}"
                );
            }
        }
        if case.starts_with("a time in the events") {
            assert!(
                ours.contains(&time)
                    || ours
                        .iter()
                        .any(|said| said.contains("2026-08-28T20:23:21Z")),
                "{ours:?}"
            );
        }
        // What is read is named in the same words.
        let readable = |findings: &[String]| -> Vec<String> {
            let read = [
                "entries.csv",
                "events.json",
                "accounts.csv",
                "contents.csv",
                "about.txt",
            ];
            let of = |finding: &&String| read.iter().any(|name| finding.starts_with(name));
            findings.iter().filter(of).cloned().collect()
        };
        assert_eq!(readable(&ours), readable(&theirs), "{case}");
    }
}

/// The merchant has the key, and may seal what he likes: what is read still has to be what the
/// records say.
#[test]
fn a_seal_makes_nothing_true() {
    let cases: &[(&str, fn(&mut PackFiles), &str)] = &[
        (
            "an amount",
            |files| replace(files, "entries.csv", ",300.91,30091\n", ",200.91,20091\n"),
            "entries.csv: row 1, amount: it says 200.91, and the record says 300.91",
        ),
        (
            "a file of his own",
            |files| drop(files.insert("summary.txt".into(), b"paid in full".to_vec())),
            "summary.txt: no pack has such a file",
        ),
        (
            "README",
            |files| replace(files, "README.md", "complete** is not", "complete** is"),
            "README.md: it is not ",
        ),
        (
            "a record taken out with its proof, and nothing written anew",
            |files| drop(files.remove(&proof(files, "dispute.observed"))),
            "entries.csv: row ",
        ),
        (
            "a line in the list",
            |files| {
                let list = text(files, "manifest.txt") + "paid in full\n";
                put(files, "manifest.txt", list);
            },
            "manifest.txt: it is not one file to a line",
        ),
    ];
    for (case, change, expected) in cases {
        let mut files = story_pack();
        change(&mut files);
        let changed = files["manifest.txt"] != story_pack()["manifest.txt"];
        let listed = files
            .keys()
            .filter(|name| !["manifest.txt", "seal.note"].contains(&name.as_str()));
        let manifest = match changed {
            true => text(&files, "manifest.txt"),
            false => listed
                .map(|name| format!("{}  {name}\n", sha256(&files[name])))
                .collect(),
        };
        let seal = format!(
            "tillroll/evidence@v1\n{ORDER}\n{}\n{}\n",
            story().records.len(),
            sha256(manifest.as_bytes())
        );
        let seal = Note::sign(seal, &[&key(2)]).unwrap();
        files.insert("manifest.txt".into(), manifest.into_bytes());
        files.insert("seal.note".into(), seal.to_string().into_bytes());
        let ours = found(&files);
        let theirs = match has_python() {
            true => found_by_python(&files),
            false => ours.clone(),
        };
        for findings in [&ours, &theirs] {
            let named = findings.iter().any(|finding| finding.starts_with(expected));
            assert!(named, "{case}: {findings:#?}");
            let of_seal = findings
                .iter()
                .any(|finding| finding.starts_with("seal.note"));
            assert!(!of_seal, "{case}: {findings:#?}");
        }
    }
}

fn sha256(bytes: &[u8]) -> String {
    let hash: [u8; 32] = Sha256::digest(bytes).into();
    hex::encode(hash)
}

#[test]
fn a_key_that_the_pack_does_not_have_is_said() {
    let files = story_pack();
    let said = |seed| {
        let trusted = [key(seed).verifier().clone()];
        tillroll_evidence::check(&files, &trusted).findings.len()
    };
    assert_eq!((said(1), said(2), said(3)), (0, 0, 1));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn a_changed_byte_is_found(file in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), by in 1..=255_u8) {
        let mut files = PACK.with(Clone::clone);
        let names: Vec<String> = files.keys().cloned().collect();
        let name = file.get(&names);
        let bytes = files.get_mut(name).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= by;
        prop_assert!(!found(&files).is_empty(), "{name}: byte {at} changed by {by}");
    }
}

thread_local! {
    static PACK: PackFiles = story_pack();
}

/// The same for `check.py`: one process for all of them.
#[test]
fn check_py_finds_a_changed_byte() {
    if !has_python() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    support::write(&story_pack(), directory.path());
    let script = "
import pathlib, random
root = pathlib.Path(sys.stdin.readline().strip())
files = {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob('*') if p.is_file()}
assert check.check(files) == [], check.check(files)
draw = random.Random(20261123)
for name in sorted(files):
    for _ in range(6):
        data = bytearray(files[name])
        at, by = draw.randrange(len(data)), draw.randrange(1, 256)
        data[at] ^= by
        if not check.check({**files, name: bytes(data)}):
            print(name, at, by)
";
    let missed = python(script, &format!("{}\n", directory.path().display()));
    assert_eq!(missed, "");
}
