//! Running a command line, and the book that the tests look at. Of `commands` and `proofs`.
#![allow(dead_code, reason = "each suite uses its part")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde_json::Value;
use tempfile::TempDir;
use tillroll_cli::{Console, Exit};

/// What a command line came to.
#[derive(Debug)]
pub struct Ran {
    pub exit: Exit,
    pub out: String,
    pub err: String,
}

impl Ran {
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    #[track_caller]
    pub fn done(self) -> Self {
        assert_eq!(self.exit, Exit::Done, "{self:?}");
        self
    }

    #[track_caller]
    pub fn failed(self) -> Self {
        assert_eq!(self.exit, Exit::Failed, "{self:?}");
        self
    }

    #[track_caller]
    pub fn misused(self) -> Self {
        assert_eq!(self.exit, Exit::Usage, "{self:?}");
        self
    }

    /// Either stream.
    #[track_caller]
    pub fn says(self, part: &str) -> Self {
        let said = self.out.contains(part) || self.err.contains(part);
        assert!(said, "no {part:?} in {self:?}");
        self
    }

    /// The digest, which stands in a line of its own.
    #[track_caller]
    pub fn digest(&self) -> &str {
        let digest = self
            .out
            .lines()
            .find_map(|line| line.strip_prefix("digest  "));
        digest.unwrap_or_else(|| panic!("no digest: {self:?}"))
    }
}

pub fn tillroll(args: &[&str]) -> Ran {
    in_console(args, None)
}

pub fn tillroll_on_a_terminal(columns: u16, args: &[&str]) -> Ran {
    in_console(args, Some(columns))
}

fn in_console(args: &[&str], columns: Option<u16>) -> Ran {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let console = Console::plain(&mut out, &mut err);
    let mut console = match columns {
        Some(columns) => console.with_width(columns).as_terminal(),
        None => console,
    };
    let line = ["tillroll"].iter().chain(args);
    let exit = tillroll_cli::run_in(line, &mut console);
    let text = |bytes| String::from_utf8(bytes).expect("commands write UTF-8");
    Ran {
        exit,
        out: text(out),
        err: text(err),
    }
}

/// A command on a data directory.
pub fn on(data: &Path, args: &[&str]) -> Ran {
    let mut line = args.to_vec();
    line.extend(["--data", path(data)]);
    tillroll(&line)
}

pub fn path(path: &Path) -> &str {
    path.to_str().expect("paths of tests are UTF-8")
}

pub const SEED: &str = "7";

/// A demo told into a directory.
pub fn tell(data: &Path, seed: &str) -> Ran {
    let listen = ["--listen", "127.0.0.1:0", "--once", "--orders", "40"];
    let line = [&["demo", "--seed", seed][..], &listen].concat();
    on(data, &line)
}

/// A book with forty orders, told once for all tests. Whoever reads it may not change it.
pub fn story() -> &'static Path {
    static STORY: OnceLock<PathBuf> = OnceLock::new();
    STORY.get_or_init(|| fresh("story", |path| copy_into(told(), path)))
}

/// The same book, which no command may open: SQLite's files beside a database come and go with its
/// readers, and a copy made meanwhile would miss one.
fn told() -> &'static Path {
    static TOLD: OnceLock<PathBuf> = OnceLock::new();
    TOLD.get_or_init(|| {
        fresh("told", |path| {
            tell(path, SEED).done();
            cut_room(path);
        })
    })
}

/// The writer leaves room behind the last frame. What a test puts at the end of the file belongs
/// behind the frame.
fn cut_room(data: &Path) {
    let end = *frame_ends(data).last().expect("a frame");
    let file = fs::File::options().write(true).open(segment(data));
    file.and_then(|file| file.set_len(end)).unwrap();
}

/// A directory of this suite's own: two may run at once.
fn fresh(name: &str, fill: impl FnOnce(&Path)) -> PathBuf {
    let name = format!("{}-{name}", env!("CARGO_CRATE_NAME"));
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if path.exists() {
        fs::remove_dir_all(&path).expect("what an earlier run left goes");
    }
    fill(&path);
    path
}

/// A copy of the story, to be changed or damaged.
pub fn copy() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    copy_into(told(), directory.path());
    directory
}

pub fn copy_into(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy_into(&entry.path(), &to),
            false => {
                fs::copy(entry.path(), to).unwrap();
            }
        }
    }
}

/// The only segment of a small book.
pub fn segment(data: &Path) -> PathBuf {
    data.join("log/00000000000000000001.roll")
}

pub fn read_models(data: &Path) -> PathBuf {
    data.join("read-models.sqlite")
}

/// Where each frame of the segment ends, in order; the first starts after the segment's header.
pub fn frame_ends(data: &Path) -> Vec<u64> {
    let storage = tillroll_log::DirStorage::open_read_only(data.join("log")).unwrap();
    let mut ends = Vec::new();
    tillroll_log::verify(&storage, |step| ends.push(step.bytes)).unwrap();
    ends
}

/// The last position of a roll, and its digest.
pub fn digest(data: &Path) -> (u64, String) {
    let said = on(data, &["digest", "--json"]).done().json();
    let digest = said["digest"].as_str().unwrap().to_owned();
    (said["position"].as_u64().unwrap(), digest)
}

/// The last position of the story.
pub fn head() -> u64 {
    digest(story()).0
}
