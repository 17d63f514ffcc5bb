//! Events as JSON shows them: account numbers become paths, unit numbers become units.

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::{Value, json};
use tillroll_ledger::{AccountId, EntryRef};
use tillroll_money::Unit;

use crate::{EntriesPosted, EntryRange, Event, HoldPlaced, PostedEntries, Record};

/// Who can say which account a number is.
pub trait AccountNames {
    fn name(&self, account: AccountId) -> Option<(String, Unit)>;
}

impl AccountNames for tillroll_ledger::Ledger {
    fn name(&self, account: AccountId) -> Option<(String, Unit)> {
        self.account(account)
            .map(|account| (account.path.to_string(), self.unit_of(account)))
    }
}

/// The JSON form of an entry.
#[derive(
    Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[schemars(rename = "EntryView")]
pub struct EntryData {
    pub postings: Vec<PostingData>,
}

/// The JSON form of a posting: an integer number of minor units on one side of one account.
#[derive(
    Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[schemars(rename = "PostingView")]
pub struct PostingData {
    pub account: String,
    pub unit: String,
    /// `debit` or `credit`.
    pub side: String,
    pub amount: u64,
}

/// The JSON form of one of many entries.
#[derive(
    Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[schemars(rename = "PostedEntryView")]
pub struct PostedEntryData {
    pub id: String,
    pub postings: Vec<PostingData>,
}

impl EntryData {
    #[must_use]
    pub fn of<'e>(entry: impl Into<EntryRef<'e>>, names: &dyn AccountNames) -> Self {
        let postings = entry.into().postings().iter().map(|posting| {
            let (account, unit) = names.name(posting.account).map_or_else(
                || {
                    (
                        format!("#{}", posting.account.get()),
                        format!("#{}", posting.unit.get()),
                    )
                },
                |(path, unit)| (path, unit.to_string()),
            );
            PostingData {
                account,
                unit,
                side: posting.side.as_str().into(),
                amount: posting.amount,
            }
        });
        Self {
            postings: postings.collect(),
        }
    }
}

/// Postings that a part of an event holds at most, but for its last entry: an event with more comes
/// in parts where it is read in pages or as a stream.
pub const PART_POSTINGS: usize = 1000;

/// A part of an event that holds many entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventPart {
    pub entries: EntryRange,
    /// How many entries the whole event has.
    pub of: usize,
}

impl Event {
    /// The part of an event that begins with the entry at a place; none of an event that is shown
    /// as a whole. Where a part ends follows from the event and the place alone.
    #[must_use]
    pub fn part_from(&self, first: usize) -> Option<EventPart> {
        let Self::EntriesPosted(event) = self else {
            return None;
        };
        if first == 0 && event.entries.postings() <= PART_POSTINGS {
            return None;
        }
        Some(EventPart {
            entries: event.entries.range_from(first, PART_POSTINGS),
            of: event.entries.len(),
        })
    }

    /// The event's data with names in place of numbers.
    #[must_use]
    pub fn to_json(&self, names: &dyn AccountNames) -> Value {
        if let Self::EntriesPosted(event) = self {
            let EntriesPosted { entries } = &**event;
            let entries = EntriesRef {
                entries,
                part: None,
                names,
            };
            return json!({"entries": entries});
        }
        let mut data = serde_json::to_value(self).expect("events have string keys only");
        let pending = match self {
            Self::HoldPlaced(hold) => {
                let HoldPlaced { entry, .. } = &**hold;
                Some(&entry.0)
            }
            _ => None,
        };
        if let Self::EntryReversed(event) = self
            && let Some(left) = &event.left
        {
            data["left"] = serde_json::to_value(EntryData::of(&left.0, names))
                .expect("an entry's view is plain data");
        }
        if let Some(entry) = self.posted_entry().or(pending) {
            data["entry"] = serde_json::to_value(EntryData::of(entry, names))
                .expect("an entry's view is plain data");
        }
        data
    }
}

/// Entries as JSON, written one after the other: no tree is made of them.
struct EntriesRef<'a> {
    entries: &'a PostedEntries,
    part: Option<EntryRange>,
    names: &'a dyn AccountNames,
}

