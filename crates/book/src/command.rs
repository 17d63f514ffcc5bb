//! What a caller wants done. Time and ids arrive with the command: deciding reads no clock.

use tillroll_events::{
    BalanceTransactionFacts, CalendarDate, Caller, EntryId, ExternalId, Fact, HoldId, Metadata,
    NotificationReceived, OrderId, Timestamp,
};
use tillroll_ledger::{AccountPath, AccountType, Entry, Limit, Side};
use tillroll_money::{Rate, Unit};

use crate::{CommandKey, EntryBatch};

/// A command with everything that deciding needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Now, as the writer's clock says.
    pub at: Timestamp,
    /// When it happened, where that was earlier.
    pub occurred_at: Option<Timestamp>,
    /// Who asks, and by which way in.
    pub caller: Caller,
    pub key: Option<CommandKey>,
    pub action: Action,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    OpenAccount(OpenAccount),
    PostEntry(PostEntry),
    PostEntries(PostEntries),
    ReverseEntry(ReverseEntry),
    ConfirmClock(ConfirmClock),
    PlaceHold(PlaceHold),
    CaptureHold(CaptureHold),
    VoidHold(HoldId),
    /// Ends every hold whose time is over.
    ExpireHolds,
    ReceiveStock(ReceiveStock),
    PlaceOrder(PlaceOrder),
    FulfilOrder(OrderId),
    CancelOrder(OrderId),
    Observe(Observe),
    RecordBalanceTransactions(Vec<BalanceTransactionFacts>),
}

/// Opens an account, or changes the limit of an open one of the same type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenAccount {
    pub path: AccountPath,
    pub unit: Unit,
    /// From the chart when not given.
    pub kind: Option<AccountType>,
    pub limit: Option<Limit>,
}

/// A leg by name. A path may have an account in each of several units, so the unit is said too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostingRequest {
    pub account: AccountPath,
    pub unit: Unit,
    pub side: Side,
    pub amount: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostEntry {
    pub id: EntryId,
    pub postings: Vec<PostingRequest>,
    pub description: Option<String>,
    pub metadata: Metadata,
    /// The day in whose accounts it belongs, where that is not the day on which it occurred.
    pub effective_date: Option<CalendarDate>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostEntries {
    pub entries: EntryBatch,
    /// One refusal refuses all; otherwise each entry stands on its own.
    pub all_or_nothing: bool,
}

/// Says that the clock is right which the command's time comes from, whatever the roll says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfirmClock {
    /// When the last event says that it was recorded.
    pub last_recorded_at: Timestamp,
    /// The first position from which on recorded times are later than the clock.
    pub wrong_from: Option<u64>,
}

/// Takes an entry back, in whole or in part: to its accounts, on the opposite sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReverseEntry {
    /// Of the entry that this posts.
    pub id: EntryId,
    pub original: OriginalEntry,
    pub part: ReversalPart,
    pub description: Option<String>,
    pub metadata: Metadata,
    pub effective_date: Option<CalendarDate>,
}

/// An entry as its record says. The book knows the ids of entries and not what they posted, so
/// the caller reads that from the log; from the first reversal on the book knows
/// what is left, and goes by that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginalEntry {
    pub id: EntryId,
    /// Of its record.
    pub position: u64,
    pub entry: Entry,
}

/// How much of an entry to take back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReversalPart {
    /// All that is left.
    All,
    /// Of an entry with two postings.
    Amount(u64),
    /// As they are to be posted: on the opposite sides.
    Postings(Vec<PostingRequest>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceHold {
    pub id: HoldId,
    pub postings: Vec<PostingRequest>,
    pub expires_at: Option<Timestamp>,
    pub description: Option<String>,
    pub metadata: Metadata,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaptureHold {
    pub id: HoldId,
    pub part: CapturePart,
}

/// How much of a hold to capture; the rest is released.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CapturePart {
    All,
    /// Of a hold with two postings.
    Amount(u64),
    Postings(Vec<PostingRequest>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiveStock {
    pub location: String,
    pub lines: Vec<StockRequest>,
    pub reference: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockRequest {
    pub sku: String,
    pub quantity: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceOrder {
    pub id: OrderId,
    pub channel: String,
    /// Needed as soon as a line has an article.
    pub location: Option<String>,
    pub currency: Unit,
    pub lines: Vec<LineRequest>,
    pub metadata: Metadata,
    pub offline: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineRequest {
    pub sku: Option<String>,
    pub description: Option<String>,
    pub quantity: u64,
    /// Minor units of the order's currency, each.
    pub unit_price: u64,
    pub tax: Option<TaxRequest>,
    pub seller: Option<SellerRequest>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaxRequest {
    pub rate: Rate,
    /// Whether the unit price contains the tax; otherwise it comes on top.
    pub included: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SellerRequest {
    pub account: ExternalId,
    /// The platform's part of the price before tax.
    pub commission: Rate,
}

/// A notification and what it says. An empty list of facts with `unrecognised` set keeps the
/// body for a later version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observe {
    pub notification: NotificationReceived,
    pub facts: Vec<Fact>,
}
