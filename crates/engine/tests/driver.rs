//! The four answers of a log, and what the engine makes of each: nothing is acknowledged that is
//! not committed, and nothing is applied twice.

mod support;

use support::scripted::Reply::{
    self, Broken, Busy, DoubtForGood, DoubtLanded, DoubtLate, DoubtLost, Plain, Rival,
};
use support::scripted::{Scripted, impatient};
use support::{apply, apply_one, balance, engine, folded, fund, opening, start};
use tillroll_book::Refusal;
use tillroll_engine::{Engine, ExecuteError, Outcome, Succession};
use tillroll_log::testing::TestReader;
use tillroll_log::{Batch, Log};

/// What came of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Came {
    Applied,
    Superseded,
    Unavailable,
    Failed,
}

fn came(result: Result<Vec<Result<Outcome, Refusal>>, ExecuteError>) -> Came {
    match result {
        Ok(answers) => {
            assert!(answers.iter().all(Result::is_ok), "{answers:?}");
            Came::Applied
        }
        Err(ExecuteError::Superseded) => Came::Superseded,
        Err(ExecuteError::Unavailable(_)) => Came::Unavailable,
        Err(ExecuteError::Failed(_)) => Came::Failed,
    }
}

/// An engine over a log with a wallet, and a second writer that would pay 100 into it.
fn scripted(replies: &[Reply], attempts: u32) -> (Engine<Scripted>, Scripted) {
    let mut plain = engine();
    apply(&mut plain, opening(1));
    let log = plain.into_log();
    let mut other = engine();
    apply(&mut other, opening(1));
    let paid = apply_one(&mut other, fund(900, "wallet:0", 100));
    let record = other.reader().record(paid.last).expect("it is there");
    let mut rival = Batch::new();
    rival.push(&record).expect("it is short");
    let log = Scripted::over(log, replies, rival);
    let engine = start(log.clone()).with_patience(impatient(attempts));
    (engine, log)
}

#[test]
fn what_each_answer_of_the_log_comes_to() {
    use Came::{Applied, Failed, Superseded, Unavailable};
    // Given what the log answers, when 5 is paid in, then: what came of it, how often it was
    // appended, what the wallet has, and what comes of paying in 7 more.
    let table: &[(&[Reply], Came, usize, i64, Came)] = &[
        (&[], Applied, 1, 5, Applied),
        // Not appended.
        (&[Busy], Applied, 2, 5, Applied),
        (&[Busy, Busy], Applied, 3, 5, Applied),
        (&[Busy, Busy, Busy], Unavailable, 3, 0, Applied),
        (&[Broken], Failed, 1, 0, Failed),
        (&[Busy, Broken], Failed, 2, 0, Failed),
        // In doubt, and settled.
        (&[DoubtLanded], Applied, 2, 5, Applied),
        (&[DoubtLost], Applied, 2, 5, Applied),
        (&[DoubtLate], Applied, 2, 5, Applied),
        (&[DoubtLost, DoubtLanded], Applied, 3, 5, Applied),
        (&[DoubtLate, Busy], Applied, 3, 5, Applied),
        // In doubt for good: the outcome is not known, so no caller is told.
        (&[DoubtLost, DoubtLost, DoubtLost], Failed, 3, 0, Failed),
        (&[DoubtLanded, DoubtLost, DoubtLost], Failed, 3, 5, Failed),
        (&[DoubtForGood], Failed, 1, 0, Failed),
        // One that was in doubt may still arrive after a later one was turned away.
        (&[DoubtLost, Busy, Busy], Failed, 3, 0, Failed),
        (&[DoubtLanded, Busy, Broken], Failed, 3, 5, Failed),
        // Superseded.
        (&[Rival], Superseded, 1, 100, Superseded),
        (&[Busy, Rival], Superseded, 2, 100, Superseded),
        (&[DoubtLost, Rival], Superseded, 2, 100, Superseded),
        (&[DoubtLate, Rival], Superseded, 2, 100, Superseded),
        (&[DoubtLate, Plain, Rival], Applied, 2, 5, Superseded),
        // It was there before the other one.
        (&[DoubtLanded, Rival], Applied, 2, 105, Superseded),
    ];
    for (replies, expected, appends, wallet, then) in table {
        let (mut engine, log) = scripted(replies, 3);
        let before = engine.head();
        let result = came(engine.execute(vec![fund(1, "wallet:0", 5)]));
        assert_eq!(result, *expected, "{replies:?}");
        assert_eq!(log.appends(), *appends, "{replies:?}");
        let there = folded(&*log.reader(), None);
        assert_eq!(balance(&there, "wallet:0"), *wallet, "{replies:?}");
        if result == Applied {
            assert_eq!(engine.head(), before.next(), "{replies:?}");
        } else {
            assert_eq!(engine.head(), before, "{replies:?}");
        }
        assert_eq!(engine.metrics().retries + 1, *appends as u64, "{replies:?}");
        let next = came(engine.execute(vec![fund(2, "wallet:0", 7)]));
        assert_eq!(next, *then, "{replies:?}, the next");
        assert_eq!(engine.failure().is_some(), next == Failed, "{replies:?}");
        if next == Superseded {
            assert!(!engine.leads(), "{replies:?}");
            engine.follow().expect("the log answers");
        }
        if next != Failed {
            let log = folded(&*log.reader(), None);
            assert_eq!(engine.book().digest(), log.digest(), "{replies:?}");
        }
    }
}

