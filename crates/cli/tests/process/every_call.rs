//! Every call of a short run that touches the data directory, made to fail in turn, once and for
//! good, and the process killed as it enters it. Which calls there are is not known beforehand: a
//! run that is only watched tells, and the others are as it was, each on a copy of the same book.
//!
//! A short run is a start, some commands of one client, and an end in good order. Segments are so
//! short that some are begun meanwhile. Whatever call of it fails, what was acknowledged is on
//! the roll when the next process reads it, nothing else is, nothing panics or hangs, and a start
//! that fails says why.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use tillroll_log::testing::Random;

use crate::book::Book;
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
/// A few frames.
const SEGMENT_BYTES: u64 = 4096;
/// Every so many runs everything is looked at, and not only what is new.
const WHOLE: usize = 5;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Mode {
    Once,
    ForGood,
    /// The process is killed there.
    Killed,
}

/// The k-th call of a thread on a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    call: &'static str,
    /// Below the data directory.
    file: PathBuf,
    k: u32,
    mode: Mode,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            call,
            file,
            k,
            mode,
        } = self;
        write!(f, "{call} {k} of {}, {mode:?}", file.display())
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
        let Self { call, k, .. } = self;
        let error = self.error();
        let inject = match self.mode {
            Mode::Once => format!("inject={call}:error={error}:when={k}"),
            Mode::ForGood => format!("inject={call}:error={error}:when={k}+"),
            Mode::Killed => format!("inject={call}:signal=SIGKILL:when={k}"),
        };
        let (log, path) = (log.display(), data.join(&self.file));
        let mut line: Vec<String> = ["strace", "-D", "-f", "-qq"].map(str::to_owned).to_vec();
        line.extend(["-o".into(), log.to_string()]);
        line.extend(["-e".into(), format!("trace={call}"), "-e".into(), inject]);
        line.extend(["-P".into(), path.display().to_string()]);
        if self.mode != Mode::Killed {
            // Stops at the traced calls only. It lets signals be forgotten.
            line.push("--seccomp-bpf".into());
        }
        line
    }
}

/// Every place of a run that was watched, in every mode.
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
            [Mode::Once, Mode::ForGood, Mode::Killed].map(|mode| Place {
                call,
                file: file.clone(),
                k,
                mode,
            })
        })
    });
    all.collect()
}

/// A copy of a directory.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a directory");
    for entry in std::fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry");
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        match entry.file_type().expect("a type").is_dir() {
            true => copy(&from, &to),
            false => drop(std::fs::copy(&from, &to).expect("a copy")),
        }
    }
}

/// A book with something in it, of which each run has a copy.
struct Before {
    directory: tempfile::TempDir,
    book: Book,
    seed: u64,
}

