//! A book, open: its directory, log, writer, snapshots, read models, and what follows the log.
//!
//! Purpose: [`OpenBook::open`] opens the book of a data directory for writing, [`BookHandle`] is
//! what the rest of a program uses of it, and [`OpenBook::close`] ends it in good order.
//! [`Layout`] says which file of a data directory is where, and opens its log for reading only,
//! also beside a process that writes.
//!
//! # Invariants
//! - One process at a time has a book open for writing: the log's lock sees to that.
//! - A process may hold several books. They share nothing but the async runtime that they were
//!   opened on: no global state.
//! - What is only derived from the log (read models, snapshots, names of accounts, ends of holds)
//!   never keeps a book from opening, serving or closing.
//!
//! # It is not
//! It knows no HTTP and none of Stripe's shapes, and decides nothing: the book does.

mod account_directory;
mod clock;
mod clock_confirmation;
mod digests;
mod follower;
mod hold_expiries;
mod lag;
mod layout;
mod ledger_index;
mod open_book;
mod read_models;
mod read_only;
mod records;
mod snapshots;
mod tail;

pub use account_directory::AccountNameTable;
pub use clock::{BookClock, ManualClock, SystemClock};
pub use clock_confirmation::ConfirmError;
pub use digests::DigestError;
pub use follower::{
    AtOnce, Consumer, Follower, FollowerState, FollowerThread, Pace, ThreadPriority,
};
pub use lag::Lag;
pub use layout::{BookIdError, Layout, ReadOnlyError};
pub use open_book::{BookHandle, BookOpenError, OpenBook, OpenBookOptions};
pub use read_only::ReadOnlyLog;
pub use records::{ReadSize, RecordBatch, RecordsError};
pub use tail::Tail;
