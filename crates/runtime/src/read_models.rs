//! The thread that keeps the read models up to date, and when it works.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tillroll_engine::Handle;
use tillroll_projections::{Checkpoint, Follower, Projector, ReadModels};
use tokio::sync::{Notify, watch};

/// How far the read models have followed the log. They follow only what is durable, so a log
/// that ends before this has lost its end: without it, rot in the last frame would pass for an
/// append that was never acknowledged. Read models that cannot be read say nothing.
pub(crate) fn durable_position(path: &Path) -> u64 {
    ReadModels::open(path)
        .and_then(|models| models.checkpoint())
        .unwrap_or(0)
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

/// Starts the thread that keeps the read models up to date.
pub(crate) fn follow(
    projector: Projector,
    engine: &Handle,
    checkpoint: Checkpoint,
    mut stopping: watch::Receiver<bool>,
    wanted: Arc<Notify>,
    runtime: tokio::runtime::Handle,
) -> io::Result<Follower> {
    let mut committed = engine.committed();
    let mut followed = tokio::time::Instant::now();
    let written = {
        let engine = engine.clone();
        move || engine.metrics().bytes
    };
    let (mut looked, mut written_then) = (followed, written());
    let mut gathering = Duration::ZERO;
    let wait = move |seen: u64| {
        let since = looked.elapsed();
        let enough = if gathering.is_zero() { LOOK } else { REST };
        if since >= enough {
            let written_now = written();
            let bytes = u128::from(written_now.saturating_sub(written_then)) * 1_000_000;
            let is_busy = bytes > since.as_micros() * BUSY;
            gathering = if is_busy { GATHERING } else { Duration::ZERO };
            (looked, written_then) = (tokio::time::Instant::now(), written_now);
        }
        let head = runtime.block_on(async {
            let moved = async {
                let more = committed.wait_for(|head| head.get() > seen).await.is_ok();
                // What comes right behind the last is waited for, so that it shares a commit,
                // unless a read wants it.
                tokio::select! {
                    () = tokio::time::sleep_until(followed + gathering) => {}
                    () = wanted.notified() => {}
                }
                more.then(|| committed.borrow().get())
            };
            tokio::select! {
                biased;
                _ = stopping.wait_for(|stopping| *stopping) => None,
                head = moved => head,
            }
        });
        followed = tokio::time::Instant::now();
        head
    };
    tillroll_projections::follow(projector, engine.reader(), checkpoint, wait)
}