/// The client sends it again, as it does after a lost answer; the key tells that it is there.
#[test]
fn a_command_that_was_unavailable_or_in_doubt_has_one_effect() {
    for replies in [
        &[Busy, Busy][..],
        &[DoubtLost, DoubtLanded],
        &[DoubtLanded],
        &[DoubtLate],
        &[Rival],
        &[DoubtLost, Rival],
        &[DoubtLanded, Rival],
        &[DoubtLate, Rival],
    ] {
        let (engine, log) = scripted(replies, 2);
        let mut engine = engine.with_succession(Succession::TakeOver);
        let rivals = replies.iter().filter(|reply| **reply == Rival).count();
        let mut sent = 0;
        let outcome = loop {
            sent += 1;
            assert!(sent < 10, "{replies:?}");
            match engine.execute(vec![fund(1, "wallet:0", 5)]) {
                Ok(mut answers) => break answers.remove(0).expect("it is not refused"),
                Err(ExecuteError::Failed(failure)) => {
                    // As a restart does.
                    drop(failure);
                    engine = start(log.clone()).with_patience(impatient(2));
                }
                Err(ExecuteError::Superseded | ExecuteError::Unavailable(_)) => {}
            }
        };
        let again = apply_one(&mut engine, fund(1, "wallet:0", 5));
        assert!(again.replayed, "{replies:?}");
        assert_eq!((again.first, again.last), (outcome.first, outcome.last));
        // It learns of the other writer at the latest when it appends.
        while engine
            .execute(vec![fund(2, "wallet:0", 1_000_000)])
            .is_err()
        {}
        let log = folded(&*log.reader(), None);
        let expected = 1_000_000 + 5 + 100 * i64::try_from(rivals).expect("few");
        assert_eq!(balance(&log, "wallet:0"), expected, "{replies:?}");
        assert_eq!(engine.book().digest(), log.digest(), "{replies:?}");
    }
}

#[test]
fn frames_before_the_one_that_is_superseded_stay() {
    let (engine, log) = scripted(&[Plain, Plain], 3);
    let mut engine = engine.with_limits(support::small());
    log.say(&[Rival]);
    let before = engine.head();
    let commands = (1..=20).map(|id| fund(id, "wallet:0", 1)).collect();
    let result = engine.execute(commands);
    assert!(
        matches!(result, Err(ExecuteError::Superseded)),
        "{result:?}"
    );
    // Two frames of eight records are there, and called durable; the other writer's follows.
    assert_eq!(engine.head().get(), before.get() + 16);
    assert_eq!(balance(&folded(&*log.reader(), None), "wallet:0"), 116);
    assert_eq!(engine.metrics().superseded, 1);
}
