//! Every call of a short run that touches the data directory, made to fail in turn, once and for
//! good. Which calls there are is not known beforehand: a run that is only watched tells.
//!
//! A short run is a start, some commands of one client, and an end in good order. Whatever call
//! of it fails, what was acknowledged is on the roll when the next process reads it, nothing else
//! is, nothing panics or hangs, and a start that fails says why.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use tillroll_journal::testing::Random;

use crate::book::{Book, Counts};
use crate::inject;
use crate::load::{Done, few};
use crate::report::{number, say, seed, skipped};
use crate::server::Ended;

/// Calls that change files, or open them.
const CALLS: [&str; 10] = [
    "write",
    "pwrite64",
    "fdatasync",
    "fsync",
    "openat",
    "rename",
    "renameat",
    "ftruncate",
    "unlink",
    "mkdir",
];
/// Commands of a short run.
const COMMANDS: u32 = 12;
/// Runs on one directory: a start reads all of it.
const RUNS: usize = 40;

/// The k-th call of a thread on a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    call: &'static str,
    /// Below the data directory.
    file: PathBuf,
    k: u32,
    for_good: bool,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            call,
            file,
            k,
            for_good,
        } = self;
        let times = if *for_good { "+" } else { "" };
        write!(f, "{call} {k}{times} of {}", file.display())
    }
}

impl Place {
    fn error(&self) -> &'static str {
        match self.call {
            "write" | "pwrite64" | "mkdir" if self.k.is_multiple_of(2) => "ENOSPC",
            _ => "EIO",
        }
    }

    /// A command that runs what is behind it with this fault, and writes down that it struck.
    fn under(&self, data: &Path, log: &Path) -> Vec<String> {
        let times = if self.for_good { "+" } else { "" };
        let inject = format!(
            "inject={}:error={}:when={}{times}",
            self.call,
            self.error(),
            self.k
        );
        let path = data.join(&self.file).display().to_string();
        let line = [
            "-D",
            "-f",
            "-qq",
            "-o",
            &log.display().to_string(),
            "--seccomp-bpf",
        ];
        let line = line.map(str::to_owned).into_iter();
        let traced = format!("trace={}", self.call);
        let fault = ["-e", &traced, "-e", &inject, "-P", &path].map(str::to_owned);
        ["strace".to_owned()]
            .into_iter()
            .chain(line)
            .chain(fault)
            .collect()
    }
}

