//! One row per event, their counts, and the way from a time to a position.

use std::borrow::Cow;
use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Statement, params};
use tillroll_events::{
    CalendarDate, Caller, EntriesPosted, EntryId, EntryPosted, EntryReversed, Event, Kind,
    Metadata, NotificationReceived, Record,
};
use tillroll_ledger::EntryRef;

use super::rows::{InsertBuffer, InsertRow, Keyed};
use super::{RecordPlace, Writer};
use crate::{ProjectError, ReversalState};

#[derive(Debug, Default)]
pub(super) struct Events {
    /// How many of each kind since the last flush.
    counted: BTreeMap<Kind, i64>,
    /// The newest row of `positions_by_time`: time and last position.
    time: Option<(i64, i64)>,
}

impl Events {
    /// A time means everything up to the last position that was recorded by then, so that it always
    /// means a prefix of the roll. Where a clock was confirmed, times after it are over: no later
    /// row has one. Answers the row of the time that is over.
    fn tick(
        &mut self,
        sql: &Connection,
        times: &mut InsertBuffer<TimeRow>,
        recorded_at: i64,
        position: i64,
    ) -> rusqlite::Result<Option<TimeRow>> {
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
        let (time, over) = match newest {
            Some((newest, _)) if recorded_at < newest => {
                times.flush(sql)?;
                sql.prepare_cached("DELETE FROM positions_by_time WHERE recorded_at > ?1")?
                    .execute([recorded_at])?;
                (recorded_at, None)
            }
            Some((newest, _)) if recorded_at == newest => (newest, None),
            Some(newest) => (recorded_at, Some(TimeRow(newest))),
            None => (recorded_at, None),
        };
        self.time = Some((time, position));
        Ok(over)
    }

