//! One row per event, their counts, and the way from a time to a position.

use std::borrow::Cow;
use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, params};
use tillroll_events::{
    EntriesPosted, EntryId, EntryPosted, Event, Kind, Metadata, NotificationReceived, Record,
};

use super::{Place, Writer};
use crate::ProjectError;

#[derive(Debug, Default)]
pub(super) struct Events {
    /// How many of each kind since the last flush.
    counted: BTreeMap<Kind, i64>,
    /// The newest row of `positions_by_time`: time and last position.
    time: Option<(i64, i64)>,
}

impl Events {
    /// A clock that was set back does not undo what is recorded: the later time stands, so that
    /// a time always means a prefix of the roll.
    fn tick(&mut self, sql: &Connection, recorded_at: i64, position: i64) -> rusqlite::Result<()> {
        let newest = match self.time {
            Some(newest) => Some(newest),
            None => sql
                .prepare_cached(
                    "SELECT recorded_at, position FROM positions_by_time
                     ORDER BY recorded_at DESC LIMIT 1",
                )?
                .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?,
        };
        let time = match newest {
            Some((newest, _)) if recorded_at <= newest => newest,
            Some(newest) => {
                write_time(sql, newest)?;
                recorded_at
            }
            None => recorded_at,
        };
        self.time = Some((time, position));
        Ok(())
    }

    pub fn flush(&mut self, sql: &Connection) -> rusqlite::Result<()> {
        if let Some(newest) = self.time {
            write_time(sql, newest)?;
        }
        let mut count = sql.prepare_cached(
            "INSERT INTO event_counts (kind, events) VALUES (?1, ?2)
             ON CONFLICT (kind) DO UPDATE SET events = events + excluded.events",
        )?;
        for (kind, events) in std::mem::take(&mut self.counted) {
            count.execute(params![kind.name(), events])?;
        }
        Ok(())
    }
}

fn write_time(sql: &Connection, (recorded_at, position): (i64, i64)) -> rusqlite::Result<()> {
    sql.prepare_cached(
        "INSERT OR REPLACE INTO positions_by_time (recorded_at, position) VALUES (?1, ?2)",
    )?
    .execute([recorded_at, position])?;
    Ok(())
}

/// One line that says what it was about, for statements and lists.
fn description(event: &Event) -> Option<Cow<'_, str>> {
    let text = |text: &'_ Option<String>| text.clone().map(Cow::Owned);
    match event {
        Event::AccountOpened(event) => Some(Cow::Borrowed(event.path.as_str())),
        Event::EntryPosted(event) => event.description.as_deref().map(Cow::Borrowed),
        Event::HoldPlaced(event) => event.description.as_deref().map(Cow::Borrowed),
        Event::StockReceived(event) => text(&event.reference),
        Event::NotificationReceived(event) => Some(Cow::Borrowed(&event.kind)),
        Event::IntentObserved(event) => Some(Cow::Borrowed(event.facts.id.as_str())),
        Event::ChargeObserved(event) => Some(Cow::Borrowed(event.facts.id.as_str())),
        Event::RefundObserved(event) => Some(Cow::Borrowed(event.facts.id.as_str())),
        Event::DisputeObserved(event) => Some(Cow::Borrowed(event.facts.id.as_str())),
        Event::TransferObserved(event) => Some(Cow::Borrowed(event.facts.id.as_str())),
        Event::PayoutObserved(event) => Some(Cow::Borrowed(event.facts.id.as_str())),
        Event::BalanceTransactionBooked(event) => Some(Cow::Owned(format!(
            "{} {}",
            event.facts.kind, event.facts.id
        ))),
        Event::SellerBalanceAdjusted(event) => Some(Cow::Borrowed(event.seller.as_str())),
        Event::AccountLimitSet(_)
        | Event::HoldCaptured(_)
        | Event::HoldEnded(_)
        | Event::BulkClosed(_)
        | Event::EntriesPosted(_)
        | Event::OrderPlaced(_)
        | Event::OrderBooked(_)
        | Event::OrderFulfilled(_)
        | Event::OrderCancelled(_) => None,
    }
}

