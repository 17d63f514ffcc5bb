//! Every event that the roll has ever held: types, binary codec with stable numbers, JSON view.
//!
//! Purpose: be the one place where an event's shape is fixed. What is written here stays
//! readable for ever: numbers of kinds and fields are never reused, a changed shape is a new
//! version beside the old one, and old versions are read into the newest type (upcasting).
//!
//! Invariants: what moves value carries its balanced journal entry, so that history does not
//! depend on tomorrow's posting rules; bytes that decode encode to the same bytes.
//!
//! It refuses to know: how an event comes about (the book decides), where it is stored (the
//! log keeps opaque bytes), how a caller proved who it is.

mod account;
mod caller;
mod clock;
mod codec;
mod date;
mod entries;
mod entry;
mod event;
mod facts;
mod ids;
mod key_scope;
mod notification;
mod order;
mod payload;
mod record;
pub mod serde_text;
mod stock;
mod time;
mod view;
mod words;

/// How values of other crates are written, for rows that hold them beside facts.
pub mod cbor {
    pub use crate::codec::{entry_id, hold_id, unit};
}

pub use account::{AccountLimitSet, AccountOpened};
pub use caller::{
    Actor, ActorId, Caller, ChannelName, Origin, ParseActorError, ParseActorIdError,
    ParseChannelNameError,
};
pub use clock::ClockConfirmed;
pub use date::{CalendarDate, ParseDateError};
pub use entries::{EntriesPosted, EntryRange, ParseEntriesError, PostedEntries};
pub use entry::{
    BulkClosed, EntryPosted, EntryPostedV1, EntryReversed, HoldCaptured, HoldEnd, HoldEnded,
    HoldPlaced, JournalEntry, Metadata, RefusedItem,
};
pub use event::{Event, Kind};
pub use facts::*;
pub use ids::{EventId, ExternalId, OrderId};
pub use key_scope::{KeyScope, ParseScopeNameError, ScopeName};
pub use notification::NotificationReceived;
pub use order::{
    OrderBooked, OrderCancelled, OrderFulfilled, OrderLine, OrderPlaced, OrderSplit, OrderStanding,
    OrderStatus, SplitRole,
};
pub use record::{CommandRef, DecodeError, ENVELOPE_VERSION, Record};
pub use stock::{StockLine, StockReceived};
pub use tillroll_ledger::{EntryId, HoldId, ParseIdError};
pub use time::Timestamp;
pub use view::{
    AccountNames, EntryData, EventPart, PART_POSTINGS, PostedEntryData, PostingData, RecordView,
};
pub use words::Word;
