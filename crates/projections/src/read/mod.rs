//! Questions to the read models.
//!
//! Every question is answered from one snapshot and comes with the position that the answer is
//! true for. A question `as_of` a position is answered as it would have been there; a position
//! beyond the checkpoint is answered at the checkpoint, and the answer says so.

mod accounts;
mod columns;
mod counts;
mod entries;
mod facts;
mod groups;
mod holds;
mod notifications;
mod order_blocks;
mod orders;
mod page;
mod pool;
mod sellers;
mod statement;
#[cfg(feature = "measured")]
mod step_count;
mod stock;
mod time;
mod totals;
mod trial_balance;

use std::path::Path;
use std::sync::Arc;

pub use accounts::{AccountQuery, AccountRow};
pub use counts::{Counts, EventCount, OrderCount};
pub use entries::{EntryRow, ReversalRow, ReversalState};
pub use facts::FactRow;
pub use holds::{HoldRow, HoldStatus};
pub use notifications::UnrecognisedRow;
pub use orders::{LineRow, OrderQuery, OrderRow, SplitRow, Standing, TimelineRow};
pub use page::{At, Page, PositionPage};
pub use sellers::SellerRow;
pub use statement::{LineCursor, LineRange, Statement, StatementLine, StatementQuery};
#[cfg(feature = "measured")]
pub use step_count::StepCount;
pub use stock::StockRow;
pub use totals::Total;
pub use trial_balance::{
    TrialBalance, TrialBalancePage, TrialBalanceQuery, TrialBalanceRow, TypeSums,
};

use crate::ReadError;
use pool::{Pool, Snapshot};

/// The reading side: a small pool of read-only connections. Clones share it. Its methods block;
/// an async caller runs them on a blocking thread.
#[derive(Clone, Debug)]
pub struct ReadModels {
    pool: Arc<Pool>,
}

impl ReadModels {
    /// Opens the read models that a [`Projector`](crate::Projector) keeps at `path`.
    ///
    /// # Errors
    /// [`ReadError::NotBuilt`] when no projector of this version has made them.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        let pool = Arc::new(Pool::new(path));
        pool.snapshot(|_| Ok(()))?;
        Ok(Self { pool })
    }

    /// The last position whose rows are here, 0 before the first.
    pub fn checkpoint(&self) -> Result<u64, ReadError> {
        self.pool.snapshot(|snapshot| Ok(snapshot.checkpoint))
    }

    /// Asks at a position, at most the checkpoint.
    fn at<T>(
        &self,
        as_of: Option<u64>,
        ask: impl FnOnce(&Snapshot<'_>, AsOf) -> Result<T, ReadError>,
    ) -> Result<At<T>, ReadError> {
        self.pool.snapshot(|snapshot| {
            let as_of = AsOf::new(as_of, snapshot.checkpoint);
            let value = ask(snapshot, as_of)?;
            Ok(At {
                position: as_of.position,
                value,
            })
        })
    }
}

/// The position that a question is asked at.
#[derive(Clone, Copy, Debug)]
struct AsOf {
    position: u64,
    /// The same as a column of the tables holds it.
    column: i64,
}

impl AsOf {
    fn new(asked: Option<u64>, checkpoint: u64) -> Self {
        let position = asked.map_or(checkpoint, |asked| asked.min(checkpoint));
        let column = i64::try_from(position).expect("a checkpoint was read from such a column");
        Self { position, column }
    }
}
