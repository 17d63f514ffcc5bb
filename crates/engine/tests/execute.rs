//! The synchronous engine: order, duplicates, frames, time.

mod support;

use support::commerce::shop;
use support::{
    BOOK, apply, apply_one, at, balance, capture, described, engine, folded, fund, hold, key,
    opening, pay, refuse_one, small, start, story, wallet,
};
use tillroll_book::{Chart, Refusal, Retry};
use tillroll_engine::{Engine, FrameLimits, Outcome, Position, Replay, StartError, event_id};
use tillroll_events::Kind;
use tillroll_log::testing::TestLog;
use tillroll_log::{Deadline, Log, MemoryLog};

fn positions(outcome: &Outcome) -> Vec<u64> {
    let positions = outcome.records.iter().map(|(position, _)| position.get());
    positions.collect()
}

#[test]
fn each_command_sees_the_ones_before_it_in_the_batch() {
    let mut engine = engine();
    let mut commands = opening(2);
    commands.extend([
        fund(1, "wallet:0", 100),
        pay(2, "wallet:0", "wallet:1", 70),
        pay(3, "wallet:0", "wallet:1", 70),
        pay(4, "wallet:1", "wallet:0", 30),
        pay(5, "wallet:0", "wallet:1", 60),
    ]);
    let answers = engine.execute(commands).unwrap();
    let refused: Vec<_> = answers.iter().map(Result::is_err).collect();
    assert_eq!(
        refused,
        [false, false, false, false, false, true, false, false]
    );
    assert_eq!(balance(engine.book(), "wallet:0"), 0);
    assert_eq!(balance(engine.book(), "wallet:1"), 100);
    let metrics = engine.metrics();
    assert_eq!((metrics.commands, metrics.refused), (8, 1));
    assert_eq!((metrics.batches(), metrics.records), (1, 7), "one frame");
}

#[test]
fn positions_are_dense_and_ids_and_times_follow_from_them() {
    let mut engine = engine();
    apply(&mut engine, opening(2));
    let mut early = fund(1, "wallet:0", 5);
    early.at = at(-100);
    early.occurred_at = Some(at(-200));
    let outcome = apply_one(&mut engine, early);
    assert_eq!((outcome.first.get(), outcome.last.get()), (4, 4));
    let (position, record) = &outcome.records[0];
    assert_eq!(record.recorded_at, at(0), "time does not run backwards");
    assert_eq!(record.occurred_at, at(-200));
    assert_eq!(record.id, event_id(&BOOK, *position, at(0)));
    let command = record.command.as_ref().expect("it has a key");
    assert_eq!((command.key.as_str(), command.events), ("fund-1", 1));
    assert_eq!(command.fingerprint, [1; 16]);
    assert_eq!(engine.head(), Position::new(4));
}

#[test]
fn the_book_decides_by_the_time_of_the_roll() {
    let mut engine = engine();
    apply(&mut engine, opening(1));
    apply_one(&mut engine, fund(1, "wallet:0", 100));
    apply_one(&mut engine, hold(10, 7, "wallet:0", 60, Some(20)));
    let mut later = fund(2, "wallet:0", 1);
    later.at = at(30);
    apply_one(&mut engine, later);
    // A clock that was set back does not bring an expired hold to life.
    let refusal = refuse_one(&mut engine, capture(15, 7, 60));
    assert_eq!(refusal.code(), "hold_expired");
}

#[test]
fn a_command_with_nothing_new_says_where_the_roll_stood() {
    let mut engine = engine();
    let outcomes = apply(&mut engine, opening(1));
    assert_eq!(positions(&outcomes[1]), [2]);
    for _ in 0..2 {
        let again = apply_one(&mut engine, opening(1).remove(1));
        assert!(again.is_empty() && !again.replayed);
        assert_eq!((again.first.get(), again.last.get()), (3, 2));
    }
    // Within a batch it speaks of what the batch has added before it.
    let mut commands = vec![fund(1, "wallet:0", 1)];
    commands.extend(opening(1).pop());
    let outcomes = apply(&mut engine, commands);
    assert_eq!((outcomes[1].last.get(), engine.head().get()), (3, 3));
    let nothing = engine.metrics().batches();
    assert_eq!(nothing, 2, "nothing new takes no frame");
}

