//! Orders: placed, paid as money is observed, fulfilled or cancelled.

use minicbor::{Decode, Encode};
use tillroll_money::Unit;

use crate::payload::Payload;
use crate::words::{Word, words};
use crate::{ExternalId, JournalEntry, Metadata, OrderId, codec};

/// One line of an order. Amounts are minor units of the order's currency.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, serde::Serialize, schemars::JsonSchema)]
#[cbor(map)]
pub struct OrderLine {
    /// The article; a line without one is a service and moves no stock.
    #[n(0)]
    pub sku: Option<String>,
    #[n(1)]
    pub description: Option<String>,
    #[n(2)]
    pub quantity: u64,
    #[n(3)]
    pub unit_price: u64,
    /// Parts per million.
    #[n(4)]
    pub tax_rate_ppm: u32,
    /// Whether the unit price contains the tax.
    #[n(5)]
    pub tax_included: bool,
    /// Tax within `total`.
    #[n(6)]
    pub tax: u64,
    /// What the customer pays for the line.
    #[n(7)]
    pub total: u64,
    #[n(8)]
    pub seller: Option<ExternalId>,
    #[n(9)]
    pub commission_rate_ppm: u32,
    /// The platform's part of a seller's line; the seller gets `total - tax - commission`.
    #[n(10)]
    pub commission: u64,
    /// Of `quantity`, what was sold although the shelf did not hold it: only a sale made
    /// offline can have any.
    #[n(11)]
    pub short: u64,
}

/// Where an order stands, the most telling word first to apply.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Encode,
    Decode,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[cbor(index_only)]
#[serde(rename_all = "snake_case")]
pub enum OrderStatus {
    #[n(1)]
    Placed,
    #[n(2)]
    Authorised,
    #[n(3)]
    PartiallyPaid,
    #[n(4)]
    Paid,
    #[n(5)]
    Fulfilled,
    #[n(6)]
    PartiallyRefunded,
    #[n(7)]
    Refunded,
    #[n(8)]
    Disputed,
    #[n(9)]
    ChargedBack,
    #[n(10)]
    Cancelled,
}

impl OrderStatus {
    pub const ALL: [Self; 10] = [
        Self::Placed,
        Self::Authorised,
        Self::PartiallyPaid,
        Self::Paid,
        Self::Fulfilled,
        Self::PartiallyRefunded,
        Self::Refunded,
        Self::Disputed,
        Self::ChargedBack,
        Self::Cancelled,
    ];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Placed => "placed",
            Self::Authorised => "authorised",
            Self::PartiallyPaid => "partially_paid",
            Self::Paid => "paid",
            Self::Fulfilled => "fulfilled",
            Self::PartiallyRefunded => "partially_refunded",
            Self::Refunded => "refunded",
            Self::Disputed => "disputed",
            Self::ChargedBack => "charged_back",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Who a part of an order's money is for.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Encode,
    Decode,
    serde::Serialize,
    schemars::JsonSchema,
)]
#[cbor(index_only)]
#[serde(rename_all = "snake_case")]
pub enum SplitRole {
    /// The merchant's own sales.
    #[n(1)]
    Sales,
    /// The merchant's commission on a seller's lines.
    #[n(2)]
    Commission,
    #[n(3)]
    Seller,
    #[n(4)]
    Tax,
}

/// One party's part of an order. The parts of `share` sum to the total, those of `earned` to
/// what was paid, those of `returned` to what was refunded.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, serde::Serialize, schemars::JsonSchema)]
#[cbor(map)]
pub struct OrderSplit {
    #[n(0)]
    pub role: SplitRole,
    #[n(1)]
    pub seller: Option<ExternalId>,
    #[n(2)]
    pub share: u64,
    #[n(3)]
    pub earned: u64,
    #[n(4)]
    pub returned: u64,
}

/// Where an order stands after an event: absolute, so that the latest one says it all.
/// Amounts are minor units of the order's currency.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, serde::Serialize, schemars::JsonSchema)]
#[cbor(map)]
pub struct OrderStanding {
    #[n(0)]
    pub status: OrderStatus,
    #[n(1)]
    pub total: u64,
    /// Still to be paid.
    #[n(2)]
    pub due: u64,
    /// Authorised and not yet captured.
    #[n(3)]
    pub authorised: u64,
    /// Captured for this order, before refunds.
    #[n(4)]
    pub paid: u64,
    #[n(5)]
    pub refunded: u64,
    /// Captured beyond what was due: in suspense until it is decided on.
    #[n(6)]
    pub overpaid: u64,
    /// In open disputes.
    #[n(7)]
    pub disputed: u64,
    /// In disputes that were lost.
    #[n(8)]
    pub charged_back: u64,
    #[n(9)]
    pub failed_attempts: u32,
    #[n(10)]
    pub fulfilled: bool,
    #[n(11)]
    pub cancelled: bool,
    #[n(12)]
    pub splits: Vec<OrderSplit>,
}

#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, serde::Serialize, schemars::JsonSchema)]
#[cbor(map)]
pub struct OrderPlaced {
    #[n(0)]
    pub order: OrderId,
    /// `app`, `web`, `pos`, or a shop platform.
    #[n(1)]
    pub channel: String,
    /// Where the goods come from.
    #[n(2)]
    pub location: Option<String>,
    #[cbor(n(3), with = "codec::unit")]
    #[serde(serialize_with = "codec::json::text")]
    #[schemars(schema_with = "codec::json::unit_schema")]
    pub currency: Unit,
    #[n(4)]
    pub lines: Vec<OrderLine>,
    #[n(5)]
    pub metadata: Metadata,
    /// The sale was made while the till had no connection: it is a fact and cannot be refused
    /// for want of stock.
    #[n(6)]
    pub offline: bool,
    #[n(7)]
    pub standing: OrderStanding,
    #[n(8)]
    pub entry: Option<JournalEntry>,
}

/// Money was observed, and the order's books follow.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, serde::Serialize, schemars::JsonSchema)]
#[cbor(map)]
pub struct OrderBooked {
    #[n(0)]
    pub order: OrderId,
    #[n(1)]
    pub standing: OrderStanding,
    #[n(2)]
    pub entry: Option<JournalEntry>,
}

/// The goods went out: reserved stock is sold, sellers' parts are released.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, serde::Serialize, schemars::JsonSchema)]
#[cbor(map)]
pub struct OrderFulfilled {
    #[n(0)]
    pub order: OrderId,
    #[n(1)]
    pub standing: OrderStanding,
    #[n(2)]
    pub entry: Option<JournalEntry>,
}

/// Nothing more will be paid; reserved stock is back on the shelf.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, serde::Serialize, schemars::JsonSchema)]
#[cbor(map)]
pub struct OrderCancelled {
    #[n(0)]
    pub order: OrderId,
    #[n(1)]
    pub standing: OrderStanding,
    #[n(2)]
    pub entry: Option<JournalEntry>,
}

/// Events of one order, with the entry that they may post.
macro_rules! order_events {
    ($($event:ident)+) => {
        $(impl Payload for $event {
            fn entry(&self) -> Option<&JournalEntry> {
                self.entry.as_ref()
            }

            fn order(&self) -> Option<OrderId> {
                Some(self.order)
            }
        })+
    };
}

order_events!(OrderPlaced OrderBooked OrderFulfilled OrderCancelled);

impl Word for OrderStatus {
    const ALL: &'static [Self] = &Self::ALL;

    fn word(self) -> &'static str {
        self.as_str()
    }
}

words!(split_role: SplitRole {
    Sales "sales",
    Commission "commission",
    Seller "seller",
    Tax "tax",
});
