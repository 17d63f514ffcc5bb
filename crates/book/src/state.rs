//! A book's state as plain rows, so that a start need not fold the whole roll.
//!
//! [`Book::rows`] lists the rows of one kind in the order of their keys, [`Book::visit_rows`] those
//! of every kind, so that the same state is listed in the same way; [`BookRestore`] makes a book of
//! such rows again. The two are each other's inverse: a book that was restored decides and evolves
//! as the one that was listed. The chart is no part of it, because folding never reads the chart.
//!
//! Whether the rows are those of a roll is for the engine to prove. What would make deciding panic
//! is refused here.

use tillroll_ledger::Ledger;

use crate::Book;

pub use crate::store::{
    BookRow, EntryKey, ExternalIds, Legs, ListedRow, ROW_KINDS, RestoreRowError, RowKind,
    RowVisitor, StateContradiction, StateRow, encode_row, rows::*,
};

impl Book {
    /// The rows of one kind, wherever they are kept: each is read when it is asked for. Where the
    /// book keeps rows in a store, ask [`Book::fault`] when done; after a fault rows are missing.
    pub fn rows<'b, V: BookRow + 'b>(&'b self) -> impl Iterator<Item = ListedRow<'b, V>> {
        self.tables.sorted()
    }

    /// Shows the rows of every kind beside [`Book::ledger`], in the order of [`ROW_KINDS`].
    ///
    /// # Errors
    /// The visitor's.
    pub fn visit_rows<V: RowVisitor>(&self, visitor: &mut V) -> Result<(), V::Error> {
        self.tables.visit(visitor)
    }
}

/// A book that is being put together.
#[derive(Debug)]
pub struct BookRestore {
    book: Book,
}

impl BookRestore {
    /// On a book without a record, which says with which chart and store it goes on. Where it
    /// has a store, the rows begin there, so that they are never all in memory.
    #[must_use]
    pub fn new(empty: Book, ledger: Ledger) -> Self {
        Self {
            book: Book { ledger, ..empty },
        }
    }

    /// Adds the row at the start of `bytes`; answers its length. Nothing that the bytes say may
    /// panic.
    ///
    /// # Errors
    /// When it does not read, its key is there, or it is booked to an account that is not.
    pub fn row(&mut self, kind: RowKind, bytes: &[u8]) -> Result<usize, RestoreRowError> {
        let Book { ledger, tables, .. } = &mut self.book;
        tables.restore(ledger, kind, bytes)
    }

    #[must_use]
    pub fn finish(self) -> Book {
        self.book
    }
}
