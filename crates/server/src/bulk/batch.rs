//! The entries of one command, as the book takes them: the one place that knows how.

use tillroll_book::{Action, EntryBatch, PostEntries, PostEntry, Words};
use tillroll_events::EntryId;

use crate::bodies::BulkMode;
use crate::new_ids::NewIds;
use crate::scan::Scanned;

#[derive(Debug)]
pub(crate) struct Batch {
    entries: EntryBatch,
    new_ids: NewIds,
}

impl Batch {
    pub(crate) fn new(new_ids: NewIds) -> Self {
        Self {
            entries: EntryBatch::default(),
            new_ids,
        }
    }

    pub(crate) fn new_ids(&mut self) -> &mut NewIds {
        &mut self.new_ids
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Adds what the careful parser read.
    pub(crate) fn push(&mut self, entry: &PostEntry) {
        self.entries.push(entry);
    }

    /// Adds what the quick parser read.
    pub(crate) fn push_scanned(&mut self, entry: &Scanned<'_>) {
        let id = match entry.id.value() {
            Some((_, id)) => *id,
            None => self.new_ids.take(),
        };
        self.entries.start(EntryId::from_u128(id));
        for leg in &entry.legs {
            self.entries
                .leg(leg.account, leg.unit, leg.side, leg.amount);
        }
        if !entry.is_plain() {
            self.entries.say(words(entry));
        }
    }

    pub(crate) fn into_action(self, mode: BulkMode) -> Action {
        Action::PostEntries(PostEntries {
            entries: self.entries,
            all_or_nothing: mode == BulkMode::All,
        })
    }

    #[cfg(test)]
    pub(crate) fn entries(&self) -> &EntryBatch {
        &self.entries
    }
}

fn words(entry: &Scanned<'_>) -> Words {
    let members = entry.metadata.value().into_iter().flatten();
    let metadata = members.map(|(key, value)| (key.to_string(), value.to_string()));
    let reverses = entry.reverses.value();
    Words {
        description: entry.description.value().map(ToString::to_string),
        metadata: metadata.collect(),
        reverses: reverses.map(|(_, id)| EntryId::from_u128(*id)),
    }
}
