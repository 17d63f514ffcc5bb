//! Until when a caller waits for an answer.

use std::time::{Duration, Instant};

/// Until when a caller waits for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// The caller waits as long as it takes.
    pub const NEVER: Self = Self(None);

    /// The caller waits until then.
    #[must_use]
    pub const fn at(instant: Instant) -> Self {
        Self(Some(instant))
    }

    /// The caller waits for so long from now on; with [`Duration::ZERO`], it only asks.
    #[must_use]
    pub fn after(wait: Duration) -> Self {
        Self(Instant::now().checked_add(wait))
    }

    /// Whether the caller waits no more.
    #[must_use]
    pub fn has_passed(self) -> bool {
        self.0.is_some_and(|at| at <= Instant::now())
    }

    /// For how long the caller still waits; `None` when that has no end.
    #[must_use]
    pub fn remaining(self) -> Option<Duration> {
        let at = self.0?;
        Some(at.saturating_duration_since(Instant::now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_passes_once_its_time_has_come() {
        let now = Instant::now();
        let hour = Duration::from_secs(3600);
        for (deadline, passed) in [
            (Deadline::NEVER, false),
            (Deadline::at(now), true),
            (Deadline::after(Duration::ZERO), true),
            (Deadline::at(now + hour), false),
            (Deadline::after(Duration::MAX), false),
        ] {
            assert_eq!(deadline.has_passed(), passed, "{deadline:?}");
            let left = deadline.remaining();
            assert_eq!(left == Some(Duration::ZERO), passed, "{deadline:?}");
        }
    }
}
