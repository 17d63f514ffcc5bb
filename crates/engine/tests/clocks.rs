//! What the writer does by which clock: given what was recorded, when a command comes with a time,
//! then it is stamped so, or refused.

mod support;

use support::{BOOK, apply, apply_one, capture, engine, fund, hold, opening, refuse_one, start};
use tillroll_book::clock::ClockLimits;
use tillroll_book::{Action, Chart, Command, ConfirmClock};
use tillroll_engine::{Engine, audit, event_id, position_at};
use tillroll_events::{Caller, Event, Timestamp};
use tillroll_log::{Deadline, Log, MemoryLog};

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const YEAR: i64 = 365 * DAY;

fn at(second: i64) -> Timestamp {
    support::at(second)
}

/// A wallet with 100, all of it recorded at second 0.
fn world() -> Engine<MemoryLog> {
    let mut engine = engine();
    apply(&mut engine, opening(1));
    apply_one(&mut engine, timed(fund(1, "wallet:0", 100), 0));
    engine
}

fn timed(mut command: Command, second: i64) -> Command {
    command.at = at(second);
    command
}

fn confirm(engine: &Engine<MemoryLog>, second: i64) -> Command {
    let now = at(second);
    let before = position_at(&*engine.reader(), now).expect("it can be read");
    Command {
        at: now,
        occurred_at: None,
        caller: Caller::SYSTEM,
        key: None,
        action: Action::ConfirmClock(ConfirmClock {
            last_recorded_at: engine.recorded_at().expect("something was recorded"),
            wrong_from: (before < engine.head()).then(|| before.next().get()),
        }),
    }
}

/// Commands at seconds after the last event, in order, and when each is recorded: none where it is
/// refused.
#[test]
fn a_clock_is_followed_as_far_as_it_can_be_right() {
    type Step = (i64, Option<i64>);
    let table: &[(&str, &[Step])] = &[
        ("it runs", &[(0, Some(0)), (1, Some(1)), (HOUR, Some(HOUR))]),
        (
            "it is set back a little, and catches up",
            &[
                (HOUR, Some(HOUR)),
                (HOUR - 300, Some(HOUR)),
                (HOUR + 1, Some(HOUR + 1)),
            ],
        ),
        (
            "it is set back by more, and set again",
            &[
                (HOUR, Some(HOUR)),
                (HOUR - 301, None),
                (0, None),
                (HOUR + 2, Some(HOUR + 2)),
            ],
        ),
        ("a book has slept for most of a year", &[(YEAR, Some(YEAR))]),
        (
            "thirty years ahead, and then as before: nothing is stamped by it",
            &[(30 * YEAR, None), (30 * YEAR, None), (5, Some(5))],
        ),
        (
            "before 1970, and after 9999",
            &[
                (-1_900_000_000, None),
                (i64::MAX / 1_000_000 - 1_800_000_000, None),
                (5, Some(5)),
            ],
        ),
        (
            "back by a little, many times, is not back by much",
            &[
                (600, Some(600)),
                (400, Some(600)),
                (301, Some(600)),
                (299, None),
            ],
        ),
    ];
    for (name, steps) in table {
        let mut engine = world();
        for (index, (second, recorded)) in steps.iter().enumerate() {
            let head = engine.head();
            let command = timed(fund(10 + index as u128, "wallet:0", 1), *second);
            match recorded {
                Some(recorded) => {
                    let outcome = apply_one(&mut engine, command);
                    let (position, record) = &outcome.records[0];
                    assert_eq!(record.recorded_at, at(*recorded), "{name}: {second}");
                    assert_eq!(record.id, event_id(&BOOK, *position, at(*recorded)));
                }
                None => {
                    let refusal = refuse_one(&mut engine, command);
                    assert_eq!(refusal.code(), "clock_wrong", "{name}: {second}");
                    assert_eq!(engine.head(), head, "{name}");
                }
            }
        }
        let log = engine.into_log();
        audit(&*log.reader(), Chart::default(), None, |_| {}).expect(name);
    }
}

/// Time that passes without an event is no leap, as long as the writer hears of it.
#[test]
fn a_year_without_an_event_is_no_leap_where_commands_come_to_nothing() {
    let mut engine = world();
    let expire = |second| Command {
        at: at(second),
        occurred_at: None,
        caller: Caller::SYSTEM,
        key: None,
        action: Action::ExpireHolds,
    };
    for month in 1..30 {
        assert!(apply_one(&mut engine, expire(month * 30 * DAY)).is_empty());
    }
    let late = timed(fund(2, "wallet:0", 1), 30 * 30 * DAY);
    apply_one(&mut engine, late);
    // What came to nothing binds no later command.
    let mut engine = world();
    apply_one(&mut engine, expire(300 * DAY));
    apply_one(&mut engine, timed(fund(2, "wallet:0", 1), HOUR));
}

