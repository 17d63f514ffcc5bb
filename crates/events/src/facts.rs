//! What the payment processor says is now true.
//!
//! Facts are cumulative: amounts only grow, a status only climbs its rank, sets only gain.
//! Each event here holds everything known *after* it, so the latest says it all, and the book
//! can post the difference between what is known and what it had posted.

use std::borrow::Cow;
use std::collections::BTreeMap;

use minicbor::{Decode, Encode};
use tillroll_money::Unit;

use crate::payload::Payload;
use crate::words::words;
use crate::{ExternalId, JournalEntry, OrderId, Timestamp, codec};

/// How far an attempt to pay has come. Later ranks win over earlier ones, however they arrive.
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
pub enum IntentStatus {
    /// Anything before money moves, also after a declined card: the intent is used again.
    #[n(1)]
    Open,
    #[n(2)]
    Processing,
    /// Authorised, waiting to be captured.
    #[n(3)]
    RequiresCapture,
    #[n(4)]
    Cancelled,
    #[n(5)]
    Succeeded,
}

/// One attempt to be paid, which may take several charges.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, serde::Serialize, schemars::JsonSchema)]
#[cbor(map)]
pub struct IntentFacts {
    #[n(0)]
    pub id: ExternalId,
    #[n(1)]
    pub order: Option<OrderId>,
    #[cbor(n(2), with = "codec::unit")]
    #[serde(serialize_with = "codec::json::text")]
    #[schemars(schema_with = "codec::json::unit_schema")]
    pub currency: Unit,
    /// Asked for.
    #[n(3)]
    pub amount: u64,
    /// The most that was ever authorised and waiting.
    #[n(4)]
    pub capturable: u64,
    #[n(5)]
    pub received: u64,
    #[n(6)]
    pub status: IntentStatus,
}

#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, serde::Serialize, schemars::JsonSchema)]
#[cbor(map)]
pub struct ChargeFacts {
    #[n(0)]
    pub id: ExternalId,
    #[n(1)]
    pub intent: Option<ExternalId>,
    #[n(2)]
    pub order: Option<OrderId>,
    #[cbor(n(3), with = "codec::unit")]
    #[serde(serialize_with = "codec::json::text")]
    #[schemars(schema_with = "codec::json::unit_schema")]
    pub currency: Unit,
    #[n(4)]
    pub amount: u64,
    /// The bank agreed, whether or not it is captured yet.
    #[n(5)]
    pub authorised: bool,
    #[n(6)]
    pub captured: u64,
    /// The largest cumulative total of refunds that was ever seen on the charge.
    #[n(7)]
    pub refunded: u64,
    #[n(8)]
    pub failed: bool,
    /// The authorisation lapsed or was released.
    #[n(9)]
    pub expired: bool,
    #[n(10)]
    pub failure_code: Option<String>,
}

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
pub enum RefundStatus {
    #[n(1)]
    Pending,
    #[n(2)]
    Succeeded,
    /// Failed or cancelled, which may follow success.
    #[n(3)]
    Failed,
}

#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, serde::Serialize, schemars::JsonSchema)]
#[cbor(map)]
pub struct RefundFacts {
    #[n(0)]
    pub id: ExternalId,
    #[n(1)]
    pub charge: Option<ExternalId>,
    #[n(2)]
    pub intent: Option<ExternalId>,
    #[cbor(n(3), with = "codec::unit")]
    #[serde(serialize_with = "codec::json::text")]
    #[schemars(schema_with = "codec::json::unit_schema")]
    pub currency: Unit,
    #[n(4)]
    pub amount: u64,
    #[n(5)]
    pub status: RefundStatus,
}

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
pub enum DisputeStatus {
    /// An inquiry: no money has moved.
    #[n(1)]
    Warning,
    #[n(2)]
    WarningClosed,
    #[n(3)]
    NeedsResponse,
    #[n(4)]
    UnderReview,
    #[n(5)]
    Won,
    #[n(6)]
    Lost,
}

#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, serde::Serialize, schemars::JsonSchema)]
#[cbor(map)]
pub struct DisputeFacts {
    #[n(0)]
    pub id: ExternalId,
    #[n(1)]
    pub charge: Option<ExternalId>,
    #[n(2)]
    pub intent: Option<ExternalId>,
    #[cbor(n(3), with = "codec::unit")]
    #[serde(serialize_with = "codec::json::text")]
    #[schemars(schema_with = "codec::json::unit_schema")]
    pub currency: Unit,
    #[n(4)]
    pub amount: u64,
    #[n(5)]
    pub status: DisputeStatus,
    #[n(6)]
    pub reason: Option<String>,
}

