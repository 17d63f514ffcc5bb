//! Snapshots of the state in a data directory: a start from one, some while the book is open, one
//! when it is closed.
//!
//! They are disposable. Whatever goes wrong with them is a warning, and never a reason not to
//! start, not to go on or not to stop.

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tillroll_engine::{
    Engine, Handle, Moment, SnapshotError, SnapshotFile, SnapshotMakeError, SnapshotMaker,
    SnapshotOptions, Snapshots, StartReport, Weight,
};
use tillroll_log::{DirTree, Log, Position, RecoveryReport};

use crate::Tail;
use crate::follower::{Consumer, Pace};

pub(crate) type SnapshotDirectory = Snapshots<DirTree>;

/// The directory of snapshots, when they are wanted and it can be made.
pub(crate) fn open(
    directory: &Path,
    options: Option<SnapshotOptions>,
) -> Option<(SnapshotDirectory, SnapshotOptions)> {
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
    options: &SnapshotOptions,
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

/// Makes snapshots beside the writer. Whatever comes of one, the next is due after as much more.
pub(crate) struct SnapshotConsumer {
    maker: SnapshotMaker<DirTree>,
    weigh: LogWeight,
    /// Where the log ended when the last one was made, or was not.
    checkpoint: Position,
}

impl SnapshotConsumer {
    pub(crate) fn new(
        maker: SnapshotMaker<DirTree>,
        weigh: LogWeight,
        checkpoint: Position,
    ) -> Self {
        Self {
            maker,
            weigh,
            checkpoint,
        }
    }
}

impl Consumer for SnapshotConsumer {
    type Output = ();
    type Error = Infallible;

    fn checkpoint(&self) -> Position {
        self.checkpoint
    }

    fn apply(&mut self, head: Position) -> Result<(), Infallible> {
        self.checkpoint = head;
        match self.maker.make(self.weigh.at(head)) {
            Ok(Some((stored, bytes))) => {
                tracing::info!(file = stored.file, bytes, "a snapshot was made");
            }
            Ok(None) | Err(SnapshotMakeError::Snapshot(SnapshotError::Abandoned)) => {}
            Err(error) => tracing::warn!(%error, "no snapshot was made"),
        }
        Ok(())
    }

    fn is_transient(error: &Infallible) -> bool {
        match *error {}
    }
}

/// How long the log is at a position, which is at or near its end.
#[derive(Clone, Debug)]
pub(crate) struct LogWeight {
    engine: Handle,
    /// Bytes that were there at the start.
    bytes: u64,
}

impl LogWeight {
    pub(crate) fn new(engine: &Handle, start: &StartReport) -> Self {
        Self {
            engine: engine.clone(),
            bytes: start.recovery.log_bytes,
        }
    }

    fn at(&self, head: Position) -> Weight {
        Weight::of(head.get(), self.bytes + self.engine.appended_bytes())
    }
}

/// It need not wake at every commit to see how far the log is.
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// Goes on when the next snapshot is due.
#[derive(Debug)]
pub(crate) struct WhenDue {
    pub(crate) options: SnapshotOptions,
    /// How long the log was at the last snapshot.
    pub(crate) last: Weight,
    pub(crate) weigh: LogWeight,
}

impl Pace for WhenDue {
    async fn wait(&mut self, tail: &mut Tail, _: Position) -> Option<Position> {
        let due = self.options.due(self.last);
        loop {
            let head = tail.head();
            let now = self.weigh.at(head);
            if now >= due {
                self.last = now;
                return Some(head);
            }
            tail.past(head).await?;
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    }
}
