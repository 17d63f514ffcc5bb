//! Power cuts of a real file system at the level of blocks: what was acknowledged is there,
//! whatever of the blocks that were not flushed has come to the disk.
//!
//! A server works on a disk that records what it is told, and each client remembers how long the
//! record was when its answer came. Afterwards the disk is made as it may have been at moments
//! drawn from the record; it is mounted, as after any power cut, and a server is started on it.

use std::fmt;
use std::path::Path;
use std::time::Instant;

use tillroll_log::testing::Random;

use crate::book::{Book, Counts};
use crate::check::Fault;
use crate::inject;
use crate::load::Load;
use crate::recorded_disk::{Mounted, PowerCuts, RecordedDisk};
use crate::report::{number, say, seed, skipped};
use crate::server::verify;
use crate::witness::{Sent, Told};

/// Power cuts of one record. A start reads the whole roll, so that many cuts take many records.
const CUTS: u64 = 100;
/// Servers that work on a disk one after the other, and what each acknowledges before it ends.
const SERVERS: u64 = 3;
const ACKNOWLEDGED: usize = 250;
/// Small, so that segments begin and end.
const SEGMENT_BYTES: u64 = 96 * 1024;

#[test]
fn what_was_acknowledged_survives_power_cuts_of_the_disk() {
    let (cuts, seed) = (number("TILLROLL_POWER_CUTS", 4), seed());
    let started = Instant::now();
    let mut random = Random::new(seed);
    let mut tally = Tally::default();
    let mut left = cuts;
    while left > 0 {
        let some = left.min(CUTS);
        left -= some;
        let record = match Record::make(&mut random, seed, &[]) {
            Ok(record) => record,
            Err(why) => return skipped("power cuts at block level", &why),
        };
        record.each_moment(some, &mut random, |book, random| {
            let server = book.launch().start();
            let server =
                server.unwrap_or_else(|ended| panic!("{}: no start: {ended:?}", book.context));
            book.examine(&server, random);
            tally.torn += u64::from(server.stop().cut_a_tail());
            verify(&book.data, &book.context);
            tally.counts += book.counts;
        });
    }
    let Tally { counts, torn } = tally;
    say(&format!(
        "{cuts} power cuts, seed {seed}, {} s: {counts}; {torn} appends cut short and cut off",
        started.elapsed().as_secs(),
    ));
}

/// The same, of a server whose syncs do nothing, must not pass.
#[test]
fn power_cuts_find_a_server_whose_syncs_do_nothing() {
    let seed = seed();
    if let Err(why) = inject::available() {
        return skipped("power cuts of a server whose syncs do nothing", &why);
    }
    let calls = "fdatasync,fsync,sync_file_range,syncfs,msync";
    let deaf = inject::Fault {
        call: calls,
        what: "retval=0",
        when: "1+",
        on: None,
    };
    let mut random = Random::new(seed);
    let record = match Record::make(&mut random, seed, &deaf.under()) {
        Ok(record) => record,
        Err(why) => return skipped("power cuts of a server whose syncs do nothing", &why),
    };
    let mut found = 0;
    record.each_moment(3, &mut random, |book, _| {
        found += u64::from(is_lost(book));
    });
    assert!(found > 0, "seed {seed}: nothing was lost without syncs");
    say(&format!(
        "3 power cuts without syncs, seed {seed}: {found} lost what was acknowledged"
    ));
}

/// Whether something that was acknowledged is missing.
fn is_lost(book: &mut Book) -> bool {
    let server = match book.launch().start() {
        Ok(server) => server,
        // What is there makes no sense, and it says so.
        Err(ended) => {
            ended.failed();
            return true;
        }
    };
    matches!(book.compare(&mut server.client()), Err(Fault::Lost { .. }))
}

#[derive(Default)]
struct Tally {
    counts: Counts,
    torn: u64,
}

/// What a disk was told, and what clients were, with the length of the record before and after each.
struct Record {
    directory: tempfile::TempDir,
    told: Vec<crate::recorded_disk::Told>,
    /// How long the record was when the accounts were open, and when the last server had ended.
    opened: u64,
    ended: u64,
    /// As it was then.
    book: Book,
    sent: Vec<Sent>,
    seed: u64,
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record").finish_non_exhaustive()
    }
}

impl Record {
    /// Has servers work on a disk, each under a command. An error says why there can be no disk.
    fn make(random: &mut Random, seed: u64, under: &[String]) -> Result<Self, String> {
        let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
        let disk = RecordedDisk::begin(directory.path())?;
        let book = Book::begin(&disk.path().join("book"), format!("seed {seed}"));
        let mark = disk.mark();
        let opened = mark();
        let mut sent = Vec::new();
        for number in 0..SERVERS {
            let launch = book.launch().with_segments_of(SEGMENT_BYTES);
            let server = launch.under(under.iter().cloned()).serve();
            let name = format!("s{number}");
            let load = Load::marked(server.address, 4, random.number(), &name, mark.clone());
            load.reach((1 + random.below(ACKNOWLEDGED)) as u64);
            let done = match random.coin() {
                true => {
                    server.kill();
                    load.join()
                }
                false => {
                    let done = load.stop();
                    server.stop();
                    done
                }
            };
            sent.extend(done.sent);
        }
        Ok(Self {
            ended: mark(),
            told: disk.end(),
            directory,
            opened,
            book,
            sent,
            seed,
        })
    }

    /// Shows the book on a disk whose power was cut, at so many moments: with what clients had
    /// been told by then.
    fn each_moment(
        &self,
        many: u64,
        random: &mut Random,
        mut look: impl FnMut(&mut Book, &mut Random),
    ) {
        // Afterwards it is unmounted, and everything comes to the disk.
        let told_by = |mark| self.told.partition_point(|told| told.mark <= mark);
        let (first, last) = (told_by(self.opened), told_by(self.ended));
        let mut moments: Vec<usize> = (0..many)
            .map(|_| first + random.below(last - first + 1))
            .collect();
        moments.sort_unstable();
        let mut cuts = PowerCuts::of(&self.told);
        let (image, mounted) = (self.file("image"), self.file("after"));
        for moment in moments {
            let made = cuts.write(moment, random, &image);
            made.expect("there is room for a disk");
            let mark = self.told[moment - 1].mark;
            let mut book = self.book.clone();
            book.context = format!("seed {}, {moment} things told to the disk", self.seed);
            let disk = Mounted::image(&image, &mounted);
            let disk = disk.unwrap_or_else(|error| panic!("{}: {error}", book.context));
            book.data = disk.path.join("book");
            book.remember(self.known_at(mark));
            look(&mut book, random);
        }
    }

    /// What had been asked when the record was so long, and what had been answered by then.
    fn known_at(&self, mark: u64) -> crate::load::Done {
        let asked = self.sent.iter().filter(|sent| sent.marks.0 <= mark);
        let known = asked.cloned().map(|sent| match sent.marks.1 <= mark {
            true => sent,
            false => Sent {
                told: Told::Nothing,
                ..sent
            },
        });
        crate::load::Done {
            sent: known.collect(),
            failures: Vec::new(),
        }
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        Path::join(self.directory.path(), name)
    }
}
