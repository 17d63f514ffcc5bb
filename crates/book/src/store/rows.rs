//! Every kind of row beside the ledger: what is in it, how it is written, and how it is found.
//!
//! This is the one declaration of a kind. Its numbered fields are its codec; its line in the list
//! at the end gives it a table, a place in listings and snapshots, and the way back. Numbers of
//! kinds and fields are never used again for something else.

use minicbor::{Decode, Encode};
use tillroll_events::{
    ApplicationFeeFacts, BalanceTransactionFacts, ChargeFacts, DisputeFacts, ExternalId,
    IntentFacts, JournalEntry, OrderId, OrderStanding, PayoutFacts, RefundFacts, TransferFacts,
    cbor,
};
use tillroll_money::Unit;

use super::entry_key::EntryKey;
use super::ids::ExternalIds;
use super::legs::Legs;
use super::row::{Inline, RowKind, StateRow};

/// Where a command's events are, and what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Applied {
    #[cbor(n(0), with = "minicbor::bytes")]
    pub fingerprint: [u8; 16],
    /// Position of the first.
    #[n(1)]
    pub first: u64,
    /// How many there are.
    #[n(2)]
    pub events: u32,
}

/// An order as the book remembers it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Order {
    #[n(0)]
    pub id: OrderId,
    #[n(1)]
    pub channel: String,
    #[n(2)]
    pub location: Option<String>,
    #[cbor(n(3), with = "cbor::unit")]
    pub currency: Unit,
    /// Articles and how many; those sold beyond the shelf are counted in both.
    #[n(4)]
    pub goods: Vec<Goods>,
    #[n(5)]
    pub standing: OrderStanding,
    #[n(6)]
    pub booked: Legs,
}

/// An article of an order.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Goods {
    #[cbor(n(0), with = "cbor::unit")]
    pub sku: Unit,
    #[n(1)]
    pub quantity: u64,
    #[n(2)]
    pub short: u64,
}

/// What names an order, placed or not. May hold stale names: the reader checks that the link
/// still stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct OrderLinks {
    #[n(0)]
    pub intents: ExternalIds,
    /// Charges without an intent.
    #[n(1)]
    pub charges: ExternalIds,
}

/// An attempt to be paid, and what hangs on it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Intent {
    #[n(0)]
    pub facts: Option<IntentFacts>,
    /// Also learned from its charges.
    #[n(1)]
    pub order: Option<OrderId>,
    #[n(2)]
    pub charges: ExternalIds,
    /// Refunds and disputes that name the intent and no charge.
    #[n(3)]
    pub refunds: ExternalIds,
    #[n(4)]
    pub disputes: ExternalIds,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Charge {
    #[n(0)]
    pub facts: Option<ChargeFacts>,
    /// Also learned from refunds and disputes.
    #[n(1)]
    pub intent: Option<ExternalId>,
    #[n(2)]
    pub refunds: ExternalIds,
    #[n(3)]
    pub disputes: ExternalIds,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Refund {
    #[n(0)]
    pub facts: Option<RefundFacts>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Dispute {
    #[n(0)]
    pub facts: Option<DisputeFacts>,
    #[n(1)]
    pub booked: Legs,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Transfer {
    #[n(0)]
    pub facts: Option<TransferFacts>,
    #[n(1)]
    pub booked: Legs,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Payout {
    #[n(0)]
    pub facts: Option<PayoutFacts>,
    #[n(1)]
    pub booked: Legs,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct ApplicationFee {
    #[n(0)]
    pub facts: Option<ApplicationFeeFacts>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct BalanceTransaction {
    #[n(0)]
    pub facts: Option<BalanceTransactionFacts>,
    #[n(1)]
    pub order: Option<OrderId>,
    #[n(2)]
    pub booked: Legs,
}

/// An entry that was taken back, in part or whole.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ReversedEntry {
    /// Of the record that posted it.
    #[n(0)]
    pub position: u64,
    /// What is left of it; nothing once all was taken back.
    #[n(1)]
    pub left: Option<JournalEntry>,
}

/// Hands the list to another macro. A line is: number, name, table, row, key, what it is asked
/// for by, how it is held in memory, and `booked` where it has a field of that name; behind the
/// table, `lasting true` where its rows never change.
macro_rules! state_rows {
    ($with:ident) => {
        $with! {
            1 "idempotency keys" keys lasting true: Applied, Box<str>, str, Inline<Self>;
            2 "orders" orders: Order, OrderId, OrderId, Box<Self>, booked;
            3 "links of orders" links: OrderLinks, OrderId, OrderId, Box<Self>;
            4 "intents" intents: Intent, ExternalId, ExternalId, Box<Self>;
            5 "charges" charges: Charge, ExternalId, ExternalId, Box<Self>;
            6 "refunds" refunds: Refund, ExternalId, ExternalId, Box<Self>;
            7 "disputes" disputes: Dispute, ExternalId, ExternalId, Box<Self>, booked;
            8 "transfers" transfers: Transfer, ExternalId, ExternalId, Box<Self>, booked;
            9 "payouts" payouts: Payout, ExternalId, ExternalId, Box<Self>, booked;
            10 "balance transactions"
                balance_transactions: BalanceTransaction, ExternalId, ExternalId, Box<Self>, booked;
            // Balance transactions by what they are about.
            11 "balance transactions by source"
                by_source: ExternalIds, ExternalId, ExternalId, Box<Self>;
            12 "application fees"
                application_fees: ApplicationFee, ExternalId, ExternalId, Box<Self>;
            13 "reversed entries"
                reversed_entries: ReversedEntry, EntryKey, EntryKey, Box<Self>;
        }
    };
}

macro_rules! describe {
    ($($number:literal $name:literal
        $table:ident $(lasting $lasting:literal)?: $row:ty, $key:ty, $ask:ty, $home:ty $(, $booked:ident)?;)*) => {
        $(impl StateRow for $row {
            const KIND: RowKind = RowKind::new($number, $name);
            const LASTING: bool = false $(|| $lasting)?;
            type Key = $key;
            type Ask = $ask;
            type Home = $home;

            fn booked(&self) -> Option<&Legs> {
                None$(.or(Some(&self.$booked)))?
            }
        })*
    };
}

state_rows!(describe);
pub(super) use state_rows;
