//! `tillroll serve` as a process: signals, restarts, secrets, torn tails.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::Arc;

use tillroll_book::{Action, Command as BookCommand, OpenAccount};
use tillroll_events::{Caller, Timestamp};
use tillroll_runtime::{BookClock, ManualClock, OpenBook, OpenBookOptions, SystemClock};

use crate::support::{copy, frame_ends, head, on, segment};

const SECRET: &str = "whsec_5f1e5f1e5f1e";

/// A running server. Dropping it kills it, so that no failed test leaves one behind.
pub(crate) struct Server {
    child: Child,
    err: BufReader<ChildStderr>,
    /// What it has said so far.
    said: String,
    address: String,
}

impl Server {
    pub(crate) fn start(data: &Path) -> Self {
        Self::start_with(data, &[])
    }

    fn start_with(data: &Path, more: &[&str]) -> Self {
        Self::spawn_with(data, "127.0.0.1:0", more).started()
    }

    fn started(mut self) -> Self {
        let marker = " on http://";
        while !self.said.contains(marker) {
            let read = self.err.read_line(&mut self.said).unwrap();
            assert_ne!(read, 0, "it ended: {}", self.said);
        }
        let address = self.said.split(marker).nth(1).unwrap();
        self.address = address.lines().next().unwrap().to_owned();
        self
    }

    fn spawn(data: &Path, listen: &str) -> Self {
        Self::spawn_with(data, listen, &[])
    }

    fn spawn_with(data: &Path, listen: &str, more: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_tillroll"))
            // The books of these tests are as old as their stories.
            .args(["serve", "--asleep-for=100000", "--listen", listen, "--data"])
            .arg(data)
            .args(more)
            .env("TILLROLL_STRIPE_WEBHOOK_SECRET", SECRET)
            .env("RUST_LOG", "trace")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            err: BufReader::new(child.stderr.take().unwrap()),
            child,
            said: String::new(),
            address: String::new(),
        }
    }

    fn request(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn get(&self, path: &str) -> String {
        self.request(&format!(
            "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
        ))
    }

    pub(crate) fn post(&self, path: &str, body: &str) -> String {
        self.send("POST", path, body)
    }

    pub(crate) fn send(&self, method: &str, path: &str, body: &str) -> String {
        self.request(&format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        ))
    }

    /// Sends a signal and waits for the end: exit code and everything that was said.
    pub(crate) fn stop(mut self, signal: &str) -> (Option<i32>, String) {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args([signal, &pid])
                .status()
                .unwrap()
                .success()
        );
        self.end()
    }

    fn end(&mut self) -> (Option<i32>, String) {
        self.err.read_to_string(&mut self.said).unwrap();
        let code = self.child.wait().unwrap().code();
        let mut out = String::new();
        self.child
            .stdout
            .take()
            .unwrap()
            .read_to_string(&mut out)
            .unwrap();
        assert_eq!(out, "", "there is no data");
        (code, std::mem::take(&mut self.said))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended already, unless the test failed.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn it_stops_when_told_and_goes_on_where_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("new");
    let entry = r#"{"postings":[{"account":"bank:account","unit":"EUR","side":"debit","amount":1250},{"account":"bank:transit","unit":"EUR","side":"credit","amount":1250}]}"#;

    for (signal, balance) in [("-TERM", "12.50"), ("-INT", "25.00")] {
        let server = Server::start(&data);
        assert!(server.get("/healthz").starts_with("HTTP/1.1 200"));
        for account in ["bank:account", "bank:transit"] {
            let path = format!("/v1/accounts/{account}");
            let opened = server.send("PUT", &path, r#"{"type":"asset","unit":"EUR"}"#);
            assert!(opened.starts_with("HTTP/1.1 20"), "{opened}");
        }
        let posted = server.post("/v1/entries", entry);
        assert!(posted.starts_with("HTTP/1.1 20"), "{posted}");
        let (code, said) = server.stop(signal);
        assert_eq!(code, Some(0), "{signal}: {said}");
        assert!(said.contains("stopped in good order"), "{said}");
        let table = on(&data, &["balances", "--prefix", "bank:account"]).done();
        let line = table.out.lines().last().unwrap();
        assert!(
            line.contains("bank:account") && line.contains(balance),
            "{}",
            table.out
        );
        on(&data, &["verify"]).done();
    }
}

#[cfg(unix)]
#[test]
fn a_new_book_has_a_signing_key_of_its_own_from_the_start() {
    use std::os::unix::fs::PermissionsExt as _;

    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("new");
    let key = data.join("keys").join("signing.key");
    let mut seen = Vec::new();
    for made in [true, false] {
        let (_, said) = Server::start(&data).stop("-TERM");
        assert_eq!(said.contains("a key was made"), made, "{said}");
        let mode = std::fs::metadata(&key).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let mode = std::fs::metadata(&data).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        seen.push(on(&data, &["checkpoint", "--public-key"]).done().out);
    }
    assert_eq!(seen[0], seen[1], "the key stays");
}

#[cfg(unix)]
#[test]
fn a_signing_key_elsewhere_is_looked_at_by_every_start_and_keeps_none_from_serving() {
    let directory = tempfile::tempdir().unwrap();
    let (data, place) = (directory.path().join("new"), directory.path().join("token"));
    std::fs::create_dir(&place).unwrap();
    let key = place.join("shop.key");
    let start = || {
        let server = Server::start_with(&data, &["--signing-key", key.to_str().unwrap()]);
        server.stop("-TERM").1
    };
    let said = start();
    assert!(
        said.contains(&format!("a key was made in {}", key.display())),
        "{said}"
    );
    let secret = std::fs::read_to_string(&key).unwrap();
    assert!(!data.join("keys/signing.key").exists());
    assert!(!start().contains("no checkpoint can be signed"));
    std::fs::rename(&place, directory.path().join("gone")).unwrap();
    let said = start();
    for part in [
        "no checkpoint can be signed",
        key.to_str().unwrap(),
        "try: mount its disk",
    ] {
        assert!(said.contains(part), "no {part:?} in {said}");
    }
    assert!(said.contains("stopped in good order"), "{said}");
    let hidden = secret.trim_end().rsplit('+').next().unwrap();
    assert!(!said.contains(hidden));
}

#[test]
fn a_directory_in_use_is_refused_and_readable() {
    let data = copy();
    let server = Server::start(data.path());
    let (code, said) = Server::spawn(data.path(), "127.0.0.1:0").end();
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("another server is running") && said.contains("  try: "),
        "{said}"
    );
    let served = server.get("/v1/digest");
    assert!(
        served.contains(on(data.path(), &["digest"]).done().digest()),
        "{served}"
    );
    on(data.path(), &["verify"]).done();
    assert_eq!(server.stop("-TERM").0, Some(0));
}

