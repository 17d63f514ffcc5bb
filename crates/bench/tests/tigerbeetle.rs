//! Reading what TigerBeetle's benchmark prints, and running a program that prints it. The real
//! program is not needed: the output is one that version 0.16.78 printed.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tillroll_bench::against::{ComparisonOptions, TigerBeetle, TransferWork, tigerbeetle};
use tillroll_bench::workload::Ids;

/// What the program itself printed of 300,000 transfers.
const PRINTED: &str = "\
37 batches in 0.45 s
transfer batch size = 8189 txs
transfer batch delay = 0ns
load accepted = 661055 tx/s
batch latency p1   = 0 ms
batch latency p50  = 9 ms
batch latency p99  = 15 ms
batch latency p100 = 59 ms

100 queries in 0.2 s
query latency p1   = 0 ms
query latency p50  = 0 ms
query latency p99  = 9 ms
query latency p100 = 13 ms

rss = 3175309312 bytes

datafile empty = 1141374976 bytes
datafile = 1296568320 bytes
";

const MS: u64 = 1_000_000;

#[test]
fn rate_and_latencies_of_batches_are_read() {
    let round = tigerbeetle::parse(PRINTED).unwrap();
    assert_eq!(round.per_second, 661_055);
    let latency = round.latency;
    let found = [latency.p50, latency.p99, latency.p999, latency.max];
    assert_eq!(found, [9 * MS, 15 * MS, 59 * MS, 59 * MS]);
    assert_eq!(
        round.notes,
        [
            "rss = 3175309312 bytes",
            "datafile empty = 1141374976 bytes",
            "datafile = 1296568320 bytes",
        ]
    );
}

#[test]
fn latencies_of_queries_are_not_taken_for_those_of_batches() {
    let only = PRINTED.replace("batch latency", "other latency");
    let round = tigerbeetle::parse(&only).unwrap();
    assert_eq!((round.latency.p50, round.latency.max), (0, 0));
}

#[test]
fn without_a_rate_there_is_no_round() {
    for printed in [
        "",
        "load accepted = many tx/s\n",
        "load offered = 1000000 tx/s\nbatch latency p50  = 13 ms\n",
    ] {
        assert_eq!(tigerbeetle::parse(printed), None, "{printed:?}");
    }
}

#[test]
fn its_flags_say_the_same_work() {
    let work = TransferWork {
        transfers: 1_000_000,
        accounts: 10_000,
        batch: 8_189,
        clients: 1,
        ids: Ids::Increasing,
        limits: false,
    };
    let expected = [
        "benchmark",
        "--transfer-count=1000000",
        "--transfer-batch-size=8189",
        "--account-count=10000",
        "--id-order=sequential",
    ];
    let [newer, older] = tigerbeetle::BATCH_FLAGS;
    assert_eq!(tigerbeetle::arguments(&work, newer), expected);
    let of_older = tigerbeetle::arguments(&work, older);
    assert_eq!(of_older[2], "--transfer-batch-count=8189");
    let many = TransferWork {
        clients: 32,
        ids: Ids::Random,
        ..work
    };
    let arguments = tigerbeetle::arguments(&many, newer);
    assert_eq!(arguments[4..], ["--id-order=random", "--clients=32"]);
}

/// A program that says what it was asked, in the directory that it was run in.
fn fake(directory: &Path, prints: &str, exit: u8) -> PathBuf {
    let printed = directory.join("printed");
    fs::write(&printed, prints).unwrap();
    let path = directory.join("tigerbeetle");
    let script = format!(
        "#!/bin/sh\necho \"$@\" >>'{asked}'\ncat '{printed}'\necho 'warning: x' >&2\nexit {exit}\n",
        asked = directory.join("asked").display(),
        printed = printed.display(),
    );
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn versus() -> ComparisonOptions {
    ComparisonOptions {
        rounds: 2,
        transfers: 250,
        accounts: 10,
        batch: Some(100),
        clients: None,
        ids: Ids::Increasing,
    }
}

#[test]
fn both_do_the_same_in_turn() {
    let directory = tempfile::tempdir().unwrap();
    let peer = TigerBeetle {
        binary: fake(directory.path(), PRINTED, 0),
    };
    let mut order = Vec::new();
    let compared = peer.compare(versus(), directory.path(), |who| order.push(who.to_owned()));
    let compared = compared.unwrap();
    let turns = ["TigerBeetle", "tillroll", "TigerBeetle", "tillroll"];
    assert_eq!(order, turns);
    let asked = fs::read_to_string(directory.path().join("asked")).unwrap();
    assert_eq!(asked.lines().count(), 2, "{asked}");
    assert!(asked.contains("--transfer-count=250 --transfer-batch-size=100"));
    let [row] = &compared.rows[..] else {
        panic!("one kind of work: {compared:?}");
    };
    assert_eq!(row.their_rate(), 661_055);
    assert!(row.our_rate() > 0);
    let json = compared.json();
    for field in [
        "peer",
        "transfers",
        "accounts",
        "durable",
        "machine",
        "work",
        "differences",
    ] {
        assert!(json.get(field).is_some(), "{field}: {json}");
    }
    assert_eq!(json["work"][0]["theirs"]["rounds"][1], 661_055);
    let left = fs::read_dir(directory.path()).unwrap().count();
    assert_eq!(left, 3, "nothing is left but the fake's own files");
}

#[test]
fn an_older_version_is_asked_with_its_own_flag() {
    let directory = tempfile::tempdir().unwrap();
    let binary = fake(directory.path(), PRINTED, 0);
    // In the words of 0.16.78.
    let refuses = "case \"$*\" in *--transfer-batch-size*) \
        echo \"error: unexpected argument: '$3'\" >&2; exit 1;; esac\n";
    let script = fs::read_to_string(&binary).unwrap();
    let (shell, rest) = script.split_once('\n').unwrap();
    fs::write(&binary, format!("{shell}\n{refuses}{rest}")).unwrap();
    let compared = TigerBeetle { binary }.compare(versus(), directory.path(), |_| {});
    assert_eq!(compared.unwrap().rows[0].their_rate(), 661_055);
    let asked = fs::read_to_string(directory.path().join("asked")).unwrap();
    assert!(asked.contains("--transfer-count=250 --transfer-batch-count=100"));
}

#[test]
fn a_peer_that_fails_or_is_missing_is_named() {
    let directory = tempfile::tempdir().unwrap();
    for (binary, part) in [
        (directory.path().join("nowhere"), "nowhere"),
        (fake(directory.path(), PRINTED, 3), "warning: x"),
    ] {
        let error = TigerBeetle { binary }.compare(versus(), directory.path(), |_| {});
        let error = error.unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
    let binary = fake(directory.path(), "nothing of use\n", 0);
    let error = TigerBeetle { binary }.compare(versus(), directory.path(), |_| {});
    let error = error.unwrap_err().to_string();
    assert!(error.contains("load accepted"), "{error}");
}
