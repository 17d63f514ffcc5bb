//! A process that projects is killed at any moment, and what it leaves are the rows of some
//! checkpoint: exactly those that a projection from nothing has there. The next one goes on from
//! there.
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

/// What is killed, too: it projects what is left of a story in pieces, and says when it begins.
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
    let mut random = Random(seed ^ from);
    println!("\nprojecting from {from}");
    std::io::stdout().flush().expect("somebody listens");
    let mut rest = &records[usize::try_from(from).expect("a short story")..];
    while !rest.is_empty() {
        let most = *random.pick(&[2, 20, 200]);
        let (piece, after) = rest.split_at(1 + random.index(rest.len().min(most)));
        projector
            .apply(piece.iter().cloned())
            .expect("a valid roll");
        rest = after;
    }
    drop(projector);
    let whole = Models::of(&records).dump();
    assert!(dump(&path) == whole, "story {seed}: other rows");
}

/// Starts a child, and kills it some time after it began.
fn kill(seed: u64, path: &Path, random: &mut Random, context: &str) {
    let mut child = Command::new(std::env::current_exe().expect("it is running"))
        .args([
            "--exact",
            "in_whatever_pieces_the_rows_are_those_of_the_whole",
            "--nocapture",
        ])
        .env(STORY, seed.to_string())
        .env(PATH, path)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("{context}: {error}"));
    let said = BufReader::new(child.stdout.take().expect("it is piped"));
    let mut said = said.lines().map_while(Result::ok);
    let begun = said.any(|line| line.starts_with("projecting from"));
    assert!(begun, "{context}: it did not begin");
    let most = *random.pick(&[300, 3_000, 30_000]);
    std::thread::sleep(Duration::from_micros(random.below(most)));
    child.kill().expect("a child of ours can be killed");
    child.wait().expect("a child of ours");
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
    let (mut done, mut number) = (0, seed * 1_000);
    while done < kills {
        number += 1;
        let path = directory.path().join(format!("{number}.db"));
        let story = story(number);
        let records = story.roll.numbered();
        let log = story.roll.log(5);
        while done < kills {
            let context = format!("seed {seed}, kill {done}, story {number}");
            kill(number, &path, &mut random, &context);
            done += 1;
            let checkpoint = Projector::open(&path).expect(&context).checkpoint();
            checkpoints.insert((number, checkpoint));
            let until = usize::try_from(checkpoint).expect("a short story");
            let whole = Models::of(&records[..until]).dump();
            assert!(
                dump(&path) == whole,
                "{context}: other rows at {checkpoint}"
            );
            verify(&path, &*reader(&log), &mut |_| {})
                .unwrap_or_else(|error| panic!("{context}: {error}"));
            if checkpoint == story.roll.head() {
                break;
            }
        }
    }
    let different = checkpoints.len() as u64;
    println!("{kills} kills, {different} checkpoints, seed {seed}");
    assert!(
        different * 2 > kills,
        "seed {seed}: {different} checkpoints only"
    );
}
