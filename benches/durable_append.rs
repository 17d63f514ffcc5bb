//! The log alone, on a real disk: seal a frame, write it, sync it. One iteration is one
//! frame. The records are opaque: no money, no codec. It is the bound of everything durable.

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use tillroll_bench::timed;
use tillroll_benches::scratch;
use tillroll_log::testing::Random;
use tillroll_log::{Batch, Deadline, Head, Log};

const RECORD_BYTES: usize = 256;

/// A log that has grown past this is replaced by an empty one, outside of the clock.
const LOG_BYTES: usize = 256 * 1024 * 1024;

fn durable_append(criterion: &mut Criterion) {
    let mut scratch = scratch(env!("CARGO_TARGET_TMPDIR"));
    let mut group = criterion.benchmark_group("durable_append");
    group.sample_size(20);
    group.warm_up_time(Duration::from_millis(500));
    group.measurement_time(Duration::from_secs(2));
    let mut random = Random::new(1);
    let record: Vec<u8> = (0..RECORD_BYTES)
        .map(|_| random.number().to_le_bytes()[0])
        .collect();
    for records in [1, 10, 100, 1_000, 8_000] {
        let mut batch = Batch::new();
        for _ in 0..records {
            batch.push(&record).expect("it fits");
        }
        group.throughput(Throughput::Elements(records));
        let name = BenchmarkId::new("256-byte records per sync", records);
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|iterations| {
                let mut took = Duration::ZERO;
                let mut log = scratch.log().expect("the disk is whole");
                let (mut written, mut head) = (0, Head::EMPTY);
                for _ in 0..iterations {
                    if written > LOG_BYTES {
                        drop(log);
                        log = scratch.log().expect("the disk is whole");
                        (written, head) = (0, Head::EMPTY);
                    }
                    let (appended, time) = timed(|| log.append(head, &mut batch, Deadline::NEVER));
                    head = appended.expect("the disk is whole").head;
                    took += time;
                    written += batch.byte_len();
                }
                took
            });
        });
    }
    group.finish();
}

criterion_group!(benches, durable_append);
criterion_main!(benches);
