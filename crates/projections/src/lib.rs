//! SQL read models of the roll: tables, checkpoint, questions at any position.
//!
//! Purpose: a [`Projector`] turns committed records into rows of a SQLite database;
//! [`ReadModels`] answers questions from them; [`Checkpoint`] says how far they are. `SCHEMA.md`
//! beside this crate explains every table and column, for questions in SQL.
//!
//! # Invariants
//! - The rows and the checkpoint that they are complete up to are one SQL commit: after any
//!   crash they agree.
//! - The rows depend on the records alone. Dropped and rebuilt, or projected in other batches,
//!   they are the same; [`verify`] proves it for a live database.
//! - An answer at a position is the answer that was given when the roll ended there. (Payouts
//!   and disputes are facts that are only kept as they are now known; counts are of now.)
//! - Integers only, and sums over accounts are made in 128 bits.
//!
//! # Read models are disposable
//! The log is the truth. A database that is missing, damaged, unfinished, of another
//! version of the tables, or of another log is replaced and built anew, by
//! [`Projector::open`] and [`Projector::catch_up`], without asking. Nothing is synced for its
//! own sake: a power cut may cost the newest commits, which the log gives again, and never
//! the agreement of rows and checkpoint. Only a database that another program made is refused
//! and left alone.
//!
//! # It is not
//! It decides nothing, knows no Stripe and no HTTP, needs no async runtime, and computes no
//! balance that the records do not carry.

mod blocks;
mod checkpoint;
mod column;
mod database;
mod error;
mod facts;
mod groups;
mod names;
mod projector;
mod read;
mod schema;
mod source;
mod verify;
mod write;

pub use checkpoint::Checkpoint;
pub use database::{is_in_use, open_read_only};
pub use error::{ProjectError, ReadError};
pub use facts::ListedFacts;
pub use names::NameCache;
pub use projector::{MAX_BATCH, MAX_ENTRIES, ProjectionProgress, Projector};
#[cfg(feature = "measured")]
pub use read::StepCount;
pub use read::{
    AccountQuery, AccountRow, At, Counts, EntryRow, EventCount, FactRow, HoldRow, HoldStatus,
    LineCursor, LineRange, LineRow, OrderCount, OrderQuery, OrderRow, Page, PositionPage,
    ReadModels, ReversalRow, ReversalState, SellerRow, SplitRow, Standing, Statement,
    StatementLine, StatementQuery, StockRow, TimelineRow, Total, TrialBalance, TrialBalancePage,
    TrialBalanceQuery, TrialBalanceRow, TypeSums, UnrecognisedRow,
};
pub use verify::{Mismatch, Verified, VerifyError, verify};
