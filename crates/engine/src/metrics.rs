//! What the engine counts about itself. Reading it takes no lock.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Records in one frame.
const RECORDS: &[u64] = &[
    1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192,
];

/// Nanoseconds of one append, sync included: 50 us to 1 s.
const NANOS: &[u64] = &[
    50_000,
    100_000,
    200_000,
    500_000,
    1_000_000,
    2_000_000,
    5_000_000,
    10_000_000,
    20_000_000,
    50_000_000,
    100_000_000,
    1_000_000_000,
];

/// The engine's counters at one moment, since it was opened. They are read one after the other,
/// so that two of them may differ by what happened in between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineMetrics {
    /// Commands that were decided, whatever came of them.
    pub commands: u64,
    /// Of these, refused by the book.
    pub refused: u64,
    /// Of these, applied before.
    pub replayed: u64,
    /// Commands that were turned away because the queue was full. They are not in `commands`.
    pub overloaded: u64,
    /// Appends that were tried again, because the log gave no final answer.
    pub retries: u64,
    /// How often another writer had appended before this one.
    pub superseded: u64,
    /// Records made durable.
    pub records: u64,
    /// Bytes of these records, with their length prefixes.
    pub bytes: u64,
    /// Records per frame. Its `count` is the number of frames, and so of syncs.
    pub batch_records: Histogram,
    /// Nanoseconds per append, from the call to the end of the sync.
    pub append_nanos: Histogram,
    /// Requests that wait in the queue; 0 for an engine without a thread.
    pub queue_depth: usize,
    /// The most that can wait.
    pub queue_capacity: usize,
}

impl EngineMetrics {
    /// Frames made durable, with one sync each.
    #[must_use]
    pub fn batches(&self) -> u64 {
        self.batch_records.count
    }
}

/// How often a value was at most which bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Histogram {
    /// Upper bounds, included; the last bucket has none.
    pub bounds: &'static [u64],
    /// Per bucket, not cumulative: one more than there are bounds.
    pub counts: Vec<u64>,
    pub count: u64,
    pub sum: u64,
}

#[derive(Debug)]
struct Buckets {
    bounds: &'static [u64],
    counts: Box<[AtomicU64]>,
    sum: AtomicU64,
}

impl Buckets {
    fn new(bounds: &'static [u64]) -> Self {
        Self {
            bounds,
            counts: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(),
            sum: AtomicU64::new(0),
        }
    }

    fn observe(&self, value: u64) {
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        self.counts[bucket].fetch_add(1, Relaxed);
        self.sum.fetch_add(value, Relaxed);
    }

    fn read(&self) -> Histogram {
        let counts: Vec<u64> = self
            .counts
            .iter()
            .map(|count| count.load(Relaxed))
            .collect();
        Histogram {
            bounds: self.bounds,
            count: counts.iter().sum(),
            counts,
            sum: self.sum.load(Relaxed),
        }
    }
}

/// The live counters, shared by the engine and its handles.
#[derive(Debug)]
pub(crate) struct Counters {
    commands: AtomicU64,
    refused: AtomicU64,
    replayed: AtomicU64,
    overloaded: AtomicU64,
    retries: AtomicU64,
    superseded: AtomicU64,
    records: AtomicU64,
    bytes: AtomicU64,
    batch_records: Buckets,
    append_nanos: Buckets,
}

impl Counters {
    pub(crate) fn new() -> Self {
        Self {
            commands: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            replayed: AtomicU64::new(0),
            overloaded: AtomicU64::new(0),
            retries: AtomicU64::new(0),
            superseded: AtomicU64::new(0),
            records: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            batch_records: Buckets::new(RECORDS),
            append_nanos: Buckets::new(NANOS),
        }
    }

    pub(crate) fn command(&self) {
        self.commands.fetch_add(1, Relaxed);
    }

    pub(crate) fn refusal(&self) {
        self.refused.fetch_add(1, Relaxed);
    }

    pub(crate) fn replay(&self) {
        self.replayed.fetch_add(1, Relaxed);
    }

    pub(crate) fn overload(&self) {
        self.overloaded.fetch_add(1, Relaxed);
    }

    pub(crate) fn retried(&self, times: u32) {
        if times > 0 {
            self.retries.fetch_add(times.into(), Relaxed);
        }
    }

    pub(crate) fn superseded(&self) {
        self.superseded.fetch_add(1, Relaxed);
    }

    pub(crate) fn append(&self, records: u64, bytes: u64, took: Duration) {
        self.records.fetch_add(records, Relaxed);
        self.bytes.fetch_add(bytes, Relaxed);
        self.batch_records.observe(records);
        self.append_nanos
            .observe(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Relaxed)
    }

    pub(crate) fn read(&self) -> EngineMetrics {
        EngineMetrics {
            commands: self.commands.load(Relaxed),
            refused: self.refused.load(Relaxed),
            replayed: self.replayed.load(Relaxed),
            overloaded: self.overloaded.load(Relaxed),
            retries: self.retries.load(Relaxed),
            superseded: self.superseded.load(Relaxed),
            records: self.records.load(Relaxed),
            bytes: self.bytes.load(Relaxed),
            batch_records: self.batch_records.read(),
            append_nanos: self.append_nanos.read(),
            queue_depth: 0,
            queue_capacity: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_the_last_value_of_its_bucket() {
        let buckets = Buckets::new(&[1, 4]);
        for value in [0, 1, 2, 4, 5, u64::MAX / 2] {
            buckets.observe(value);
        }
        let read = buckets.read();
        assert_eq!((read.counts, read.count), (vec![2, 2, 2], 6));
        assert_eq!(read.sum, 12 + u64::MAX / 2);
    }
}
