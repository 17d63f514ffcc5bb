//! Calls of the system that fail: at every one of them that matters, once and for good. After a
//! failure nothing is acknowledged, the process ends with an error that names the file, and the
//! next start recovers.

use std::time::{Duration, Instant};

use tillroll_log::testing::Random;

use crate::book::Book;
use crate::inject::{self, Fault};
use crate::load::Load;
use crate::report::{say, seed, skipped};
use crate::segment;
use crate::server::Ended;

/// What an append does, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Write,
    Sync,
}

/// Recovery writes the header and the last frame, sets the length, and syncs after each, on the
/// first thread. Each thread counts its own calls, so faults from these calls on strike after
/// recovery: the writer, where it appends itself, or the log's own thread.
const FIRST_WRITE: u64 = 3;
const FIRST_SYNC: u64 = 3;

#[test]
fn an_append_that_fails_acknowledges_nothing_and_ends_the_process() {
    let what = "failing writes and syncs of the log";
    if let Err(why) = inject::available() {
        return skipped(what, &why);
    }
    let seed = seed();
    let mut random = Random::new(seed);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut book = Book::begin(directory.path(), "");
    let log = segment::path(directory.path());
    let table = [
        (Step::Sync, "EIO", FIRST_SYNC, ""),
        (Step::Sync, "EIO", FIRST_SYNC + 1, ""),
        (Step::Sync, "EIO", FIRST_SYNC + 6, ""),
        (Step::Sync, "EIO", FIRST_SYNC, "+"),
        (Step::Sync, "ENOSPC", FIRST_SYNC + 2, ""),
        (Step::Sync, "EDQUOT", FIRST_SYNC + 3, "+"),
        (Step::Write, "EIO", FIRST_WRITE, ""),
        (Step::Write, "EIO", FIRST_WRITE + 1, ""),
        (Step::Write, "EIO", FIRST_WRITE + 6, ""),
        (Step::Write, "EIO", FIRST_WRITE, "+"),
        (Step::Write, "ENOSPC", FIRST_WRITE + 2, ""),
    ];
    for (number, (step, error, k, sticky)) in table.into_iter().enumerate() {
        book.context = format!("seed {seed}, {step:?} {k}{sticky} {error}");
        let context = book.context.clone();
        let whole = segment::frames(&log).len();
        let fault = Fault {
            call: match step {
                Step::Write => "pwrite64",
                Step::Sync => "fdatasync",
            },
            what: &format!("error={error}"),
            when: &format!("{k}{sticky}"),
            on: Some(&log),
        };
        let server = book.launch().under(fault.under()).serve();
        let load = Load::start(server.address, 3, random.number(), &format!("f{number}"));
        let done = load.join();
        let ended = server.wait().failed();
        let verb = match step {
            Step::Write => "cannot write",
            Step::Sync => "cannot sync",
        };
        for part in [
            "error: the roll cannot be written",
            &format!("{verb} {} at byte", segment::NAME),
            "restart",
            "what was acknowledged before is safe, and nothing was since",
        ] {
            assert!(
                ended.said.contains(part),
                "{context}: no {part:?} in {}",
                ended.said
            );
        }
        // Of a frame that was being written it cannot know; room is no frame.
        let outcomes = [
            "whether the batch was appended is not known",
            "nothing was appended",
        ];
        assert!(
            outcomes.iter().any(|outcome| ended.said.contains(outcome)),
            "{context}: no word on what became of the frame in {}",
            ended.said
        );
        for answer in &done.failures {
            assert_eq!(answer.status, 503, "{context}: {answer:?}");
            assert_eq!(answer.json()["code"], "log_failed", "{context}: {answer:?}");
        }
        let told = !done.failures.is_empty();
        book.remember(done);

        // The first k - 1 calls of the thread that was struck went well, and its next is the last
        // thing that happened to the log: a frame that could not be synced may be there, one that
        // could not be written is not, none comes behind it, and nothing in it was acknowledged.
        // All of the calls were for frames, but for two steps of room at the most; so may be the
        // sync that failed, and then no frame is in doubt. How many the other thread appended
        // before is for the load to say.
        let frames = segment::frames(&log);
        let calls = usize::try_from(k - 1).expect("a small number");
        let good = whole + calls.saturating_sub(2);
        let in_doubt = |frame: &segment::Frame| {
            let place = format!("{} at byte {}:", segment::NAME, frame.offset);
            ended.said.contains(&place)
        };
        let left = usize::from(frames.last().is_some_and(in_doubt));
        assert!(step == Step::Sync || left == 0, "{context}: it is there");
        // Room is made while no caller waits, so that no answer need say that its sync failed.
        let of_room = step == Step::Sync && left == 0;
        assert!(of_room || told, "{context}: nobody was told");
        assert!(
            frames.len() >= good + left,
            "{context}: {} frames, {good} and {left} at least",
            frames.len()
        );
        let durable = frames[frames.len() - 1 - left].last();
        let acknowledged = book.witness.acknowledged();
        let latest = acknowledged.map(|(_, position)| position).max();
        assert!(latest <= Some(durable), "{context}: {latest:?} > {durable}");

        book.goes_on(&mut random);
    }
    book.recovers(&mut random);
    say(&format!(
        "{what}: {} cases, seed {seed}: {}",
        table.len(),
        book.counts
    ));
}

