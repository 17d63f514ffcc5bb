//! The engine in process: decide, encode, one frame, one sync, fold, answer.
//!
//! `bulk` calls the engine directly with one command of many entries. `clients` goes through
//! the queue to the writer's thread: each client sends one command with a key and waits for its
//! answer; the more there are, the more share a sync. `in memory` is the same without a disk:
//! what is not explained by the sync is explained there. No HTTP and no JSON anywhere.

use std::time::Duration;

use criterion::{
    BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main,
    measurement::WallTime,
};
use tillroll_benches::{Clients, Entries, Scratch, runtime, timed};
use tillroll_book::{Chart, Command};
use tillroll_engine::{Engine, Options, spawn};
use tillroll_journal::{Journal, MemoryJournal};

const ACCOUNTS: usize = 10_000;

/// Entries after which an engine is replaced by a fresh one, outside of the clock: bounds the
/// disk that a run takes.
const LIFE: usize = 1_000_000;

fn settings(group: &mut BenchmarkGroup<'_, WallTime>) {
    group.sample_size(10);
    group.warm_up_time(Duration::from_millis(500));
    group.measurement_time(Duration::from_secs(2));
}

fn opened<J: Journal>(mut engine: Engine<J>, workload: &Entries) -> Engine<J> {
    execute(&mut engine, workload.opening());
    engine
}

fn execute<J: Journal>(engine: &mut Engine<J>, commands: Vec<Command>) {
    let answers = engine.execute(commands).expect("the disk is whole");
    assert!(answers.iter().all(Result::is_ok), "nothing is refused");
}

fn in_memory() -> Engine<MemoryJournal> {
    let engine = Engine::open(MemoryJournal::new(), [1; 16], Chart::default(), |_| {});
    engine.expect("an empty log opens")
}

/// Commands of `entries` entries, one at a time. `fresh` makes an engine over an empty log.
fn bulk<J: Journal>(
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
                took += timed(|| execute(engine, vec![command])).1;
                posted += entries;
            }
            took
        });
    });
}

fn engine_bulk(criterion: &mut Criterion) {
    let mut scratch = Scratch::new(env!("CARGO_TARGET_TMPDIR"));
    let mut group = criterion.benchmark_group("engine_end_to_end/bulk");
    settings(&mut group);
    for entries in [1_000, 8_000] {
        bulk(&mut group, "durable, entries per command", entries, || {
            scratch.engine()
        });
    }
    bulk(
        &mut group,
        "in memory, entries per command",
        8_000,
        in_memory,
    );
    group.finish();
}

/// `clients` clients with `each` commands each, over and over.
fn singles<J: Journal + 'static>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    (clients, each): (usize, usize),
    engine: Engine<J>,
) {
    let mut workload = Entries::among(ACCOUNTS, 1);
    let engine = opened(engine, &workload);
    let before = engine.metrics();
    let runtime = runtime();
    let (handle, thread) = spawn(engine, Options::default());
    group.throughput(Throughput::Elements((clients * each) as u64));
    group.bench_function(BenchmarkId::new(name, clients), |bencher| {
        bencher.iter_custom(|iterations| {
            let mut took = Duration::ZERO;
            for _ in 0..iterations {
                let clients = Clients::new(clients, each, || workload.single());
                took += clients.run(&runtime, &handle);
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
    let mut scratch = Scratch::new(env!("CARGO_TARGET_TMPDIR"));
    let mut group = criterion.benchmark_group("engine_end_to_end/single commands");
    settings(&mut group);
    for clients in [(1, 64), (16, 32), (256, 16), (1_024, 8)] {
        singles(&mut group, "durable, clients", clients, scratch.engine());
    }
    singles(&mut group, "in memory, clients", (256, 16), in_memory());
    group.finish();
}

criterion_group!(benches, engine_bulk, engine_singles);
criterion_main!(benches);
