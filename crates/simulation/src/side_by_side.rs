//! Seeds on several threads, told of in order, as one thread would.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::ops::{ControlFlow, Range};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;

use tillroll_simulation::{FailedSeed, SeedRun, SimulationOptions, simulate};

type End = Result<SeedRun, Box<FailedSeed>>;

/// Runs seeds on so many threads, and hands their ends over in the order of the seeds, until
/// the caller wants no more.
pub(crate) fn run(
    seeds: Range<u64>,
    jobs: NonZeroUsize,
    options: &SimulationOptions,
    mut next: impl FnMut(End) -> ControlFlow<()>,
) {
    if jobs.get() == 1 {
        for seed in seeds {
            if next(simulate(seed, options)).is_break() {
                break;
            }
        }
        return;
    }
    let free = AtomicU64::new(seeds.start);
    let is_over = AtomicBool::new(false);
    let (done, ends) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..jobs.get() {
            let (done, seeds, free, is_over) = (done.clone(), seeds.clone(), &free, &is_over);
            scope.spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    let seed = free.fetch_add(1, Ordering::Relaxed);
                    if !seeds.contains(&seed) || done.send((seed, simulate(seed, options))).is_err()
                    {
                        break;
                    }
                }
            });
        }
        drop(done);
        let (mut expected, mut early) = (seeds.start, BTreeMap::new());
        for (seed, end) in ends {
            early.insert(seed, end);
            while let Some(end) = early.remove(&expected) {
                expected += 1;
                if next(end).is_break() {
                    is_over.store(true, Ordering::Relaxed);
                    return;
                }
            }
        }
    });
}
