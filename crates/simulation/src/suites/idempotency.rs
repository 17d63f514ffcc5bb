//! One effect and one answer for each key: in a batch, later, and after a restart.

use tillroll_book::Refusal;
use tillroll_engine::{Engine, Outcome};
use tillroll_journal::{Journal, MemoryJournal};

use super::{Caught, Verdict, ensure, story};

pub(super) fn check() -> Verdict {
    a_repeated_command_has_one_effect_and_the_same_answer()?;
    a_key_does_not_answer_for_another_request()
}

fn execute<J: Journal>(
    engine: &mut Engine<J>,
    commands: Vec<tillroll_book::Command>,
) -> Result<Vec<Result<Outcome, Refusal>>, Caught> {
    let answers = engine.execute(commands);
    answers.map_err(Caught::unexpected("memory does not fail"))
}

fn a_repeated_command_has_one_effect_and_the_same_answer() -> Verdict {
    let journal = MemoryJournal::new();
    let mut engine = story::open(journal.clone())?;
    let again = || story::receive(1, 7);
    let mut answers = execute(&mut engine, vec![again(), story::receive(2, 1), again()])?;
    answers
        .remove(1)
        .map_err(Caught::unexpected("a delivery"))?;
    answers.extend(execute(&mut engine, vec![again()])?);
    drop(engine);
    let mut engine = story::open(journal)?;
    answers.extend(execute(&mut engine, vec![again()])?);

    let mut first: Option<Outcome> = None;
    for (number, answer) in answers.into_iter().enumerate() {
        let outcome = answer.map_err(Caught::unexpected("a repeated delivery"))?;
        ensure(outcome.replayed == (number > 0), || {
            format!("answer {number} says replayed: {}", outcome.replayed)
        })?;
        let first = first.get_or_insert_with(|| outcome.clone());
        ensure(outcome.records == first.records, || {
            format!("answer {number} has other records")
        })?;
    }
    let pieces = story::in_store(engine.book());
    ensure(pieces == 8, || {
        format!("8 pieces were delivered, some of them told four times: {pieces} are there")
    })
}

fn a_key_does_not_answer_for_another_request() -> Verdict {
    let mut engine = story::open(MemoryJournal::new())?;
    let mut other = story::receive(2, 99);
    let asked = story::receive(1, 7);
    if let (Some(key), Some(used)) = (&mut other.key, &asked.key) {
        key.key.clone_from(&used.key);
    }
    for commands in [vec![asked, other.clone()], vec![other]] {
        let answers = execute(&mut engine, commands)?;
        let last = answers.last();
        let conflict = matches!(last, Some(Err(Refusal::IdempotencyConflict { .. })));
        ensure(conflict, || {
            let shown = last.map(crate::expected::shown);
            format!("the same key with another request: {shown:?}")
        })?;
    }
    let pieces = story::in_store(engine.book());
    ensure(pieces == 7, || format!("{pieces} pieces of 7 are there"))
}