/// Given a roll that a clock two years ahead has stamped, when the clock is right again, then
/// nothing is recorded until that is said; and from there on all is as it was before.
#[test]
fn a_way_back_that_an_auditor_can_see() {
    // As versions did that believed every clock.
    let mut engine = world().with_clock_limits(ClockLimits::ANY);
    apply_one(&mut engine, hold(10, 7, "wallet:0", 60, Some(3 * HOUR)));
    let good = engine.head();
    apply_one(&mut engine, timed(fund(2, "wallet:0", 1), 2 * YEAR));
    apply_one(&mut engine, timed(fund(3, "wallet:0", 1), 2 * YEAR + 1));
    let wrong = engine.head();

    // The next start, with the right clock.
    let mut engine = start(engine.into_log());
    assert_eq!(engine.recorded_at(), Some(at(2 * YEAR + 1)));
    let refused = refuse_one(&mut engine, timed(fund(4, "wallet:0", 1), HOUR));
    assert_eq!(refused.code(), "clock_wrong");
    let confirmation = confirm(&engine, HOUR);
    let outcome = apply_one(&mut engine, confirmation);
    let (position, record) = &outcome.records[0];
    let Event::ClockConfirmed(confirmed) = &record.event else {
        panic!("{record:?}");
    };
    assert_eq!(record.recorded_at, at(HOUR));
    assert_eq!(confirmed.last_recorded_at, at(2 * YEAR + 1));
    assert_eq!(confirmed.wrong_from, Some(good.next().get()));

    // Times are true again, and holds live by them.
    let outcome = apply_one(&mut engine, timed(fund(4, "wallet:0", 1), HOUR + 1));
    assert_eq!(outcome.records[0].1.recorded_at, at(HOUR + 1));
    apply_one(&mut engine, capture(2 * HOUR, 7, 10));
    let fresh = hold(2 * HOUR, 8, "wallet:0", 5, Some(4 * HOUR));
    apply_one(&mut engine, fresh);
    let late = refuse_one(&mut engine, capture(4 * HOUR, 8, 5));
    assert_eq!(late.code(), "hold_expired");

    // A time means what was recorded by then: of what was stamped wrongly, only that it was
    // recorded before the clock was confirmed.
    let log = engine.into_log();
    let end = log.reader().head(Deadline::NEVER).expect("it can be read");
    let end = end.position;
    let by = |second| position_at(&*log.reader(), at(second)).expect("it can be read");
    for (second, expected) in [
        (10, good),
        (HOUR - 1, good),
        (HOUR, *position),
        (HOUR + 1, position.next()),
        (2 * YEAR + 1, end),
    ] {
        assert_eq!(by(second), expected, "{second}");
    }
    assert_eq!(wrong.next(), *position);
    audit(&*log.reader(), Chart::default(), None, |_| {}).expect("the auditor sees why");

    // After another start it goes on by the clock that was confirmed.
    let mut engine = start(log);
    apply_one(&mut engine, timed(fund(5, "wallet:0", 1), 5 * HOUR));
}

#[test]
fn a_book_that_has_slept_for_long_says_so() {
    let mut engine = world();
    let refused = refuse_one(&mut engine, timed(fund(2, "wallet:0", 1), 3 * YEAR));
    assert_eq!(refused.code(), "clock_wrong");
    let confirmation = confirm(&engine, 3 * YEAR);
    let outcome = apply_one(&mut engine, confirmation);
    let Event::ClockConfirmed(confirmed) = &outcome.records[0].1.event else {
        panic!("{outcome:?}");
    };
    assert_eq!(confirmed.wrong_from, None, "no time is held to be wrong");
    apply_one(&mut engine, timed(fund(2, "wallet:0", 1), 3 * YEAR + 1));
}

/// What cannot be is not confirmed either.
#[test]
fn no_word_makes_a_clock_right_that_says_what_cannot_be() {
    let mut engine = world();
    let confirmation = confirm(&engine, -1_900_000_000);
    assert_eq!(refuse_one(&mut engine, confirmation).code(), "clock_wrong");
}
