mod checkpoint;
mod error;
mod read;
mod schema;
mod words;

pub use checkpoint::Checkpoint;
pub use error::{ProjectError, ReadError};
pub use read::{
    AccountQuery, AccountRow, At, Counts, DisputeRow, EntryRow, EventCount, HoldRow, HoldStatus,
    LineCursor, LineRange, LineRow, OrderCount, OrderQuery, OrderRow, Page, PayoutRow,
    PositionPage, ReadModels, SellerRow, SplitRow, Standing, Statement, StatementLine,
    StatementQuery, StockRow, TimelineRow, Total, TrialBalance, TrialBalanceRow, UnrecognisedRow,
};