#[test]
fn an_append_that_was_cut_short_is_cut_and_reported() {
    let data = copy();
    let end = *frame_ends(data.path()).last().unwrap();
    let mut file = OpenOptions::new()
        .append(true)
        .open(segment(data.path()))
        .unwrap();
    file.write_all(b"TRFR and not much more").unwrap();
    drop(file);
    let (code, said) = Server::start(data.path()).stop("-TERM");
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains(&format!(
            "22 bytes at byte {end} were an append that was cut short"
        )),
        "{said}"
    );
    assert!(
        said.contains(&format!("the roll holds {} events", tillroll_count(head()))),
        "{said}"
    );
    on(data.path(), &["verify"]).done();
}

fn tillroll_count(number: u64) -> String {
    match number {
        0..1000 => number.to_string(),
        _ => format!("{},{:03}", number / 1000, number % 1000),
    }
}

#[test]
fn a_damaged_roll_is_not_served() {
    let data = copy();
    let middle = frame_ends(data.path())[3];
    let mut bytes = std::fs::read(segment(data.path())).unwrap();
    bytes[usize::try_from(middle).unwrap() + 170] ^= 1;
    std::fs::write(segment(data.path()), &bytes).unwrap();
    let (code, said) = Server::spawn(data.path(), "127.0.0.1:0").end();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("  try: tillroll verify --data"), "{said}");
    assert_eq!(
        std::fs::read(segment(data.path())).unwrap(),
        bytes,
        "nothing was changed"
    );
}

#[test]
fn a_taken_port_is_a_failure_that_says_what_helps() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, said) = Server::spawn(copy().path(), &address).end();
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("cannot listen on") && said.contains("--listen 127.0.0.1:"),
        "{said}"
    );
}

#[test]
fn secrets_are_never_printed() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path());
    let refused = server.post("/v1/webhooks/stripe", "{}");
    assert!(refused.starts_with("HTTP/1.1 400"), "{refused}");
    let (_, said) = server.stop("-TERM");
    let help = Command::new(env!("CARGO_BIN_EXE_tillroll"))
        .args(["serve", "--help"])
        .env("TILLROLL_STRIPE_WEBHOOK_SECRET", SECRET)
        .output()
        .unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    assert!(help.contains("TILLROLL_STRIPE_WEBHOOK_SECRET"), "{help}");
    for text in [refused, said, help] {
        assert!(!text.contains("5f1e"), "{text}");
    }
}

/// Given a book that a clock thirty years ahead has stamped, when it is served by the right clock,
/// then only with a word for that clock; and an event says so.
#[test]
fn a_start_by_a_clock_that_cannot_be_right_is_refused_or_answered_for() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path();
    stamp(data, 30 * 365 * 24 * 3600);
    let (code, said) = Server::spawn(data, "127.0.0.1:0").end();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains(" --clock-is-right"), "{said}");
    let doctor = on(data, &["doctor"]);
    let checked = doctor.out + &doctor.err;
    assert!(checked.contains("--clock-is-right"), "{checked}");

    let right = ["--clock-is-right"];
    let server = Server::spawn_with(data, "127.0.0.1:0", &right).started();
    let events = server.get("/v1/events?after=1");
    assert!(events.contains("clock.confirmed"), "{events}");
    assert!(events.contains(r#""wrong_from":1"#), "{events}");
    server.stop("-TERM");
    // Once is enough.
    let server = Server::spawn_with(data, "127.0.0.1:0", &[]).started();
    server.stop("-TERM");
    on(data, &["verify"]).done();
}

/// Opens an account by a clock that is so many seconds ahead.
fn stamp(data: &Path, ahead: i64) {
    let now = SystemClock.now().seconds() + ahead;
    let options = OpenBookOptions {
        clock: Arc::new(ManualClock::at(Timestamp::from_seconds(now))),
        ..OpenBookOptions::new(data)
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let book = OpenBook::open(options, |_| {}).unwrap();
        let open = BookCommand {
            at: book.handle().now(),
            occurred_at: None,
            caller: Caller::SYSTEM,
            key: None,
            action: Action::OpenAccount(OpenAccount {
                path: "bank:account".parse().unwrap(),
                unit: "EUR".parse().unwrap(),
                kind: None,
                limit: None,
            }),
        };
        book.engine().submit(open).await.unwrap();
        book.close().await.unwrap();
    });
}
