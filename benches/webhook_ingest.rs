//! A Stripe webhook, from the bytes on the wire to a durable event.
//!
//! `verify` is the signature alone, `verify and translate` adds reading the body into facts.
//! `durable` is all of it: decide, post the difference, append, sync. The deliveries are those
//! of all life cycles of a payment, each once and in order, for orders that exist; no HTTP.

use std::hint::black_box;
use std::time::Duration;

use criterion::{
    BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main,
    measurement::WallTime,
};
use tillroll_bench::load::{EngineCaller, closed_loop, two_workers};
use tillroll_bench::workload::{SignedWebhook, Webhooks};
use tillroll_bench::{BenchScratch, FileEngine, execute, timed};
use tillroll_benches::scratch;
use tillroll_engine::{EngineOptions, spawn};
use tillroll_stripe::verify;

fn settings(group: &mut BenchmarkGroup<'_, WallTime>) {
    group.sample_size(10);
    group.warm_up_time(Duration::from_millis(500));
    group.measurement_time(Duration::from_secs(2));
}

fn reading(criterion: &mut Criterion, webhooks: &Webhooks) {
    let secrets = Webhooks::secrets();
    let deliveries = &webhooks.deliveries[..1_000];
    let mut group = criterion.benchmark_group("webhook_ingest/reading");
    settings(&mut group);
    group.throughput(Throughput::Elements(deliveries.len() as u64));
    group.bench_function("verify", |bencher| {
        bencher.iter(|| {
            for SignedWebhook { header, body, at } in deliveries {
                let header = Some(header.as_bytes());
                verify(header, body.as_bytes(), &secrets, *at).expect("it is authentic");
            }
        });
    });
    group.bench_function("verify and translate", |bencher| {
        bencher.iter(|| {
            for delivery in deliveries {
                black_box(delivery.command(&secrets));
            }
        });
    });
    group.finish();
}

/// An engine that knows the orders.
fn opened(scratch: &mut BenchScratch, webhooks: &Webhooks) -> FileEngine {
    let mut engine = scratch.engine().expect("the disk is whole");
    execute(&mut engine, webhooks.orders.clone()).expect("nothing is refused");
    engine
}

/// So many deliveries share a sync.
fn together(criterion: &mut Criterion, scratch: &mut BenchScratch, webhooks: &Webhooks) {
    let secrets = Webhooks::secrets();
    let mut group = criterion.benchmark_group("webhook_ingest/durable");
    settings(&mut group);
    for size in [1, 64, 512] {
        group.throughput(Throughput::Elements(size as u64));
        group.bench_function(BenchmarkId::new("deliveries per sync", size), |bencher| {
            bencher.iter_custom(|iterations| {
                let mut took = Duration::ZERO;
                let mut engine = None;
                let mut rest = webhooks.deliveries.chunks_exact(size);
                for _ in 0..iterations {
                    let chunk = rest.next().unwrap_or_else(|| {
                        // Every delivery was made: once more, to a fresh engine.
                        engine = None;
                        rest = webhooks.deliveries.chunks_exact(size);
                        rest.next().expect("there are enough for one")
                    });
                    let engine = engine.get_or_insert_with(|| opened(scratch, webhooks));
                    let work = || {
                        let commands = chunk.iter().map(|delivery| delivery.command(&secrets));
                        execute(engine, commands.collect())
                    };
                    let (done, time) = timed(work);
                    done.expect("nothing is refused");
                    took += time;
                }
                took
            });
        });
    }
    group.finish();
}

/// Everything through the queue, from senders that wait for the answer before they send the
/// next. Reading is done by the senders, beside the writer.
fn queued(criterion: &mut Criterion, scratch: &mut BenchScratch, webhooks: &Webhooks) {
    const SENDERS: usize = 64;
    let runtime = two_workers().expect("the system starts threads");
    let mut group = criterion.benchmark_group("webhook_ingest/queued");
    settings(&mut group);
    group.throughput(Throughput::Elements(webhooks.deliveries.len() as u64));
    group.bench_function(BenchmarkId::new("senders", SENDERS), |bencher| {
        bencher.iter_custom(|iterations| {
            let mut took = Duration::ZERO;
            for _ in 0..iterations {
                let (handle, thread) = spawn(opened(scratch, webhooks), EngineOptions::default());
                let deliveries = webhooks.deliveries.clone();
                let command = |delivery: SignedWebhook| delivery.command(&Webhooks::secrets());
                let senders = EngineCaller::many(&handle, deliveries, SENDERS, command);
                let ran = runtime.block_on(closed_loop(senders, Duration::MAX));
                took += ran.expect("nothing is refused and nothing fails").elapsed;
                handle.stop();
                thread.join().expect("the disk is whole");
            }
            took
        });
    });
    group.finish();
}

fn webhook_ingest(criterion: &mut Criterion) {
    let mut scratch = scratch(env!("CARGO_TARGET_TMPDIR"));
    let webhooks = Webhooks::rounds(60);
    println!("{} deliveries", webhooks.deliveries.len());
    reading(criterion, &webhooks);
    together(criterion, &mut scratch, &webhooks);
    queued(criterion, &mut scratch, &webhooks);
}

criterion_group!(benches, webhook_ingest);
criterion_main!(benches);
