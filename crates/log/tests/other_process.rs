//! [`FileTail`] follows a log whose writer is another process, is killed, and is followed by the
//! next one.
//!
//! The writer is this binary, started again with [`DIRECTORY`] set. It is told by its standard input
//! what to append and says what is committed, so nothing depends on how fast either process is.

use std::io::{BufRead, BufReader, Lines, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use tillroll_log::{
    Batch, Deadline, DirStorage, FileLog, FileTail, Head, Log, LogId, LogOptions, LogReader,
    Position,
};

const ID: LogId = LogId::new(*b"of two processes");
const DIRECTORY: &str = "TILLROLL_WRITES_INTO";
/// Longer than any machine needs: what takes this long hangs.
const HANGS: Duration = Duration::from_secs(300);

/// What the record at a position says, whichever process writes it.
fn record(position: u64) -> Vec<u8> {
    let padding = usize::try_from(position * 7 % 90).unwrap();
    format!("{position}:{}", "x".repeat(padding)).into_bytes()
}

fn shown(head: Head) -> String {
    format!("{} {:?}", head.position, head.hash)
}

/// Appends a frame of as many records as each line says, and answers where the log then ends.
fn write(directory: &Path, lines: impl Iterator<Item = u64>, mut say: impl FnMut(Head)) {
    let storage = DirStorage::open(directory).unwrap();
    let options = LogOptions {
        id: Some(ID),
        // A few frames each, so that the reader goes over from one to the next.
        segment_bytes: 1024,
        ..LogOptions::default()
    };
    let (mut log, report) = FileLog::open(storage, options).unwrap();
    let mut head = report.head;
    say(head);
    for records in lines {
        let mut batch = Batch::new();
        for number in 1..=records {
            batch.push(&record(head.position.get() + number)).unwrap();
        }
        head = log.append(head, &mut batch, Deadline::NEVER).unwrap().head;
        // Zeros behind the last frame, which the reader has to tell from frames.
        while log.idle().unwrap() {}
        say(head);
    }
}

/// The other process, when it is started as one.
#[test]
fn a_writer_appends_what_it_is_told() {
    match std::env::var_os(DIRECTORY).map(PathBuf::from) {
        Some(directory) => {
            let lines = std::io::stdin().lines();
            let records = lines.map(|line| line.unwrap().parse().unwrap());
            write(&directory, records, |head| {
                println!("\ncommitted {}", shown(head));
                std::io::stdout().flush().unwrap();
            });
        }
        None => {
            let directory = tempfile::tempdir().unwrap();
            let mut positions = Vec::new();
            write(directory.path(), [1, 2, 3].into_iter(), |head| {
                positions.push(head.position.get());
            });
            assert_eq!(positions, [0, 1, 3, 6]);
        }
    }
}

struct WriterProcess {
    child: Child,
    stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

impl WriterProcess {
    /// A process that has opened the log, and where the log ends.
    fn start(directory: &Path) -> (Self, String) {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "a_writer_appends_what_it_is_told", "--nocapture"])
            .env(DIRECTORY, directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut writer = Self {
            child,
            stdin,
            lines,
        };
        let end = writer.committed();
        (writer, end)
    }

    fn tell(&mut self, records: u64) {
        writeln!(self.stdin, "{records}").unwrap();
    }

    /// What it says next.
    fn committed(&mut self) -> String {
        loop {
            let line = self.lines.next().expect("it is running").unwrap();
            if let Some(head) = line.strip_prefix("committed ") {
                return head.to_owned();
            }
        }
    }
}

/// As `kill -9` does it, whatever it is doing.
impl Drop for WriterProcess {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// A reader, and how far it has read.
struct Reader {
    tail: FileTail<DirStorage>,
    read: u64,
}

impl Reader {
    fn open(directory: &Path) -> Self {
        let storage = DirStorage::open_read_only(directory).unwrap();
        Self {
            tail: FileTail::open(storage).unwrap(),
            read: 0,
        }
    }

    /// Reads what is new: each record once, in order, as it was written.
    fn read_on(&mut self, context: &str) {
        let from = Position::new(self.read).next();
        for record_read in self.tail.read_from(from, Deadline::NEVER).unwrap() {
            let (position, bytes) = record_read.unwrap();
            self.read += 1;
            assert_eq!(position.get(), self.read, "{context}");
            assert_eq!(bytes, record(self.read), "{context}");
        }
    }
}

#[test]
fn a_frame_of_another_process_is_there_once_it_is_committed() {
    let directory = tempfile::tempdir().unwrap();
    let (mut writer, end) = WriterProcess::start(directory.path());
    assert!(end.starts_with("0 "), "{end}");
    let mut reader = Reader::open(directory.path());
    assert_eq!(reader.tail.id(), ID);
    for round in 1..=60 {
        let context = format!("round {round}");
        if round % 20 == 0 {
            drop(writer);
            let end;
            (writer, end) = WriterProcess::start(directory.path());
            let head = LogReader::head(&reader.tail, Deadline::NEVER).unwrap();
            assert_eq!(shown(head), end, "{context}: after another start");
        }
        writer.tell(1 + round % 5);
        let committed = writer.committed();
        let head = LogReader::head(&reader.tail, Deadline::NEVER).unwrap();
        assert_eq!(shown(head), committed, "{context}");
        reader.read_on(&context);
        assert_eq!(reader.read, head.position.get(), "{context}");
    }
}

#[test]
fn a_reader_that_waits_misses_nothing_when_the_writer_is_killed_at_any_moment() {
    let directory = tempfile::tempdir().unwrap();
    let (writer, _) = WriterProcess::start(directory.path());
    let mut reader = Reader::open(directory.path());
    let mut running = Some(writer);
    for life in 1..=8 {
        let context = format!("writer {life}");
        let mut writer = running
            .take()
            .unwrap_or_else(|| WriterProcess::start(directory.path()).0);
        for frame in 0..150 {
            writer.tell(1 + (frame + life) % 4);
        }
        // It has much more to do when it is killed.
        let until = reader.read + 11 * life;
        while reader.read < until {
            let position = Position::new(reader.read);
            let deadline = Deadline::after(HANGS);
            let head = reader.tail.wait_past(position, deadline).unwrap();
            assert!(head.position > position, "{context}: nothing comes");
            reader.read_on(&context);
        }
    }
    // What the last one left is whole, and goes on.
    let (mut writer, end) = WriterProcess::start(directory.path());
    let head = LogReader::head(&reader.tail, Deadline::NEVER).unwrap();
    assert_eq!(shown(head), end);
    writer.tell(3);
    let committed = writer.committed();
    reader.read_on("the last writer");
    let head = LogReader::head(&reader.tail, Deadline::NEVER).unwrap();
    assert_eq!((shown(head), reader.read), (committed, head.position.get()));
}
