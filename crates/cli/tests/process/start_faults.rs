//! A start that goes wrong: at every call that recovery and the creation of a book make. It ends
//! with a reason, changes nothing that it should not, and the next start goes well.

use std::fs;
use std::path::Path;

use tillroll_log::testing::Random;

use crate::book::Book;
use crate::command::{Command, Transfer};
use crate::inject::{self, Fault};
use crate::load::Load;
use crate::report::{say, seed, skipped};
use crate::segment;
use crate::server::{Launch, verify};

#[test]
fn a_recovery_that_fails_refuses_to_serve_and_cuts_nothing() {
    let what = "a recovery whose calls fail";
    if let Err(why) = inject::available() {
        return skipped(what, &why);
    }
    let seed = seed();
    let mut random = Random::new(seed);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut book = Book::begin(directory.path(), "");
    let server = book.launch().serve();
    let load = Load::start(server.address, 2, random.number(), "r");
    load.reach(40);
    book.remember(load.stop());
    server.stop();
    let log = segment::path(directory.path());
    let parent = log.parent().expect("it is in a directory");
    // A tail that recovery would cut, so that there is something to cut wrongly.
    let mut torn = fs::read(&log).expect("the log");
    let end = segment::frames(&log).last().expect("a frame").end();
    torn.truncate(usize::try_from(end).expect("a small file"));
    torn.extend_from_slice(b"TRFR and not much more");
    let table: [(&str, &str, u32, &Path); 6] = [
        // Whether it is the roll of the snapshot; a header, the frames, the last frame again.
        ("pread64", "cannot read", 6, &log),
        // The header and the last frame.
        ("pwrite64", "cannot write", 2, &log),
        ("fdatasync", "cannot sync", 1, &log),
        ("ftruncate", "cannot truncate", 1, &log),
        ("fsync", "cannot sync the directory of", 1, parent),
        ("getdents64", "cannot list files of", 1, parent),
    ];
    let mut cases = 0;
    for (call, verb, most, on) in table {
        for k in 1..=most {
            let context = format!("seed {seed}, {call} {k}");
            fs::write(&log, &torn).expect("the log");
            let fault = Fault {
                call,
                what: "error=EIO",
                when: &k.to_string(),
                on: Some(on),
            };
            let ended = Launch::on(directory.path()).under(fault.under()).start();
            let ended = ended.expect_err(&context).failed();
            for part in [verb, "Input/output error", "  try: "] {
                assert!(
                    ended.said.contains(part),
                    "{context}: no {part:?} in {ended:?}"
                );
            }
            let left = fs::read(&log).expect("the log");
            assert!(
                torn.starts_with(&left),
                "{context}: something else is there"
            );
            let whole = torn.len() - b"TRFR and not much more".len();
            assert!(left.len() >= whole, "{context}: a frame was cut");
            // The sixth reading may be that of the last frame, behind the cut: how many there are
            // before it, five at least, is for the length of the log to say.
            if call == "getdents64" || call == "pread64" && k < 6 {
                assert_eq!(left.len(), torn.len(), "{context}: cut on bad reading");
            }
            cases += 1;
        }
    }
    book.context = format!("seed {seed}, after the faults");
    book.recovers(&mut random);
    say(&format!(
        "{what}: {cases} cases, seed {seed}: {}",
        book.counts
    ));
}

/// Every k-th call of a kind, until the k-th is not reached any more.
#[test]
fn a_book_whose_beginning_failed_is_begun_by_the_next_start() {
    let what = "a new book whose first calls fail";
    if let Err(why) = inject::available() {
        return skipped(what, &why);
    }
    let table = [
        ("mkdir", 8),
        ("fdatasync", 8),
        ("fsync", 8),
        ("rename", 8),
        ("flock", 2),
        ("pwrite64", 4),
    ];
    let (mut failed, mut served) = (0, 0);
    for (call, most) in table {
        for k in 1..=most {
            let context = format!("{call} {k}");
            let directory = tempfile::tempdir().expect("a temporary directory");
            let data = directory.path().join("some").join("where");
            let fault = Fault {
                call,
                what: "error=EIO",
                when: &k.to_string(),
                on: None,
            };
            let reached = match Launch::on(&data).under(fault.under()).start() {
                Ok(server) => {
                    server.kill();
                    served += 1;
                    false
                }
                Err(ended) => {
                    let ended = ended.failed();
                    let said = &ended.said;
                    let clear = ["Input/output error", "disk I/O error"];
                    let clear = clear.iter().any(|part| said.contains(part));
                    assert!(clear, "{context}: {ended:?}");
                    failed += 1;
                    true
                }
            };
            goes_on(&data, &context);
            if !reached {
                break;
            }
        }
    }
    say(&format!(
        "{what}: {failed} starts failed with a reason, {served} did without the call"
    ));
    assert!(failed > 5, "{failed} faults struck");
}

fn goes_on(data: &Path, context: &str) {
    let server = Launch::on(data).serve();
    let transfer = Transfer { pair: 0, amount: 1 };
    for opening in transfer.openings() {
        server.send(&opening).expect(200);
    }
    server
        .send(&Command::entry("first", transfer).request())
        .expect(201);
    server.stop();
    verify(data, &context);
}
