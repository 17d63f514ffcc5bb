//! Reading a log back, from the first record to the last.
//!
//! `fold` is decode and evolve of a log in memory: what replay costs without a disk. `audit` is
//! the same with every law checked after every record. `start` is what a server does: recovery
//! with all checks of a log in files (in the system's cache), and the fold in the same pass.

use std::hint::black_box;
use std::time::Duration;

use criterion::{
    BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main, measurement::WallTime,
};
use tillroll_benches::{Scratch, bulk_log, commerce_log};
use tillroll_book::Chart;
use tillroll_engine::{Engine, audit, replay};
use tillroll_journal::{JournalReader, MemoryJournal};

const ENTRIES: usize = 200_000;
const ROUNDS: u64 = 60;

fn settings(group: &mut BenchmarkGroup<'_, WallTime>) {
    group.sample_size(10);
    group.warm_up_time(Duration::from_millis(500));
    group.measurement_time(Duration::from_secs(2));
}

fn in_memory(fill: impl FnOnce(&mut Engine<MemoryJournal>) -> u64) -> (MemoryJournal, u64) {
    let engine = Engine::open(MemoryJournal::new(), [1; 16], Chart::default(), |_| {});
    let mut engine = engine.expect("an empty log opens");
    let records = fill(&mut engine);
    (engine.into_journal(), records)
}

fn reading(criterion: &mut Criterion) {
    let bulk = in_memory(|engine| bulk_log(engine, ENTRIES));
    let commerce = in_memory(|engine| commerce_log(engine, ROUNDS));
    let mut group = criterion.benchmark_group("replay");
    settings(&mut group);
    for (name, (journal, records)) in [("bulk entries", bulk), ("commerce", commerce)] {
        println!("{name}: {records} records");
        let reader: &dyn JournalReader = &journal;
        group.throughput(Throughput::Elements(records));
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

fn start(criterion: &mut Criterion) {
    let mut scratch = Scratch::new(env!("CARGO_TARGET_TMPDIR"));
    let mut group = criterion.benchmark_group("replay");
    settings(&mut group);
    let directory = scratch.fresh();
    let records = bulk_log(&mut Scratch::open_engine(&directory), ENTRIES);
    group.throughput(Throughput::Elements(records));
    group.bench_function("start, bulk entries", |bencher| {
        bencher.iter(|| black_box(Scratch::open_engine(&directory)));
    });
    let directory = scratch.fresh();
    let records = commerce_log(&mut Scratch::open_engine(&directory), ROUNDS);
    group.throughput(Throughput::Elements(records));
    group.bench_function("start, commerce", |bencher| {
        bencher.iter(|| black_box(Scratch::open_engine(&directory)));
    });
    group.finish();
}

criterion_group!(benches, reading, start);
criterion_main!(benches);
