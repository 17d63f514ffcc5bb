//! Bytes that change on a stopped directory: the roll is not served and not changed, the place is
//! named, and what can be made again is made again.

use std::fs;
use std::path::Path;

use tillroll_log::testing::Random;

use crate::book::Book;
use crate::load::Load;
use crate::report::{say, seed};
use crate::segment::{self, FRAME_HEADER, Frame, SEGMENT_HEADER};
use crate::server::{Launch, text, tillroll};

/// A book with some frames, stopped.
fn stopped(data: &Path, random: &mut Random, context: &str) -> Book {
    let mut book = Book::begin(data, context);
    let server = book.launch().serve();
    let load = Load::start(server.address, 3, random.number(), "s");
    load.reach(40);
    book.remember(load.stop());
    server.stop();
    book
}

/// A place whose byte is flipped, and what has to be said about it.
struct Place {
    byte: u64,
    what: &'static str,
    /// Where the damaged structure starts.
    offset: u64,
    position: u64,
}

/// Places of every kind in frames that are followed by others, and some that are drawn.
fn places(frames: &[Frame], random: &mut Random) -> Vec<Place> {
    let sealed = &frames[..frames.len() - 1];
    let mut places = Vec::new();
    for byte in [0, 8, 20, 32, 40, 60, 100, SEGMENT_HEADER - 1] {
        places.push(Place {
            byte,
            what: "the segment's header",
            offset: 0,
            position: 1,
        });
    }
    let mut place = |frame: &Frame, inside: u64, what| {
        places.push(Place {
            byte: frame.offset + inside,
            what,
            offset: frame.offset,
            position: frame.first,
        });
    };
    for frame in [
        &sealed[0],
        &sealed[sealed.len() / 2],
        &sealed[sealed.len() - 1],
    ] {
        place(frame, 0, "magic");
        place(frame, 9, "position");
        place(frame, 16, "count");
        place(frame, 21, "length");
        place(frame, 30, "hash of the frame before");
        place(frame, 100, "hash");
        place(frame, 145, "checksum of the payload");
        place(frame, 157, "checksum of the header");
        place(frame, FRAME_HEADER, "length of a record");
        place(frame, FRAME_HEADER + 20, "a record");
        place(frame, frame.bytes - 6, "end mark");
        place(frame, frame.bytes - 1, "checksum in the end mark");
    }
    for _ in 0..12 {
        let frame = &sealed[random.below(sealed.len())];
        let inside = random.number() % frame.bytes;
        place(frame, inside, "a drawn byte");
    }
    places
}

#[test]
fn a_roll_with_a_flipped_byte_is_refused_with_the_place_and_left_as_it_is() {
    let seed = seed();
    let mut random = Random::new(seed);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let data = directory.path();
    let mut book = stopped(data, &mut random, &format!("seed {seed}"));
    let log = segment::path(data);
    let sound = fs::read(&log).expect("the log");
    let frames = segment::frames(&log);
    let places = places(&frames, &mut random);
    for place in &places {
        let Place {
            byte,
            what,
            offset,
            position,
        } = *place;
        let bit = 1 << random.below(8);
        let context = format!("seed {seed}, {what}, byte {byte} ^ {bit:#04x}");
        let mut rotten = sound.clone();
        rotten[usize::try_from(byte).expect("a small file")] ^= bit;
        fs::write(&log, &rotten).expect("the log");

        let refused = Launch::on(data).start().expect_err(&context).failed();
        let (at, of) = (format!("byte {offset}"), format!("(position {position})"));
        let parts = [
            segment::NAME,
            &at,
            &of,
            "nothing was changed",
            "restore the file",
            "  try: ",
        ];
        for part in parts {
            assert!(
                refused.said.contains(part),
                "{context}: no {part:?} in {refused:?}"
            );
        }
        let ran = tillroll(&["verify", "--json"], data);
        let out = text(&ran.stdout);
        assert_eq!(ran.status.code(), Some(1), "{context}: {out}");
        let report: serde_json::Value = serde_json::from_str(&out).expect(&out);
        let finding = &report["findings"][0];
        assert_eq!(report["ok"], false, "{context}");
        assert_eq!(finding["file"], log.to_str().expect("text"), "{context}");
        assert_eq!(finding["offset"], offset, "{context}: {finding}");
        assert_eq!(finding["position"], position, "{context}: {finding}");
        let left = fs::read(&log).expect("the log");
        assert!(left == rotten, "{context}: the file was changed");
    }
    fs::write(&log, &sound).expect("the log");
    book.recovers(&mut random);
    say(&format!(
        "{} flipped bytes of a roll, seed {seed}: all refused",
        places.len()
    ));
}

/// Where the read models have seen records of it, a last frame that does not check is no append
/// that was cut short.
#[test]
fn a_rotten_last_frame_that_was_acknowledged_is_not_cut() {
    let seed = seed();
    let mut random = Random::new(seed);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let data = directory.path();
    stopped(data, &mut random, &format!("seed {seed}"));
    let log = segment::path(data);
    let last = *segment::frames(&log).last().expect("a frame");
    let mut rotten = fs::read(&log).expect("the log");
    rotten[usize::try_from(last.offset + FRAME_HEADER).expect("a small file")] ^= 1;
    fs::write(&log, &rotten).expect("the log");
    let refused = Launch::on(data)
        .start()
        .expect_err("the end is damaged")
        .failed();
    refused.says(&format!("byte {}", last.offset));
    let left = fs::read(&log).expect("the log");
    assert!(left == rotten, "the file was changed");
}

/// How the read models are spoiled.
type Spoil = fn(&Path);

#[test]
fn read_models_that_are_gone_or_spoiled_are_built_again() {
    let seed = seed();
    let mut random = Random::new(seed);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let data = directory.path();
    let mut book = stopped(data, &mut random, "");
    let table: [(&str, Spoil); 5] = [
        ("the database is gone and its log is left", |path| {
            fs::remove_file(path).expect("the database");
        }),
        ("all of it is gone", |path| {
            for suffix in ["-wal", "-shm", ""] {
                let file = format!("{}{suffix}", path.display());
                // After a stop in good order the first two are gone anyway.
                drop(fs::remove_file(file));
            }
        }),
        ("it is no database", |path| {
            fs::write(path, vec![0xA5; 8192]).expect("the database");
        }),
        ("it is empty", |path| {
            fs::write(path, "").expect("the database");
        }),
        ("half of its log is gone", |path| {
            let log = format!("{}-wal", path.display());
            if let Ok(file) = fs::OpenOptions::new().write(true).open(log) {
                let length = file.metadata().expect("its log").len();
                file.set_len(length / 2).expect("its log");
            }
        }),
    ];
    for (number, (what, spoil)) in table.into_iter().enumerate() {
        book.context = format!("seed {seed}, {what}");
        // Killed, so that the database's own log is left.
        let server = book.launch().serve();
        let load = Load::start(server.address, 2, random.number(), &format!("m{number}"));
        load.reach(20);
        server.kill();
        book.remember(load.join());
        spoil(&data.join("read-models.sqlite"));
        book.recovers(&mut random);
    }
}
