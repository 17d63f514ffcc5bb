//! Journal entries and holds as history keeps them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Deref;

use minicbor::{Decode, Encode};
use tillroll_ledger::{AccountId, Entry, Posting, UnitId};

use crate::codec::json::{EntryIdSchema, HoldIdSchema};
use crate::payload::Payload;
use crate::words::words;
use crate::{CalendarDate, EntryData, EntryId, HoldId, Timestamp, codec};

/// Free text that the caller attaches: up to 50 keys.
pub type Metadata = BTreeMap<String, String>;

/// A balanced entry inside an event: per posting the account's number, the unit's number, the
/// side and the minor units. Decoding proves the balance again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalEntry(pub Entry);

impl Deref for JournalEntry {
    type Target = Entry;

    fn deref(&self) -> &Entry {
        &self.0
    }
}

impl<C> Encode<C> for JournalEntry {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        let postings = self.0.postings();
        e.array(postings.len() as u64 * 4)?;
        for posting in postings {
            e.u32(posting.account.get())?
                .u16(posting.unit.get())?
                .u8(codec::side::number(&posting.side))?
                .u64(posting.amount)?;
        }
        Ok(())
    }
}

impl<'b, C> Decode<'b, C> for JournalEntry {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        use minicbor::decode::Error;
        let items = d
            .array()?
            .ok_or(Error::message("an entry has a fixed length"))?;
        let count = usize::try_from(items / 4).unwrap_or(usize::MAX);
        if items % 4 != 0 || count > tillroll_ledger::MAX_POSTINGS {
            return Err(Error::message(
                "an entry has four items per posting, within the limit",
            ));
        }
        let mut postings = Vec::with_capacity(count);
        for _ in 0..count {
            postings.push(Posting {
                account: AccountId::new(d.u32()?),
                unit: UnitId::new(d.u16()?),
                side: codec::side::from_number(d.u8()?)?,
                amount: d.u64()?,
            });
        }
        Entry::new(postings).map(Self).map_err(Error::custom)
    }
}

// In numbers; `view` replaces them by paths and units in JSON.
impl serde::Serialize for JournalEntry {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(serde::Serialize)]
        struct PostingNumbers {
            account: u32,
            unit: u16,
            side: &'static str,
            amount: u64,
        }
        #[derive(serde::Serialize)]
        struct EntryNumbers {
            postings: Vec<PostingNumbers>,
        }
        let postings = self.0.postings().iter().map(|posting| PostingNumbers {
            account: posting.account.get(),
            unit: posting.unit.get(),
            side: posting.side.as_str(),
            amount: posting.amount,
        });
        EntryNumbers {
            postings: postings.collect(),
        }
        .serialize(serializer)
    }
}

impl schemars::JsonSchema for JournalEntry {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "JournalEntry".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        EntryData::json_schema(generator)
    }
}

/// An entry that was posted by command.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, serde::Serialize, schemars::JsonSchema)]
#[cbor(map)]
pub struct EntryPosted {
    #[cbor(n(0), with = "codec::entry_id")]
    #[serde(serialize_with = "codec::json::text")]
    #[schemars(with = "EntryIdSchema")]
    pub id: EntryId,
    #[n(1)]
    pub entry: JournalEntry,
    #[n(2)]
    pub description: Option<String>,
    #[n(3)]
    pub metadata: Metadata,
    /// The entry that this one was said to correct. It is a remark from before there was
    /// `entry.reversed`: nothing was checked, and it is not written any more.
    #[cbor(n(4), with = "codec::entry_id_option", has_nil)]
    #[serde(serialize_with = "codec::json::text_option")]
    #[schemars(with = "Option<EntryIdSchema>")]
    pub reverses: Option<EntryId>,
    /// The day in whose accounts it belongs, where that is not the day on which it occurred.
    #[n(5)]
    pub effective_date: Option<CalendarDate>,
}

/// Version 1 of [`EntryPosted`]: it knew no other day than the one on which it occurred.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, serde::Serialize, schemars::JsonSchema)]
#[cbor(map)]
#[schemars(description = "An entry that a command posted.")]
pub struct EntryPostedV1 {
    #[cbor(n(0), with = "codec::entry_id")]
    #[serde(serialize_with = "codec::json::text")]
    #[schemars(with = "EntryIdSchema")]
    pub id: EntryId,
    #[n(1)]
    pub entry: JournalEntry,
    #[n(2)]
    pub description: Option<String>,
    #[n(3)]
    pub metadata: Metadata,
    /// The entry that this one corrects.
    #[cbor(n(4), with = "codec::entry_id_option", has_nil)]
    #[serde(serialize_with = "codec::json::text_option")]
    #[schemars(with = "Option<EntryIdSchema>")]
    pub reverses: Option<EntryId>,
}

