//! Rows of history, inserted many at a time.
//!
//! A statement costs about as much as two rows: its cursors are opened and its locks are looked
//! at each time. Rows that nothing reads in the same commit wait here until there are enough for
//! one statement, or the commit ends.

use rusqlite::{Connection, Statement};

/// Rows in one statement.
const MANY: usize = 24;

/// A row of a table.
pub(super) trait InsertRow {
    /// Up to and without the word VALUES. It fails without taking back the statement's other
    /// rows: the whole commit is taken back then, and SQLite need not prepare for less.
    const INSERT: &'static str;
    const COLUMNS: usize;

    /// Binds its columns to the parameters from this one on.
    fn bind(&self, statement: &mut Statement<'_>, first: usize) -> rusqlite::Result<()>;
}

/// A row of a table whose key does not grow with the roll.
pub(super) trait Keyed: InsertRow {
    /// In the order of the table's key.
    type Key: Ord;

    fn key(&self) -> Self::Key;
}

/// Rows that go all over a table. They wait for the end of the commit and are inserted in the
/// order of its key, so that each page is sought, changed and written once for all of its rows.
#[derive(Debug)]
pub(super) struct Scattered<R>(Vec<R>);

impl<R> Default for Scattered<R> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<R: Keyed> Scattered<R> {
    pub fn push(&mut self, row: R) {
        self.0.push(row);
    }

    pub fn flush(&mut self, sql: &Connection) -> rusqlite::Result<()> {
        self.0.sort_unstable_by_key(Keyed::key);
        let mut rows = InsertBuffer::default();
        for row in self.0.drain(..) {
            rows.push(sql, row)?;
        }
        rows.flush(sql)
    }
}

/// Rows that are still to be inserted.
#[derive(Debug)]
pub(super) struct InsertBuffer<R> {
    waiting: Vec<R>,
    many: String,
}

impl<R> Default for InsertBuffer<R> {
    fn default() -> Self {
        Self {
            waiting: Vec::with_capacity(MANY),
            many: String::new(),
        }
    }
}

impl<R: InsertRow> InsertBuffer<R> {
    pub fn push(&mut self, sql: &Connection, row: R) -> rusqlite::Result<()> {
        self.waiting.push(row);
        if self.waiting.len() < MANY {
            return Ok(());
        }
        if self.many.is_empty() {
            self.many = statement::<R>(MANY);
        }
        let mut statement = sql.prepare_cached(&self.many)?;
        let mut first = 1;
        for row in self.waiting.drain(..) {
            row.bind(&mut statement, first)?;
            first += R::COLUMNS;
        }
        statement.raw_execute()?;
        Ok(())
    }

    /// Inserts those that are left.
    pub fn flush(&mut self, sql: &Connection) -> rusqlite::Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let mut statement = sql.prepare_cached(&statement::<R>(1))?;
        for row in self.waiting.drain(..) {
            row.bind(&mut statement, 1)?;
            statement.raw_execute()?;
        }
        Ok(())
    }
}

fn statement<R: InsertRow>(rows: usize) -> String {
    let row = format!("({})", vec!["?"; R::COLUMNS].join(","));
    format!("{} VALUES {}", R::INSERT, vec![row; rows].join(","))
}
