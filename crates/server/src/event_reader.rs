//! Reads the roll as text, for one client at its own pace.
//!
//! What it holds is bounded: a chunk of text, and the records that are next. It is counted, as all
//! answers are, for as long as it is held.

use bytes::Bytes;
use tillroll_engine::Position;
use tillroll_runtime::ReadSize;
use tokio::sync::watch;

use crate::app::{App, blocking};
use crate::byte_budget::ByteLease;
use crate::capacity::overloaded;
use crate::event_cursor::EventCursor;
use crate::event_text::{CHUNK_BYTES, EventFormat, EventText};
use crate::problem::Problem;

/// How much of the log is read at a time.
const READ: ReadSize = ReadSize {
    records: 256,
    bytes: 128 * 1024,
};
/// More of the log than this is written as text on a thread that may block.
const LONG: usize = 8 * 1024;

pub(crate) struct EventReader {
    app: App,
    text: EventText,
    /// The position of the next record to read.
    next: u64,
    /// None past this one is read.
    until: u64,
    /// For what it holds.
    lease: ByteLease,
    /// How long the records are that were read last.
    read: usize,
}

/// Some text, and what it is counted by.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    pub(crate) text: Vec<u8>,
    /// Of the last chunk of a page: with the others the reader has it.
    pub(crate) lease: Option<ByteLease>,
}

impl Chunk {
    pub(crate) fn into_bytes(self) -> Bytes {
        match self.lease {
            Some(lease) => lease.hold(self.text),
            None => self.text.into(),
        }
    }
}

impl EventReader {
    /// At most so many events, or parts of one, and so many bytes of them.
    pub(crate) fn new(
        app: App,
        format: EventFormat,
        after: EventCursor,
        until: u64,
        (items, bytes): (usize, usize),
    ) -> Self {
        let (next, shown) = after.next();
        Self {
            text: EventText::new(format, app.source(), items, bytes).skip(shown),
            lease: app.capacity().answers.lease(),
            app,
            next,
            until,
            read: 0,
        }
    }

    /// Whether there is nothing more to read, within its bounds.
    pub(crate) fn is_over(&self) -> bool {
        self.text.items_left() == 0 || !self.has_more()
    }

    /// Whether something is behind what was read.
    pub(crate) fn has_more(&self) -> bool {
        self.text.has_records() || self.next <= self.until
    }

    /// What comes next. Whoever asks has written what came before.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Chunk>, Problem> {
        let mut text = Vec::new();
        while text.is_empty() && !self.is_over() {
            if !self.text.has_records() {
                self.read().await?;
            }
            if self.read <= LONG {
                self.text.write(&mut text);
            } else {
                // Writing takes longer than reading, and is done by as many at once.
                let capacity = self.app.capacity();
                let place = capacity.log_reads.take(self.app.patience()).await?;
                let mut writing = std::mem::take(&mut self.text);
                (self.text, text) = blocking(move || {
                    let mut text = Vec::with_capacity(CHUNK_BYTES);
                    writing.write(&mut text);
                    drop(place);
                    (writing, text)
                })
                .await?;
            }
        }
        if text.is_empty() {
            return Ok(None);
        }
        self.lease.set(self.held() + text.capacity());
        let lease = self
            .is_over()
            .then(|| std::mem::replace(&mut self.lease, self.app.capacity().answers.lease()));
        Ok(Some(Chunk { text, lease }))
    }

    /// Bytes of records that were read and not written.
    fn held(&self) -> usize {
        match self.text.has_records() {
            true => self.read,
            false => 0,
        }
    }

    /// Reads the next records. There is one.
    async fn read(&mut self) -> Result<(), Problem> {
        let capacity = self.app.capacity();
        let bytes = READ.bytes + CHUNK_BYTES;
        if !self.lease.try_grow(bytes) {
            let room = capacity.answers.take(bytes, self.app.patience()).await;
            self.lease = room.ok_or_else(|| {
                overloaded("answers hold as many bytes as they may: read what was asked for")
            })?;
        }
        let size = ReadSize {
            records: READ.records.min(self.text.items_left()),
            ..READ
        };
        let batch = self.app.records(self.next, self.until, size).await?;
        self.read = batch.bytes;
        self.lease.set(CHUNK_BYTES + batch.bytes);
        let Some((last, _)) = batch.records.last() else {
            // Nothing is committed there, as far as the log can say.
            self.next = self.until.saturating_add(1);
            return Ok(());
        };
        self.next = last.next().get();
        let names = self.app.names(&batch.records).await;
        self.text.push(batch.records, names);
        Ok(())
    }

    /// Waits until there is something to read, holding nothing meanwhile; false when nothing more
    /// will come. Nothing is lost when the future is dropped.
    pub(crate) async fn wait(&mut self, committed: &mut watch::Receiver<Position>) -> bool {
        if self.text.has_records() || self.next > self.until {
            return self.text.has_records();
        }
        let next = Position::new(self.next);
        if *committed.borrow() < next {
            self.lease.set(0);
        }
        committed.wait_for(|head| *head >= next).await.is_ok()
    }
}
