//! Reading a log back: decode and fold in memory, and a start from files with all checks.

use std::hint::black_box;

use tillroll_book::Chart;
use tillroll_engine::{Engine, replay as fold};
use tillroll_log::{Log, LogReader};

use super::{BenchStage, Rig};
use crate::scratch::memory_engine;
use crate::workload::{Entries, FilledLog, Ids, LOG_ACCOUNTS, bulk_log_of, commerce_log};
use crate::{BenchError, BenchScratch, Figure, timed};

/// What a log is full of.
#[derive(Clone, Copy)]
enum LogContent {
    Bulk(Ids),
    Commerce,
}

impl LogContent {
    const ALL: [Self; 3] = [
        Self::Bulk(Ids::Random),
        Self::Bulk(Ids::Increasing),
        Self::Commerce,
    ];

    fn fill<J: Log>(self, engine: &mut Engine<J>, rig: &Rig) -> Result<FilledLog, BenchError> {
        let (entries, rounds) = rig.plan.replay;
        match self {
            Self::Bulk(ids) => {
                let workload = Entries::among(LOG_ACCOUNTS, 1).with_ids(ids);
                bulk_log_of(engine, workload, entries)
            }
            Self::Commerce => commerce_log(engine, rounds),
        }
    }

    fn element(self) -> &'static str {
        match self {
            Self::Bulk(_) => "entry",
            Self::Commerce => "event",
        }
    }

    fn case(self) -> String {
        match self {
            Self::Bulk(ids) => format!("bulk entries{}", ids.in_words()),
            Self::Commerce => "commerce events".into(),
        }
    }
}

/// A log in memory.
pub(super) fn replay(rig: &mut Rig) -> Result<Vec<Figure>, BenchError> {
    let mut figures = Vec::new();
    for content in LogContent::ALL {
        let mut engine = memory_engine();
        let FilledLog { elements, .. } = content.fill(&mut engine, rig)?;
        let bytes = engine.metrics().bytes;
        let log = engine.into_log();
        let reader: &dyn LogReader = &log;
        let (folded, elapsed) = timed(|| fold(reader, Chart::default(), None, |_| {}));
        black_box(folded.map_err(BenchError::failed("folding a log"))?);
        let figure = Figure::of(BenchStage::Replay, content.case(), elements, elapsed)
            .counting(content.element());
        // Each byte has to be looked at at least once.
        let [_, check] = rig
            .bounds
            .hashes(frame(elements), frame_bytes(bytes, elements));
        figures.push(match content {
            LogContent::Bulk(_) => figure
                .bound(check)
                .bound(rig.bounds.lines_of_an_entry(LOG_ACCOUNTS)),
            LogContent::Commerce => figure.bound(check),
        });
    }
    Ok(figures)
}

/// A log in files that were just written: recovery checks every hash, and the fold is in the
/// same pass.
pub(super) fn start(rig: &mut Rig) -> Result<Vec<Figure>, BenchError> {
    let mut figures = Vec::new();
    for content in LogContent::ALL {
        let directory = rig.scratch.fresh()?;
        let mut engine = BenchScratch::open_engine(&directory)?;
        let FilledLog { elements, .. } = content.fill(&mut engine, rig)?;
        let bytes = engine.metrics().bytes;
        drop(engine);
        let (opened, elapsed) = timed(|| BenchScratch::open_engine(&directory));
        drop(opened?);
        let figure = Figure::of(BenchStage::Start, content.case(), elements, elapsed)
            .counting(content.element());
        let [hash, _] = rig
            .bounds
            .hashes(frame(elements), frame_bytes(bytes, elements));
        figures.push(figure.bound(hash));
    }
    Ok(figures)
}

/// Entries or events in the frames that hashes are measured with.
fn frame(elements: u64) -> u64 {
    elements.min(1_000)
}

fn frame_bytes(bytes: u64, elements: u64) -> u64 {
    bytes * frame(elements) / elements.max(1)
}
