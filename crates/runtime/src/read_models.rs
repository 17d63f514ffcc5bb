//! The follower that keeps the read models up to date, and when it works.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tillroll_engine::{Handle, Position};
use tillroll_log::LogReader;
use tillroll_projections::{ProjectError, Projector, ReadModels};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::Tail;
use crate::follower::{Consumer, Pace};

/// How far the read models have followed the log. They follow only what is durable, so a log
/// that ends before this has lost its end: without it, rot in the last frame would pass for an
/// append that was never acknowledged. Read models that cannot be read say nothing.
pub(crate) fn durable_position(path: &Path) -> u64 {
    ReadModels::open(path)
        .and_then(|models| models.checkpoint())
        .unwrap_or(0)
}

/// Rows and checkpoint are one SQL commit.
pub(crate) struct ReadModelConsumer {
    projector: Projector,
    reader: Arc<dyn LogReader>,
}

impl ReadModelConsumer {
    pub(crate) fn new(projector: Projector, reader: Arc<dyn LogReader>) -> Self {
        Self { projector, reader }
    }
}

impl Consumer for ReadModelConsumer {
    type Output = ();
    type Error = ProjectError;

    fn checkpoint(&self) -> Position {
        Position::new(self.projector.checkpoint())
    }

    fn apply(&mut self, head: Position) -> Result<(), ProjectError> {
        let caught_up = self
            .projector
            .catch_up_to(head.get(), &*self.reader, &mut |_| {});
        match caught_up {
            Ok(_) | Err(ProjectError::Leaving) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn is_transient(error: &ProjectError) -> bool {
        error.is_transient()
    }
}

/// The least time between two commits of the read models while the writer is busy. Pages of
/// indexes that are changed by many records of a commit are written once, so that a record costs
/// half as much in a commit of twenty thousand as in one of two thousand. Otherwise, or when a
/// read wants what is new, nothing waits.
const GATHERING: Duration = Duration::from_millis(400);
/// So many bytes of the log in a second make a writer busy (some three thousand entries that come
/// one by one, or fifteen thousand that come in bulk), looked at this often.
const BUSY: u128 = 500_000;
const LOOK: Duration = Duration::from_millis(100);
/// A busy writer stays busy through a pause shorter than this: a disk that stalls for a moment
/// would else be followed by many small commits, which stall it again.
const REST: Duration = Duration::from_secs(1);

/// Small commits at once while little is written, larger ones at intervals while much is.
#[derive(Debug)]
pub(crate) struct CommitGathering {
    engine: Handle,
    /// Notified when a read waits for the read models.
    wanted: Arc<Notify>,
    /// When the last application began.
    followed: Instant,
    looked: Instant,
    written: u64,
    interval: Duration,
}

impl CommitGathering {
    pub(crate) fn new(engine: &Handle, wanted: Arc<Notify>) -> Self {
        let now = Instant::now();
        Self {
            wanted,
            followed: now,
            looked: now,
            written: engine.appended_bytes(),
            engine: engine.clone(),
            interval: Duration::ZERO,
        }
    }

    /// Looks whether the writer is busy.
    fn look(&mut self) {
        let since = self.looked.elapsed();
        let enough = if self.interval.is_zero() { LOOK } else { REST };
        if since < enough {
            return;
        }
        let written = self.engine.appended_bytes();
        let bytes = u128::from(written.saturating_sub(self.written)) * 1_000_000;
        let is_busy = bytes > since.as_micros() * BUSY;
        self.interval = if is_busy { GATHERING } else { Duration::ZERO };
        (self.looked, self.written) = (Instant::now(), written);
    }
}

impl Pace for CommitGathering {
    async fn wait(&mut self, tail: &mut Tail, checkpoint: Position) -> Option<Position> {
        self.look();
        tail.past(checkpoint).await?;
        // What comes right behind the last is waited for, so that it shares a commit, unless a
        // read wants it.
        tokio::select! {
            () = tokio::time::sleep_until(self.followed + self.interval) => {}
            () = self.wanted.notified() => {}
        }
        self.followed = Instant::now();
        Some(tail.head())
    }
}
