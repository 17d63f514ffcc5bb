//! Storage that fails and forgets, for tests of everything that stands on the
//! log.
//!
//! [`MemoryStorage`] keeps apart what was written and what is durable. It can
//! fail any call ([`Injection`]), and it can lose its power ([`PowerCut`]).
//! [`MemoryTree`] is the same with directories, for backups. [`Rot`] is laid
//! over any file, whose bytes are then not what was written. [`SharedLog`] is a log that several
//! writers and readers share over connections that fail.
//! Every choice comes from a seed, so that a run can be repeated.

mod at_once;
mod memory_storage;
mod random;
mod rot;
mod shared_log;

pub use at_once::{TestLog, TestReader};
pub use memory_storage::{
    Injection, MemoryFile, MemoryStorage, MemoryTree, PowerCut, StorageFailure,
};
pub use random::Random;
pub use rot::{Rot, RottenFile};
pub use shared_log::{AppendInjection, Arrival, SharedLog, SharedLogReader, SharedLogWriter};
