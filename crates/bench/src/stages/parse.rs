//! Reading the body of a bulk request up to what the book takes, on one core: by the scanner that
//! knows the usual shape, by serde into types, and by the careful parser that explains what is wrong.

use std::hint::black_box;
use std::time::Duration;

use bytes::Bytes;
use tillroll_server::measured;

use super::{BenchStage, Rig, grouped};
use crate::load::one_worker;
use crate::workload::{Entries, bulk_body, lines_body};
use crate::{BenchError, Figure, timed};

/// Entries in a body.
const ENTRIES: usize = 10_000;

/// Passes over a body, of which the fastest counts: others want the core, too.
const PASSES: usize = 30;

pub(super) fn measure(rig: &mut Rig) -> Result<Vec<Figure>, BenchError> {
    let count = ENTRIES.min(rig.plan.bulk_entries / 16);
    let mut entries = Entries::among(rig.plan.accounts, 1);
    let legs: Vec<_> = (0..count).map(|_| entries.next_legs()).collect();
    let (mut document, mut lines) = (Vec::new(), Vec::new());
    bulk_body(legs.iter().copied(), &mut document);
    lines_body(legs.iter().copied(), &mut lines);
    let (document, lines) = (Bytes::from(document), Bytes::from(lines));
    let cases: [(&str, &Bytes, fn(&Bytes) -> usize); 7] = [
        ("document", &document, |body| {
            measured::document(body, false)
        }),
        ("document with a key", &document, |body| {
            measured::document(body, true)
        }),
        ("lines", &lines, |body| measured::lines(body, false)),
        ("lines with a key", &lines, |body| {
            measured::lines(body, true)
        }),
        ("lines, only scanned", &lines, measured::scanned),
        ("document, only serde", &document, measured::serde),
        ("document, the careful parser", &document, measured::careful),
    ];
    // A stream of lines asks a runtime for its clock, although its body is all there.
    let runtime = one_worker()?;
    let inside = runtime.enter();
    let mut figures = Vec::new();
    for (name, body, read) in cases {
        let fastest = fastest(name, body, count, read)?;
        let case = format!("{name}, {} entries", grouped(count));
        let figure = Figure::of(BenchStage::Parse, case, count as u64, fastest);
        // Each byte has to be looked at at least once.
        let [_, check] = rig.bounds.hashes(count as u64, body.len() as u64);
        let bytes = body.len() / count.max(1);
        figures.push(figure.note(format!("{bytes} bytes an entry")).bound(check));
    }
    drop(inside);
    Ok(figures)
}

fn fastest(
    name: &str,
    body: &Bytes,
    count: usize,
    read: fn(&Bytes) -> usize,
) -> Result<Duration, BenchError> {
    let mut fastest = Duration::MAX;
    for _ in 0..PASSES {
        let (entries, elapsed) = timed(|| read(black_box(body)));
        if entries != count {
            return Err(BenchError::Failed {
                doing: format!("parsing a {name}"),
                why: format!("{entries} entries of {count}"),
            });
        }
        fastest = fastest.min(elapsed);
    }
    Ok(fastest)
}