#[test]
fn a_duplicate_in_the_same_batch_is_applied_once_and_answered_alike() {
    let mut engine = engine();
    apply(&mut engine, opening(1));
    let again = || fund(1, "wallet:0", 5);
    let outcomes = apply(
        &mut engine,
        vec![fund(9, "wallet:0", 1), again(), again(), again()],
    );
    assert_eq!(positions(&outcomes[1]), [4]);
    for duplicate in &outcomes[2..] {
        assert!(duplicate.replayed);
        assert_eq!(duplicate.records, outcomes[1].records);
    }
    assert_eq!(balance(engine.book(), "wallet:0"), 6);
    assert_eq!(engine.head(), Position::new(4));
    assert_eq!(engine.metrics().replayed, 2);
}

#[test]
fn a_duplicate_is_answered_as_the_first_across_restarts() {
    let mut longest_of_all = 0;
    for story in [story(11, 300), shop(12, 300)] {
        let log = MemoryLog::new();
        let mut engine = start(log.clone()).with_limits(small());
        let first_time = engine.execute(story.clone()).unwrap();
        drop(engine);
        let mut engine = start(log.clone()).with_limits(small());
        let again = engine.execute(story.clone()).unwrap();
        let (mut replayed, mut longest) = (0, 0);
        for ((command, first), again) in story.iter().zip(&first_time).zip(&again) {
            if let (Ok(first), Ok(again), Some(key)) = (first, again, &command.key)
                && !first.is_empty()
            {
                assert!(again.replayed, "{}", key.key);
                assert_eq!(again.records, first.records, "{}", key.key);
                assert_eq!((again.first, again.last), (first.first, first.last));
                replayed += 1;
                longest = longest.max(again.records.len());
            }
        }
        // What was refused the first time may go through the second: a refusal is not on the
        // roll.
        assert!(replayed > 100, "{replayed}");
        longest_of_all = longest_of_all.max(longest);
    }
    assert!(longest_of_all > 3, "commands of several events");
}

#[test]
fn the_same_key_with_another_request_is_a_conflict() {
    let mut engine = engine();
    apply(&mut engine, opening(1));
    let mut other = fund(1, "wallet:0", 6);
    other.key = key("fund-1", 99);
    let batch = vec![fund(1, "wallet:0", 5), other.clone()];
    let answers = engine.execute(batch).unwrap();
    let conflict = Refusal::IdempotencyConflict {
        key: "fund-1".into(),
    };
    assert!(answers[0].is_ok());
    assert_eq!(answers[1], Err(conflict.clone()), "in the same batch");
    assert_eq!(refuse_one(&mut engine, other), conflict, "and later");
    assert_eq!(balance(engine.book(), "wallet:0"), 5);
}

#[test]
fn a_batch_over_the_limits_takes_more_frames_and_loses_nothing() {
    let run = |limits: FrameLimits| {
        let mut engine = engine().with_limits(limits);
        let answers = engine.execute(story(5, 200)).unwrap();
        let batches = engine.metrics().batches();
        (answers, engine.book().digest(), batches)
    };
    let whole = run(FrameLimits::default());
    assert_eq!(whole.2, 1);
    let few_records = run(small());
    let few_bytes = run(FrameLimits {
        batch_bytes: 500,
        ..FrameLimits::default()
    });
    let small_frames = run(FrameLimits {
        frame_bytes: 700,
        ..FrameLimits::default()
    });
    for (answers, digest, batches) in [few_records, few_bytes, small_frames] {
        assert_eq!(answers, whole.0);
        assert_eq!(digest, whole.1);
        assert!(batches > 10, "{batches}");
    }
}

#[test]
fn a_command_that_no_frame_can_hold_is_refused_and_leaves_no_trace() {
    let mut engine = engine().with_limits(FrameLimits {
        frame_bytes: 2000,
        ..FrameLimits::default()
    });
    apply(&mut engine, opening(1));
    let before = (engine.head(), engine.book().digest());
    let huge = described(1, "x".repeat(3000));
    let refusal = refuse_one(&mut engine, huge.clone());
    assert_eq!(refusal.code(), "parameter_invalid");
    assert_eq!(refusal.param().as_deref(), Some("postings"));
    assert_eq!(refusal.retry(), Retry::Never);
    assert_eq!((engine.head(), engine.book().digest()), before);
    // Neither does it take its neighbours with it.
    let large = described(3, "y".repeat(1500));
    let batch = vec![fund(2, "wallet:0", 7), huge, large, fund(4, "wallet:0", 1)];
    let answers = engine.execute(batch).unwrap();
    let refused: Vec<_> = answers.iter().map(Result::is_err).collect();
    assert_eq!(refused, [false, true, false, false]);
    assert_eq!(balance(engine.book(), "wallet:0"), 9);
    let reader = engine.reader();
    assert_eq!(folded(&*reader, None).digest(), engine.book().digest());
}

