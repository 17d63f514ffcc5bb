//! From a command to events: one file per family of commands.

mod accounts;
mod entries;
mod holds;
mod observe;
mod orders;
mod reconcile;
mod reversals;
mod stock;

use tillroll_events::ClockConfirmed;
use tillroll_ledger::AccountPath;

use crate::work::UnitOfWork;
use crate::{Action, ConfirmClock, Refusal};

pub(crate) fn action(work: &mut UnitOfWork<'_>, action: &Action) -> Result<(), Refusal> {
    match action {
        Action::OpenAccount(request) => accounts::open(work, request),
        Action::PostEntry(request) => entries::post(work, request),
        Action::PostEntries(request) => entries::post_all(work, request),
        Action::ReverseEntry(request) => reversals::reverse(work, request),
        Action::ConfirmClock(request) => {
            confirm_clock(work, request);
            Ok(())
        }
        Action::PlaceHold(request) => holds::place(work, request),
        Action::CaptureHold(request) => holds::capture(work, request),
        Action::VoidHold(id) => holds::void(work, *id),
        Action::ExpireHolds => holds::expire(work),
        Action::ReceiveStock(request) => stock::receive(work, request),
        Action::PlaceOrder(request) => orders::place(work, request),
        Action::FulfilOrder(id) => orders::fulfil(work, *id),
        Action::CancelOrder(id) => orders::cancel(work, *id),
        Action::Observe(request) => observe::observe(work, request),
        Action::RecordBalanceTransactions(rows) => observe::balance_transactions(work, rows),
    }
}

/// What time it is from here on is for the writer, who stamps records.
fn confirm_clock(work: &mut UnitOfWork<'_>, request: &ConfirmClock) {
    let ConfirmClock {
        last_recorded_at,
        wrong_from,
    } = *request;
    let event = ClockConfirmed {
        last_recorded_at,
        wrong_from,
    };
    work.emit(event, None);
}

/// A name that becomes one part of account paths.
fn path_name(param: &str, text: &str) -> Result<(), Refusal> {
    if text.len() <= 64 && !text.contains(':') && text.parse::<AccountPath>().is_ok() {
        return Ok(());
    }
    Err(Refusal::invalid(
        param,
        "one to 64 letters, digits, `_`, `-` and `.`",
    ))
}
