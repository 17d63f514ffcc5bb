//! The auditor of the engine, and a fold of the same log.

use tillroll_book::Chart;
use tillroll_engine::{audit, replay};

use super::{Caught, Verdict, ensure, story};

const SEEDS: u64 = 12;
const STEPS: u64 = 30;

pub(super) fn check() -> Verdict {
    for seed in 0..SEEDS {
        let engine = story::lived(seed, STEPS)?;
        let reader = engine.reader();
        let audited = audit(&*reader, Chart::default(), None, |_| {});
        let report = audited.map_err(Caught::unexpected(&format!("seed {seed}")))?;
        ensure(report.position == engine.head(), || {
            format!(
                "seed {seed}: {} records of {}",
                report.position,
                engine.head()
            )
        })?;
        let folded = replay(&*reader, Chart::default(), None, |_| {});
        let (book, _) = folded.map_err(Caught::unexpected(&format!("seed {seed}")))?;
        let digests = [report.digest, book.digest(), engine.book().digest()];
        ensure(digests.iter().all(|digest| *digest == digests[0]), || {
            format!("seed {seed}: auditor, replay and writer have the digests {digests:?}")
        })?;
    }
    Ok(())
}
