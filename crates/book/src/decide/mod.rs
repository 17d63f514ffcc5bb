//! From a command to events: one file per family of commands.

mod accounts;
mod entries;
mod holds;
mod observe;
mod orders;
mod reconcile;
mod reversals;
mod stock;

use tillroll_events::{CalendarDate, ClockConfirmed, Timestamp};
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
    let is_path = text.len() <= 64 && !text.contains(':') && text.parse::<AccountPath>().is_ok();
    if is_path && !is_reserved(text) {
        return Ok(());
    }
    Err(Refusal::invalid(
        param,
        "one to 64 of the letters A to Z and a to z, digits, `_`, `-` and `.`, and not `.` or `..`",
    ))
}

/// What an address resolves to something else.
fn is_reserved(name: &str) -> bool {
    matches!(name, "." | "..")
}

/// How far a clock may be ahead of ours that says when something happened.
const CLOCK_TOLERANCE_MICROS: i64 = 5 * 60 * 1_000_000;

/// Refuses what has not happened yet, but for a clock that is a little fast.
fn has_happened(work: &UnitOfWork<'_>) -> Result<(), Refusal> {
    let latest = work.at.micros().saturating_add(CLOCK_TOLERANCE_MICROS);
    if work.occurred_at.micros() <= latest {
        return Ok(());
    }
    Err(Refusal::invalid(
        "occurred_at",
        format!(
            "this has not happened yet: it is {} now, and a clock may be 5 minutes ahead",
            work.at
        ),
    ))
}

/// Accounts are not kept further ahead: ten years.
const MOST_DAYS_AHEAD: i64 = 3653;

/// Refuses a day that is a slip of the pen.
pub(crate) fn check_effective_date(
    day: Option<CalendarDate>,
    now: Timestamp,
) -> Result<(), Refusal> {
    let last = now.seconds().div_euclid(86_400) + MOST_DAYS_AHEAD;
    match day {
        Some(day) if i64::from(day.days()) > last => Err(Refusal::invalid(
            "effective_date",
            format!("`{day}` is more than ten years ahead"),
        )),
        _ => Ok(()),
    }
}
