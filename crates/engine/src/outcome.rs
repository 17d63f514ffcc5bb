//! What a command came to, once it is durable.

use std::ops::ControlFlow;
use std::sync::Arc;

use tillroll_events::Record;
use tillroll_log::{Deadline, LogReader, Position};

use crate::Failure;

/// A command that was applied, now or before. Everything in it is durable.
///
/// A command that had nothing new to say (a webhook with facts that were known already) is
/// applied too: it has no records, `last` is where the roll ended when it was decided, and
/// `first` is the position after that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Position of the command's first record.
    pub first: Position,
    /// Position of the command's last record: what an answer depends on.
    pub last: Position,
    /// The command's records, in order of position, `first` to `last`.
    pub records: Arc<[(Position, Record)]>,
    /// The command had been applied before: these are the records of that time.
    pub replayed: bool,
}

impl Outcome {
    pub(crate) fn of_run(records: Vec<(Position, Record)>, replayed: bool) -> Self {
        let ends = records.first().zip(records.last());
        let ((first, _), (last, _)) = ends.expect("a run has records");
        Self {
            first: *first,
            last: *last,
            replayed,
            records: records.into(),
        }
    }

    /// The outcome of a command that was applied before: its records, as the log has them.
    pub(crate) fn read_back(
        reader: &dyn LogReader,
        first: Position,
        events: u32,
    ) -> Result<Self, Failure> {
        let wanted = usize::try_from(events).expect("a 32-bit number fits the address space");
        if wanted == 0 {
            // No record carries such a command's key, so the book cannot know it. Answering is
            // still right: there was nothing new then.
            let last = Position::new(first.get().saturating_sub(1));
            return Ok(Self {
                replayed: true,
                ..Self::nothing_new(last)
            });
        }
        let mut records = Vec::with_capacity(wanted);
        let mut undecodable = None;
        let read =
            reader.for_each(
                first,
                Deadline::NEVER,
                &mut |position, bytes| match Record::decode(bytes) {
                    Ok(record) => {
                        records.push((position, record));
                        match records.len() == wanted {
                            true => ControlFlow::Break(()),
                            false => ControlFlow::Continue(()),
                        }
                    }
                    Err(source) => {
                        let source = Arc::new(source);
                        undecodable = Some(Failure::Decode { position, source });
                        ControlFlow::Break(())
                    }
                },
            );
        match (undecodable, read) {
            (Some(failure), _) => Err(failure),
            (None, Err(source)) => Err(Failure::Read {
                position: first,
                source: Arc::new(source),
            }),
            (None, Ok(_)) if records.len() < wanted => Err(Failure::Missing { position: first }),
            (None, Ok(_)) => Ok(Self::of_run(records, true)),
        }
    }

    pub(crate) fn nothing_new(last: Position) -> Self {
        Self {
            first: last.next(),
            last,
            records: Arc::from([]),
            replayed: false,
        }
    }

    /// Whether the command added nothing, because there was nothing new in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }
}
