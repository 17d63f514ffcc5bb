//! What this machine gives by itself: the figures that a stage is held against.
//!
//! Each is measured when a stage asks for it: memory and hashes once, the disk and HTTP beside
//! each stage, since they change with what else the machine does. None of it uses the code that is
//! measured: memory is a plain table, the disk a plain file, and the echo server is the same HTTP
//! library without a book.

mod disk;
mod echo;
mod hashing;
mod memory;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

pub(crate) use disk::PlainFile;
pub use echo::Echo;

use crate::load::Percentiles;
use crate::plan::BenchPlan;
use crate::{BenchError, Bound, nanos, per_second};

/// A line in the table of bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoundFigure {
    pub name: String,
    /// What `per_second` counts: `access`, `sync`, `byte`, `request`.
    pub element: &'static str,
    pub per_second: u64,
    pub latency: Option<Percentiles>,
}

/// How the next line of memory is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// In what the line before held: one access after the other.
    Dependent,
    /// By a counter: as many at a time as the processor can.
    Independent,
}

/// The bounds that were measured so far.
#[derive(Debug)]
pub struct Bounds {
    plan: BenchPlan,
    /// Where files are written.
    directory: PathBuf,
    memory: BTreeMap<(usize, Access), u64>,
    hashing: BTreeMap<usize, (u64, u64)>,
    measured: Vec<BoundFigure>,
    /// The median of a sync before the stage that is measured now.
    before: Option<Duration>,
}

/// What a log's record of an account, and of an id, takes at least.
const LINE: usize = 64;

impl Bounds {
    #[must_use]
    pub fn new(plan: BenchPlan, directory: PathBuf) -> Self {
        Self {
            plan,
            directory,
            memory: BTreeMap::new(),
            hashing: BTreeMap::new(),
            measured: Vec::new(),
            before: None,
        }
    }

    /// All that was measured, in order.
    #[must_use]
    pub fn into_measured(self) -> Vec<BoundFigure> {
        self.measured
    }

    pub(crate) fn plan(&self) -> &BenchPlan {
        &self.plan
    }

    /// Of two measurements of the same, the better one says what the machine can give.
    pub(crate) fn add(&mut self, measured: BoundFigure) {
        let known = self
            .measured
            .iter_mut()
            .find(|known| known.name == measured.name);
        match known {
            Some(known) if known.per_second < measured.per_second => *known = measured,
            Some(_) => {}
            None => self.measured.push(measured),
        }
    }

    /// Those that every run prints, whatever it measures of ours.
    pub(crate) fn memory_tables(&mut self) {
        for bytes in self.plan.tables.clone() {
            self.memory(bytes, Access::Dependent);
            self.memory(bytes, Access::Independent);
        }
    }

    /// How often a second one line of a table can be read, changed and written.
    pub fn memory(&mut self, bytes: usize, access: Access) -> u64 {
        if let Some(rate) = self.memory.get(&(bytes, access)) {
            return *rate;
        }
        let rate = memory::accesses(bytes, access, self.plan.window.min(LONGEST));
        let kind = match access {
            Access::Dependent => "one after the other",
            Access::Independent => "independent",
        };
        self.add(BoundFigure {
            name: format!("memory, random line of {}, {kind}", size(bytes)),
            element: "access",
            per_second: rate,
            latency: None,
        });
        self.memory.insert((bytes, access), rate);
        rate
    }

    /// Entries a second, if all that an entry cost were the lines that it has to touch: two
    /// balances in a table of so many accounts and one id among all ids, none of them waiting
    /// for another.
    pub fn lines_of_an_entry(&mut self, accounts: usize) -> Bound {
        let ids = self.plan.tables.last().copied().unwrap_or(LINE);
        let balance = self.memory(accounts.saturating_mul(LINE), Access::Independent);
        let id = self.memory(ids, Access::Independent);
        // Times add up, rates do not.
        let picos = |rate: u64| 1_000_000_000_000_u64 / rate.max(1);
        let entry = 2 * picos(balance) + picos(id);
        Bound::new("memory, 3 random lines", 1_000_000_000_000 / entry.max(1))
    }

