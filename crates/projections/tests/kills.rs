//! A process that projects is killed at any moment, and what it leaves are the rows of its last
//! commit: exactly those that a projection from nothing has there. The next one goes on from
//! there.
//!
//! A process says what it has committed, so nothing depends on how fast it is. Every other one
//! dies at a record inside of a commit, by itself; the others are killed some time after a commit
//! that they have reported.
//!
//! `TILLROLL_PROJECTOR_KILLS=1000` kills more often, `TILLROLL_SEED` draws other moments; failures name the
//! seed and the kill. A kill leaves the system's cache as it is: it is no power cut, after which
//! read models are built anew where they have to be.

mod harness;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use harness::random::{Random, Story};
use harness::{Models, dump, reader};
use tillroll_projections::{Projector, verify};

const KILLS: u64 = 100;
/// Steps of a story: more than a child gets through.
const STEPS: u64 = 600;
/// What the child is told by.
const STORY: &str = "TILLROLL_PROJECTS_STORY";
const PATH: &str = "TILLROLL_PROJECTS_INTO";
/// The position at which it dies by itself, before that record is written.
const DIES_AT: &str = "TILLROLL_PROJECTS_UNTIL";

fn number(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Err(_) => default,
        Ok(text) => text
            .parse()
            .unwrap_or_else(|error| panic!("{name}={text}: {error}")),
    }
}

fn story(seed: u64) -> Story {
    Story::of(seed, usize::try_from(STEPS).expect("few steps"))
}

fn say(line: &str) {
    println!("{line}");
    std::io::stdout().flush().expect("the test reads it");
}

/// What is killed, too: it projects what is left of a story in pieces, and reports each commit.
#[test]
fn in_whatever_pieces_the_rows_are_those_of_the_whole() {
    let seed = number(STORY, 0);
    // One that is killed would leave a directory of its own behind.
    let given = std::env::var_os(PATH).map(PathBuf::from);
    let own = given
        .is_none()
        .then(|| tempfile::tempdir().expect("a temporary directory"));
    let inside = own.as_ref().map(|own| own.path().join("pieces.db"));
    let path = given.or(inside).expect("one of them is there");
    let records = story(seed).roll.numbered();
    let mut projector = Projector::open(&path).expect("read models open");
    let from = projector.checkpoint();
    let dies_at = number(DIES_AT, u64::MAX);
    let mut random = Random(seed ^ from);
    say(&format!("\ncommitted {from}"));
    let mut rest = &records[usize::try_from(from).expect("a short story")..];
    while !rest.is_empty() {
        let most = *random.pick(&[2, 20, 200]);
        let (piece, after) = rest.split_at(1 + random.index(rest.len().min(most)));
        let records = piece.iter().cloned().inspect(|(position, _)| {
            if *position == dies_at {
                std::process::abort();
            }
        });
        let checkpoint = projector.apply(records).expect("a valid roll");
        say(&format!("committed {checkpoint}"));
        rest = after;
    }
    drop(projector);
    let whole = Models::of(&records).dump();
    assert!(dump(&path) == whole, "story {seed}: other rows");
}

/// How a child ends.
#[derive(Clone, Copy, Debug)]
enum Death {
    /// By itself, inside of the commit of this record.
    AtRecord(u64),
    /// Killed this long after so many commits.
    AfterCommits(usize, Duration),
}

/// Starts a child that dies, and answers the last checkpoint that it has reported.
fn run(seed: u64, path: &Path, death: Death, context: &str) -> u64 {
    let mut command = Command::new(std::env::current_exe().expect("it is running"));
    command
        .args([
            "--exact",
            "in_whatever_pieces_the_rows_are_those_of_the_whole",
            "--nocapture",
        ])
        .env(STORY, seed.to_string())
        .env(PATH, path)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    if let Death::AtRecord(position) = death {
        command.env(DIES_AT, position.to_string());
    }
    let mut child = command
        .spawn()
        .unwrap_or_else(|error| panic!("{context}: {error}"));
    let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    let mut commits = lines.map_while(Result::ok).filter_map(|line| {
        let position = line.strip_prefix("committed ")?;
        Some(position.parse::<u64>().expect("a position"))
    });
    let mut last = commits
        .next()
        .unwrap_or_else(|| panic!("{context}: no start"));
    if let Death::AfterCommits(count, pause) = death {
        last = commits.by_ref().take(count).last().unwrap_or(last);
        std::thread::sleep(pause);
        child.kill().expect("a child of ours can be killed");
    }
    last = commits.last().unwrap_or(last);
    child.wait().expect("a child of ours");
    last
}

#[test]
fn whenever_it_is_killed_the_rows_are_those_of_its_checkpoint() {
    let (kills, seed) = (
        number("TILLROLL_PROJECTOR_KILLS", KILLS),
        number("TILLROLL_SEED", 7),
    );
    let mut random = Random(seed);
    // A place that waits for no disk, where the system has one.
    let directory = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
    let directory = directory.expect("there is a place for temporary files");
    let mut checkpoints = BTreeSet::new();
    let (mut done, mut number, mut inside) = (0, seed * 1_000, 0);
    while done < kills {
        number += 1;
        let path = directory.path().join(format!("{number}.db"));
        let story = story(number);
        let records = story.roll.numbered();
        let log = story.roll.log(5);
        let mut from = 0;
        while done < kills && from < story.roll.head() {
            let context = format!("seed {seed}, kill {done}, story {number}");
            let death = match done % 2 {
                0 => Death::AtRecord(story.roll.head().min(from + 1 + random.below(200))),
                _ => {
                    let most = *random.pick(&[300, 3_000, 30_000]);
                    let pause = Duration::from_micros(random.below(most));
                    Death::AfterCommits(1 + random.index(4), pause)
                }
            };
            let reported = run(number, &path, death, &context);
            done += 1;
            let checkpoint = Projector::open(&path).expect(&context).checkpoint();
            match death {
                Death::AtRecord(position) => {
                    // The commit that the record was in is not there, the one before is.
                    assert!(reported < position, "{context}: it reported too much");
                    assert_eq!(checkpoint, reported, "{context}");
                    inside += 1;
                }
                // It may have committed more than it came to report.
                Death::AfterCommits(..) => {
                    assert!(from < reported, "{context}: it did not go on");
                    assert!(reported <= checkpoint, "{context}: a commit is lost");
                }
            }
            from = checkpoint;
            checkpoints.insert((number, checkpoint));
            let until = usize::try_from(checkpoint).expect("a short story");
            let whole = Models::of(&records[..until]).dump();
            assert!(
                dump(&path) == whole,
                "{context}: other rows at {checkpoint}"
            );
            verify(&path, &*reader(&log), &mut |_| {})
                .unwrap_or_else(|error| panic!("{context}: {error}"));
        }
    }
    let different = checkpoints.len() as u64;
    println!(
        "{kills} kills, {inside} of them inside of a commit, {different} checkpoints, seed {seed}"
    );
    assert!(
        different >= kills / 2,
        "seed {seed}: {different} checkpoints"
    );
    assert_eq!(inside, kills.div_ceil(2), "seed {seed}");
}