    pub fn flush(&mut self, sql: &Connection) -> rusqlite::Result<()> {
        if let Some(newest) = self.time {
            let mut last = InsertBuffer::default();
            last.push(sql, TimeRow(newest))?;
            last.flush(sql)?;
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

/// A time, and the last position recorded by then.
#[derive(Debug)]
pub(super) struct TimeRow((i64, i64));

impl InsertRow for TimeRow {
    const INSERT: &'static str = "INSERT OR REPLACE INTO positions_by_time (recorded_at, position)";
    const COLUMNS: usize = 2;

    fn bind(&self, statement: &mut Statement<'_>, first: usize) -> rusqlite::Result<()> {
        let (recorded_at, position) = self.0;
        statement.raw_bind_parameter(first, recorded_at)?;
        statement.raw_bind_parameter(first + 1, position)
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

#[derive(Debug)]
pub(super) struct EventRow {
    position: i64,
    kind: &'static str,
    order: Option<String>,
    occurred_at: i64,
    recorded_at: i64,
    description: Option<String>,
    caller: Caller,
    effective_date: Option<CalendarDate>,
}

impl InsertRow for EventRow {
    const INSERT: &'static str = "INSERT OR FAIL INTO events
        (position, kind, order_id, occurred_at, recorded_at, description,
         actor, origin, effective_date)";
    const COLUMNS: usize = 9;

    fn bind(&self, statement: &mut Statement<'_>, first: usize) -> rusqlite::Result<()> {
        statement.raw_bind_parameter(first, self.position)?;
        statement.raw_bind_parameter(first + 1, self.kind)?;
        statement.raw_bind_parameter(first + 2, &self.order)?;
        statement.raw_bind_parameter(first + 3, self.occurred_at)?;
        statement.raw_bind_parameter(first + 4, self.recorded_at)?;
        statement.raw_bind_parameter(first + 5, &self.description)?;
        let Caller { actor, origin } = &self.caller;
        match actor.id() {
            None => statement.raw_bind_parameter(first + 6, actor.kind())?,
            Some(_) => statement.raw_bind_parameter(first + 6, actor.to_string())?,
        }
        statement.raw_bind_parameter(first + 7, origin.as_str())?;
        let effective_date = self.effective_date.map(|date| date.to_string());
        statement.raw_bind_parameter(first + 8, effective_date)
    }
}

#[derive(Debug)]
pub(super) struct PostedEntryRow {
    position: i64,
    ordinal: i64,
    postings: i64,
    id: EntryId,
    metadata: Cow<'static, str>,
    reverses: Option<EntryId>,
    reversal: Option<ReversalState>,
}

impl InsertRow for PostedEntryRow {
    const INSERT: &'static str = "INSERT OR FAIL INTO entries
        (position, ordinal, postings, id, metadata, reverses, reversal)";
    const COLUMNS: usize = 7;

    fn bind(&self, statement: &mut Statement<'_>, first: usize) -> rusqlite::Result<()> {
        statement.raw_bind_parameter(first, self.position)?;
        statement.raw_bind_parameter(first + 1, self.ordinal)?;
        statement.raw_bind_parameter(first + 2, self.postings)?;
        statement.raw_bind_parameter(first + 3, self.id.to_string())?;
        statement.raw_bind_parameter(first + 4, &*self.metadata)?;
        statement.raw_bind_parameter(first + 5, self.reverses.map(|id| id.to_string()))?;
        statement.raw_bind_parameter(first + 6, self.reversal.map(ReversalState::as_str))
    }
}

/// Of an entry that is the first of its event and says nothing of others.
fn entry_row<'e>(
    place: RecordPlace,
    id: EntryId,
    entry: impl Into<EntryRef<'e>>,
    metadata: &Metadata,
) -> PostedEntryRow {
    PostedEntryRow {
        position: place.column,
        ordinal: 0,
        postings: postings_column(entry.into().postings().len()),
        id,
        metadata: metadata_json(metadata),
        reverses: None,
        reversal: None,
    }
}

impl Keyed for PostedEntryRow {
    type Key = EntryId;

    /// Ids as texts are in the order of their numbers.
    fn key(&self) -> EntryId {
        self.id
    }
}

impl Writer<'_> {
    pub(super) fn event(
        &mut self,
        place: RecordPlace,
        record: &Record,
        order: Option<&str>,
    ) -> Result<(), ProjectError> {
        let kind = record.event.kind();
        let recorded_at = record.recorded_at.micros();
        let row = EventRow {
            position: place.column,
            kind: kind.name(),
            order: order.map(str::to_owned),
            occurred_at: record.occurred_at.micros(),
            recorded_at,
            description: record.event.subject().map(Cow::into_owned),
            caller: record.caller.clone(),
            effective_date: match &record.event {
                Event::EntryPosted(event) => event.effective_date,
                Event::EntryReversed(event) => event.effective_date,
                _ => None,
            },
        };
        self.events.push(self.sql, row)?;
        *self.cache.events.counted.entry(kind).or_default() += 1;
        let Self {
            cache, times, sql, ..
        } = self;
        let over = cache.events.tick(sql, times, recorded_at, place.column)?;
        if let Some(row) = over {
            self.times.push(self.sql, row)?;
        }
        self.last = Some((record.id, recorded_at));
        Ok(())
    }

    pub(super) fn entry_posted(&mut self, place: RecordPlace, event: &EntryPosted) {
        self.entries.push(PostedEntryRow {
            reverses: event.reverses,
            ..entry_row(place, event.id, &event.entry.0, &event.metadata)
        });
    }

    pub(super) fn entry_reversed(&mut self, place: RecordPlace, event: &EntryReversed) {
        self.entries.push(PostedEntryRow {
            reverses: Some(event.reverses),
            reversal: Some(match event.left {
                Some(_) => ReversalState::Part,
                None => ReversalState::Whole,
            }),
            ..entry_row(place, event.id, &event.entry.0, &event.metadata)
        });
    }

    pub(super) fn entries_posted(&mut self, place: RecordPlace, event: &EntriesPosted) {
        let mut ordinal = 0_i64;
        let plain = Metadata::new();
        event.entries.for_each(|id, entry| {
            let row = PostedEntryRow {
                ordinal,
                ..entry_row(place, id, entry, &plain)
            };
            ordinal += row.postings;
            self.entries.push(row);
        });
    }

    /// Only what was not understood is listed; understanding it later takes it off the list.
    /// The same id with another kind is not the same event: senders have used ids again.
    pub(super) fn notification(
        &mut self,
        place: RecordPlace,
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
