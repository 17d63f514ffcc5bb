//! Rows that left memory: beside a writer that keeps all of them nobody sees a difference, and
//! where the file of them is rotten, the writer ends and says nothing wrong.

use std::io;

use tillroll_book::{Chart, Command, Refusal};
use tillroll_engine::{Blank, Engine, Failure, Outcome, Scratch};
use tillroll_journal::testing::{MemoryTree, Rot};
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

fn blank(after: u64, rot: Rot) -> Blank {
    let open = move || -> io::Result<Box<dyn StorageFile>> {
        Ok(Box::new(rot.over(MemoryTree::new().create("rows")?)))
    };
    let scratch = Scratch::new(open).after(after).buffered(0);
    Blank::from(Chart::default()).with_scratch(scratch)
}

fn nobody_sees_a_difference(seed: u64, after: u64) -> Verdict {
    let batches = batches(seed, STEPS);
    let (plain, expected) = lived(&batches)?;
    let mut engine = open_with(MemoryJournal::new(), blank(after, Rot::new()))?;
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
        let rot = Rot::new();
        rot.in_byte(offset, 1);
        let mut engine = open_with(MemoryJournal::new(), blank(2, rot))?;
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