impl Serialize for EntriesRef<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        /// As [`PostedEntryData`], whose fields come in order of the alphabet.
        #[derive(serde::Serialize)]
        struct Row {
            id: String,
            postings: Vec<RowPosting>,
        }
        #[derive(serde::Serialize)]
        struct RowPosting {
            account: String,
            amount: u64,
            side: String,
            unit: String,
        }
        let whole = EntryRange {
            first: 0,
            end: self.entries.len(),
        };
        let part = self.part.unwrap_or(whole);
        let mut rows = serializer.serialize_seq(Some(part.end.saturating_sub(part.first)))?;
        let mut written = Ok(());
        self.entries.for_each_in(part, |id, entry| {
            if written.is_err() {
                return;
            }
            let EntryData { postings } = EntryData::of(entry, self.names);
            let postings = postings.into_iter().map(|posting| RowPosting {
                account: posting.account,
                amount: posting.amount,
                side: posting.side,
                unit: posting.unit,
            });
            written = rows.serialize_element(&Row {
                id: id.to_string(),
                postings: postings.collect(),
            });
        });
        written?;
        rows.end()
    }
}

/// A record as a CloudEvent, or a part of one.
#[derive(Clone, Copy)]
pub struct RecordView<'a> {
    pub record: &'a Record,
    pub position: u64,
    /// Names the book.
    pub source: &'a str,
    pub names: &'a dyn AccountNames,
    /// Of an event that comes in parts.
    pub part: Option<EventPart>,
}

impl std::fmt::Debug for RecordView<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RecordView")
            .field("position", &self.position)
            .field("part", &self.part)
            .finish_non_exhaustive()
    }
}

impl RecordView<'_> {
    /// The position, padded so that it sorts as text; of a part with the entries that came until
    /// its end behind it. It is the cursor for what follows.
    #[must_use]
    pub fn sequence(&self) -> String {
        match self.part {
            None => format!("{:020}", self.position),
            Some(part) => format!("{:020}.{:010}", self.position, part.entries.end),
        }
    }

    /// Parts are events of their own to whoever tells events apart by their ids.
    fn id(&self) -> String {
        match self.part {
            None => self.record.id.to_string(),
            Some(part) => format!("{}.{}", self.record.id, part.entries.first),
        }
    }
}

impl Serialize for RecordView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(serde::Serialize)]
        struct Data<'a> {
            entries: EntriesRef<'a>,
        }
        let Record {
            recorded_at,
            occurred_at,
            caller,
            order,
            command,
            event,
            ..
        } = self.record;
        let kind = event.kind();
        let mut map = serializer.serialize_map(None)?;
        // In order of the alphabet, as a tree would have them.
        if let Some(id) = caller.actor.auth_id() {
            map.serialize_entry("authid", &id)?;
        }
        map.serialize_entry("authtype", caller.actor.auth_type())?;
        if let Some(command) = command {
            map.serialize_entry("causationid", &command.key)?;
        }
        if let Some(order) = order {
            map.serialize_entry("correlationid", order)?;
        }
        match event {
            Event::EntriesPosted(event) => {
                let EntriesPosted { entries } = &**event;
                let entries = EntriesRef {
                    entries,
                    part: self.part.map(|part| part.entries),
                    names: self.names,
                };
                map.serialize_entry("data", &Data { entries })?;
            }
            event => map.serialize_entry("data", &event.to_json(self.names))?,
        }
        map.serialize_entry("datacontenttype", "application/json")?;
        let schema = format!("/schemas/{}.v{}.json", kind.name(), kind.version());
        map.serialize_entry("dataschema", &schema)?;
        if let Some(part) = self.part {
            map.serialize_entry("entrycount", &part.of)?;
            map.serialize_entry("firstentry", &part.entries.first)?;
        }
        map.serialize_entry("id", &self.id())?;
        map.serialize_entry("origin", caller.origin.as_str())?;
        map.serialize_entry("recordedtime", recorded_at)?;
        map.serialize_entry("sequence", &self.sequence())?;
        map.serialize_entry("source", self.source)?;
        map.serialize_entry("specversion", "1.0")?;
        if let Some(order) = order {
            map.serialize_entry("subject", order)?;
        }
        map.serialize_entry("time", occurred_at)?;
        map.serialize_entry("type", &format!("tillroll.{}", kind.name()))?;
        map.end()
    }
}

impl Record {
    /// The record as a CloudEvent 1.0 with the official extensions `sequence`, `correlationid`,
    /// `causationid`, `recordedtime`, `authtype` and `authid` (see [`crate::Actor::auth_type`]), and one
    /// of our own, `origin`: by which way in the command came. `source` names the book.
    #[must_use]
    pub fn to_cloud_event(&self, position: u64, source: &str, names: &dyn AccountNames) -> Value {
        let view = RecordView {
            record: self,
            position,
            source,
            names,
            part: None,
        };
        serde_json::to_value(view).expect("a record's view is plain data")
    }
}
