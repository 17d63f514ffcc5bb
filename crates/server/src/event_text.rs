//! Events as text: of a page, of lines or of a stream, some bytes at a time.

use std::collections::VecDeque;
use std::io::Write as _;

use tillroll_engine::Position;
use tillroll_events::{Record, RecordView};
use tillroll_runtime::AccountNameTable;

use crate::event_cursor::EventCursor;

/// About so long is what is written at a time.
pub(crate) const CHUNK_BYTES: usize = 128 * 1024;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum EventFormat {
    /// The data of a list.
    #[default]
    List,
    /// One event to a line.
    Lines,
    ServerSent,
}

/// Writes records as events, an event with many entries in parts, until a bound is reached.
#[derive(Debug, Default)]
pub(crate) struct EventText {
    format: EventFormat,
    source: String,
    items_left: usize,
    bytes_left: usize,
    /// Whether there was an item.
    begun: bool,
    /// Whether an item did not fit.
    full: bool,
    records: VecDeque<(Position, Record)>,
    names: AccountNameTable,
    /// Entries of the next record that were shown before.
    shown: usize,
}

impl EventText {
    /// At most so many items, and so many bytes of them.
    pub(crate) fn new(format: EventFormat, source: &str, items: usize, bytes: usize) -> Self {
        Self {
            format,
            source: source.to_owned(),
            items_left: items,
            bytes_left: bytes,
            ..Self::default()
        }
    }

    /// So many entries of the first record were shown before.
    pub(crate) fn skip(mut self, entries: usize) -> Self {
        self.shown = entries;
        self
    }

    /// How many more items it takes.
    pub(crate) fn items_left(&self) -> usize {
        match self.full {
            true => 0,
            false => self.items_left,
        }
    }

    /// Whether there are records that were not written.
    pub(crate) fn has_records(&self) -> bool {
        !self.records.is_empty()
    }

    /// Takes the next records, where it has none.
    pub(crate) fn push(&mut self, records: Vec<(Position, Record)>, names: AccountNameTable) {
        self.records.extend(records);
        self.names = names;
    }

    /// Writes what comes next: as much as is at hand and may be shown, about [`CHUNK_BYTES`] at a
    /// time.
    pub(crate) fn write(&mut self, out: &mut Vec<u8>) {
        let end = out.len() + CHUNK_BYTES;
        while self.items_left() > 0 && out.len() < end {
            let Some((position, record)) = self.records.front() else {
                // The names are of what was written.
                self.names = AccountNameTable::default();
                return;
            };
            let part = record.event.part_from(self.shown);
            if self.shown > 0 && part.is_none_or(|part| part.entries.first >= part.of) {
                self.next_record();
                continue;
            }
            let view = RecordView {
                record,
                position: position.get(),
                source: &self.source,
                names: &self.names,
                part,
            };
            let start = out.len();
            self.item(&view, out);
            let length = out.len() - start;
            if length > self.bytes_left && self.begun {
                out.truncate(start);
                self.full = true;
                return;
            }
            self.begun = true;
            self.bytes_left = self.bytes_left.saturating_sub(length);
            self.items_left -= 1;
            match part {
                Some(part) if part.entries.end < part.of => self.shown = part.entries.end,
                _ => self.next_record(),
            }
        }
    }

    fn next_record(&mut self) {
        self.records.pop_front();
        self.shown = 0;
    }

    fn item(&self, view: &RecordView<'_>, out: &mut Vec<u8>) {
        match self.format {
            EventFormat::List if self.begun => out.push(b','),
            EventFormat::List | EventFormat::Lines => {}
            EventFormat::ServerSent => {
                let shown = view.part.map(|part| part.entries.end as u64);
                let cursor = EventCursor {
                    position: view.position,
                    entries: shown,
                };
                // Without a name of its own, so that a browser's `onmessage` gets it.
                write!(out, "id: {cursor}\ndata: ").expect("writing to memory cannot fail");
            }
        }
        serde_json::to_writer(&mut *out, view).expect("an event is plain data");
        out.extend_from_slice(match self.format {
            EventFormat::List => b"",
            EventFormat::Lines => b"\n",
            EventFormat::ServerSent => b"\n\n",
        });
    }
}
