//! One append, tried until its answer is final.
//!
//! A log may answer that it does not know whether a frame is there: the answer got lost, or the
//! append is still on its way. Appending the same frame behind the same head again settles that,
//! because it has no further effect where the frame is there already. So the engine asks again,
//! and callers that wait for the frame get no answer meanwhile.

use std::thread;
use std::time::Duration;

use tillroll_log::{AppendError, Committed, Deadline, Head, Log, Remedy};

use crate::sequencer::PendingFrame;

/// How long the engine tries to append one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// How long the log may take for one answer.
    pub answer_within: Duration,
    /// How often a frame is appended before the engine gives up, the first time included.
    pub attempts: u32,
    /// The pause after the first attempt. It doubles with each further one.
    pub pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
}

impl Default for Patience {
    /// About half a minute of pauses: a leader of a cluster is elected in less.
    fn default() -> Self {
        Self {
            answer_within: Duration::from_secs(10),
            attempts: 20,
            pause: Duration::from_millis(5),
            longest_pause: Duration::from_secs(2),
        }
    }
}

impl Patience {
    pub(crate) fn deadline(&self) -> Deadline {
        Deadline::after(self.answer_within)
    }

    /// The pause after so many attempts.
    fn pause_after(&self, attempts: u32) -> Duration {
        let doubled = 1_u32.checked_shl(attempts.saturating_sub(1).min(31));
        let pause = doubled.and_then(|factor| self.pause.checked_mul(factor));
        pause.map_or(self.longest_pause, |pause| pause.min(self.longest_pause))
    }

    /// Waits before the next attempt.
    #[expect(
        clippy::disallowed_methods,
        reason = "only a log that gave no final answer makes the thread that appends wait"
    )]
    pub(crate) fn wait_after(&self, attempts: u32) {
        let pause = self.pause_after(attempts);
        if !pause.is_zero() {
            thread::sleep(pause);
        }
    }
}

/// The final answer to an append.
#[derive(Debug)]
pub(crate) enum Verdict {
    Committed(Committed),
    /// Another writer's frame is there. Nothing of this one is, nor will it be.
    Superseded {
        actual: Head,
    },
    /// Nothing of the frame is in the log, nor will it be.
    NotAppended(AppendError),
    /// The frame may be in the log, and this writer will not learn it.
    InDoubt(AppendError),
}

/// What became of a frame, and how often it was tried again.
#[derive(Debug)]
pub(crate) struct Settlement {
    pub(crate) verdict: Verdict,
    pub(crate) retries: u32,
}

/// Appends a frame until the answer is final, or patience is at its end.
pub(crate) fn settle<L: Log + ?Sized>(
    log: &mut L,
    frame: &mut PendingFrame,
    patience: &Patience,
) -> Settlement {
    let mut retries = 0;
    // Of any attempt: one that was in doubt may still arrive after a later one was turned away.
    let mut in_doubt = false;
    let verdict = loop {
        let error = match log.append(frame.after, &mut frame.batch, patience.deadline()) {
            Ok(committed) => break Verdict::Committed(committed),
            // Whatever was in doubt before: the place of the frame is taken by another one.
            Err(AppendError::Superseded { actual, .. }) => break Verdict::Superseded { actual },
            Err(error) => error,
        };
        in_doubt |= matches!(error, AppendError::InDoubt { .. });
        if error.remedy() != Remedy::Retry || retries + 1 >= patience.attempts {
            break match in_doubt {
                true => Verdict::InDoubt(error),
                false => Verdict::NotAppended(error),
            };
        }
        retries += 1;
        patience.wait_after(retries);
    };
    Settlement { verdict, retries }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let patience = Patience {
            pause: Duration::from_millis(5),
            longest_pause: Duration::from_millis(30),
            ..Patience::default()
        };
        let pauses = [1, 2, 3, 4, 40, u32::MAX].map(|after| patience.pause_after(after));
        let expected = [5, 10, 20, 30, 30, 30].map(Duration::from_millis);
        assert_eq!(pauses, expected);
    }
}