#[test]
fn folding_the_log_gives_the_state_of_the_writer() {
    for seed in 0..20 {
        let mut engine = engine().with_limits(small());
        let mut digests = vec![(Position::ZERO, engine.book().digest())];
        for batch in support::batches(seed, story(seed, 120), 9) {
            // A refusal is an answer too.
            drop(engine.execute(batch).unwrap());
            digests.push((engine.head(), engine.book().digest()));
        }
        let reader = engine.reader();
        assert_eq!(
            folded(&*reader, None).digest(),
            engine.book().digest(),
            "seed {seed}"
        );
        for (position, digest) in digests {
            let past = folded(&*reader, Some(position));
            assert_eq!(past.digest(), digest, "seed {seed}, position {position}");
        }
    }
}

#[test]
fn the_same_commands_give_the_same_bytes() {
    let head = |most| {
        let mut engine = engine();
        for batch in support::batches(3, story(3, 100), most) {
            drop(engine.execute(batch).unwrap());
        }
        engine.into_log().end()
    };
    assert_eq!(head(5), head(5));
    assert_eq!(head(5).position, head(20).position);
}

#[test]
fn how_commands_are_batched_leaves_no_mark_on_the_records() {
    for seed in 0..10 {
        let records = |most| {
            let mut engine = engine();
            let mut answers = Vec::new();
            for batch in support::batches(most as u64, shop(seed, 150), most) {
                answers.extend(engine.execute(batch).unwrap());
            }
            let records = engine
                .reader()
                .read_from(Position::FIRST, Deadline::NEVER)
                .unwrap();
            let records: Vec<_> = records.map(Result::unwrap).collect();
            (answers, records, engine.book().digest())
        };
        let one_by_one = records(1);
        assert_eq!(one_by_one, records(7), "seed {seed}");
        assert_eq!(one_by_one, records(500), "seed {seed}");
    }
}

#[test]
fn an_engine_starts_only_from_the_whole_log() {
    let mut log = engine();
    apply(&mut log, opening(3));
    let log = log.into_log();
    let mut replay = Replay::new(Chart::default());
    let bytes = log
        .reader()
        .read_one(Position::FIRST, Deadline::NEVER)
        .unwrap()
        .unwrap();
    replay.fold(Position::FIRST, &bytes).unwrap();
    assert!(replay.fold(Position::new(3), &bytes).is_err(), "a gap");
    let refused = Engine::resume(log, replay);
    assert!(
        matches!(refused, Err(StartError::NotAtHead { .. })),
        "{refused:?}"
    );
}

#[test]
fn a_record_that_cannot_be_understood_is_named_by_its_position() {
    let mut engine = engine();
    apply(&mut engine, opening(1));
    let mut log = engine.into_log();
    let mut batch = tillroll_log::Batch::new();
    batch.push(&[0xff, 0xff, 1, 0, 0]).unwrap();
    let _committed = log.append_next(&mut batch).unwrap();
    let refused = Engine::open(log, Chart::default(), |_| {});
    let text = refused.expect_err("it is not understood").to_string();
    assert!(text.contains("position 3"), "{text}");
    assert!(text.contains("65535"), "{text}");
}

#[test]
fn progress_is_told_while_a_log_is_folded() {
    let log = MemoryLog::new();
    let mut engine = start(log.clone());
    apply(&mut engine, opening(1));
    let commands = (1..=2100).map(|id| fund(id, &wallet(0), 1)).collect();
    apply(&mut engine, commands);
    let mut seen = Vec::new();
    let opened = Engine::open(log, Chart::default(), |position| {
        seen.push(position.get());
    });
    let book = opened.unwrap();
    assert_eq!(seen, [1024, 2048, 2102]);
    assert_eq!(book.head(), Position::new(2102));
    let (_, record) = &apply_one(&mut engine, fund(1, "wallet:0", 1)).records[0];
    assert_eq!(record.event.kind(), Kind::EntryPosted);
}
