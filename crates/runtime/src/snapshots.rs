//! Snapshots of the state in a data directory: a start from one, some while the book is open, one
//! when it is closed.
//!
//! They are disposable. Whatever goes wrong with them is a warning, and never a reason not to
//! start, not to go on or not to stop.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tillroll_engine::{
    BookOptions, Engine, Handle, Keeper, KeeperOptions, Moment, SnapshotFile, Snapshots,
    StartReport, Weight,
};
use tillroll_log::{DirTree, Log, Position, RecoveryReport};
use tokio::sync::watch;

type SnapshotDirectory = Snapshots<DirTree>;

/// The directory of snapshots, when they are wanted and it can be made.
pub(crate) fn open(
    directory: &Path,
    options: Option<KeeperOptions>,
) -> Option<(SnapshotDirectory, KeeperOptions)> {
    let options = options?;
    match DirTree::create(directory) {
        Ok(tree) => Some((Snapshots::new(tree), options)),
        Err(error) => {
            tracing::warn!(%error, "there will be no snapshots");
            None
        }
    }
}

/// A start that folded everything.
pub(crate) fn without<E>((engine, recovery): (E, RecoveryReport)) -> (E, StartReport) {
    let (folded, folded_bytes) = (recovery.records, recovery.bytes);
    let start = StartReport {
        recovery,
        snapshot: None,
        passed_over: Vec::new(),
        folded,
        folded_bytes,
    };
    (engine, start)
}

/// Says where the state came from.
pub(crate) fn report(start: &StartReport) {
    for passed in &start.passed_over {
        tracing::warn!(
            file = passed.file,
            why = passed.why,
            "a snapshot is passed over"
        );
    }
    let from = start.snapshot.as_ref().map(|snapshot| &*snapshot.file);
    tracing::info!(snapshot = from, folded = start.folded, "the state is there");
}

/// Makes a snapshot of a start that folded much, so that it is not folded again should the
/// process be killed soon. Answers how long the roll is at the last snapshot.
pub(crate) fn after_start<J: Log>(
    engine: &Engine<J>,
    start: &StartReport,
    snapshots: &SnapshotDirectory,
    options: &KeeperOptions,
) -> Weight {
    let (before, now) = (start.weight_before(), start.weight());
    if now < options.due(before) {
        return before;
    }
    let made = engine.moment().and_then(|moment| write(snapshots, &moment));
    made.map_or(before, |_| now)
}

fn write(snapshots: &SnapshotDirectory, moment: &Moment<'_>) -> Option<SnapshotFile> {
    let position = moment.head.position.get();
    tracing::info!(position, "writing a snapshot");
    match snapshots.write(moment, &AtomicBool::new(false)) {
        Ok((stored, bytes)) => {
            tracing::info!(file = stored.file, bytes, "a snapshot was made");
            Some(stored)
        }
        Err(error) => {
            tracing::warn!(%error, "no snapshot was made: the next start folds more");
            None
        }
    }
}

/// The snapshot at the end, which is made only when the book is closed in good order.
#[derive(Debug, Default)]
pub(crate) struct LastSnapshot(Arc<AtomicBool>);

impl LastSnapshot {
    pub(crate) fn allow(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// What the writer's thread does at its end.
    pub(crate) fn of<J: Log>(
        &self,
        snapshots: Option<SnapshotDirectory>,
    ) -> impl FnOnce(&Engine<J>) + Send + 'static {
        let allowed = Arc::clone(&self.0);
        move |engine| {
            if let Some(snapshots) = snapshots
                && allowed.load(Ordering::SeqCst)
                && let Some(moment) = engine.moment()
                && !has(&snapshots, &moment)
            {
                write(&snapshots, &moment);
            }
        }
    }
}

/// Whether the newest snapshot is of this very moment.
fn has(snapshots: &SnapshotDirectory, moment: &Moment<'_>) -> bool {
    let all = snapshots.list().unwrap_or_default();
    let newest = all.first().and_then(|stored| snapshots.header(stored).ok());
    newest.is_some_and(|header| (header.log, header.head) == (moment.log, moment.head))
}

const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// Starts the thread that makes snapshots beside the writer.
pub(crate) fn keep(
    snapshots: SnapshotDirectory,
    options: KeeperOptions,
    start: &StartReport,
    last: Weight,
    engine: &Handle,
    book_options: BookOptions,
    mut stopping: watch::Receiver<bool>,
) -> io::Result<Keeper> {
    let runtime = tokio::runtime::Handle::current();
    let mut committed = engine.committed();
    let (writer, log_bytes) = (engine.clone(), start.recovery.log_bytes);
    let weight = move |head: Position| {
        let bytes = log_bytes + writer.appended_bytes();
        Weight::of(head.get(), bytes)
    };
    let wait = move |due: Weight| {
        runtime.block_on(async {
            let reached = async {
                loop {
                    let now = weight(*committed.borrow_and_update());
                    if now >= due {
                        return Some(now);
                    }
                    committed.changed().await.ok()?;
                    // It need not wake at every commit to see how far it is.
                    tokio::time::sleep(BETWEEN_LOOKS).await;
                }
            };
            tokio::select! {
                biased;
                _ = stopping.wait_for(|stopping| *stopping) => None,
                now = reached => now,
            }
        })
    };
    let log = start.recovery.log;
    let reader = engine.reader();
    Keeper::spawn(snapshots, log, reader, book_options, last, options, wait)
}
