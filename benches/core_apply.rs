//! The pure core, in memory: no log, no codec, no thread.
//!
//! `ledger` is the double-entry core alone, with account numbers resolved: build the entry
//! (which proves its balance), claim its id against all history, check range and limits, write
//! it down. `book` is one level up: names are looked up, keys remembered, events built and
//! folded. State grows while it runs, as it does in life.

use std::time::Duration;

use criterion::{
    BatchSize, BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main,
    measurement::WallTime,
};
use tillroll_bench::stages::core::{STEP, apply};
use tillroll_bench::workload::Entries;
use tillroll_book::{Command, MemoryWriter};

fn settings(group: &mut BenchmarkGroup<'_, WallTime>) {
    group.sample_size(20);
    group.warm_up_time(Duration::from_millis(500));
    group.measurement_time(Duration::from_secs(2));
}

fn ledger(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("core_apply/ledger");
    settings(&mut group);
    group.throughput(Throughput::Elements(STEP as u64));
    for accounts in [10_000, 1_000_000] {
        let mut workload = Entries::among(accounts, 1);
        let mut ledger = workload.ledger();
        let name = BenchmarkId::new("entries", format!("{accounts} accounts"));
        group.bench_function(name, |bencher| {
            bencher.iter_batched(
                || (0..STEP).map(|_| workload.next_legs()).collect::<Vec<_>>(),
                |step| apply(&mut ledger, &step),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

fn book(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("core_apply/book");
    settings(&mut group);
    let opened = || {
        let workload = Entries::among(10_000, 2);
        let mut writer = MemoryWriter::default();
        for command in workload.opening() {
            apply_to(&mut writer, &command);
        }
        (workload, writer)
    };
    group.throughput(Throughput::Elements(100));
    group.bench_function("single entries", |bencher| {
        let (mut workload, mut writer) = opened();
        bencher.iter_batched(
            || (0..100).map(|_| workload.single()).collect::<Vec<_>>(),
            |commands| {
                commands
                    .iter()
                    .for_each(|command| apply_to(&mut writer, command))
            },
            BatchSize::PerIteration,
        );
    });
    group.throughput(Throughput::Elements(STEP as u64));
    group.bench_function("bulk of 1000", |bencher| {
        let (mut workload, mut writer) = opened();
        bencher.iter_batched(
            || workload.bulk(STEP),
            |command| apply_to(&mut writer, &command),
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

fn apply_to(writer: &mut MemoryWriter, command: &Command) {
    let records = writer.apply(command).expect("nothing is refused");
    assert!(!records.is_empty(), "nothing is known");
}

criterion_group!(benches, ledger, book);
criterion_main!(benches);
