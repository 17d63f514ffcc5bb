//! A book's state as plain data: for whoever keeps it, so that a start need not fold the whole
//! roll.
//!
//! [`State`] lists every row beside the ledger in the order of its key, so that the same state
//! is listed in the same way; [`Restore`] makes a book of such rows again. The two are each
//! other's inverse: a book that was restored decides and evolves as the one that was listed.
//! The chart is no part of it, because folding never reads the chart.
//!
//! It refuses to know how the rows are written down, and whether they are those of a roll: that
//! is for the engine to prove. What would make deciding panic is refused here.

use foldhash::quality::FixedState;
use hashbrown::HashMap;
use tillroll_events::{ExternalId, OrderId};
use tillroll_ledger::{AccountId, Ledger};

use crate::tables::Tables;
use crate::{Book, Chart};

pub use crate::book::Applied;
pub use crate::ids::Ids;
pub use crate::legs::Legs;
pub use crate::order::{Goods, Order};
pub use crate::tables::{
    BalanceTransaction, Charge, Dispute, Intent, OrderLinks, Payout, Refund, Transfer,
};

/// The rows of a book beside its ledger.
#[derive(Clone, Copy, Debug)]
pub struct State<'a>(&'a Book);

impl Book {
    /// The rows beside [`Book::ledger`].
    #[must_use]
    pub fn state(&self) -> State<'_> {
        State(self)
    }
}

impl<'a> State<'a> {
    /// Idempotency keys of the commands that were applied.
    #[must_use]
    pub fn applied(self) -> Vec<(&'a str, Applied)> {
        let applied = self.0.applied.iter();
        let mut rows: Vec<_> = applied.map(|(key, at)| (&**key, *at)).collect();
        rows.sort_unstable_by_key(|(key, _)| *key);
        rows
    }

    /// Orders that were placed.
    #[must_use]
    pub fn orders(self) -> Vec<&'a Order> {
        let rows = self.0.tables.orders.sorted().into_iter();
        rows.filter_map(|(_, order)| order.as_ref()).collect()
    }

    /// What names orders, placed or not.
    #[must_use]
    pub fn links(self) -> Vec<(&'a OrderId, &'a OrderLinks)> {
        self.0.tables.links.sorted()
    }

    #[must_use]
    pub fn intents(self) -> Vec<(&'a ExternalId, &'a Intent)> {
        self.0.tables.intents.sorted()
    }

    #[must_use]
    pub fn charges(self) -> Vec<(&'a ExternalId, &'a Charge)> {
        self.0.tables.charges.sorted()
    }

    #[must_use]
    pub fn refunds(self) -> Vec<(&'a ExternalId, &'a Refund)> {
        self.0.tables.refunds.sorted()
    }

    #[must_use]
    pub fn disputes(self) -> Vec<(&'a ExternalId, &'a Dispute)> {
        self.0.tables.disputes.sorted()
    }

    #[must_use]
    pub fn transfers(self) -> Vec<(&'a ExternalId, &'a Transfer)> {
        self.0.tables.transfers.sorted()
    }

    #[must_use]
    pub fn payouts(self) -> Vec<(&'a ExternalId, &'a Payout)> {
        self.0.tables.payouts.sorted()
    }

    #[must_use]
    pub fn balance_transactions(self) -> Vec<(&'a ExternalId, &'a BalanceTransaction)> {
        self.0.tables.balance_transactions.sorted()
    }

    /// Balance transactions by what they are about.
    #[must_use]
    pub fn by_source(self) -> Vec<(&'a ExternalId, &'a Ids)> {
        self.0.tables.by_source.sorted()
    }
}

/// Rows that no book has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    #[error("the {table} {key} is there twice")]
    Twice { table: &'static str, key: String },
    #[error("the {table} {key} is booked to account number {}, which is not open", account.get())]
    Account {
        table: &'static str,
        key: String,
        account: AccountId,
    },
}

/// A book that is being put together.
#[derive(Debug)]
pub struct Restore {
    book: Book,
}

/// What may be booked to accounts.
trait Booked {
    fn booked(&self) -> Option<&Legs> {
        None
    }
}

macro_rules! booked {
    ($($row:ty),*) => {
        $(impl Booked for $row {
            fn booked(&self) -> Option<&Legs> {
                Some(&self.booked)
            }
        })*
    };
}

booked!(Order, Dispute, Transfer, Payout, BalanceTransaction);
impl Booked for OrderLinks {}
impl Booked for Intent {}
impl Booked for Charge {}
impl Booked for Refund {}
impl Booked for Ids {}

impl Restore {
    #[must_use]
    pub fn new(chart: Chart, ledger: Ledger) -> Self {
        let applied = HashMap::with_hasher(FixedState::default());
        let tables = Tables::default();
        Self {
            book: Book {
                chart,
                ledger,
                tables,
                applied,
            },
        }
    }

    pub fn applied(&mut self, key: &str, applied: Applied) -> Result<(), RestoreError> {
        match self.book.applied.insert(key.into(), applied) {
            None => Ok(()),
            Some(_) => Err(twice("key", key)),
        }
    }

    pub fn orders(&mut self, order: Order) -> Result<(), RestoreError> {
        self.check("order", order.id, &order)?;
        let (id, orders) = (order.id, &mut self.book.tables.orders);
        if orders.get(&id).is_some() {
            return Err(twice("order", id));
        }
        orders.put(id, Some(order));
        Ok(())
    }

    pub fn links(&mut self, id: OrderId, row: OrderLinks) -> Result<(), RestoreError> {
        let links = &mut self.book.tables.links;
        if links.get(&id).is_some() {
            return Err(twice("link of order", id));
        }
        links.put(id, row);
        Ok(())
    }

    #[must_use]
    pub fn finish(self) -> Book {
        self.book
    }

    fn check(
        &self,
        table: &'static str,
        key: impl ToString,
        row: &impl Booked,
    ) -> Result<(), RestoreError> {
        let ledger = &self.book.ledger;
        let mut accounts = row.booked().into_iter().flat_map(Legs::iter);
        match accounts.find(|(account, _)| ledger.account(*account).is_none()) {
            None => Ok(()),
            Some((account, _)) => Err(RestoreError::Account {
                table,
                key: key.to_string(),
                account,
            }),
        }
    }
}

fn twice(table: &'static str, key: impl ToString) -> RestoreError {
    let key = key.to_string();
    RestoreError::Twice { table, key }
}

macro_rules! tables {
    ($($method:ident $row:ty, $name:literal;)*) => {
        impl Restore {
            $(pub fn $method(&mut self, id: ExternalId, row: $row) -> Result<(), RestoreError> {
                self.check($name, &id, &row)?;
                let table = &mut self.book.tables.$method;
                if table.get(&id).is_some() {
                    return Err(twice($name, id));
                }
                table.put(id, row);
                Ok(())
            })*
        }
    };
}

tables! {
    intents Intent, "intent";
    charges Charge, "charge";
    refunds Refund, "refund";
    disputes Dispute, "dispute";
    transfers Transfer, "transfer";
    payouts Payout, "payout";
    balance_transactions BalanceTransaction, "balance transaction";
    by_source Ids, "source";
}
