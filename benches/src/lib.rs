//! What the criterion benches share beside the workload: where their files go.

use std::path::PathBuf;

use tillroll_bench::BenchScratch;

/// A place for files in `TILLROLL_BENCH_DIR`, or else in `default`. The system's own place for
/// temporary files will not do: it is often kept in memory, where a sync costs nothing.
///
/// # Panics
/// When it cannot be made.
#[must_use]
pub fn scratch(default: &str) -> BenchScratch {
    let root = std::env::var_os("TILLROLL_BENCH_DIR").map_or(default.into(), PathBuf::from);
    BenchScratch::below(&root).unwrap_or_else(|error| panic!("{error}"))
}
