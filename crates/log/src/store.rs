//! How a log is opened, whatever keeps it.

use crate::error::OpenError;
use crate::identity::{Head, LogId, Position};
use crate::log::Log;
use crate::recovery::RecoveryReport;

/// What the caller knows of the log, and what it wants to be shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpenRequest {
    /// The id for a log that does not exist yet, and the only id accepted
    /// for one that does. `None` accepts any, and makes one up for a new one.
    pub id: Option<LogId>,
    /// Records before this position need not be read, and are not shown. A
    /// caller with a snapshot at position P sets P + 1. Default: all are shown.
    pub check_from: Position,
    /// A head that the caller knows to have been durable, from a snapshot or a
    /// signed checkpoint. A log that ends before it, or holds another history
    /// at that place, is refused: without it, a damaged last frame cannot be
    /// told from one that was never acknowledged.
    pub durable: Option<Head>,
    /// A position that the caller knows to have been durable without knowing
    /// the hash there: what a projection has seen. A log that ends before it
    /// is refused like one that ends before [`OpenRequest::durable`].
    pub durable_position: Position,
}

/// A place that holds one log, or will, and how a backend opens it. LogOptions that only this
/// backend has are its own.
pub trait LogStore {
    /// The writer's side.
    type Log: Log + 'static;

    /// Opens the log, or creates it where there is none, recovers it, and shows every record from
    /// [`OpenRequest::check_from`] on to `visit`, so that a start folds the log in the pass that
    /// checks it. An append that was in doubt when the log was last left is settled by this: its
    /// records are shown or they are not there.
    ///
    /// What `visit` has made counts only when this returns `Ok`: damage may come after the
    /// records that it has seen.
    ///
    /// # Errors
    /// [`OpenError`]; no record was cut.
    fn open(
        self,
        request: &OpenRequest,
        visit: &mut dyn FnMut(Position, &[u8]),
    ) -> Result<(Self::Log, RecoveryReport), OpenError>;

    /// The id of the log and its head when `position` was its last record: for a caller that has
    /// kept one, such as a snapshot, and asks whether the log still says so. `None` when no whole
    /// frame ends there, for whatever reason: the log is shorter, a frame goes on past the
    /// position, or what leads to it is damaged, which opening will find. It changes nothing.
    ///
    /// # Errors
    /// When the log cannot be looked at.
    fn head_at(&self, position: Position) -> Result<Option<(LogId, Head)>, OpenError>;
}