/// A map of texts as JSON.
pub(super) fn metadata_json(metadata: &Metadata) -> Cow<'static, str> {
    if metadata.is_empty() {
        return Cow::Borrowed("{}");
    }
    Cow::Owned(serde_json::to_string(metadata).expect("a map of texts is JSON"))
}

/// A number of postings as a column holds it.
fn postings_column(count: usize) -> i64 {
    i64::try_from(count).expect("an entry has few postings")
}

impl Writer<'_> {
    pub(super) fn event(
        &mut self,
        place: Place,
        record: &Record,
        order: Option<&str>,
    ) -> Result<(), ProjectError> {
        let kind = record.event.kind();
        let recorded_at = record.recorded_at.micros();
        self.insert_event
            .get(
                self.sql,
                "INSERT INTO events (position, kind, order_id, occurred_at, recorded_at, description)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                place.column,
                kind.name(),
                order,
                record.occurred_at.micros(),
                recorded_at,
                description(&record.event),
            ])?;
        *self.cache.events.counted.entry(kind).or_default() += 1;
        self.cache
            .events
            .tick(self.sql, recorded_at, place.column)?;
        self.last = Some((record.id, recorded_at));
        Ok(())
    }

    pub(super) fn entry_posted(
        &mut self,
        place: Place,
        event: &EntryPosted,
    ) -> Result<(), ProjectError> {
        let count = event.entry.postings().len();
        self.entry(place, 0, event.id, count, &event.metadata, event.reverses)
    }

    pub(super) fn entries_posted(
        &mut self,
        place: Place,
        event: &EntriesPosted,
    ) -> Result<(), ProjectError> {
        let (mut ordinal, mut written) = (0_i64, Ok(()));
        let plain = Metadata::new();
        event.entries.for_each(|id, entry| {
            let count = entry.postings().len();
            if written.is_ok() {
                written = self.entry(place, ordinal, id, count, &plain, None);
            }
            ordinal += postings_column(count);
        });
        written
    }

    fn entry(
        &mut self,
        place: Place,
        ordinal: i64,
        id: EntryId,
        postings: usize,
        metadata: &Metadata,
        reverses: Option<EntryId>,
    ) -> Result<(), ProjectError> {
        self.insert_entry
            .get(
                self.sql,
                "INSERT INTO entries (position, ordinal, postings, id, metadata, reverses)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                place.column,
                ordinal,
                postings_column(postings),
                id.to_string(),
                metadata_json(metadata),
                reverses.map(|id| id.to_string()),
            ])?;
        Ok(())
    }

    /// Only what was not understood is listed; understanding it later takes it off the list.
    /// The same id with another kind is not the same event: senders have used ids again.
    pub(super) fn notification(
        &mut self,
        place: Place,
        event: &NotificationReceived,
    ) -> Result<(), ProjectError> {
        let Some(reason) = &event.unrecognised else {
            self.sql
                .prepare_cached(
                    "UPDATE notifications SET resolved_position = ?2
                     WHERE id = ?1 AND kind = ?3 AND resolved_position IS NULL",
                )?
                .execute(params![event.id.as_str(), place.column, event.kind])?;
            return Ok(());
        };
        self.sql
            .prepare_cached(
                "INSERT INTO notifications (position, id, kind, account, api_version, created,
                                            livemode, reason, detail, body)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            )?
            .execute(params![
                place.column,
                event.id.as_str(),
                event.kind,
                event.account.as_ref().map(|account| account.as_str()),
                event.api_version,
                event.created.map(|at| at.micros()),
                event.livemode,
                reason,
                event.detail,
                event.body,
            ])?;
        Ok(())
    }
}
