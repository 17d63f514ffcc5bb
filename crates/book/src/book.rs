//! State and the two functions on it.

use tillroll_events::{Event, OrderId, Record, Timestamp};
use tillroll_ledger::Ledger;

use crate::{Chart, Command, Digest, Refusal};

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

/// One merchant's state.
#[derive(Debug, Default)]
pub struct Book {
    ledger: Ledger,
}

impl Book {
    #[must_use]
    pub fn new(_chart: Chart) -> Self {
        Self::default()
    }

    /// Decides a command against this state.
    pub fn decide(&self, _command: &Command) -> Result<Decision, Refusal> {
        Ok(Decision::Append(Vec::new()))
    }

    /// Folds the record at `position` (dense from 1) into the state.
    pub fn evolve(&mut self, _position: u64, _record: &Record) {}

    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The digest of balances, orders, splits and stock.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest([0; 32])
    }
}