/// A full file is as good as a full disk: the last write fits in part.
#[test]
fn an_append_that_fits_in_part_is_cut_and_was_not_acknowledged() {
    let seed = seed();
    let mut random = Random::new(seed);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut book = Book::begin(directory.path(), "");
    let log = segment::path(directory.path());
    let mut cut = 0;
    for round in 0..3 {
        book.context = format!("seed {seed}, round {round}");
        // In the shell's blocks, 512 or 1024 bytes each. It holds for the read models, too: they
        // can be opened and are soon left behind.
        let end = segment::frames(&log).last().map_or(0, segment::Frame::end);
        let blocks = end / 512 + 120;
        let script = format!(r#"trap '' XFSZ; ulimit -f {blocks}; exec "$0" "$@""#);
        let server = book.launch().under(["sh", "-c", &script]).serve();
        let load = Load::start(server.address, 2, random.number(), &format!("u{round}"));
        let done = load.join();
        let ended = server.wait().failed();
        ended.says("cannot write").says("File too large");
        assert!(
            !done.failures.is_empty(),
            "{}: nobody was told",
            book.context
        );
        book.remember(done);
        let torn = segment::tail(&log) > 0;
        let said = book.goes_on(&mut random);
        assert_eq!(
            torn,
            said.contains("were an append that was cut short"),
            "{said}"
        );
        cut += u32::from(torn);
    }
    book.recovers(&mut random);
    // A write ends on the limit only by chance, of one in some hundred.
    assert!(cut > 0, "seed {seed}: no append was cut short");
    say(&format!(
        "appends that fit in part: {cut} cut, seed {seed}: {}",
        book.counts
    ));
}

/// Between a write and its sync, and before a write.
#[test]
fn a_process_that_is_killed_at_a_write_or_sync_loses_nothing() {
    let what = "SIGKILL at the k-th write or sync of the log";
    if let Err(why) = inject::available() {
        return skipped(what, &why);
    }
    let seed = seed();
    let mut random = Random::new(seed);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut book = Book::begin(directory.path(), "");
    let log = segment::path(directory.path());
    // The first ones strike recovery.
    let table = [
        ("pwrite64", 1..=5),
        ("fdatasync", 1..=5),
        ("ftruncate", 1..=2),
        ("fsync", 1..=1),
    ];
    let mut cases = 0;
    for (call, ks) in table {
        for k in ks {
            book.context = format!("seed {seed}, killed at {call} {k}");
            let log_or_directory = match call {
                "fsync" => log.parent().expect("it is in a directory"),
                _ => &log,
            };
            let fault = Fault {
                call,
                what: "signal=SIGKILL",
                when: &k.to_string(),
                on: Some(log_or_directory),
            };
            let ended: Ended = match book.launch().under(fault.under()).start() {
                Err(ended) => ended,
                Ok(server) => {
                    let name = format!("k{cases}");
                    let load = Load::start(server.address, 3, random.number(), &name);
                    book.remember(load.join());
                    server.wait()
                }
            };
            assert_eq!(ended.status.code(), None, "{}: {ended:?}", book.context);
            book.goes_on(&mut random);
            cases += 1;
        }
    }
    book.recovers(&mut random);
    say(&format!(
        "{what}: {cases} cases, seed {seed}: {}",
        book.counts
    ));
}

/// They are disposable, so that their disk holds up no writer.
#[test]
fn read_models_that_cannot_be_written_hold_nobody_up() {
    let what = "read models that cannot be written";
    if let Err(why) = inject::available() {
        return skipped(what, &why);
    }
    let seed = seed();
    let mut random = Random::new(seed);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut book = Book::begin(directory.path(), "");
    let rows = directory.path().join("read-models.sqlite-wal");
    for (round, error) in ["ENOSPC", "EIO"].into_iter().enumerate() {
        book.context = format!("seed {seed}, {error} from the fifth write on");
        let fault = Fault {
            call: "pwrite64",
            what: &format!("error={error}"),
            when: "5+",
            on: Some(&rows),
        };
        let server = book.launch().under(fault.under()).serve();
        let load = Load::start(server.address, 3, random.number(), &format!("w{round}"));
        load.reach(60);
        let done = load.stop();
        assert!(done.failures.is_empty(), "{}: {done:?}", book.context);
        book.remember(done);
        // They commit a while after what they show, so they may have to fail yet.
        let asked = Instant::now();
        let ready = loop {
            let ready = server.get("/readyz").json();
            if ready["projection_failure"] != serde_json::Value::Null {
                break ready;
            }
            assert!(asked.elapsed() < Duration::from_secs(600), "{ready}");
            std::thread::sleep(Duration::from_millis(10));
        };
        assert!(ready["projected_position"].as_u64() < ready["position"].as_u64());
        book.compare(&mut server.client())
            .expect("the roll needs no read models");
        let said = server.said();
        assert!(
            said.contains("the follower tillroll-read-models cannot go on"),
            "{said}"
        );
        server.kill();
        book.goes_on(&mut random);
    }
    book.recovers(&mut random);
}