/// Money sent to a connected seller.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, serde::Serialize, schemars::JsonSchema)]
#[cbor(map)]
pub struct TransferFacts {
    #[n(0)]
    pub id: ExternalId,
    #[n(1)]
    pub seller: ExternalId,
    #[cbor(n(2), with = "codec::unit")]
    #[serde(serialize_with = "codec::json::text")]
    #[schemars(schema_with = "codec::json::unit_schema")]
    pub currency: Unit,
    #[n(3)]
    pub amount: u64,
    /// Cumulative.
    #[n(4)]
    pub reversed: u64,
    #[n(5)]
    pub source_charge: Option<ExternalId>,
    #[n(6)]
    pub group: Option<String>,
}

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
pub enum PayoutStatus {
    #[n(1)]
    Pending,
    #[n(2)]
    InTransit,
    #[n(3)]
    Paid,
    #[n(4)]
    Cancelled,
    /// May follow `paid`.
    #[n(5)]
    Failed,
}

/// Money sent to a bank account: the merchant's own, or a seller's when `account` is given.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, serde::Serialize, schemars::JsonSchema)]
#[cbor(map)]
pub struct PayoutFacts {
    #[n(0)]
    pub id: ExternalId,
    #[n(1)]
    pub account: Option<ExternalId>,
    #[cbor(n(2), with = "codec::unit")]
    #[serde(serialize_with = "codec::json::text")]
    #[schemars(schema_with = "codec::json::unit_schema")]
    pub currency: Unit,
    #[n(3)]
    pub amount: u64,
    #[n(4)]
    pub status: PayoutStatus,
    #[n(5)]
    pub arrival: Option<Timestamp>,
}

/// The platform's fee on a payment to a connected seller.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, serde::Serialize, schemars::JsonSchema)]
#[cbor(map)]
pub struct ApplicationFeeFacts {
    #[n(0)]
    pub id: ExternalId,
    /// The seller's account, which the fee was taken from.
    #[n(1)]
    pub account: Option<ExternalId>,
    #[n(2)]
    pub charge: Option<ExternalId>,
    /// The transfer to the seller that led to the charge, where there is one.
    #[n(3)]
    pub originating_transaction: Option<ExternalId>,
    #[cbor(n(4), with = "codec::unit")]
    #[serde(serialize_with = "codec::json::text")]
    #[schemars(schema_with = "codec::json::unit_schema")]
    pub currency: Unit,
    #[n(5)]
    pub amount: u64,
    /// Cumulative.
    #[n(6)]
    pub refunded: u64,
    #[n(7)]
    pub balance_transaction: Option<ExternalId>,
    /// What is known of its refunds one by one, by their ids.
    #[n(8)]
    pub refunds: BTreeMap<ExternalId, ApplicationFeeRefund>,
}

/// What went back to the seller of a fee. The id is the key that it stands under.
#[derive(
    Clone,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[cbor(map)]
pub struct ApplicationFeeRefund {
    #[n(0)]
    pub amount: u64,
    #[n(1)]
    pub balance_transaction: Option<ExternalId>,
}

/// One leg of a balance transaction's fee.
#[derive(
    Clone,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[cbor(map)]
pub struct FeeDetail {
    /// `stripe_fee`, `application_fee`, `tax`, …
    #[n(0)]
    pub kind: String,
    #[n(1)]
    pub amount: i64,
}

/// A line of the processor's own account with us, which never changes once it exists. Signed
/// as the processor signs it: negative leaves our balance there.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, serde::Serialize, schemars::JsonSchema)]
#[cbor(map)]
pub struct BalanceTransactionFacts {
    #[n(0)]
    pub id: ExternalId,
    #[n(1)]
    pub account: Option<ExternalId>,
    /// `charge`, `adjustment`, `payout`, …
    #[n(2)]
    pub kind: String,
    /// The reporting category, which decides the other side of the entry.
    #[n(3)]
    pub category: String,
    #[cbor(n(4), with = "codec::unit")]
    #[serde(serialize_with = "codec::json::text")]
    #[schemars(schema_with = "codec::json::unit_schema")]
    pub currency: Unit,
    #[n(5)]
    pub amount: i64,
    #[n(6)]
    pub fee: i64,
    /// `amount - fee`.
    #[n(7)]
    pub net: i64,
    #[n(8)]
    pub source: Option<ExternalId>,
    #[n(9)]
    pub fees: Vec<FeeDetail>,
    #[n(10)]
    pub created: Option<Timestamp>,
    #[n(11)]
    pub available_on: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, serde::Serialize, schemars::JsonSchema)]
#[cbor(map)]
pub struct IntentObserved {
    #[n(0)]
    pub facts: IntentFacts,
}

#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, serde::Serialize, schemars::JsonSchema)]
#[cbor(map)]
pub struct ChargeObserved {
    #[n(0)]
    pub facts: ChargeFacts,
}

