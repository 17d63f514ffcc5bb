//! A run: which stages, where, and what came of it. As data; how it is printed is for others.

use std::path::PathBuf;

use serde_json::{Value, json};
use tillroll_events::Timestamp;

use crate::bounds::BoundFigure;
use crate::load::Percentiles;
use crate::stages::Rig;
use crate::{BenchError, BenchPlan, BenchStage, Bound, Figure, LoadShape, Machine, Size};

/// What to measure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BenchOptions {
    pub size: Size,
    /// In the order of [`BenchStage::ALL`], whatever the order here.
    pub stages: Vec<BenchStage>,
    /// Durable files go into a new directory below this one, and are removed.
    pub directory: PathBuf,
}

/// What was measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BenchReport {
    pub at: Timestamp,
    pub size: Size,
    pub machine: Machine,
    /// Why some of it should not be believed.
    pub warnings: Vec<String>,
    /// Durable figures first.
    pub figures: Vec<Figure>,
    pub bounds: Vec<BoundFigure>,
}

/// The commit that was built, when `TILLROLL_COMMIT` was set in the build's environment.
#[must_use]
pub fn commit() -> Option<&'static str> {
    option_env!("TILLROLL_COMMIT").filter(|commit| !commit.is_empty())
}

/// Measures. `progress` is told what is measured now, and how many stages were before it.
///
/// # Errors
/// When anything that is measured fails, or the disk does.
pub fn measure(
    options: &BenchOptions,
    at: Timestamp,
    mut progress: impl FnMut(usize, &str),
) -> Result<BenchReport, BenchError> {
    let mut rig = Rig::new(BenchPlan::of(options.size), &options.directory)?;
    let machine = Machine::of(rig.scratch.path());
    let mut stages = options.stages.clone();
    stages.sort_unstable();
    stages.dedup();
    progress(0, "the machine's bounds");
    if stages.contains(&BenchStage::Core) {
        rig.bounds.memory_tables();
    }
    if stages.iter().any(|stage| stage.writes()) {
        rig.bounds.append(4096)?;
        rig.bounds.overwrite()?;
    }
    let mut figures = Vec::new();
    for (done, stage) in stages.iter().enumerate() {
        progress(done, stage.as_str());
        figures.append(&mut stage.measure(&mut rig)?);
    }
    // Stable, so stages stay together otherwise.
    figures.sort_by_key(|figure| !figure.durable);
    Ok(BenchReport {
        at,
        size: options.size,
        warnings: warnings(&machine),
        machine,
        figures,
        bounds: rig.bounds.into_measured(),
    })
}

fn warnings(machine: &Machine) -> Vec<String> {
    let mut warnings = Vec::new();
    if machine.syncs_mean_nothing() {
        let kind = machine.filesystem.as_deref().unwrap_or_default();
        warnings.push(format!(
            "the files are on {kind}, in memory: no durable figure means anything; use --data on a disk"
        ));
    }
    if machine.is_busy() {
        let load = machine.load.unwrap_or(0);
        let (whole, part) = (load / 100, load % 100);
        warnings.push(format!(
            "the load was {whole}.{part:02} on {} cores before the run: whatever needs a core is slower than the machine",
            machine.cores
        ));
    }
    if cfg!(debug_assertions) {
        warnings.push("built without optimisation: no figure means anything".into());
    }
    warnings
}

impl BenchReport {
    /// One document for programs.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "object": "bench",
            "version": env!("CARGO_PKG_VERSION"),
            "commit": commit(),
            "date": self.at.to_string(),
            "size": self.size.as_str(),
            "machine": machine(&self.machine),
            "warnings": self.warnings,
            "stages": self.figures.iter().map(figure).collect::<Vec<_>>(),
            "bounds": self.bounds.iter().map(measured).collect::<Vec<_>>(),
        })
    }
}

pub(crate) fn machine(machine: &Machine) -> Value {
    json!({
        "cpu_model": machine.cpu,
        "cores": machine.cores,
        "memory_bytes": machine.memory_bytes,
        "filesystem": machine.filesystem,
        "huge_pages": machine.huge_pages,
        "load_hundredths": machine.load,
    })
}

fn figure(figure: &Figure) -> Value {
    let (callers, offered) = match figure.load {
        LoadShape::Direct => (1, None),
        LoadShape::Closed { callers } => (callers, None),
        LoadShape::Open { callers, offered } => (callers, Some(offered)),
    };
    json!({
        "stage": figure.stage.as_str(),
        "case": figure.case,
        "durable": figure.durable,
        "element": figure.element,
        "loop": figure.load.as_str(),
        "callers": callers,
        "offered_per_second": offered,
        "elements": figure.elements,
        "elapsed_nanos": crate::nanos(figure.elapsed),
        "per_second": figure.per_second(),
        "latency_nanos": figure.latency.map(latency),
        "note": figure.note,
        "bound": figure.tightest().map(bound),
        "permille_of_bound": figure.ratio(),
        "bounds": figure.bounds.iter().map(bound).collect::<Vec<_>>(),
    })
}

fn bound(bound: &Bound) -> Value {
    json!({ "name": bound.name, "per_second": bound.per_second })
}

fn measured(measured: &BoundFigure) -> Value {
    json!({
        "name": measured.name,
        "element": measured.element,
        "per_second": measured.per_second,
        "latency_nanos": measured.latency.map(latency),
    })
}

pub(crate) fn latency(latency: Percentiles) -> Value {
    json!({
        "p50": latency.p50,
        "p99": latency.p99,
        "p999": latency.p999,
        "max": latency.max,
    })
}
