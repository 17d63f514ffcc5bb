//! Read models, built from nothing: decode the records of a log in memory, write their rows
//! into SQLite in a file, commit them with the checkpoint. The commits are not synced, because
//! read models are disposable: nothing here is durable, and nothing needs to be.

use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tillroll_bench::workload::{FilledLog, bulk_log, commerce_log};
use tillroll_bench::{BenchError, memory_engine, timed};
use tillroll_benches::scratch;
use tillroll_engine::Engine;
use tillroll_log::MemoryLog;
use tillroll_projections::Projector;

fn projection(criterion: &mut Criterion) {
    let mut scratch = scratch(env!("CARGO_TARGET_TMPDIR"));
    let mut group = criterion.benchmark_group("projection");
    group.sample_size(10);
    group.warm_up_time(Duration::from_millis(500));
    group.measurement_time(Duration::from_secs(3));
    type Fill = fn(&mut Engine<MemoryLog>) -> Result<FilledLog, BenchError>;
    let logs: [(&str, Fill); 2] = [
        ("bulk entries", |engine| bulk_log(engine, 10_000)),
        ("commerce", |engine| commerce_log(engine, 20)),
    ];
    for (name, fill) in logs {
        let mut engine = memory_engine();
        let filled = fill(&mut engine).expect("nothing is refused");
        let FilledLog {
            records, elements, ..
        } = filled;
        let log = engine.into_log();
        println!("{name}: {elements} in {records} records");
        group.throughput(Throughput::Elements(elements));
        group.bench_function(format!("rebuild, {name}"), |bencher| {
            bencher.iter_custom(|iterations| {
                let mut took = Duration::ZERO;
                for _ in 0..iterations {
                    let path = scratch
                        .fresh()
                        .expect("the disk is whole")
                        .join("read-models.sqlite");
                    let (built, time) = timed(|| Projector::rebuild(&path, &log, &mut |_| {}));
                    let built = built.expect("the disk is whole");
                    assert_eq!(built.checkpoint(), records);
                    took += time;
                }
                took
            });
        });
    }
    group.finish();
}

criterion_group!(benches, projection);
criterion_main!(benches);
