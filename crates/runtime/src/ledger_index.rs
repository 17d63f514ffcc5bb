//! What the runtime learns from the log about a book's ledger: names of accounts, ends of holds.

use std::ops::ControlFlow;
use std::sync::Arc;

use tillroll_events::{Event, Kind, Record};
use tillroll_log::{Deadline, LogReader, Position};

use crate::RecordsError;
use crate::account_directory::AccountDirectory;
use crate::follower::Consumer;
use crate::hold_expiries::HoldExpiries;

/// Goes through the log for the accounts and holds that it opens. Nothing else is decoded.
pub(crate) struct LedgerIndex {
    pub(crate) reader: Arc<dyn LogReader>,
    pub(crate) checkpoint: Position,
    pub(crate) accounts: Arc<AccountDirectory>,
    pub(crate) expiries: Arc<HoldExpiries>,
}

impl Consumer for LedgerIndex {
    type Output = ();
    type Error = RecordsError;

    fn checkpoint(&self) -> Position {
        self.checkpoint
    }

    fn apply(&mut self, head: Position) -> Result<(), RecordsError> {
        let mut undecoded = None;
        let from = self.checkpoint.next();
        let Self {
            reader,
            checkpoint,
            accounts,
            expiries,
        } = self;
        let visited = reader.for_each(from, Deadline::NEVER, &mut |position, bytes| {
            if position > head {
                return ControlFlow::Break(());
            }
            if let Some(Kind::AccountOpened | Kind::HoldPlaced) = Record::kind(bytes) {
                match Record::decode(bytes).map(|record| record.event) {
                    Ok(Event::AccountOpened(opened)) => accounts.learn(&opened),
                    Ok(Event::HoldPlaced(hold)) => expiries.learn(&hold),
                    Ok(_) => {}
                    Err(source) => {
                        undecoded = Some(RecordsError::Decode { position, source });
                        return ControlFlow::Break(());
                    }
                }
            }
            *checkpoint = position;
            ControlFlow::Continue(())
        });
        match (visited, undecoded) {
            (Err(error), _) => Err(error.into()),
            (Ok(_), Some(error)) => Err(error),
            (Ok(_), None) => Ok(()),
        }
    }

    fn is_transient(error: &RecordsError) -> bool {
        error.is_transient()
    }
}
