//! Rows that left memory: beside a writer that keeps all of them nobody sees a difference, and
//! where the file of them is rotten, the writer ends and says nothing wrong.

use std::io;

use tillroll_book::{Chart, Command, Refusal};
use tillroll_engine::{Blank, Engine, Failure, Outcome, Scratch};
use tillroll_journal::testing::MemoryTree;
use tillroll_journal::{MemoryJournal, StorageFile, Tree};

use super::story::{batches, open, open_with};
use super::{Caught, Verdict, ensure};

type Answers = Vec<Result<Outcome, Refusal>>;

const SEEDS: u64 = 12;
const STEPS: u64 = 50;
/// Bytes of the file of a short story that are rotten in turn.
const ROTTEN: u64 = 900;

pub(super) fn check() -> Verdict {
    for seed in 0..SEEDS {
        let after = [1, 2, 4, 9, 25][usize::try_from(seed % 5).expect("a remainder")];
        nobody_sees_a_difference(seed, after)?;
    }
    no_rotten_byte_is_believed()
}

fn lived(batches: &[Vec<Command>]) -> Result<(Engine<MemoryJournal>, Vec<Answers>), Caught> {
    let mut engine = open(MemoryJournal::new())?;
    let answers = batches.iter().map(|batch| engine.execute(batch.clone()));
    let answers = answers.collect::<Result<_, _>>();
    let answers = answers.map_err(Caught::unexpected("memory does not fail"))?;
    Ok((engine, answers))
}

fn blank(after: u64, open: impl Fn() -> Rotten + Send + Sync + 'static) -> Blank {
    let open = move || -> io::Result<Box<dyn StorageFile>> { Ok(Box::new(open())) };
    let scratch = Scratch::new(open).after(after).buffered(0);
    Blank::from(Chart::default()).with_scratch(scratch)
}

fn nobody_sees_a_difference(seed: u64, after: u64) -> Verdict {
    let batches = batches(seed, STEPS);
    let (plain, expected) = lived(&batches)?;
    let mut engine = open_with(MemoryJournal::new(), blank(after, || Rotten::at(None)))?;
    for (batch, expected) in batches.iter().zip(&expected) {
        let answers = engine.execute(batch.clone());
        let answers = answers.map_err(Caught::unexpected("memory does not fail"))?;
        ensure(answers == *expected, || {
            format!("seed {seed}: rows leave after {after} records, and the answers are others")
        })?;
    }
    let (found, digest) = (engine.book().digest(), plain.book().digest());
    ensure(found == digest, || {
        format!("seed {seed}: rows leave after {after} records, and the digest is {found}")
    })
}

fn no_rotten_byte_is_believed() -> Verdict {
    let batches = batches(3, STEPS);
    let (plain, expected) = lived(&batches)?;
    let mut ended = 0;
    for number in 0..ROTTEN {
        let offset = number * 7;
        let blank = blank(2, move || Rotten::at(Some(offset)));
        let mut engine = open_with(MemoryJournal::new(), blank)?;
        let mut told = batches.iter().zip(&expected);
        let end = told.find_map(|(batch, expected)| match engine.execute(batch.clone()) {
            Ok(answers) if answers == *expected => None,
            Ok(_) => Some(Err(Caught(format!(
                "byte {offset} of the file is rotten, and the answers are others"
            )))),
            Err(Failure::Cold(_)) => Some(Ok(())),
            Err(other) => Some(Err(Caught(format!("byte {offset} is rotten: {other}")))),
        });
        match end {
            Some(end) => {
                end?;
                ended += 1;
            }
            None => {
                let digest = engine.book().digest();
                let is_told = engine.book().fault().is_some();
                ensure(is_told || digest == plain.book().digest(), || {
                    format!("byte {offset} of the file is rotten, and the digest is {digest}")
                })?;
            }
        }
    }
    ensure(ended > 20, || {
        format!("only {ended} rotten bytes were ever read")
    })
}

/// Gives back what was written, with a bit of one byte turned.
struct Rotten {
    file: Box<dyn StorageFile>,
    offset: Option<u64>,
}

impl Rotten {
    fn at(offset: Option<u64>) -> Self {
        let file = MemoryTree::new().create("rows");
        let file = Box::new(file.expect("memory does not fail"));
        Self { file, offset }
    }
}

impl StorageFile for Rotten {
    fn length(&self) -> io::Result<u64> {
        self.file.length()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(offset, buffer)?;
        let place = self.offset.and_then(|rotten| rotten.checked_sub(offset));
        let place = place.and_then(|place| usize::try_from(place).ok());
        if let Some(byte) = place.and_then(|place| buffer[..read].get_mut(place)) {
            *byte ^= 1;
        }
        Ok(read)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.write_at(offset, bytes)
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync()
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        self.file.truncate(length)
    }
}
