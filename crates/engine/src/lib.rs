//! The single writer of a book: decide, append, evolve, acknowledge.
//!
//! # Purpose
//! The one place where what is decided (`tillroll-book`) meets what is durable
//! (`tillroll-log`). The [`Sequencer`] decides, and knows no log, thread or clock. [`Engine`] is
//! a sequencer and the log that its frames go to, and synchronous: a simulation calls it
//! directly. [`spawn`] gives it a thread and a queue, and [`Handle`] is what the rest of the
//! program sees of it.
//!
//! # Invariants
//! - Commands are decided one after the other; each sees what the ones before it did.
//! - An answer, a refusal included, leaves the engine only after everything that it was
//!   decided on is durable. A duplicate of a command in the same batch waits for the sync of
//!   the first.
//! - An append that is in doubt is neither acknowledged nor denied before the log has settled it.
//!   When another writer was ahead, or the log took nothing, nothing of what is answered so is
//!   on the log, nor will it be.
//! - After a [`Failure`] nothing is acknowledged any more: the state in memory may be ahead of
//!   the log, so the process has to start again and read what the log really holds.
//! - Rows that left memory are as if they had not, and when they cannot be read the engine ends
//!   like after any other failure.
//! - Positions are dense, and they alone are the order of the roll; `recorded_at` runs backwards
//!   only at an event that says so (`clock.confirmed`); the id of an event is a function of the
//!   book, the position and the time.
//! - Folding the log from the start gives the state that the writer has.
//!
//! # It is not
//! It knows no HTTP, no Stripe, no SQL, and no posting rule. It reads no clock that ends up in
//! an event (time arrives in the command); it only measures how long an append takes. It never
//! calls the network while deciding.

mod audit;
mod book_options;
mod cold_file;
mod engine;
mod engine_options;
mod event_id;
mod failure;
mod frame_limits;
mod handle;
mod log_driver;
mod log_thread;
mod metrics;
mod outcome;
mod replay;
mod scratch;
mod sequencer;
mod settlement;
mod snapshot;
mod standby;
mod tail_watch;
mod writer;

pub use audit::{AuditError, AuditFinding, AuditLaw, AuditReport, audit};
pub use book_options::BookOptions;
pub use engine::{Engine, Succession};
pub use engine_options::EngineOptions;
pub use event_id::event_id;
pub use failure::{ExecuteError, Failure, ReplayError, StartError, SubmitError};
pub use frame_limits::FrameLimits;
pub use handle::Handle;
pub use metrics::{EngineMetrics, Histogram};
pub use outcome::Outcome;
pub use replay::{Replay, position_at, replay};
pub use scratch::ScratchFiles;
pub use sequencer::{MisplacedFrame, PendingFrame, Sequencer, StagedCommand};
pub use settlement::Patience;
pub use snapshot::{
    Moment, Section, SkippedSnapshot, SnapshotComparison, SnapshotError, SnapshotFault,
    SnapshotFile, SnapshotHeader, SnapshotMakeError, SnapshotMaker, SnapshotOptions, Snapshots,
    StartReport, Weight,
};
pub use standby::Divergence;
pub use tillroll_log::Position;
pub use writer::{EngineThread, spawn, spawn_until};
