//! What was decided, as records: numbered, and the command's key with the first of them.

use tillroll_events::{CommandRef, EventId, Record};

use crate::{Command, Decided};

impl Command {
    /// The records of what was decided on this command, with their positions from `first` on.
    /// `id` makes the id of an event of its position.
    ///
    /// # Panics
    /// When there are more than 2^32 events.
    pub fn records(
        &self,
        first: u64,
        decided: Vec<Decided>,
        id: impl Fn(u64) -> EventId,
    ) -> impl Iterator<Item = (u64, Record)> {
        let events = u32::try_from(decided.len()).expect("memory ends before 2^32 events");
        let mut reference = self.key.as_ref().map(|key| CommandRef {
            key: key.key.clone(),
            fingerprint: key.fingerprint,
            scope: key.scope.clone(),
            events,
        });
        (first..).zip(decided).map(move |(position, decided)| {
            let record = Record {
                id: id(position),
                recorded_at: self.at,
                occurred_at: decided.occurred_at,
                caller: self.caller.clone(),
                order: decided.order,
                command: reference.take(),
                event: decided.event,
            };
            (position, record)
        })
    }
}
