//! The engine in process: decide, encode, one frame, one sync, fold, answer.
//!
//! `bulk` calls the engine directly with one command of many entries. `clients` goes through
//! the queue to the writer's thread: each client sends one command with a key and waits for its
//! answer; the more there are, the more share a sync. `in memory` is the same without a disk:
//! what is not explained by the sync is explained there. No HTTP and no JSON anywhere.

use std::convert::identity;
use std::time::Duration;

use criterion::{
    BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main,
    measurement::WallTime,
};
use tillroll_bench::load::{EngineCaller, closed_loop, two_workers};
use tillroll_bench::workload::Entries;
use tillroll_bench::{execute, memory_engine, timed};
use tillroll_benches::scratch;
use tillroll_engine::{Engine, EngineOptions, spawn};
use tillroll_log::Log;

const ACCOUNTS: usize = 10_000;

/// Entries after which an engine is replaced by a fresh one, outside of the clock: bounds the
/// disk that a run takes.
const LIFE: usize = 1_000_000;

fn settings(group: &mut BenchmarkGroup<'_, WallTime>) {
    group.sample_size(10);
    group.warm_up_time(Duration::from_millis(500));
    group.measurement_time(Duration::from_secs(2));
}

fn opened<J: Log>(mut engine: Engine<J>, workload: &Entries) -> Engine<J> {
    let opening = workload.opening().collect();
    execute(&mut engine, opening).expect("nothing is refused");
    engine
}

/// Commands of `entries` entries, one at a time. `fresh` makes an engine over an empty log.
fn bulk<J: Log>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    entries: usize,
    mut fresh: impl FnMut() -> Engine<J>,
) {
    group.throughput(Throughput::Elements(entries as u64));
    group.bench_function(BenchmarkId::new(name, entries), |bencher| {
        bencher.iter_custom(|iterations| {
            let mut took = Duration::ZERO;
            let mut workload = Entries::among(ACCOUNTS, 1);
            // The engine before has to be gone when a fresh one takes its place on the disk.
            let mut engine = None;
            let mut posted = 0;
            for _ in 0..iterations {
                if posted + entries > LIFE {
                    engine = None;
                    posted = 0;
                }
                let engine = engine.get_or_insert_with(|| opened(fresh(), &workload));
                let command = workload.bulk(entries);
                let (done, time) = timed(|| execute(engine, vec![command]));
                done.expect("nothing is refused");
                took += time;
                posted += entries;
            }
            took
        });
    });
}

fn engine_bulk(criterion: &mut Criterion) {
    let mut scratch = scratch(env!("CARGO_TARGET_TMPDIR"));
    let mut group = criterion.benchmark_group("engine_end_to_end/bulk");
    settings(&mut group);
    for entries in [1_000, 8_000] {
        bulk(&mut group, "durable, entries per command", entries, || {
            scratch.engine().expect("the disk is whole")
        });
    }
    bulk(
        &mut group,
        "in memory, entries per command",
        8_000,
        memory_engine,
    );
    group.finish();
}

/// `clients` clients with `each` commands each, over and over.
fn singles<J: Log + 'static>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    (clients, each): (usize, usize),
    engine: Engine<J>,
) {
    let mut workload = Entries::among(ACCOUNTS, 1);
    let engine = opened(engine, &workload);
    let before = engine.metrics();
    let runtime = two_workers().expect("the system starts threads");
    let (handle, thread) = spawn(engine, EngineOptions::default());
    group.throughput(Throughput::Elements((clients * each) as u64));
    group.bench_function(BenchmarkId::new(name, clients), |bencher| {
        bencher.iter_custom(|iterations| {
            let mut took = Duration::ZERO;
            for _ in 0..iterations {
                let commands = (0..clients * each).map(|_| workload.single()).collect();
                let callers = EngineCaller::many(&handle, commands, clients, identity);
                let ran = runtime.block_on(closed_loop(callers, Duration::MAX));
                took += ran.expect("nothing is refused and nothing fails").elapsed;
            }
            took
        });
    });
    let after = handle.metrics();
    let commands = after.commands - before.commands;
    let syncs = after.batches() - before.batches();
    println!("{name}, {clients} clients: {commands} commands in {syncs} frames");
    handle.stop();
    thread.join().expect("the disk is whole");
}

fn engine_singles(criterion: &mut Criterion) {
    let mut scratch = scratch(env!("CARGO_TARGET_TMPDIR"));
    let mut group = criterion.benchmark_group("engine_end_to_end/single commands");
    settings(&mut group);
    for clients in [(1, 64), (16, 32), (256, 16), (1_024, 8)] {
        singles(
            &mut group,
            "durable, clients",
            clients,
            scratch.engine().expect("the disk is whole"),
        );
    }
    singles(&mut group, "in memory, clients", (256, 16), memory_engine());
    group.finish();
}

criterion_group!(benches, engine_bulk, engine_singles);
criterion_main!(benches);
