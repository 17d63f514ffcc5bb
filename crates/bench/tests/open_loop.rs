//! The open loop's arithmetic, on a clock that moves only when it is told to.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tillroll_bench::BenchError;
use tillroll_bench::load::{CallSchedule, CallTimer, LoadCaller, Percentiles, drive};
use tillroll_log::testing::Random;

const MS: u64 = 1_000_000;

/// Time, as nanoseconds since the start.
#[derive(Clone, Debug, Default)]
struct FakeTime(Arc<Mutex<u64>>);

impl FakeTime {
    fn pass(&self, nanos: u64) {
        *self.0.lock().unwrap() += nanos;
    }

    fn now(&self) -> u64 {
        *self.0.lock().unwrap()
    }
}

/// Waits by moving the clock to when the next call is due.
struct FakeTimer {
    time: FakeTime,
    schedule: CallSchedule,
    made: Mutex<u64>,
}

impl CallTimer for FakeTimer {
    async fn next(&self) -> Option<u64> {
        let mut made = self.made.lock().unwrap();
        if *made == self.schedule.calls() {
            return None;
        }
        let call = *made;
        *made += 1;
        let due = u64::try_from(self.schedule.due(call).as_nanos()).unwrap();
        let wait = due.saturating_sub(self.time.now());
        self.time.pass(wait);
        Some(call)
    }

    fn now(&self) -> Duration {
        Duration::from_nanos(self.time.now())
    }
}

/// A server that takes so long for each call, one after the other.
struct Serves {
    time: FakeTime,
    takes: std::vec::IntoIter<u64>,
}

impl LoadCaller for Serves {
    async fn call(&mut self) -> Result<bool, BenchError> {
        match self.takes.next() {
            Some(nanos) => {
                self.time.pass(nanos);
                Ok(true)
            }
            None => Ok(false),
        }
    }
}

fn latencies(rate: u64, takes: Vec<u64>) -> Vec<u64> {
    let schedule = CallSchedule::new(rate, takes.len() as u64);
    let time = FakeTime::default();
    let pace = FakeTimer {
        time: time.clone(),
        schedule,
        made: Mutex::default(),
    };
    let mut server = Serves {
        time,
        takes: takes.into_iter(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let driven = drive(&mut server, schedule, &pace);
    runtime.unwrap().block_on(driven).unwrap()
}

#[test]
fn what_waits_behind_a_stall_is_late() {
    // One call a millisecond; the third stalls for five.
    let found = latencies(1_000, vec![MS / 2, MS / 2, 5 * MS, MS / 2, MS / 2, MS / 2]);
    let expected = [
        MS / 2,
        MS / 2,
        5 * MS,
        // Due at 3 ms, sent at 7 ms.
        4 * MS + MS / 2,
        // Due at 4 ms, sent at 7.5 ms.
        4 * MS,
        3 * MS + MS / 2,
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_server_that_is_quick_enough_is_never_late() {
    let found = latencies(1_000, vec![MS / 4; 100]);
    assert_eq!(found, vec![MS / 4; 100]);
}

#[test]
fn a_server_that_is_too_slow_falls_behind_without_bound() {
    // Two milliseconds for each call, and one due every millisecond: the nth answer is n + 2
    // milliseconds after its call was due. A closed loop would say two milliseconds for all.
    let found = latencies(1_000, vec![2 * MS; 50]);
    let expected: Vec<u64> = (0..50).map(|call| (call + 2) * MS).collect();
    assert_eq!(found, expected);
    assert!(Percentiles::of(&found).p50 > 20 * MS);
}

#[test]
fn due_calls_are_counted_as_they_are_scheduled() {
    for seed in 0..200 {
        let mut random = Random::new(seed);
        let rate = random.number() % 3_000_000 + 1;
        let calls = random.number() % 1_000_000;
        let schedule = CallSchedule::new(rate, calls);
        for _ in 0..100 {
            let moment = Duration::from_nanos(random.number() % 10_000_000_000);
            let due = schedule.due_by(moment);
            let at = format!("seed {seed}: {schedule:?} at {moment:?}: {due}");
            assert!(due <= calls, "{at}");
            assert!(due == 0 || schedule.due(due - 1) <= moment, "{at}");
            assert!(due == calls || schedule.due(due) > moment, "{at}");
        }
    }
}

#[test]
fn a_schedule_does_not_drift() {
    // A rate that divides no second evenly: after an hour it is still within a nanosecond.
    let schedule = CallSchedule::new(7, 7 * 3_600 + 1);
    assert_eq!(schedule.due(0), Duration::ZERO);
    assert_eq!(schedule.due(7 * 3_600), Duration::from_secs(3_600));
    assert_eq!(
        CallSchedule::new(0, 1).rate(),
        1,
        "no rate at all is one a second"
    );
}