    /// Appending so many bytes to a file and syncing them: the latencies of doing so, now. A
    /// disk that others use is another one a minute later, so this is not remembered.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn append(&mut self, bytes: usize) -> Result<Percentiles, BenchError> {
        let syncs = disk::append(&self.directory, bytes, &self.plan)?;
        Ok(self.appended(bytes, &syncs))
    }

    /// To be called right before a stage whose frames will have about so many bytes. Other programs
    /// may use the disk in one half of a second and not in the next, and a bound is what the disk
    /// can give.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn before(&mut self, bytes: u64) -> Result<(), BenchError> {
        self.before = Some(self.append(rounded(bytes))?.p50());
        Ok(())
    }

    fn appended(&mut self, bytes: usize, syncs: &[u64]) -> Percentiles {
        let latency = Percentiles::of(syncs);
        self.add(BoundFigure {
            name: format!("disk, append {} and fdatasync", size(bytes)),
            element: "sync",
            per_second: rate_of(syncs),
            latency: Some(latency),
        });
        latency
    }

    /// Elements a second, from appends and syncs that were made in turn with what they bound.
    pub(crate) fn in_turn(&mut self, elements: u64, bytes: usize, syncs: &[u64]) -> Bound {
        let latency = self.appended(bytes, syncs).p50();
        let name = format!("disk, append {} and fdatasync", size(bytes));
        Bound::new(name, per_second(elements, latency))
    }

    /// Elements a second, if all that a frame with so many of them cost were to append its bytes
    /// to a file and sync them. From the median, as one slow sync says little, and of the two
    /// medians of now and of [`Bounds::before`] the better one.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn frame(&mut self, elements: u64, bytes: u64) -> Result<Bound, BenchError> {
        let now = self.append(rounded(bytes))?.p50();
        let latency = self.before.take().map_or(now, |before| before.min(now));
        let name = format!("disk, append {} and fdatasync", size(rounded(bytes)));
        Ok(Bound::new(name, per_second(elements, latency)))
    }

    /// Overwriting 4 KiB of blocks that were written before: what recycled files can hope for.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn overwrite(&mut self) -> Result<(), BenchError> {
        let syncs = disk::overwrite(&self.directory, &self.plan)?;
        self.add(BoundFigure {
            name: "disk, overwrite 4 KiB and fdatasync".into(),
            element: "sync",
            per_second: rate_of(&syncs),
            latency: Some(Percentiles::of(&syncs)),
        });
        Ok(())
    }

    /// Elements a second, if all that a frame with so many of them cost were its BLAKE3 hash;
    /// the same for its CRC-32C.
    pub fn hashes(&mut self, elements: u64, bytes: u64) -> [Bound; 2] {
        let bytes = rounded(bytes);
        let (hash, check) = *self.hashing.entry(bytes).or_insert_with(|| {
            let time = self.plan.window.min(LONGEST) / 4;
            let (hash, check) = (hashing::blake3(bytes, time), hashing::crc32c(bytes, time));
            for (name, rate) in [("BLAKE3", hash), ("CRC-32C", check)] {
                self.measured.push(BoundFigure {
                    name: format!("{name} of {}", size(bytes)),
                    element: "byte",
                    per_second: rate,
                    latency: None,
                });
            }
            (hash, check)
        });
        let scaled = |rate: u64| {
            let scaled = u128::from(rate) * u128::from(elements) / bytes.max(1) as u128;
            u64::try_from(scaled).unwrap_or(u64::MAX)
        };
        [
            Bound::new("BLAKE3", scaled(hash)),
            Bound::new("CRC-32C", scaled(check)),
        ]
    }
}

/// No bound needs longer than this.
const LONGEST: Duration = Duration::from_secs(1);

fn rate_of(syncs: &[u64]) -> u64 {
    let time: Duration = syncs.iter().map(|sync| Duration::from_nanos(*sync)).sum();
    debug_assert!(nanos(time) > 0, "a sync takes some time");
    per_second(syncs.len() as u64, time)
}

/// Two significant bits, so that frames of nearly the same size share a measurement.
fn rounded(bytes: u64) -> usize {
    let step = (bytes.next_power_of_two() / 8).max(64);
    usize::try_from(bytes.div_ceil(step).saturating_mul(step)).unwrap_or(usize::MAX)
}

/// `4 KiB`, `1.5 MiB`
fn size(bytes: usize) -> String {
    let tenths = |unit: usize| bytes.saturating_mul(10) / unit;
    let (tenths, unit) = match bytes {
        0..1024 => return format!("{bytes} B"),
        1024..1_048_576 => (tenths(1024), "KiB"),
        _ => (tenths(1_048_576), "MiB"),
    };
    match (tenths / 10, tenths % 10) {
        (whole, 0) => format!("{whole} {unit}"),
        (whole, _) if whole >= 100 => format!("{whole} {unit}"),
        (whole, tenth) => format!("{whole}.{tenth} {unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short() {
        for (bytes, expected) in [
            (64, "64 B"),
            (4096, "4 KiB"),
            (1536, "1.5 KiB"),
            (67_108_864, "64 MiB"),
            (1_703_936, "1.6 MiB"),
        ] {
            assert_eq!(size(bytes), expected);
        }
    }

    #[test]
    fn frames_are_rounded_up_by_an_eighth_at_most() {
        for bytes in (1..5_000_000).step_by(997) {
            let rounded = rounded(bytes) as u64;
            assert!(rounded >= bytes, "{bytes}: {rounded}");
            assert!(rounded <= bytes + bytes / 4 + 64, "{bytes}: {rounded}");
        }
    }
}
