//! Reading a log back, from the first record to the last.
//!
//! `fold` is decode and evolve of a log in memory: what replay costs without a disk. `audit` is
//! the same with every law checked after every record. `start` is what a server does: recovery
//! with all checks of a log in files (in the system's cache), and the fold in the same pass.

use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use criterion::{
    BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main, measurement::WallTime,
};
use tillroll_bench::workload::{FilledLog, bulk_log, commerce_log};
use tillroll_bench::{BenchError, BenchScratch, FileEngine, memory_engine};
use tillroll_benches::scratch;
use tillroll_book::Chart;
use tillroll_engine::{Engine, audit, replay};
use tillroll_log::{LogReader, MemoryLog};

const ENTRIES: usize = 200_000;
const ROUNDS: u64 = 60;

fn settings(group: &mut BenchmarkGroup<'_, WallTime>) {
    group.sample_size(10);
    group.warm_up_time(Duration::from_millis(500));
    group.measurement_time(Duration::from_secs(2));
}

fn in_memory(
    fill: impl FnOnce(&mut Engine<MemoryLog>) -> Result<FilledLog, BenchError>,
) -> (MemoryLog, u64) {
    let mut engine = memory_engine();
    let elements = fill(&mut engine).expect("nothing is refused").elements;
    (engine.into_log(), elements)
}

fn reading(criterion: &mut Criterion) {
    let bulk = in_memory(|engine| bulk_log(engine, ENTRIES));
    let commerce = in_memory(|engine| commerce_log(engine, ROUNDS));
    let mut group = criterion.benchmark_group("replay");
    settings(&mut group);
    for (name, (log, elements)) in [("bulk entries", bulk), ("commerce", commerce)] {
        println!("{name}: {elements} entries or events");
        let reader: &dyn LogReader = &log;
        group.throughput(Throughput::Elements(elements));
        group.bench_function(format!("fold, {name}"), |bencher| {
            bencher.iter(|| {
                let folded = replay(reader, Chart::default(), None, |_| {});
                black_box(folded.expect("the log is whole"))
            });
        });
        group.bench_function(format!("audit, {name}"), |bencher| {
            bencher.iter(|| {
                let report = audit(reader, Chart::default(), None, |_| {});
                black_box(report.expect("every law holds"))
            });
        });
    }
    group.finish();
}

/// A log in files. Answers how many entries or events it has.
fn filled(
    directory: &Path,
    fill: impl FnOnce(&mut FileEngine) -> Result<FilledLog, BenchError>,
) -> u64 {
    let mut engine = BenchScratch::open_engine(directory).expect("the disk is whole");
    fill(&mut engine).expect("nothing is refused").elements
}

fn start(criterion: &mut Criterion) {
    let mut scratch = scratch(env!("CARGO_TARGET_TMPDIR"));
    let mut group = criterion.benchmark_group("replay");
    settings(&mut group);
    let directory = scratch.fresh().expect("the disk is whole");
    let elements = filled(&directory, |engine| bulk_log(engine, ENTRIES));
    group.throughput(Throughput::Elements(elements));
    group.bench_function("start, bulk entries", |bencher| {
        bencher
            .iter(|| black_box(BenchScratch::open_engine(&directory).expect("the log is whole")));
    });
    let directory = scratch.fresh().expect("the disk is whole");
    let elements = filled(&directory, |engine| commerce_log(engine, ROUNDS));
    group.throughput(Throughput::Elements(elements));
    group.bench_function("start, commerce", |bencher| {
        bencher
            .iter(|| black_box(BenchScratch::open_engine(&directory).expect("the log is whole")));
    });
    group.finish();
}

criterion_group!(benches, reading, start);
criterion_main!(benches);
