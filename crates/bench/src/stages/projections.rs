//! Read models from nothing: decode, rows, SQLite commits with the checkpoint. They are
//! disposable, so nothing of them is synced; the log that they follow is, and its rate stands
//! beside theirs.

use tillroll_projections::Projector;

use super::{BenchStage, Rig};
use crate::workload::{FilledLog, bulk_log, commerce_log};
use crate::{BenchError, BenchScratch, Bound, Figure, FileEngine, per_second, timed};

pub(super) fn measure(rig: &mut Rig) -> Result<Vec<Figure>, BenchError> {
    let (entries, rounds) = rig.plan.projections;
    let bulk = |engine: &mut FileEngine| bulk_log(engine, entries);
    let commerce = |engine: &mut FileEngine| commerce_log(engine, rounds);
    Ok(vec![
        rebuild(rig, ("bulk entries", "entry"), bulk)?,
        rebuild(rig, ("commerce events", "event"), commerce)?,
    ])
}

fn rebuild(
    rig: &mut Rig,
    (case, element): (&str, &'static str),
    fill: impl FnOnce(&mut FileEngine) -> Result<FilledLog, BenchError>,
) -> Result<Figure, BenchError> {
    let directory = rig.scratch.fresh()?;
    let mut engine = BenchScratch::open_engine(&directory)?;
    let FilledLog {
        records,
        elements,
        writing,
    } = fill(&mut engine)?;
    let reader = engine.reader();
    let path = directory.join("read-models.sqlite");
    let (built, elapsed) = timed(|| Projector::rebuild(&path, &*reader, &mut |_| {}));
    let built = built.map_err(BenchError::failed("building read models"))?;
    if built.checkpoint() != records {
        return Err(BenchError::Failed {
            doing: "building read models".into(),
            why: format!("they end at {} of {records}", built.checkpoint()),
        });
    }
    let figure = Figure::of(BenchStage::Projections, case, elements, elapsed);
    let log = Bound::new(
        "the log, same events, durable",
        per_second(elements, writing),
    );
    Ok(figure.counting(element).bound(log))
}
