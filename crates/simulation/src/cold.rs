//! Faults of the file of cold rows: calls of it that fail, and bytes of it that rot.
//!
//! The file is of one process and of no use to the next, so that no fault of it may ever show in
//! the log. What must come of one is simple: the engine ends and acknowledges nothing more; a
//! rotten byte that is never read may also be overlooked. Never is anything else answered.
//!
//! They have chances of their own, so that a seed's story is the same up to the first of them,
//! and half of the seeds have none at all.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tillroll_book::{Action, Chart, Command, Digest};
use tillroll_engine::{BookOptions, ExecuteError, Failure as Ended, ScratchFiles};
use tillroll_events::Caller;
use tillroll_log::testing::{Injection, MemoryTree, Rot, StorageFailure};
use tillroll_log::{StorageFile, Tree};

use crate::chance::Chance;
use crate::death::Death;
use crate::law::{Judgement, Law};
use crate::simulation::{Process, Setup, Simulation};
use crate::tally::{Count, Tally};

/// The file's name in its tree.
const ROWS: &str = "rows";

/// What a file of cold rows is kept in, and what is wrong with it.
#[derive(Clone, Debug)]
pub(crate) struct ScratchRows {
    tree: MemoryTree,
    rot: Rot,
    errors: Arc<AtomicU64>,
}

/// What goes wrong with the file of cold rows.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ColdTrouble {
    DiskCall(Injection),
    Rot { read: u64, byte: usize, mask: u8 },
}

/// What it came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ColdHit {
    /// Calls that answered an error.
    pub(crate) errors: u64,
    /// Reads that answered a wrong byte.
    pub(crate) rotten: u64,
}

impl ColdHit {
    pub(crate) fn any(self) -> bool {
        self.errors + self.rotten > 0
    }

    pub(crate) fn count(self, tally: &mut Tally) {
        tally.add_many(Count::ColdErrors, self.errors);
        tally.add_many(Count::ColdRot, self.rotten);
    }
}

/// A file that counts the errors that it answers.
struct CountingFile<F> {
    file: F,
    errors: Arc<AtomicU64>,
}

impl<F> CountingFile<F> {
    fn count<T>(&self, answer: io::Result<T>) -> io::Result<T> {
        self.errors
            .fetch_add(u64::from(answer.is_err()), Ordering::Relaxed);
        answer
    }
}

impl<F: StorageFile> StorageFile for CountingFile<F> {
    fn length(&self) -> io::Result<u64> {
        self.count(self.file.length())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.count(self.file.read_at(offset, buffer))
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.count(self.file.write_at(offset, bytes))
    }

    fn sync(&self) -> io::Result<()> {
        self.count(self.file.sync())
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        self.count(self.file.truncate(length))
    }
}

impl ScratchRows {
    fn new() -> Self {
        Self {
            tree: MemoryTree::new(),
            rot: Rot::new(),
            errors: Arc::default(),
        }
    }

    fn open(&self) -> io::Result<Box<dyn StorageFile>> {
        let file = self.tree.create(ROWS).inspect_err(|_| {
            self.errors.fetch_add(1, Ordering::Relaxed);
        })?;
        Ok(Box::new(CountingFile {
            file: self.rot.over(file),
            errors: Arc::clone(&self.errors),
        }))
    }

    /// How long the file has become.
    pub(crate) fn bytes(&self) -> u64 {
        let storage = self.tree.storage();
        match storage.names().iter().any(|name| name == ROWS) {
            true => storage.bytes(ROWS).len() as u64,
            false => 0,
        }
    }

    /// From now on this goes wrong.
    pub(crate) fn arm(&self, trouble: Option<ColdTrouble>) {
        match trouble {
            None => {}
            Some(ColdTrouble::DiskCall(injection)) => self.tree.storage().inject(injection),
            Some(ColdTrouble::Rot { read, byte, mask }) => self.rot.in_read(read, byte, mask),
        }
    }

    /// Ends the trouble and says what it did.
    pub(crate) fn disarm(&self) -> ColdHit {
        self.tree.storage().inject(Injection {
            at: u64::MAX,
            failure: StorageFailure::Io,
            sticky: false,
        });
        let rotten = self.rot.hits();
        self.rot.end();
        ColdHit {
            errors: self.errors.swap(0, Ordering::Relaxed),
            rotten,
        }
    }
}

impl ColdTrouble {
    /// `calls`: the most that will be made, about.
    fn of(chance: &mut Chance, calls: usize) -> Self {
        let most = chance.pick(&[3, 12, calls]);
        let call = chance.below(most) as u64;
        match chance.percent(55) {
            true => Self::DiskCall(Injection {
                at: call,
                failure: chance.pick(&[
                    StorageFailure::Io,
                    StorageFailure::Full,
                    StorageFailure::Short,
                ]),
                sticky: chance.coin(),
            }),
            // Where a row is: reads begin with one, and go on behind it.
            false => Self::Rot {
                read: call,
                byte: chance.below(60),
                mask: 1 << chance.below(8),
            },
        }
    }
}

