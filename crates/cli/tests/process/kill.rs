//! SIGKILL at any moment, under load and during recovery: what was acknowledged is there, what
//! was not sent is not, and nothing is applied twice.

use std::fs::OpenOptions;
use std::time::{Duration, Instant};

use tillroll_log::testing::Random;

use crate::book::{Book, Counts};
use crate::check::Fault;
use crate::command::{Command, Transfer};
use crate::load::Load;
use crate::report::{number, say, seed};
use crate::roll;
use crate::segment;
use crate::witness::Told;

/// Cycles on one directory. A start reads the whole roll, so that many kills take many books.
const CYCLES: u64 = 40;
/// Every so many cycles everything is looked at again.
const WHOLE: u64 = 20;

#[test]
fn what_was_acknowledged_survives_sigkill_and_nothing_else_appears() {
    let (kills, seed) = (number("TILLROLL_KILLS", 80), seed());
    let started = Instant::now();
    let mut random = Random::new(seed);
    let mut tally = Tally::default();
    let mut left = kills;
    while left > 0 {
        let cycles = left.min(CYCLES);
        left -= cycles;
        on_one_book(cycles, seed, &mut random, &mut tally);
    }
    let Tally {
        counts,
        starting,
        torn,
        events,
    } = tally;
    say(&format!(
        "{kills} kills by SIGKILL ({starting} of them while it started), seed {seed}, {} s: \
         {counts}; {events} events, {torn} appends cut short and cut off",
        started.elapsed().as_secs(),
    ));
    assert!(counts.acknowledged > kills, "seed {seed}: hardly any load");
}

#[derive(Default)]
struct Tally {
    counts: Counts,
    /// Kills before the server served.
    starting: u64,
    /// Tails that recovery cut.
    torn: u64,
    events: u64,
}

fn on_one_book(cycles: u64, seed: u64, random: &mut Random, tally: &mut Tally) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut book = Book::begin(directory.path(), format!("seed {seed}"));
    for cycle in 0..cycles {
        book.context = format!("seed {seed}, cycle {cycle}");
        if random.below(8) == 0 {
            let starting = book.launch().spawn();
            let moment = random.below(20_000) as u64;
            std::thread::sleep(Duration::from_micros(moment));
            starting.kill();
            tally.starting += 1;
            continue;
        }
        let server = book.launch().serve();
        match (cycle + 1) % WHOLE {
            0 => book.examine_whole(&server, random),
            _ => book.examine(&server, random),
        }
        let name = format!("c{cycle}");
        let load = Load::start(server.address, 4, random.number(), &name);
        load.reach(random.below(100) as u64);
        std::thread::sleep(Duration::from_micros(random.below(2_000) as u64));
        let ended = server.kill();
        tally.torn += u64::from(ended.cut_a_tail());
        book.remember(load.join());
    }
    book.recovers(random);
    tally.counts += book.counts;
    tally.events += book.checker.known();
}

/// The whole examination has to be able to fail, not only its laws.
#[test]
fn control_a_lost_acknowledgement_and_a_phantom_are_found() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut book = Book::begin(directory.path(), "control");
    let fresh = book.checker.clone();
    let server = book.launch().serve();
    let load = Load::start(server.address, 2, 1, "c");
    load.reach(20);
    book.remember(load.stop());
    book.compare(&mut server.client()).expect("nothing is lost");
    server.kill();

    // As if the last frame had been acknowledged and not made durable.
    let path = segment::path(directory.path());
    let last = *segment::frames(&path).last().expect("a frame");
    let file = OpenOptions::new()
        .write(true)
        .open(&path)
        .expect("it is there");
    file.set_len(last.offset).expect("it is cut");
    drop(file);
    // They remember what they saw, and a start may hold that against the roll.
    let models = directory.path().join("read-models.sqlite");
    std::fs::remove_file(models).expect("the read models");
    std::fs::remove_dir_all(directory.path().join("snapshots")).expect("the snapshots");
    let server = book.launch().serve();
    let shorter = book.compare(&mut server.client());
    assert!(matches!(shorter, Err(Fault::Shorter { .. })), "{shorter:?}");
    // Also who has read nothing before finds it.
    book.checker = fresh;
    let mut client = server.client();
    let known = book.checker.known();
    let (events, head) = roll::read_after(&mut client, known).expect("it serves");
    let followed = book.checker.follow(&book.witness, &events, head);
    followed.expect("what is left is sound");
    let lost = book.checker.settle(&book.witness);
    assert!(matches!(lost, Err(Fault::Lost { .. })), "{lost:?}");

    // A client that the witness does not know.
    let stranger = Command::entry("stranger", Transfer { pair: 0, amount: 1 });
    let answer = client.send(&stranger.request());
    assert!(matches!(Told::by(&answer), Told::Acknowledged { .. }));
    let phantom = book.compare(&mut client);
    assert!(
        matches!(&phantom, Err(Fault::NotSent { key: Some(key), .. }) if key == "http:stranger"),
        "{phantom:?}"
    );
}
