//! From records to rows.
//!
//! One [`Writer`] lives for one SQL commit. InsertBuffer of history (events, postings, timelines) are
//! inserted as they come; rows that say what is latest (balances, standings, counts) are kept
//! in the [`Cache`] and written once per commit, however often they changed. What is in the
//! tables after a commit depends on the records alone, never on where batches ended: that is
//! what makes a rebuild give the same rows.

mod accounts;
mod events;
mod facts;
mod groups;
mod holds;
mod order_blocks;
mod orders;
mod rows;
mod sellers;

use rusqlite::{CachedStatement, Connection, params};
use tillroll_events::{Event, EventId, OrderId, Record, Word as _};

use self::rows::{InsertBuffer, Scattered};
use crate::ProjectError;

/// What the writer remembers between commits. Everything in it can be read back from the
/// tables, so that forgetting is always safe, and needed after a failed commit.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    accounts: accounts::Accounts,
    groups: groups::Groups,
    orders: orders::Orders,
    order_blocks: order_blocks::OrderBlocks,
    sellers: sellers::Sellers,
    events: events::Events,
}

impl Cache {
    /// Keeps what is remembered within bounds. Only between commits.
    pub fn trim(&mut self) {
        self.accounts.trim();
        self.orders.trim();
        self.sellers.trim();
    }
}

/// Where a row comes from: its event's position, as a number and as columns hold it.
#[derive(Clone, Copy, Debug)]
struct RecordPlace {
    position: u64,
    column: i64,
}

impl RecordPlace {
    fn contradiction(self, detail: impl Into<String>) -> ProjectError {
        ProjectError::Contradiction {
            position: self.position,
            detail: detail.into(),
        }
    }

    /// An unsigned number as a column holds it.
    fn column_of(self, number: u64) -> Result<i64, ProjectError> {
        i64::try_from(number)
            .map_err(|_| self.contradiction(format!("{number} is above the largest amount")))
    }
}

/// A statement that nearly every record needs, looked up once per commit.
#[derive(Default)]
struct LazyStatement<'a>(Option<CachedStatement<'a>>);

impl<'a> LazyStatement<'a> {
    fn get(
        &mut self,
        sql: &'a Connection,
        text: &'static str,
    ) -> rusqlite::Result<&mut CachedStatement<'a>> {
        let statement = match self.0.take() {
            Some(statement) => statement,
            None => sql.prepare_cached(text)?,
        };
        Ok(self.0.insert(statement))
    }
}

pub(crate) struct Writer<'a> {
    sql: &'a Connection,
    cache: &'a mut Cache,
    position: u64,
    last: Option<(EventId, i64)>,
    events: InsertBuffer<events::EventRow>,
    times: InsertBuffer<events::TimeRow>,
    entries: Scattered<events::PostedEntryRow>,
    postings: InsertBuffer<accounts::PostingRow>,
    posted: Scattered<accounts::PostedRow>,
    insert_order_event: LazyStatement<'a>,
}

impl<'a> Writer<'a> {
    /// Inside a transaction on `sql`, whose rows are complete up to `checkpoint`.
    pub fn new(sql: &'a Connection, cache: &'a mut Cache, checkpoint: u64) -> Self {
        Self {
            sql,
            cache,
            position: checkpoint,
            last: None,
            events: InsertBuffer::default(),
            times: InsertBuffer::default(),
            entries: Scattered::default(),
            postings: InsertBuffer::default(),
            posted: Scattered::default(),
            insert_order_event: LazyStatement::default(),
        }
    }

    pub fn write(&mut self, position: u64, record: &Record) -> Result<(), ProjectError> {
        let expected = self.position + 1;
        if position != expected {
            return Err(ProjectError::Gap {
                expected,
                found: position,
            });
        }
        let column = i64::try_from(position).map_err(|_| ProjectError::Contradiction {
            position,
            detail: "the position is above those that a table can hold".into(),
        })?;
        let place = RecordPlace { position, column };
        self.cache.groups.load(self.sql)?;
        let order = record.order.or_else(|| record.event.order());
        let order_text = order.map(|order| order.to_string());
        self.event(place, record, order_text.as_deref())?;
        self.event_details(place, record, order, order_text.as_deref())?;
        let (mut ordinal, mut posted) = (0, Ok(()));
        record.event.for_each_posted(|entry| {
            if posted.is_ok() {
                posted = self.post(place, &mut ordinal, entry);
            }
        });
        posted?;
        self.cache.groups.checkpoint(self.sql, place)?;
        self.position = position;
        Ok(())
    }

    fn event_details(
        &mut self,
        place: RecordPlace,
        record: &Record,
        order: Option<OrderId>,
        order_text: Option<&str>,
    ) -> Result<(), ProjectError> {
        let standing = match &record.event {
            Event::AccountOpened(event) => {
                self.account_opened(place, event)?;
                None
            }
            Event::AccountLimitSet(event) => {
                self.limit_set(place, event)?;
                None
            }
            Event::EntryPosted(event) => {
                self.entry_posted(place, event);
                None
            }
            Event::EntryReversed(event) => {
                self.entry_reversed(place, event);
                None
            }
            Event::EntriesPosted(event) => {
                self.entries_posted(place, event);
                None
            }
            Event::HoldPlaced(event) => {
                self.hold_placed(place, event)?;
                None
            }
            Event::HoldCaptured(event) => {
                self.hold_ended(place, event.id, "captured")?;
                None
            }
            Event::HoldEnded(event) => {
                self.hold_ended(place, event.id, event.how.word())?;
                None
            }
            Event::OrderPlaced(event) => {
                self.order_placed(place, record, event)?;
                Some(&event.standing)
            }
            Event::OrderBooked(event) => Some(&event.standing),
            Event::OrderFulfilled(event) => Some(&event.standing),
            Event::OrderCancelled(event) => Some(&event.standing),
            Event::NotificationReceived(event) => {
                self.notification(place, event)?;
                None
            }
            // What others hold is their entry, their facts, or the end of an answer.
            _ => None,
        };
        self.facts(place, &record.event, order_text)?;
        if let (Some(order), Some(text)) = (order, order_text) {
            self.order_event(place, order, text, standing)?;
        }
        Ok(())
    }

    /// Writes what is latest, and the checkpoint. The commit itself is the caller's.
    pub fn finish(mut self) -> Result<u64, ProjectError> {
        self.events.flush(self.sql)?;
        self.times.flush(self.sql)?;
        self.entries.flush(self.sql)?;
        self.postings.flush(self.sql)?;
        self.posted.flush(self.sql)?;
        self.cache.accounts.flush(self.sql)?;
        self.cache.groups.flush(self.sql)?;
        self.cache.orders.flush(self.sql)?;
        self.cache.order_blocks.flush(self.sql)?;
        self.cache.events.flush(self.sql)?;
        if let Some((event_id, recorded_at)) = &self.last {
            let position = i64::try_from(self.position).expect("checked when it was written");
            self.sql
                .prepare_cached(
                    "UPDATE checkpoint SET position = ?1, event_id = ?2, recorded_at = ?3",
                )?
                .execute(params![position, event_id.to_string(), recorded_at])?;
        }
        Ok(self.position)
    }
}