impl fmt::Display for ColdTrouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DiskCall(injection) => write!(f, "{injection}, of those for cold rows"),
            Self::Rot { read, byte, mask } => {
                write!(
                    f,
                    "read {read} of the cold rows has byte {byte} rotten by {mask:#04x}"
                )
            }
        }
    }
}

/// When something goes wrong with cold rows.
#[derive(Debug)]
pub(crate) struct ColdChance(Option<Chance>);

impl ColdChance {
    /// Seeds that are kept as tests have none: their histories are those of the day they failed.
    pub(crate) fn new(seed: u64) -> Self {
        let mut chance = Chance::of(seed, "scratch");
        Self(chance.coin().then_some(chance))
    }

    pub(crate) fn never() -> Self {
        Self(None)
    }

    /// Whether nothing ever goes wrong.
    pub(crate) fn is_never(&self) -> bool {
        self.0.is_none()
    }

    pub(crate) fn trouble(&mut self, percent: usize, calls: usize) -> Option<ColdTrouble> {
        let chance = self.0.as_mut()?;
        chance
            .percent(percent)
            .then(|| ColdTrouble::of(chance, calls))
    }
}

impl Setup {
    /// What a process starts with, and where its cold rows go. No process finds those of the one
    /// before it.
    pub(crate) fn book_options(&self) -> (BookOptions, ScratchRows) {
        let rows = ScratchRows::new();
        let opened = rows.clone();
        let scratch = ScratchFiles::new(move || opened.open());
        let scratch = scratch.after(self.cold_after).buffered(0);
        (
            BookOptions::from(Chart::default()).with_scratch(scratch),
            rows,
        )
    }
}

impl Process {
    /// The digest of a state whose rows may be unreadable, which then has to say so; none when
    /// it does.
    fn doubtful_digest(&self) -> Option<Digest> {
        let digest = self.engine.book().digest();
        self.engine.book().fault().is_none().then_some(digest)
    }
}

impl Simulation<'_> {
    /// Before a process ends in good order, rows that cannot be read may be asked for; the answer
    /// is never a wrong one.
    pub(crate) fn look_at_cold(&mut self) -> Judgement<()> {
        let Some(trouble) = self.cold.trouble(40, 60) else {
            return Ok(());
        };
        self.schedule.note(format!("a last look; {trouble}"));
        let sound = self.life().engine.book().digest();
        let life = self.life();
        life.rows.arm(Some(trouble));
        let seen = life.doubtful_digest();
        let hit = life.rows.disarm();
        hit.count(&mut self.tally);
        Law::Failures.holds(seen.is_some() || hit.any(), || {
            "rows cannot be read, and nothing fails".into()
        })?;
        Law::Failures.holds(seen.is_none() || hit.errors == 0, || {
            "rows cannot be read, and no error says so".into()
        })?;
        match seen {
            Some(digest) => Law::Replay.holds(digest == sound, || {
                format!("the digest is {digest} where it was {sound}")
            }),
            None => self.ended_by_cold(),
        }
    }

    /// An engine that cannot read rows acknowledges nothing more, whatever it is asked.
    pub(crate) fn ended_by_cold(&mut self) -> Judgement<()> {
        self.tally.add(Count::ColdEnds);
        let ask = Command {
            at: self.clock.now(),
            occurred_at: None,
            caller: Caller::SYSTEM,
            key: None,
            action: Action::ExpireHolds,
        };
        let life = self.life();
        let head = life.engine.head();
        match life.engine.execute(vec![ask]) {
            Err(ExecuteError::Failed(Ended::Cold(_))) if life.engine.head() == head => Ok(()),
            answer => Err(Law::Poisoned.broken(format!(
                "rows cannot be read, and the engine answers {answer:?}"
            ))),
        }
    }

    /// A process that cannot read its cold rows ends; the log has nothing of that.
    pub(crate) fn replace_after_cold(&mut self) -> Judgement<()> {
        self.ended_by_cold()?;
        let death = Death::of(&mut self.chance);
        self.end_and_recover(death)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What they show would be gone with another history.
    #[test]
    fn half_of_the_seeds_have_no_faults_and_those_of_the_regressions_are_among_them() {
        for seed in [109, 6_198, 10_901, 100_768] {
            assert!(ColdChance::new(seed).0.is_none(), "seed {seed}");
        }
        let with = (0..1000).filter(|seed| ColdChance::new(*seed).0.is_some());
        let with = with.count();
        assert!((400..600).contains(&with), "{with} of 1000");
    }
}