/// Every place of a run that was watched, once and for good.
fn places(trace: &str, data: &Path) -> Vec<Place> {
    let data = data.display().to_string();
    let mut counts = BTreeMap::<(&'static str, PathBuf, &str), u32>::new();
    for line in trace.lines() {
        let Some((thread, rest)) = line.split_once(' ') else {
            continue;
        };
        let rest = rest.trim_start();
        let call = CALLS.into_iter().find(|call| {
            let arguments = rest.strip_prefix(call);
            arguments.is_some_and(|arguments| arguments.starts_with('('))
        });
        let path = rest
            .split_once(&data)
            .and_then(|(_, behind)| behind.split(['"', '>']).next());
        if let (Some(call), Some(path)) = (call, path) {
            let file = PathBuf::from(path.trim_start_matches('/'));
            *counts.entry((call, file, thread)).or_default() += 1;
        }
    }
    let mut most = BTreeMap::<(&'static str, PathBuf), u32>::new();
    for ((call, file, _), count) in counts {
        let most = most.entry((call, file)).or_default();
        *most = count.max(*most);
    }
    let all = most.into_iter().flat_map(|((call, file), most)| {
        (1..=most).flat_map(move |k| {
            [false, true].map(|for_good| Place {
                call,
                file: file.clone(),
                k,
                for_good,
            })
        })
    });
    all.collect()
}

/// What a short run did, and how its process ended; none when it did not come to serve.
fn run(book: &Book, under: Vec<String>, random: &mut Random, name: &str) -> (Option<Done>, Ended) {
    match book.launch().under(under).start() {
        Err(ended) => (None, ended),
        Ok(mut server) => {
            let done = few(server.address, random, name, COMMANDS);
            // It may be ending by itself already.
            server.ask_to_stop();
            (Some(done), server.wait())
        }
    }
}

fn watched(seed: u64) -> Vec<Place> {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut book = Book::begin(directory.path(), format!("seed {seed}, watched"));
    let log = tempfile::NamedTempFile::new().expect("a temporary file");
    let traced = format!("trace={}", CALLS.join(","));
    let log_path = log.path().display().to_string();
    let line = [
        "strace", "-D", "-f", "-y", "-s", "0", "-qq", "-o", &log_path, "-e", &traced,
    ];
    let mut random = Random::new(seed);
    let (done, ended) = run(&book, line.map(str::to_owned).to_vec(), &mut random, "w");
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    book.remember(done.expect("nothing failed"));
    let trace = std::fs::read_to_string(log.path()).expect("what was watched");
    let places = places(&trace, directory.path());
    book.recovers(&mut random);
    places
}

#[derive(Default)]
struct Tally {
    struck: u32,
    not_reached: u32,
    /// Processes that did not start, that ended by themselves, and that did without the call.
    refused: u32,
    ended: u32,
    went_on: u32,
    counts: Counts,
}

#[test]
fn whatever_call_of_a_short_run_fails_nothing_is_acknowledged_falsely() {
    let what = "every call of a short run";
    if let Err(why) = inject::available() {
        return skipped(what, &why);
    }
    let seed = seed();
    let places = watched(seed);
    assert!(places.len() > 100, "{} calls: {places:?}", places.len());
    let all = places.len();
    let wanted = usize::try_from(number("TILLROLL_CALLS", 12)).unwrap_or(usize::MAX);
    let mut random = Random::new(seed);
    let mut chosen = places;
    // All of them, or some of every kind: the first of a shuffled list.
    for place in (1..chosen.len()).rev() {
        chosen.swap(place, random.below(place + 1));
    }
    chosen.truncate(wanted);
    let mut tally = Tally::default();
    for part in chosen.chunks(RUNS) {
        on_one_book(part, seed, &mut random, &mut tally);
    }
    let Tally {
        struck,
        not_reached,
        refused,
        ended,
        went_on,
        counts,
    } = tally;
    say(&format!(
        "{what}: {} of {all} places, seed {seed}: {struck} struck ({refused} starts failed with a \
         reason, {ended} processes ended, {went_on} did without the call), {not_reached} not \
         reached: {counts}",
        chosen.len()
    ));
    assert!(
        struck * 2 > not_reached,
        "seed {seed}: hardly anything struck"
    );
}

fn on_one_book(places: &[Place], seed: u64, random: &mut Random, tally: &mut Tally) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut book = Book::begin(directory.path(), format!("seed {seed}"));
    let log = tempfile::NamedTempFile::new().expect("a temporary file");
    for (index, place) in places.iter().enumerate() {
        book.context = format!("seed {seed}, {place}");
        let under = place.under(directory.path(), log.path());
        let (done, ended) = run(&book, under, random, &format!("e{index}"));
        let context = &book.context;
        assert!(!ended.said.contains("panicked"), "{context}: {ended:?}");
        let struck = std::fs::read_to_string(log.path()).expect("what was watched");
        match struck.contains("(INJECTED)") {
            true => tally.struck += 1,
            false => tally.not_reached += 1,
        }
        let served = done.is_some();
        if let Some(done) = done {
            for answer in &done.failures {
                assert_eq!(answer.status, 503, "{context}: {answer:?}");
            }
            book.remember(done);
        }
        match ended.status.code() {
            Some(0) if served => tally.went_on += 1,
            _ => {
                let ended = ended.failed();
                let context = &book.context;
                assert!(struck.contains("(INJECTED)"), "{context}: {ended:?}");
                let count = if served {
                    &mut tally.ended
                } else {
                    &mut tally.refused
                };
                *count += 1;
            }
        }
        book.goes_on(random);
    }
    book.context = format!("seed {seed}, after all faults");
    book.recovers(random);
    tally.counts += book.counts;
}
