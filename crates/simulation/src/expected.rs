//! What should be answered, and the comparison with what was.

use std::rc::Rc;

use tillroll_book::Refusal;
use tillroll_engine::Outcome;
use tillroll_events::Record;

/// The answer of a plain book to one command.
#[derive(Clone, Debug)]
pub(crate) enum ExpectedAnswer {
    Applied {
        first: u64,
        last: u64,
        records: Vec<Rc<Record>>,
        replayed: bool,
    },
    Refused(Refusal),
    /// Its records do not fit into a frame: refused, in words that are the engine's own.
    TooLarge,
}

impl ExpectedAnswer {
    /// How an answer differs from this, if it does.
    pub(crate) fn differs(&self, answer: &Result<Outcome, Refusal>) -> Option<String> {
        match (self, answer) {
            (Self::Refused(expected), Err(found)) if expected == found => None,
            (Self::TooLarge, Err(Refusal::Invalid { detail, .. }))
                if detail.contains("recorded at once") =>
            {
                None
            }
            (
                Self::Applied {
                    first,
                    last,
                    records,
                    replayed,
                },
                Ok(found),
            ) => {
                let ends = (found.first.get(), found.last.get(), found.replayed);
                if ends != (*first, *last, *replayed) {
                    return Some(format!(
                        "{first} to {last}, replayed {replayed}, is expected: {}",
                        shown(answer)
                    ));
                }
                let found = found.records.iter();
                let same = found.len() == records.len()
                    && found.zip(*first..).zip(records).all(
                        |(((position, record), expected_position), expected)| {
                            position.get() == expected_position && *record == **expected
                        },
                    );
                (!same).then(|| format!("other records are answered for {first} to {last}"))
            }
            (Self::Refused(expected), _) => Some(format!(
                "a refusal is expected ({expected}): {}",
                shown(answer)
            )),
            (Self::TooLarge, _) => Some(format!("it fits into no frame: {}", shown(answer))),
            (Self::Applied { first, last, .. }, Err(_)) => {
                Some(format!("{first} to {last} is expected: {}", shown(answer)))
            }
        }
    }
}

/// An answer in a few words.
pub(crate) fn shown(answer: &Result<Outcome, Refusal>) -> String {
    match answer {
        Ok(outcome) if outcome.is_empty() => format!("nothing new at {}", outcome.last),
        Ok(outcome) => {
            let replayed = if outcome.replayed { ", replayed" } else { "" };
            format!("{} to {}{replayed}", outcome.first, outcome.last)
        }
        Err(refusal) => format!("refused: {refusal}"),
    }
}