impl Before {
    fn new(seed: u64) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let mut book = Book::begin(directory.path(), format!("seed {seed}"));
        let server = book.launch().with_segments_of(SEGMENT_BYTES).serve();
        let mut random = Random::new(seed);
        book.remember(few(server.address, &mut random, "before", COMMANDS));
        server.stop();
        Self {
            directory,
            book,
            seed,
        }
    }

    /// The book in another directory.
    fn copied(&self, to: &Path, context: String) -> Book {
        copy(self.directory.path(), to);
        let mut book = self.book.clone();
        (book.data, book.context) = (to.to_owned(), context);
        book
    }

    /// The same short run as every other: what it did, and how its process ended; nothing when
    /// it did not come to serve.
    fn run(&self, book: &Book, under: Vec<String>) -> (Option<Done>, Ended) {
        let launch = book.launch().with_segments_of(SEGMENT_BYTES).under(under);
        match launch.start() {
            Err(ended) => (None, ended),
            Ok(mut server) => {
                let mut random = Random::new(self.seed ^ 0xCA11);
                let done = few(server.address, &mut random, "short", COMMANDS);
                // It may be ending by itself already.
                server.ask_to_stop();
                (Some(done), server.wait())
            }
        }
    }

    fn watched(&self) -> Vec<Place> {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let context = format!("seed {}, watched", self.seed);
        let mut book = self.copied(directory.path(), context);
        let log = tempfile::NamedTempFile::new().expect("a temporary file");
        let traced = format!("trace={}", CALLS.join(","));
        let log_path = log.path().display().to_string();
        let line = ["strace", "-D", "-f", "-y", "-s", "0", "-qq"];
        let line = line.into_iter().chain(["-o", &log_path, "-e", &traced]);
        let (done, ended) = self.run(&book, line.map(str::to_owned).collect());
        assert_eq!(ended.status.code(), Some(0), "{ended:?}");
        book.remember(done.expect("nothing failed"));
        let trace = std::fs::read_to_string(log.path()).expect("what was watched");
        let places = places(&trace, directory.path());
        book.recovers(&mut Random::new(self.seed));
        places
    }

    /// One run with a fault, and what the next process finds.
    fn with(&self, place: &Place, whole: bool, tally: &mut Tally) {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let mut book = self.copied(directory.path(), format!("seed {}, {place}", self.seed));
        let log = tempfile::NamedTempFile::new().expect("a temporary file");
        let (done, ended) = self.run(&book, place.under(directory.path(), log.path()));
        let context = book.context.clone();
        assert!(!ended.said.contains("panicked"), "{context}: {ended:?}");
        let struck = std::fs::read_to_string(log.path()).expect("what was watched");
        let killed = ended.status.code().is_none();
        let struck = struck.contains("(INJECTED)") || killed;
        match struck {
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
        if killed {
            assert_eq!(place.mode, Mode::Killed, "{context}: {ended:?}");
            tally.killed += 1;
        } else if ended.status.code() == Some(0) && served {
            tally.went_on += 1;
        } else {
            let ended = ended.failed();
            assert!(struck, "{context}: {ended:?}");
            match served {
                true => tally.ended += 1,
                false => tally.refused += 1,
            }
        }
        let mut random = Random::new(self.seed);
        match whole {
            true => drop(book.recovers(&mut random)),
            false => drop(book.goes_on(&mut random)),
        }
        tally.acknowledged += book.counts.acknowledged - self.book.counts.acknowledged;
        tally.unknown += book.counts.unknown;
    }
}

#[derive(Default)]
struct Tally {
    struck: u32,
    not_reached: u32,
    /// Processes that did not start, that ended by themselves, that were killed, and that did
    /// without the call.
    refused: u32,
    ended: u32,
    killed: u32,
    went_on: u32,
    /// Commands of clients in the runs.
    acknowledged: u64,
    unknown: u64,
}

#[test]
fn whatever_call_of_a_short_run_fails_nothing_is_acknowledged_falsely() {
    let what = "every call of a short run";
    if let Err(why) = inject::available() {
        return skipped(what, &why);
    }
    let seed = seed();
    let before = Before::new(seed);
    let mut chosen = before.watched();
    let all = chosen.len();
    assert!(all > 300, "{all} calls: {chosen:?}");
    let begun = Path::new("log");
    let begun = |place: &&Place| place.call == "openat" && place.file.parent() == Some(begun);
    assert!(
        chosen.iter().any(|place| begun(&place)),
        "no segment is begun"
    );
    // All of them, or some: the first of a shuffled list.
    let wanted = usize::try_from(number("TILLROLL_CALLS", 12)).unwrap_or(usize::MAX);
    let mut random = Random::new(seed);
    for place in (1..chosen.len()).rev() {
        chosen.swap(place, random.below(place + 1));
    }
    chosen.truncate(wanted);
    let mut tally = Tally::default();
    for (index, place) in chosen.iter().enumerate() {
        before.with(place, index % WHOLE == 0, &mut tally);
    }
    let Tally {
        struck,
        not_reached,
        refused,
        ended,
        killed,
        went_on,
        acknowledged,
        unknown,
    } = tally;
    say(&format!(
        "{what}: {} of {all}, seed {seed}: {struck} struck ({refused} starts failed with a \
         reason, {ended} processes ended by themselves, {killed} were killed, {went_on} did \
         without the call), {not_reached} not reached; {acknowledged} commands acknowledged and \
         found, {unknown} without an answer, none twice",
        chosen.len()
    ));
    assert!(struck > not_reached, "seed {seed}: hardly anything struck");
}
