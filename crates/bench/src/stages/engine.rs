//! The engine in the process: decide, encode, one frame, one sync, fold, answer.
//!
//! Bulk commands go in one at a time, by one caller; single commands by many, each of which
//! waits for its answer, so that they share syncs. No HTTP and no JSON.

use tillroll_book::Command;
use tillroll_engine::{EngineMetrics, EngineOptions, spawn};

use super::{BenchStage, Rig, grouped};
use crate::load::{CallSchedule, EngineCaller, LoopResult, closed_loop, open_loop, two_workers};
use crate::scratch::execute;
use crate::workload::{Entries, Ids};
use crate::{BenchError, Bound, Figure, LoadShape};

/// Entries in a bulk command.
const BULK: usize = 8_000;

/// A second command waits while the first is written, so that there is something to overlap.
const BULK_CALLERS: [(usize, Ids); 3] = [(1, Ids::Random), (1, Ids::Increasing), (4, Ids::Random)];

const CALLERS: [usize; 3] = [1, 256, 1_024];

/// About what an entry takes in the log, in bulk and as a command of its own.
pub(super) const ENTRY_BYTES: u64 = 37;
pub(super) const SINGLE_BYTES: u64 = 160;

/// Open loops at so many hundredths of the rate of the closed loop.
pub(super) const OFFERED: [u64; 2] = [50, 80];

pub(super) fn measure(rig: &mut Rig) -> Result<Vec<Figure>, BenchError> {
    let mut figures = Vec::new();
    for (callers, ids) in BULK_CALLERS {
        figures.push(bulk(rig, callers, ids)?);
    }
    for callers in CALLERS {
        let closed = single(rig, callers, None)?;
        let rate = closed.per_second();
        figures.push(closed);
        if callers > 1 {
            for percent in OFFERED {
                figures.push(single(rig, callers, Some(rate * percent / 100))?);
            }
        }
    }
    Ok(figures)
}

/// A loop over an engine with funded accounts, and what the writer did meanwhile.
fn looped(
    rig: &mut Rig,
    calls: Vec<Command>,
    opening: Vec<Command>,
    callers: usize,
    offered: Option<u64>,
) -> Result<(LoopResult, EngineMetrics), BenchError> {
    let mut engine = rig.scratch.engine()?;
    execute(&mut engine, opening)?;
    let before = engine.metrics();
    let (handle, thread) = spawn(engine, EngineOptions::default());
    let runtime = two_workers()?;
    let scheduled = calls.len() as u64;
    let many = EngineCaller::many(&handle, calls, callers, std::convert::identity);
    let window = rig.plan.window;
    let ran = runtime.block_on(async {
        match offered {
            None => closed_loop(many, window).await,
            Some(rate) => open_loop(many, CallSchedule::new(rate, scheduled)).await,
        }
    })?;
    let after = handle.metrics();
    handle.stop();
    thread.join().map_err(BenchError::failed("the writer"))?;
    Ok((ran, since(&before, after)))
}

/// What was counted between two looks.
pub(super) fn since(before: &EngineMetrics, after: EngineMetrics) -> EngineMetrics {
    let mut since = after;
    since.commands -= before.commands;
    since.records -= before.records;
    since.bytes -= before.bytes;
    since.batch_records.count -= before.batch_records.count;
    since
}

fn bulk(rig: &mut Rig, callers: usize, ids: Ids) -> Result<Figure, BenchError> {
    let mut entries = Entries::among(rig.plan.accounts, 1).with_ids(ids);
    let opening = entries.opening().collect();
    let count = rig.plan.bulk_entries.div_ceil(BULK);
    let calls = (0..count).map(|_| entries.bulk(BULK)).collect();
    rig.bounds.before(BULK as u64 * ENTRY_BYTES)?;
    let (ran, did) = looped(rig, calls, opening, callers, None)?;
    let who = if callers == 1 { "caller" } else { "callers" };
    let order = ids.in_words();
    let case = format!(
        "commands of {} entries, {callers} {who}{order}",
        grouped(BULK)
    );
    let load = LoadShape::Closed {
        callers: callers as u64,
    };
    let figure = Figure::ran(BenchStage::Engine, case, load, BULK as u64, &ran).durable();
    Ok(figure.bounds(frame_bounds(rig, &did, BULK as u64)?))
}

/// What the disk and the hash give for frames as large as those that were written, with so many
/// elements in each.
pub(super) fn frame_bounds(
    rig: &mut Rig,
    did: &EngineMetrics,
    each: u64,
) -> Result<Vec<Bound>, BenchError> {
    let bytes = did.bytes / did.commands.max(1);
    let mut bounds = vec![rig.bounds.frame(each, bytes)?];
    bounds.extend(rig.bounds.hashes(each, bytes));
    Ok(bounds)
}

/// Callers of single commands.
#[derive(Clone, Copy)]
pub(super) struct Singles {
    pub callers: usize,
    /// In an open loop.
    pub offered: Option<u64>,
    /// What the callers are: `callers`, `connections`.
    pub who: &'static str,
}

impl Singles {
    fn case(&self) -> String {
        let who = match self.callers {
            1 => self.who.trim_end_matches('s'),
            _ => self.who,
        };
        let callers = grouped(self.callers);
        match self.offered {
            None => format!("single entries, {callers} {who}"),
            Some(offered) => format!("single entries, {callers} {who}, {offered}/s offered"),
        }
    }

    fn load(&self) -> LoadShape {
        let callers = self.callers as u64;
        match self.offered {
            None => LoadShape::Closed { callers },
            Some(offered) => LoadShape::Open { callers, offered },
        }
    }

    /// Their figure, bounded by a sync that all of them share.
    pub(super) fn figure(
        &self,
        rig: &mut Rig,
        stage: BenchStage,
        ran: &LoopResult,
        did: &EngineMetrics,
    ) -> Result<Figure, BenchError> {
        let callers = self.callers as u64;
        let shared = did.commands / did.batches().max(1);
        let figure = Figure::ran(stage, self.case(), self.load(), 1, ran)
            .durable()
            .note(format!("{shared} commands shared a sync"));
        if self.offered.is_some() {
            return Ok(figure);
        }
        // All callers' commands in one frame is the best that can be made of a sync.
        let bytes = did.bytes / did.commands.max(1) * callers;
        Ok(figure.bound(rig.bounds.frame(callers, bytes)?))
    }
}

fn single(rig: &mut Rig, callers: usize, offered: Option<u64>) -> Result<Figure, BenchError> {
    let mut entries = Entries::among(rig.plan.accounts, 1);
    let opening = entries.opening().collect();
    // An open loop lasts as long as its window, however few calls that makes.
    let count = match offered {
        None => rig.plan.calls(rig.plan.single_rate).max(callers),
        Some(rate) => rig.plan.calls(rate),
    };
    let calls = (0..count).map(|_| entries.single()).collect();
    if offered.is_none() {
        rig.bounds.before(callers as u64 * SINGLE_BYTES)?;
    }
    let (ran, did) = looped(rig, calls, opening, callers, offered)?;
    let singles = Singles {
        callers,
        offered,
        who: "callers",
    };
    singles.figure(rig, BenchStage::Engine, &ran, &did)
}
