//! Whether a clock can be right, by what the roll says. Nothing here reads one.
//!
//! Recorded times order nothing: positions do. They are still what holds end by and what people ask
//! for, so that one start with a wrong clock must not stamp the roll for ever. A little is put up
//! with, because clocks are set by a little all the time; beyond that no command is applied until
//! the clock is right again, or the operator says that it is ([`crate::ConfirmClock`]).

use tillroll_events::Timestamp;

const SECOND: i64 = 1_000_000;
const DAY: i64 = 24 * 3600 * SECOND;

/// How far from the last recorded time a clock may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockLimits {
    /// Microseconds behind it.
    pub behind: i64,
    /// Microseconds ahead of it: for so long a book may have slept.
    pub ahead: i64,
}

impl Default for ClockLimits {
    fn default() -> Self {
        Self {
            behind: 300 * SECOND,
            ahead: 366 * DAY,
        }
    }
}

/// Why a clock is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClockFault {
    #[error("the clock says {now}, which cannot be: it is before 1970, or after 9999")]
    Impossible { now: Timestamp },
    #[error("the clock says {now}, and the last event was recorded at {last}, after that")]
    Behind { last: Timestamp, now: Timestamp },
    #[error("the clock says {now}, and the last event was recorded at {last}, long before")]
    Ahead { last: Timestamp, now: Timestamp },
}

impl ClockLimits {
    /// No limits: whatever is not impossible is believed, and what is behind waits for the clock to
    /// pass it. For measurements, whose books are made by other times.
    pub const ANY: Self = Self {
        behind: i64::MAX,
        ahead: i64::MAX,
    };

    /// Limits for a book that may have slept for so many days.
    #[must_use]
    pub fn asleep_for(days: u32) -> Self {
        Self {
            ahead: i64::from(days).saturating_mul(DAY),
            ..Self::default()
        }
    }

    /// Whether a clock that says `now` is believed, where the last event was recorded at `last`.
    ///
    /// # Errors
    /// Why it is not.
    pub fn check(&self, last: Option<Timestamp>, now: Timestamp) -> Result<(), ClockFault> {
        // The last that the calendar can print is what anything later reads as.
        if now < Timestamp::from_micros(0) || now == Timestamp::from_micros(i64::MAX) {
            return Err(ClockFault::Impossible { now });
        }
        let Some(last) = last else {
            return Ok(());
        };
        let ahead = now.micros().saturating_sub(last.micros());
        if ahead > self.ahead {
            return Err(ClockFault::Ahead { last, now });
        }
        if ahead < -self.behind {
            return Err(ClockFault::Behind { last, now });
        }
        Ok(())
    }

    /// The same, where `seen` was believed since the last event was recorded: time may pass without
    /// an event.
    ///
    /// # Errors
    /// Why the clock is not believed.
    pub fn check_between(
        &self,
        last: Option<Timestamp>,
        seen: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), ClockFault> {
        match self.check(last, now) {
            Err(ClockFault::Ahead { .. }) if seen > last => match self.check(seen, now) {
                Err(ClockFault::Behind { .. }) => Ok(()),
                checked => checked,
            },
            checked => checked,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_believed_within_minutes_behind_and_a_year_ahead() {
        let time = |text: &str| text.parse::<Timestamp>().unwrap();
        #[rustfmt::skip]
        let table = [
            // The last event, the clock, and what is wrong.
            (None,                         "2026-11-23T09:30:00Z", ""),
            (None,                         "1970-01-01T00:00:00Z", ""),
            (None,                         "1969-12-31T23:59:59Z", "impossible"),
            (None,                         "9999-12-30T22:00:00Z", "impossible"),
            (None,                         "9999-12-30T21:59:59Z", ""),
            (Some("2026-11-23T09:30:00Z"), "2026-11-23T09:30:00Z", ""),
            (Some("2026-11-23T09:30:00Z"), "2026-11-23T09:25:00Z", ""),
            (Some("2026-11-23T09:30:00Z"), "2026-11-23T09:24:59Z", "behind"),
            (Some("2026-11-23T09:30:00Z"), "1996-11-23T09:30:00Z", "behind"),
            (Some("2026-11-23T09:30:00Z"), "1969-11-23T09:30:00Z", "impossible"),
            (Some("2026-11-23T09:30:00Z"), "2027-11-24T09:30:00Z", ""),
            (Some("2026-11-23T09:30:00Z"), "2027-11-24T09:30:01Z", "ahead"),
            (Some("2026-11-23T09:30:00Z"), "2056-11-23T09:30:00Z", "ahead"),
            (Some("2026-11-23T09:30:00Z"), "9999-12-30T22:00:00Z", "impossible"),
            // Of rolls that a wrong clock has stamped already.
            (Some("-009999-01-02T01:59:59Z"), "2026-11-23T09:30:00Z", "ahead"),
            (Some("9999-12-30T22:00:00Z"), "2026-11-23T09:30:00Z", "behind"),
        ];
        for (last, now, expected) in table {
            let checked = ClockLimits::default().check(last.map(time), time(now));
            let found = match checked {
                Ok(()) => "",
                Err(ClockFault::Impossible { .. }) => "impossible",
                Err(ClockFault::Behind { .. }) => "behind",
                Err(ClockFault::Ahead { .. }) => "ahead",
            };
            assert_eq!(found, expected, "{last:?} {now}");
        }
    }
}
