//! Holds whose time is over: found without asking the writer every second.
//!
//! Only the earliest known end is kept. It may be earlier than the truth (a hold was captured
//! meanwhile), which costs one look at the book; it is never later than that of a hold on the log
//! that was read, and the log is read before each look at the clock.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tillroll_book::{Action, Command, Refusal};
use tillroll_engine::SubmitError;
use tillroll_events::{Caller, HoldPlaced};
use tillroll_ledger::Ledger;

use crate::BookHandle;

const NEVER: i64 = i64::MAX;
/// Microseconds.
const DAY: u64 = 24 * 3600 * 1_000_000;

#[derive(Debug)]
pub(crate) struct HoldExpiries {
    /// Microseconds since 1970.
    earliest: AtomicI64,
}

impl HoldExpiries {
    pub(crate) fn of(ledger: &Ledger) -> Self {
        Self {
            earliest: AtomicI64::new(earliest(ledger)),
        }
    }

    pub(crate) fn learn(&self, hold: &HoldPlaced) {
        if let Some(at) = hold.expires_at {
            self.earliest.fetch_min(at.micros(), Ordering::SeqCst);
        }
    }
}

impl HoldExpiries {
    /// Has the writer look for holds whose time is over, whether there are any or not.
    fn wake(&self) {
        self.earliest.store(0, Ordering::SeqCst);
    }
}

/// The earliest end of an open hold.
fn earliest(ledger: &Ledger) -> i64 {
    let ends = ledger.expired_holds(NEVER).into_iter();
    ends.filter_map(|id| ledger.hold(id)?.expires_at)
        .min()
        .unwrap_or(NEVER)
}

/// Ends holds as their time comes, until the writer ends.
pub(crate) async fn expire(book: BookHandle) {
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut told = book.now();
    loop {
        tick.tick().await;
        // Time passes also where nothing happens: the writer hears of it before a year is over.
        if book.now().micros().abs_diff(told.micros()) > DAY {
            told = book.now();
            book.expiries().wake();
        }
        match book.expire_holds().await {
            // It is tried again in a second; a standby's leader ends holds.
            Ok(())
            | Err(
                SubmitError::Overloaded | SubmitError::Unavailable(_) | SubmitError::Superseded,
            ) => {}
            // `clock_fault` says so for as long as it is.
            Err(SubmitError::Refused(Refusal::ClockWrong(fault))) => {
                tracing::debug!(%fault, "holds are not ended by this clock");
            }
            Err(SubmitError::Refused(refusal)) => {
                tracing::error!(%refusal, "holds cannot be ended");
            }
            Err(SubmitError::Failed(_) | SubmitError::Stopped) => return,
        }
    }
}

/// Ends the holds whose time is over, if there can be any among those that are known.
pub(crate) async fn expire_due(
    book: &BookHandle,
    expiries: &HoldExpiries,
) -> Result<(), SubmitError> {
    let due = expiries.earliest.load(Ordering::SeqCst);
    if book.now().micros() < due {
        return Ok(());
    }
    // From here on a hold that is placed counts again, whenever the look below happens.
    expiries.earliest.store(NEVER, Ordering::SeqCst);
    let ended = async {
        let outcome = book
            .submit(Command {
                at: book.now(),
                occurred_at: None,
                caller: Caller::SYSTEM,
                key: None,
                action: Action::ExpireHolds,
            })
            .await?;
        tracing::debug!(ended = outcome.records.len(), "holds whose time is over");
        let look = book.engine().inspect(|state| earliest(state.ledger()));
        let (_, next) = look.await?;
        Ok(next)
    }
    .await;
    let next = match &ended {
        Ok(next) => *next,
        Err(_) => due,
    };
    expiries.earliest.fetch_min(next, Ordering::SeqCst);
    ended.map(|_| ())
}