#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, serde::Serialize, schemars::JsonSchema)]
#[cbor(map)]
pub struct RefundObserved {
    #[n(0)]
    pub facts: RefundFacts,
}

#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, serde::Serialize, schemars::JsonSchema)]
#[cbor(map)]
pub struct DisputeObserved {
    #[n(0)]
    pub facts: DisputeFacts,
    /// A loss, once it is lost and the money has gone.
    #[n(1)]
    pub entry: Option<JournalEntry>,
}

#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, serde::Serialize, schemars::JsonSchema)]
#[cbor(map)]
pub struct TransferObserved {
    #[n(0)]
    pub facts: TransferFacts,
    #[n(1)]
    pub entry: Option<JournalEntry>,
}

#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, serde::Serialize, schemars::JsonSchema)]
#[cbor(map)]
pub struct PayoutObserved {
    #[n(0)]
    pub facts: PayoutFacts,
    #[n(1)]
    pub entry: Option<JournalEntry>,
}

#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, serde::Serialize, schemars::JsonSchema)]
#[cbor(map)]
pub struct ApplicationFeeObserved {
    #[n(0)]
    pub facts: ApplicationFeeFacts,
}

/// A balance transaction is on the books, or is booked again because its order became known.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, serde::Serialize, schemars::JsonSchema)]
#[cbor(map)]
pub struct BalanceTransactionBooked {
    #[n(0)]
    pub facts: BalanceTransactionFacts,
    /// The order whose clearing account it clears.
    #[n(1)]
    pub order: Option<OrderId>,
    #[n(2)]
    pub entry: Option<JournalEntry>,
}

/// A seller got more than was released to him, or earned it back.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, serde::Serialize, schemars::JsonSchema)]
#[cbor(map)]
pub struct SellerBalanceAdjusted {
    #[n(0)]
    pub seller: ExternalId,
    #[cbor(n(1), with = "codec::unit")]
    #[serde(serialize_with = "codec::json::text")]
    #[schemars(schema_with = "codec::json::unit_schema")]
    pub currency: Unit,
    /// What the seller owes after this.
    #[n(2)]
    pub owed: u64,
    #[n(3)]
    pub entry: JournalEntry,
}

/// Events about one object of the processor, whose id is their subject: `posts` for those with an
/// entry, `names` for those whose facts name an order.
macro_rules! observed {
    ($($event:ident $(posts $entry:ident)? $(names $order:ident)?;)+) => {
        $(impl Payload for $event {
            $(fn entry(&self) -> Option<&JournalEntry> {
                self.$entry.as_ref()
            })?

            $(fn order(&self) -> Option<OrderId> {
                self.facts.$order
            })?

            fn subject(&self) -> Option<Cow<'_, str>> {
                Some(self.facts.id.as_str().into())
            }
        })+
    };
}

observed! {
    IntentObserved names order;
    ChargeObserved names order;
    RefundObserved;
    DisputeObserved posts entry;
    TransferObserved posts entry;
    PayoutObserved posts entry;
    ApplicationFeeObserved;
}

impl Payload for BalanceTransactionBooked {
    fn entry(&self) -> Option<&JournalEntry> {
        self.entry.as_ref()
    }

    fn order(&self) -> Option<OrderId> {
        self.order
    }

    fn subject(&self) -> Option<Cow<'_, str>> {
        Some(format!("{} {}", self.facts.kind, self.facts.id).into())
    }
}

impl Payload for SellerBalanceAdjusted {
    fn entry(&self) -> Option<&JournalEntry> {
        Some(&self.entry)
    }

    fn subject(&self) -> Option<Cow<'_, str>> {
        Some(self.seller.as_str().into())
    }
}

words!(intent_status: IntentStatus {
    Open "open",
    Processing "processing",
    RequiresCapture "requires_capture",
    Cancelled "cancelled",
    Succeeded "succeeded",
});
words!(refund_status: RefundStatus {
    Pending "pending",
    Succeeded "succeeded",
    Failed "failed",
});
words!(dispute_status: DisputeStatus {
    Warning "warning",
    WarningClosed "warning_closed",
    NeedsResponse "needs_response",
    UnderReview "under_review",
    Won "won",
    Lost "lost",
});
words!(payout_status: PayoutStatus {
    Pending "pending",
    InTransit "in_transit",
    Paid "paid",
    Cancelled "cancelled",
    Failed "failed",
});

/// One thing that the processor says is now true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    Intent(IntentFacts),
    Charge(ChargeFacts),
    Refund(RefundFacts),
    Dispute(DisputeFacts),
    Transfer(TransferFacts),
    Payout(PayoutFacts),
    ApplicationFee(ApplicationFeeFacts),
    BalanceTransaction(BalanceTransactionFacts),
}
