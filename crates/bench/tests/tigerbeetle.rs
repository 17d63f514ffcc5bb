//! Reading what TigerBeetle's benchmark prints, and running a program that prints it. The real
//! program is not needed: the format is that of versions 0.16 and 0.17.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tillroll_bench::against::{TigerBeetle, Versus, Work, tigerbeetle};
use tillroll_bench::workload::Ids;

/// The output's format, with figures of a run of a million transfers.
const PRINTED: &str = "\
123 batches in 2.48 s
transfer batch size = 8189 txs
transfer batch delay = 0 us
load accepted = 403225 tx/s
batch latency p1 = 9 ms
batch latency p10 = 11 ms
batch latency p50 = 13 ms
batch latency p95 = 30 ms
batch latency p99 = 40 ms
batch latency p100 = 71 ms

100 queries in 0.9 s
query latency p50 = 8 ms
query latency p99 = 12 ms
query latency p100 = 14 ms

rss = 3212345344 bytes

datafile empty = 1129316352 bytes
datafile = 3212836864 bytes
";

const MS: u64 = 1_000_000;

#[test]
fn rate_and_latencies_of_batches_are_read() {
    let round = tigerbeetle::parse(PRINTED).unwrap();
    assert_eq!(round.per_second, 403_225);
    let latency = round.latency;
    let found = [latency.p50, latency.p99, latency.p999, latency.max];
    assert_eq!(found, [13 * MS, 40 * MS, 71 * MS, 71 * MS]);
    assert_eq!(
        round.notes,
        [
            "rss = 3212345344 bytes",
            "datafile empty = 1129316352 bytes",
            "datafile = 3212836864 bytes",
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
        "load offered = 1000000 tx/s\nbatch latency p50 = 13 ms\n",
    ] {
        assert_eq!(tigerbeetle::parse(printed), None, "{printed:?}");
    }
}

#[test]
fn its_flags_say_the_same_work() {
    let work = Work {
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
    assert_eq!(tigerbeetle::arguments(&work), expected);
    let many = Work {
        clients: 32,
        ids: Ids::Random,
        ..work
    };
    let arguments = tigerbeetle::arguments(&many);
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

fn versus() -> Versus {
    Versus {
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
    assert_eq!(row.their_rate(), 403_225);
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
    assert_eq!(json["work"][0]["theirs"]["rounds"][1], 403_225);
    let left = fs::read_dir(directory.path()).unwrap().count();
    assert_eq!(left, 3, "nothing is left but the fake's own files");
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
