//! What deciding comes to.

use tillroll_events::{Event, OrderId, Timestamp};

/// An event that a command would add to the roll.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    pub event: Event,
    pub occurred_at: Timestamp,
    /// The order whose timeline it belongs to.
    pub order: Option<OrderId>,
}

/// What deciding came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// These events, in this order, all or none.
    Append(Vec<Decided>),
    /// The command was applied before: its events start at position `first` and are `events`.
    AlreadyApplied { first: u64, events: u32 },
}
