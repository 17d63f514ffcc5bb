//! A disk that is full: nothing that was acknowledged is lost, nothing is acknowledged that is
//! not there, the process says why it ends, and goes on once there is room.

use std::fs;
use std::path::Path;

use tillroll_log::testing::Random;

use crate::book::Book;
use crate::load::{Done, Load};
use crate::mount::Small;
use crate::report::{say, seed, skipped};
use crate::server::Ended;

const KIB: u64 = 1024;
/// Of a disk for log and read models: room enough for both, but for the ballast.
const SIZE: u64 = 48 * 1024 * KIB;

/// Posts until the server has ended by itself: what clients saw, and how it ended.
fn fill(book: &mut Book, random: &mut Random, name: &str) -> Ended {
    // They would take the room that log and read models are to run out of.
    let server = book.launch().with_rare_snapshots().serve();
    let load = Load::start(server.address, 3, random.number(), name);
    let done = load.join();
    let ended = server.wait();
    told_of_the_failure(&done, &ended, &book.context);
    book.remember(done);
    ended
}

/// Whoever was answered after the failure was told so, and so was the supervisor.
fn told_of_the_failure(done: &Done, ended: &Ended, context: &str) {
    assert_eq!(ended.status.code(), Some(1), "{context}: {ended:?}");
    for part in [
        "error: the roll cannot be written",
        "no space left for the log",
        "make room and restart",
        "what was acknowledged before is safe",
        "  try: tillroll verify --data",
    ] {
        assert!(
            ended.said.contains(part),
            "{context}: no {part:?} in {ended:?}"
        );
    }
    for answer in &done.failures {
        assert_eq!(answer.status, 503, "{context}: {answer:?}");
        assert_eq!(answer.json()["code"], "log_failed", "{context}: {answer:?}");
    }
    assert!(!done.failures.is_empty(), "{context}: nobody was told");
}

#[test]
fn a_full_disk_under_the_log_alone_loses_nothing() {
    let what = "a full disk under the log alone";
    let seed = seed();
    let mut random = Random::new(seed);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let disk = match Small::mount(&directory.path().join("log"), 128 * KIB) {
        Ok(disk) => disk,
        Err(why) => return skipped(what, &why),
    };
    let mut book = Book::begin(directory.path(), "");
    for round in 1..=4 {
        book.context = format!("{what}, seed {seed}, round {round}");
        fill(&mut book, &mut random, &format!("r{round}"));
        // Without room it recovers what it has, and fails at the next append.
        fill(&mut book, &mut random, &format!("r{round}again"));
        disk.resize((round * 128 + 128) * KIB);
    }
    disk.resize(16 * 1024 * KIB);
    book.recovers(&mut random);
    say(&format!("{what}: seed {seed}: {}", book.counts));
}

#[test]
fn a_full_disk_under_log_and_read_models_loses_nothing() {
    let what = "a full disk under log and read models";
    let seed = seed();
    let mut random = Random::new(seed);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let data = directory.path();
    let _disk = match Small::mount(data, SIZE) {
        Ok(disk) => disk,
        Err(why) => return skipped(what, &why),
    };
    let mut book = Book::begin(data, what);
    let ballast = data.join("ballast");
    for round in 1..=2 {
        book.context = format!("{what}, seed {seed}, round {round}");
        leave(data, &ballast, 512 * KIB);
        let ended = fill(&mut book, &mut random, &format!("r{round}"));
        // The read models had no room either, and that alone stopped no writer.
        ended.says("the follower tillroll-read-models cannot go on");
        // Before there is room, a start may go well or fail; it must not make things worse.
        match book.launch().start() {
            Ok(server) => drop(server.kill()),
            Err(ended) => drop(ended.failed()),
        }
        fs::remove_file(&ballast).expect("the ballast goes");
        book.recovers(&mut random);
    }
    say(&format!("{what}: seed {seed}: {}", book.counts));
}

/// Fills the disk but for so many bytes.
fn leave(data: &Path, ballast: &Path, bytes: u64) {
    let mut used = 0;
    for directory in [data.to_owned(), data.join("log"), data.join("snapshots")] {
        for entry in fs::read_dir(directory).expect("it is there") {
            let metadata = entry.and_then(|entry| entry.metadata()).expect("a file");
            if metadata.is_file() {
                used += metadata.len().next_multiple_of(4 * KIB);
            }
        }
    }
    let size = SIZE - used - bytes;
    let size = usize::try_from(size).expect("a small disk");
    fs::write(ballast, vec![0xB4; size]).expect("there is room for it");
}
