//! What the processor says, as it is now known. Facts that are not listed here are for SQL; orders
//! and accounts already say what they came to.

use rusqlite::params;
use serde::Serialize;
use tillroll_events::OrderId;

use super::page::{Keyset, read_limit};
use super::{At, Page, PositionPage, ReadModels};
use crate::ReadError;
use crate::column::ColumnValue;
use crate::facts::{FactTable, ListedFacts};

/// The latest facts about an object of the processor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FactRow<F> {
    #[serde(flatten)]
    pub facts: F,
    /// On whose timeline the latest event is.
    pub order: Option<OrderId>,
    /// Where it was first heard of; also its cursor.
    pub position: u64,
    pub last_position: u64,
}

impl<F: FactTable> FactRow<F> {
    fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        let behind = 1 + F::table().columns;
        let order = ColumnValue::of_column(row, behind)?;
        Ok(Self {
            facts: F::read(row, order)?,
            order,
            position: ColumnValue::of_column(row, behind + 1)?,
            last_position: ColumnValue::of_column(row, behind + 2)?,
        })
    }
}

impl ReadModels {
    /// Payouts, disputes and other facts of one kind, newest first. `as_of` leaves out those that
    /// were not heard of yet; the rest are as they are known at the checkpoint.
    ///
    /// # Errors
    /// [`ReadError`] when the read models cannot be read.
    pub fn facts<F: ListedFacts>(
        &self,
        page: &PositionPage,
    ) -> Result<At<Page<FactRow<F>>>, ReadError> {
        self.at(page.as_of, |snapshot, as_of| {
            let keyset = Keyset::newest_first(as_of, page.after, page.before);
            let sql = format!(
                "{} WHERE first_position > ?1 AND first_position < ?2
                 ORDER BY first_position {} LIMIT ?3",
                F::table().select,
                keyset.order()
            );
            let mut statement = snapshot.sql.prepare_cached(&sql)?;
            let rows = statement.query_map(
                params![keyset.above, keyset.below, read_limit(page.limit)],
                FactRow::read,
            )?;
            let rows = rows.collect::<Result<_, _>>()?;
            Ok(Page::of(rows, page.limit, keyset.backwards))
        })
    }
}
