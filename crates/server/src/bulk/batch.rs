//! The entries of one command, as the book takes them: the one place that knows how.

use tillroll_book::{Action, EntryBatch, PostEntries, PostEntry};

use crate::bodies::BulkMode;
use crate::new_ids::NewIds;
use crate::scan::ScannedEntry;

#[derive(Debug)]
pub(crate) struct CommandBatch {
    entries: EntryBatch,
    new_ids: NewIds,
}

impl CommandBatch {
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

    /// Makes room for so many entries like the last one.
    pub(crate) fn expect(&mut self, entries: usize) {
        self.entries.reserve(entries);
    }

    /// Adds what the careful parser read.
    pub(crate) fn push(&mut self, entry: &PostEntry) {
        self.entries.push(entry);
    }

    /// Adds what the quick parser read.
    pub(crate) fn push_scanned(&mut self, entry: &ScannedEntry<'_>) {
        self.entries.start(entry.id_or_new(&mut self.new_ids));
        for leg in &entry.legs {
            self.entries
                .leg(leg.account, leg.unit, leg.side, leg.amount);
        }
        if !entry.is_plain() {
            self.entries.say(entry.words());
        }
    }

    pub(crate) fn into_action(self, mode: BulkMode) -> Action {
        Action::PostEntries(PostEntries {
            entries: self.entries,
            all_or_nothing: mode == BulkMode::All,
        })
    }

    /// What was added.
    #[cfg(any(feature = "fuzzed", test))]
    pub(crate) fn entries(&self) -> &EntryBatch {
        &self.entries
    }
}
