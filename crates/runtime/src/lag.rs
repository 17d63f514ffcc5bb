//! How far the read models are behind the log, in positions and in time.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tillroll_engine::{Handle, Position};
use tillroll_log::{Deadline, LogReader};
use tillroll_projections::Checkpoint;

use crate::BookClock;

/// How often it is looked where the log ends.
pub(crate) const LOOK: Duration = Duration::from_secs(1);
/// So many looks are kept, while the read models stand still: from there on the older half gets
/// coarser.
const MOST_LOOKS: usize = 256;

/// What the log holds and the read models do not show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lag {
    pub positions: u64,
    /// How long the first of them has been on the log, to about a second.
    pub time: Duration,
}

/// What a look has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Current,
    Behind,
    /// Behind since before the book was opened, which only the times of the records tell.
    Recorded,
}

/// Remembers where the log ended when.
///
/// The book's clock may jump, so that time is measured without it, except for what was on the log
/// before the book was opened.
#[derive(Debug)]
pub(crate) struct LagWatch {
    opened: Instant,
    /// Where the log ended when the book was opened.
    first_head: u64,
    seen: Mutex<Looks>,
}

#[derive(Debug, Default)]
struct Looks {
    /// Where the log ended at a look, and how long after the opening that was.
    heads: VecDeque<(u64, Duration)>,
    /// How old the first record behind the read models was when the book was opened.
    age: Duration,
}

impl LagWatch {
    /// For a book that was just opened. It reads a record of the log where the read models are
    /// behind.
    pub(crate) fn new(engine: &Handle, checkpoint: &Checkpoint, clock: &dyn BookClock) -> Self {
        let head = engine.head().get();
        let watch = Self {
            opened: Instant::now(),
            first_head: head,
            seen: Mutex::default(),
        };
        if watch.look(head, checkpoint.position()) == Seen::Recorded {
            watch.read(&*engine.reader(), checkpoint.position(), clock);
        }
        watch
    }

    /// Notes where the log ends.
    pub(crate) fn look(&self, head: u64, position: u64) -> Seen {
        let now = self.opened.elapsed();
        self.looks().look(head, position, now);
        if position >= head {
            Seen::Current
        } else if position < self.first_head {
            Seen::Recorded
        } else {
            Seen::Behind
        }
    }

    /// Finds in the log how old the first record behind a position is.
    pub(crate) fn read(&self, reader: &dyn LogReader, position: u64, clock: &dyn BookClock) {
        let next = Position::new(position).next();
        let recorded = match reader.read_one(next, Deadline::NEVER) {
            Ok(Some(bytes)) => tillroll_events::Record::decode(&bytes)
                .map(|record| record.recorded_at)
                .map_err(|error| error.to_string()),
            Ok(None) => return,
            Err(error) => Err(error.to_string()),
        };
        match recorded {
            Ok(recorded_at) => {
                let age = clock.now().micros().saturating_sub(recorded_at.micros());
                let age = Duration::from_micros(u64::try_from(age).unwrap_or(0));
                self.looks().age = age.saturating_sub(self.opened.elapsed());
            }
            Err(error) => tracing::error!(error, "the lag of the read models is not known"),
        }
    }

    /// The lag, of read models that are at a position.
    pub(crate) fn at(&self, head: u64, position: u64) -> Option<Lag> {
        let positions = head
            .checked_sub(position)
            .filter(|positions| *positions > 0)?;
        let now = self.opened.elapsed();
        let looks = self.looks();
        let time = match position < self.first_head {
            true => now + looks.age,
            false => looks.behind_for(position, now),
        };
        Some(Lag { positions, time })
    }

    fn looks(&self) -> std::sync::MutexGuard<'_, Looks> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Looks {
    fn look(&mut self, head: u64, position: u64, now: Duration) {
        while self
            .heads
            .front()
            .is_some_and(|(head, _)| *head <= position)
        {
            self.heads.pop_front();
        }
        let known = self.heads.back().map_or(position, |(head, _)| *head);
        if head > known {
            self.heads.push_back((head, now));
        }
        if self.heads.len() > MOST_LOOKS {
            // The first says since when it is behind, which is what is asked most.
            let mut nth = 0;
            self.heads.retain(|_| {
                nth += 1;
                nth == 1 || nth > MOST_LOOKS / 2 || nth % 2 == 1
            });
        }
    }

    /// How long ago it was seen that the log had gone on behind a position.
    fn behind_for(&self, position: u64, now: Duration) -> Duration {
        let mut heads = self.heads.iter();
        let first = heads.find(|(head, _)| *head > position);
        first.map_or(Duration::ZERO, |(_, at)| now.saturating_sub(*at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lag_lasts_since_the_log_went_on_behind_the_position() {
        //  looks: seconds, head, position of the read models => at 100 s: position, seconds behind
        type Look = (u64, u64, u64);
        let table: &[(&[Look], u64, u64)] = &[
            (&[], 10, 0),
            (&[(1, 10, 10), (2, 20, 10)], 10, 98),
            (&[(1, 20, 10), (2, 30, 10)], 10, 99),
            // It has come as far as the first look by now, and not as far as the second.
            (&[(1, 20, 10), (2, 30, 10)], 20, 98),
            (&[(1, 20, 10), (2, 30, 10)], 30, 0),
            (&[(1, 20, 10), (2, 30, 20), (50, 40, 30)], 30, 50),
            // The log stood still meanwhile.
            (&[(1, 20, 10), (60, 20, 10)], 10, 99),
        ];
        for (looks, position, expected) in table {
            let mut seen = Looks::default();
            for (at, head, position) in *looks {
                seen.look(*head, *position, Duration::from_secs(*at));
            }
            let behind = seen.behind_for(*position, Duration::from_secs(100));
            assert_eq!(behind.as_secs(), *expected, "{looks:?} {position}");
        }
    }

    #[test]
    fn looks_are_bounded_and_the_first_is_kept() {
        let mut seen = Looks::default();
        for second in 1..100_000 {
            seen.look(second, 0, Duration::from_secs(second));
            assert!(seen.heads.len() <= MOST_LOOKS);
        }
        let behind = seen.behind_for(0, Duration::from_secs(100_000));
        assert_eq!(behind.as_secs(), 99_999);
        let heads: Vec<_> = seen.heads.iter().map(|(head, _)| *head).collect();
        assert!(heads.is_sorted(), "{heads:?}");
    }
}
