//! The closed loop, where the machine is too busy for its time.

use std::time::Duration;

use tillroll_bench::BenchError;
use tillroll_bench::load::{CallPool, LoadCaller, closed_loop, one_worker};

struct Takes(CallPool<u32>);

impl LoadCaller for Takes {
    async fn call(&mut self) -> Result<bool, BenchError> {
        Ok(self.0.take().is_some())
    }
}

fn calls(callers: usize, prepared: u32, limit: Duration) -> u64 {
    let pool = CallPool::new((0..prepared).collect());
    let callers = (0..callers).map(|_| Takes(pool.clone())).collect();
    let runtime = one_worker().unwrap();
    runtime.block_on(closed_loop(callers, limit)).unwrap().calls
}

#[test]
fn everybody_calls_at_least_once() {
    // A loop of no calls has no rate, and an open loop at half of none would never end.
    assert_eq!(calls(7, 1_000, Duration::ZERO), 7);
}

#[test]
fn it_ends_when_nothing_is_left_to_call_for() {
    assert_eq!(calls(3, 10, Duration::MAX), 10);
    assert_eq!(calls(3, 0, Duration::MAX), 0);
}
