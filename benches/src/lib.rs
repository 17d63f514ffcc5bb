//! Benchmarks and their workload
