//! Saying that the clock is right, where the log says otherwise: the way back after a start, or a
//! time, with a clock that was wrong.

use tillroll_book::{Action, Command, ConfirmClock};
use tillroll_engine::{ReplayError, SubmitError, position_at};
use tillroll_events::{Actor, Caller, Origin, Timestamp};
use tillroll_log::{Deadline, LogReader};

/// Why it was not recorded that the clock is right.
#[derive(Debug, thiserror::Error)]
pub enum ConfirmError {
    #[error("the events that a wrong clock has stamped cannot be found: {0}")]
    Read(#[source] ReplayError),
    #[error("that the clock is right cannot be recorded: {0}")]
    Submit(#[source] SubmitError),
    #[error("the async runtime is shutting down")]
    ShuttingDown,
}

/// The command that says so. It reads the whole log: recorded times are held to be wrong from the
/// first on that no event at or before `now` follows.
pub(crate) fn confirmation(
    reader: &dyn LogReader,
    last_recorded_at: Timestamp,
    now: Timestamp,
) -> Result<Command, ReplayError> {
    let before = position_at(reader, now)?;
    let head = reader.head(Deadline::NEVER)?.position;
    let wrong_from = (before < head).then(|| before.next().get());
    Ok(Command {
        at: now,
        occurred_at: None,
        caller: Caller {
            actor: Actor::Anonymous,
            origin: Origin::Cli,
        },
        key: None,
        action: Action::ConfirmClock(ConfirmClock {
            last_recorded_at,
            wrong_from,
        }),
    })
}