impl From<EntryPostedV1> for EntryPosted {
    fn from(old: EntryPostedV1) -> Self {
        Self {
            id: old.id,
            entry: old.entry,
            description: old.description,
            metadata: old.metadata,
            reverses: old.reverses,
            effective_date: None,
        }
    }
}

/// An entry that takes back another one that was posted by command, in whole or in part: on the
/// same accounts, to the opposite sides.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, serde::Serialize, schemars::JsonSchema)]
#[cbor(map)]
pub struct EntryReversed {
    #[cbor(n(0), with = "codec::entry_id")]
    #[serde(serialize_with = "codec::json::text")]
    #[schemars(with = "EntryIdSchema")]
    pub id: EntryId,
    #[n(1)]
    pub entry: JournalEntry,
    #[n(2)]
    pub description: Option<String>,
    #[n(3)]
    pub metadata: Metadata,
    /// The entry that is taken back.
    #[cbor(n(4), with = "codec::entry_id")]
    #[serde(serialize_with = "codec::json::text")]
    #[schemars(with = "EntryIdSchema")]
    pub reverses: EntryId,
    /// The day in whose accounts it belongs, where that is not the day on which it occurred.
    #[n(5)]
    pub effective_date: Option<CalendarDate>,
    /// The position of the event that posted the entry that is taken back.
    #[n(6)]
    pub reverses_position: u64,
    /// What is left of that entry, to be taken back by others; null when all of it was.
    #[n(7)]
    pub left: Option<JournalEntry>,
}

/// An item of a bulk request that was refused, as its answer said.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, serde::Serialize, schemars::JsonSchema)]
#[cbor(map)]
pub struct RefusedItem {
    /// Its place in the request, from 0.
    #[n(0)]
    pub index: u32,
    #[n(1)]
    pub code: String,
    #[n(2)]
    pub detail: String,
    #[n(3)]
    pub param: Option<String>,
}

/// The end of a bulk request: what its answer said, so that it can be said again.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, serde::Serialize, schemars::JsonSchema)]
#[cbor(map)]
pub struct BulkClosed {
    #[n(0)]
    pub accepted: u32,
    #[n(1)]
    pub refused: Vec<RefusedItem>,
}

#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, serde::Serialize, schemars::JsonSchema)]
#[cbor(map)]
pub struct HoldPlaced {
    #[cbor(n(0), with = "codec::hold_id")]
    #[serde(serialize_with = "codec::json::text")]
    #[schemars(with = "HoldIdSchema")]
    pub id: HoldId,
    /// Pending, not posted.
    #[n(1)]
    pub entry: JournalEntry,
    #[n(2)]
    pub expires_at: Option<Timestamp>,
    #[n(3)]
    pub description: Option<String>,
    #[n(4)]
    pub metadata: Metadata,
}

#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, serde::Serialize, schemars::JsonSchema)]
#[cbor(map)]
pub struct HoldCaptured {
    #[cbor(n(0), with = "codec::hold_id")]
    #[serde(serialize_with = "codec::json::text")]
    #[schemars(with = "HoldIdSchema")]
    pub id: HoldId,
    /// What was captured; the rest of the hold is released.
    #[n(1)]
    pub entry: JournalEntry,
}

/// How a hold ended without being captured.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, serde::Serialize, schemars::JsonSchema,
)]
#[cbor(index_only)]
#[serde(rename_all = "snake_case")]
pub enum HoldEnd {
    #[n(1)]
    Voided,
    #[n(2)]
    Expired,
}

#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, serde::Serialize, schemars::JsonSchema)]
#[cbor(map)]
pub struct HoldEnded {
    #[cbor(n(0), with = "codec::hold_id")]
    #[serde(serialize_with = "codec::json::text")]
    #[schemars(with = "HoldIdSchema")]
    pub id: HoldId,
    #[n(1)]
    pub how: HoldEnd,
}

impl Payload for EntryPosted {
    fn entry(&self) -> Option<&JournalEntry> {
        Some(&self.entry)
    }

    fn subject(&self) -> Option<Cow<'_, str>> {
        self.description.as_deref().map(Cow::Borrowed)
    }
}

impl Payload for EntryReversed {
    fn entry(&self) -> Option<&JournalEntry> {
        Some(&self.entry)
    }

    fn subject(&self) -> Option<Cow<'_, str>> {
        self.description.as_deref().map(Cow::Borrowed)
    }
}

impl Payload for BulkClosed {}

impl Payload for HoldPlaced {
    fn subject(&self) -> Option<Cow<'_, str>> {
        self.description.as_deref().map(Cow::Borrowed)
    }
}

impl Payload for HoldCaptured {
    fn entry(&self) -> Option<&JournalEntry> {
        Some(&self.entry)
    }
}

impl Payload for HoldEnded {}

words!(hold_end: HoldEnd {
    Voided "voided",
    Expired "expired",
});
