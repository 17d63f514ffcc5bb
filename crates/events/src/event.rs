//! The list of all events. Numbers and names are stable: never reuse, never renumber.

use std::borrow::Cow;

use tillroll_ledger::{Entry, EntryRef};

use crate::payload::Payload;
use crate::{
    AccountLimitSet, AccountOpened, ApplicationFeeObserved, BalanceTransactionBooked, BulkClosed,
    ChargeObserved, ClockConfirmed, DecodeError, DisputeObserved, EntriesPosted, EntryId,
    EntryPosted, EntryPostedV1, EntryReversed, HoldCaptured, HoldEnded, HoldPlaced, IntentObserved,
    JournalEntry, NotificationReceived, OrderBooked, OrderCancelled, OrderFulfilled, OrderId,
    OrderPlaced, PayoutObserved, RefundObserved, SellerBalanceAdjusted, StockReceived,
    TransferObserved,
};

/// Per kind: its number, its newest version, its name and its type. A type that has changed has a
/// new version, and keeps the old one behind `lifts`, with the type that its payload had, which
/// turns into the newest by `From`.
macro_rules! events {
    ($(
        $number:literal $version:literal $name:literal $variant:ident
        $(lifts $old_version:literal $old:ident)*,
    )+) => {
        /// What happened. Boxed where large, so that a batch of small ones stays small.
        #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
        #[serde(untagged)]
        pub enum Event {
            $($variant(Box<$variant>),)+
        }

        /// Which event it is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $($variant,)+
        }

        impl Kind {
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The number in stored records.
            #[must_use]
            pub fn number(self) -> u16 {
                match self { $(Self::$variant => $number,)+ }
            }

            /// The newest version of the payload, the one that is written.
            #[must_use]
            pub fn version(self) -> u8 {
                match self { $(Self::$variant => $version,)+ }
            }

            /// The name in JSON: `order.placed`.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            #[must_use]
            pub fn from_number(number: u16) -> Option<Self> {
                match number { $($number => Some(Self::$variant),)+ _ => None }
            }

            /// Every version that was ever written, the newest last.
            #[must_use]
            pub fn versions(self) -> &'static [u8] {
                match self { $(Self::$variant => &[$($old_version,)* $version],)+ }
            }

            /// The JSON Schema of the event's data in a version that was ever written.
            #[must_use]
            pub fn schema(self, version: u8) -> Option<schemars::Schema> {
                match (self, version) {
                    $(
                        $((Self::$variant, $old_version) => Some(schemars::schema_for!($old)),)*
                        (Self::$variant, $version) => Some(schemars::schema_for!($variant)),
                    )+
                    _ => None,
                }
            }
        }

        impl Event {
            fn payload(&self) -> &dyn Payload {
                match self { $(Self::$variant(event) => &**event,)+ }
            }

            #[must_use]
            pub fn kind(&self) -> Kind {
                match self { $(Self::$variant(_) => Kind::$variant,)+ }
            }

            pub(crate) fn encode_payload(&self, buffer: &mut Vec<u8>) {
                match self {
                    $(Self::$variant(event) => minicbor::encode(event, buffer),)+
                }
                .expect("writing to memory cannot fail");
            }

            /// Reads a payload of any version that was ever written, as the newest; answers its
            /// length too.
            pub(crate) fn decode_payload(
                kind: Kind,
                version: u8,
                bytes: &[u8],
            ) -> Result<(Self, usize), DecodeError> {
                let mut decoder = minicbor::Decoder::new(bytes);
                let event = match (kind, version) {
                    $(
                        (Kind::$variant, $version) => {
                            Self::$variant(Box::new(decoder.decode::<$variant>()?))
                        }
                        $((Kind::$variant, $old_version) => {
                            Self::$variant(Box::new(decoder.decode::<$old>()?.into()))
                        })*
                    )+
                    _ => {
                        return Err(DecodeError::UnknownVersion {
                            name: kind.name(),
                            version,
                            newest: kind.version(),
                        });
                    }
                };
                Ok((event, decoder.position()))
            }
        }

        $(impl From<$variant> for Event {
            fn from(event: $variant) -> Self {
                Self::$variant(Box::new(event))
            }
        })+
    };
}

events! {
    1 1 "account.opened" AccountOpened,
    2 1 "account.limit_set" AccountLimitSet,
    10 2 "entry.posted" EntryPosted lifts 1 EntryPostedV1,
    11 1 "hold.placed" HoldPlaced,
    12 1 "hold.captured" HoldCaptured,
    13 1 "hold.ended" HoldEnded,
    14 1 "bulk.closed" BulkClosed,
    15 1 "entries.posted" EntriesPosted,
    16 1 "entry.reversed" EntryReversed,
    17 1 "clock.confirmed" ClockConfirmed,
    20 1 "stock.received" StockReceived,
    30 1 "order.placed" OrderPlaced,
    31 1 "order.booked" OrderBooked,
    32 1 "order.fulfilled" OrderFulfilled,
    33 1 "order.cancelled" OrderCancelled,
    40 1 "notification.received" NotificationReceived,
    41 1 "intent.observed" IntentObserved,
    42 1 "charge.observed" ChargeObserved,
    43 1 "refund.observed" RefundObserved,
    44 1 "dispute.observed" DisputeObserved,
    45 1 "transfer.observed" TransferObserved,
    46 1 "payout.observed" PayoutObserved,
    47 1 "balance_transaction.booked" BalanceTransactionBooked,
    48 1 "seller.balance_adjusted" SellerBalanceAdjusted,
    49 1 "application_fee.observed" ApplicationFeeObserved,
}

impl Event {
    /// The one entry that this event posts: none for those that post nothing, or many. A hold's
    /// pending entry is not among them.
    #[must_use]
    pub fn posted_entry(&self) -> Option<&Entry> {
        self.payload().entry().map(|JournalEntry(entry)| entry)
    }

    /// Shows every entry that this event posts, in order.
    pub fn for_each_posted(&self, mut visit: impl FnMut(EntryRef<'_>)) {
        match self {
            Self::EntriesPosted(event) => event.entries.for_each(|_, entry| visit(entry)),
            event => {
                if let Some(entry) = event.posted_entry() {
                    visit(entry.borrowed());
                }
            }
        }
    }

    /// The entry of this id, when this event posts it by command.
    #[must_use]
    pub fn entry_of(&self, id: EntryId) -> Option<Entry> {
        match self {
            Self::EntryPosted(event) if event.id == id => Some(event.entry.0.clone()),
            Self::EntryReversed(event) if event.id == id => Some(event.entry.0.clone()),
            Self::EntriesPosted(event) => {
                let mut found = None;
                event.entries.for_each(|posted, entry| {
                    if posted == id {
                        found = Some(entry.to_entry());
                    }
                });
                found
            }
            _ => None,
        }
    }

    /// How many entries this event posts.
    #[must_use]
    pub fn posted_count(&self) -> usize {
        match self {
            Self::EntriesPosted(event) => event.entries.len(),
            event => usize::from(event.posted_entry().is_some()),
        }
    }

    /// The order that the event itself names.
    #[must_use]
    pub fn order(&self) -> Option<OrderId> {
        self.payload().order()
    }

    /// One line on what it is about, for lists and statements.
    #[must_use]
    pub fn subject(&self) -> Option<Cow<'_, str>> {
        self.payload().subject()
    }
}
