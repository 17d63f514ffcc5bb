//! The clocks that clients stamp their commands by: mostly running, sometimes jumping, back too.

use tillroll_events::Timestamp;

use crate::chance::Chance;
use crate::tally::{Count, Tally};

const SECOND: i64 = 1_000_000;
const HOUR: i64 = 3600 * SECOND;
const DAY: i64 = 24 * HOUR;

#[derive(Debug)]
pub(crate) struct ClientClock {
    micros: i64,
    /// Of one that never goes back by more than the writer puts up with: the latest that it said.
    steady: Option<i64>,
}

/// Less than what the writer puts up with.
const PUT_UP_WITH: i64 = 200 * SECOND;

impl ClientClock {
    pub(crate) fn new() -> Self {
        Self {
            micros: 1_790_000_000 * SECOND,
            steady: None,
        }
    }

    /// One that jumps forward, and back by minutes only.
    pub(crate) fn steady() -> Self {
        let clock = Self::new();
        Self {
            steady: Some(clock.micros),
            ..clock
        }
    }

    /// Time passes between two batches.
    pub(crate) fn tick(&mut self, chance: &mut Chance, tally: &mut Tally) {
        let most = chance.weighted(&[
            (70, 5 * SECOND),
            (12, HOUR),
            (6, 40 * DAY),
            (8, -2 * HOUR),
            (1, -3 * DAY),
            (3, 0),
        ]);
        if most < 0 {
            tally.add(Count::ClockBack);
        } else if most > HOUR {
            tally.add(Count::ClockForward);
        }
        let part = i64::try_from(chance.below(1000)).expect("below 1000");
        self.micros += most / 1000 * part;
        self.keep_steady();
    }

    /// What one client reads. Two may read the same, and not every client's clock is exact.
    pub(crate) fn read(&mut self, chance: &mut Chance) -> Timestamp {
        let skew = i64::try_from(chance.below(4000)).expect("below 4000") - 1000;
        self.micros += skew.max(0);
        self.keep_steady();
        Timestamp::from_micros(self.micros + skew.min(0))
    }

    fn keep_steady(&mut self) {
        if let Some(latest) = &mut self.steady {
            self.micros = self.micros.max(*latest - PUT_UP_WITH);
            *latest = self.micros.max(*latest);
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.micros)
    }
}
