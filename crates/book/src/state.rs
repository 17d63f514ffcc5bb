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

use std::fmt::Display;

use tillroll_events::{ExternalId, OrderId};
use tillroll_ledger::{AccountId, Ledger};

use crate::table::Stored;
use crate::{Book, Row};

pub use crate::book::Applied;
pub use crate::cold::Listed;
pub use crate::ids::Ids;
pub use crate::legs::Legs;
pub use crate::order::{Goods, Order};
pub use crate::rows::{
    BalanceTransaction, Charge, Dispute, Intent, OrderLinks, Payout, Refund, Transfer,
};

/// The rows of a book beside its ledger, in the order of their keys, wherever they are kept:
/// each is read when it is asked for. Whoever lists a book that keeps rows in a store asks
/// [`Book::fault`] when done; after a fault rows are missing.
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
    pub fn applied(self) -> impl Iterator<Item = Listed<'a, Box<str>, Applied>> {
        self.sorted()
    }

    /// Orders that were placed.
    pub fn orders(self) -> impl Iterator<Item = Listed<'a, OrderId, Order>> {
        self.sorted()
    }

    /// What names orders, placed or not.
    pub fn links(self) -> impl Iterator<Item = Listed<'a, OrderId, OrderLinks>> {
        self.sorted()
    }

    pub fn intents(self) -> impl Iterator<Item = Listed<'a, ExternalId, Intent>> {
        self.sorted()
    }

    pub fn charges(self) -> impl Iterator<Item = Listed<'a, ExternalId, Charge>> {
        self.sorted()
    }

    pub fn refunds(self) -> impl Iterator<Item = Listed<'a, ExternalId, Refund>> {
        self.sorted()
    }

    pub fn disputes(self) -> impl Iterator<Item = Listed<'a, ExternalId, Dispute>> {
        self.sorted()
    }

    pub fn transfers(self) -> impl Iterator<Item = Listed<'a, ExternalId, Transfer>> {
        self.sorted()
    }

    pub fn payouts(self) -> impl Iterator<Item = Listed<'a, ExternalId, Payout>> {
        self.sorted()
    }

    pub fn balance_transactions(
        self,
    ) -> impl Iterator<Item = Listed<'a, ExternalId, BalanceTransaction>> {
        self.sorted()
    }

    /// Balance transactions by what they are about.
    pub fn by_source(self) -> impl Iterator<Item = Listed<'a, ExternalId, Ids>> {
        self.sorted()
    }

    fn sorted<V: Stored + 'a>(self) -> impl Iterator<Item = Listed<'a, V::Key, V>> {
        self.0.tables().sorted()
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

impl Restore {
    /// On a book without a record, which says with which chart and store it goes on. Where it
    /// has a store, the rows begin there, so that they are never all in memory.
    #[must_use]
    pub fn new(blank: Book, ledger: Ledger) -> Self {
        Self {
            book: Book { ledger, ..blank },
        }
    }

    /// Adds a row.
    ///
    /// # Errors
    /// When its key is there, or it is booked to an account that is not.
    pub fn row(&mut self, row: Row) -> Result<(), RestoreError> {
        let Book { ledger, tables, .. } = &mut self.book;
        if let Some((table, key, booked)) = booked(&row)
            && let Some((account, _)) = booked.iter().find(|(id, _)| ledger.account(*id).is_none())
        {
            let key = key.to_string();
            return Err(RestoreError::Account {
                table,
                key,
                account,
            });
        }
        match row {
            Row::Key(key, row) => named("key", tables.restore(key, row)),
            Row::Order(id, row) => named(ORDER, tables.restore(id, row)),
            Row::Links(id, row) => named("link of order", tables.restore(id, row)),
            Row::Intent(id, row) => named("intent", tables.restore(id, row)),
            Row::Charge(id, row) => named("charge", tables.restore(id, row)),
            Row::Refund(id, row) => named("refund", tables.restore(id, row)),
            Row::Dispute(id, row) => named(DISPUTE, tables.restore(id, row)),
            Row::Transfer(id, row) => named(TRANSFER, tables.restore(id, row)),
            Row::Payout(id, row) => named(PAYOUT, tables.restore(id, row)),
            Row::BalanceTransaction(id, row) => named(BALANCE, tables.restore(id, row)),
            Row::Source(id, row) => named("source", tables.restore(id, row)),
        }
    }

    #[must_use]
    pub fn finish(self) -> Book {
        self.book
    }
}

const ORDER: &str = "order";
const DISPUTE: &str = "dispute";
const TRANSFER: &str = "transfer";
const PAYOUT: &str = "payout";
const BALANCE: &str = "balance transaction";

/// What a row has on the books, where it may have anything: its table, its key, the amounts.
fn booked(row: &Row) -> Option<(&'static str, &dyn Display, &Legs)> {
    match row {
        Row::Order(id, row) => Some((ORDER, id, &row.booked)),
        Row::Dispute(id, row) => Some((DISPUTE, id, &row.booked)),
        Row::Transfer(id, row) => Some((TRANSFER, id, &row.booked)),
        Row::Payout(id, row) => Some((PAYOUT, id, &row.booked)),
        Row::BalanceTransaction(id, row) => Some((BALANCE, id, &row.booked)),
        Row::Key(..)
        | Row::Links(..)
        | Row::Intent(..)
        | Row::Charge(..)
        | Row::Refund(..)
        | Row::Source(..) => None,
    }
}

fn named(table: &'static str, restored: Result<(), impl Display>) -> Result<(), RestoreError> {
    restored.map_err(|key| {
        let key = key.to_string();
        RestoreError::Twice { table, key }
    })
}
