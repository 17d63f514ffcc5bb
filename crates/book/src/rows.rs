//! What the state knows of each thing that the processor names, and what hangs on it.

use tillroll_events::{
    BalanceTransactionFacts, ChargeFacts, DisputeFacts, ExternalId, IntentFacts, OrderId,
    PayoutFacts, RefundFacts, TransferFacts,
};

use crate::ids::Ids;
use crate::legs::Legs;

/// An attempt to be paid, and what hangs on it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Intent {
    pub facts: Option<IntentFacts>,
    /// Also learned from its charges.
    pub order: Option<OrderId>,
    pub charges: Ids,
    /// Refunds and disputes that name the intent and no charge.
    pub refunds: Ids,
    pub disputes: Ids,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Charge {
    pub facts: Option<ChargeFacts>,
    /// Also learned from refunds and disputes.
    pub intent: Option<ExternalId>,
    pub refunds: Ids,
    pub disputes: Ids,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refund {
    pub facts: Option<RefundFacts>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dispute {
    pub facts: Option<DisputeFacts>,
    pub booked: Legs,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transfer {
    pub facts: Option<TransferFacts>,
    pub booked: Legs,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Payout {
    pub facts: Option<PayoutFacts>,
    pub booked: Legs,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BalanceTransaction {
    pub facts: Option<BalanceTransactionFacts>,
    pub order: Option<OrderId>,
    pub booked: Legs,
}

/// What names an order, placed or not. May hold stale names: whoever reads checks that the
/// link still stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrderLinks {
    pub intents: Ids,
    /// Charges without an intent.
    pub charges: Ids,
}
