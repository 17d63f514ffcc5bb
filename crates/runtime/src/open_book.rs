//! A book that is open for writing: log, writer, snapshots, read models and what follows the log.

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::TryFutureExt;
use tillroll_book::clock::{ClockFault, ClockLimits};
use tillroll_book::{Chart, Command, Digest};
use tillroll_engine::{
    BookOptions, Engine, EngineOptions, EngineThread, Failure, Handle, Outcome, Position,
    ScratchFiles, SnapshotMaker, SnapshotOptions, StartError, StartReport, SubmitError,
};
use tillroll_events::{Record, Timestamp};
use tillroll_log::{
    DirStorage, DirStorageError, FileStore, Log, LogId, OpenRequest, RecoveryReport,
};
use tillroll_projections::{Checkpoint, NameCache, ProjectError, Projector, ReadError, ReadModels};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use crate::account_directory::{AccountDirectory, named_accounts};
use crate::clock_confirmation::{ConfirmError, confirmation};
use crate::digests::{DigestError, DigestQueue, DigestStart};
use crate::follower::{AtOnce, Follower, FollowerState, FollowerThread, ThreadPriority};
use crate::hold_expiries::{self, HoldExpiries};
use crate::lag::{Lag, LagWatch};
use crate::ledger_index::LedgerIndex;
use crate::read_models::{CommitGathering, ReadModelConsumer};
use crate::records::{ReadSize, RecordBatch, read_records};
use crate::snapshots::{self, LastSnapshot, LogWeight, SnapshotConsumer, WhenDue};
use crate::{
    AccountNameTable, BookClock, BookIdError, Layout, RecordsError, SystemClock, Tail, lag,
    read_models,
};

/// How a book is opened.
#[derive(Clone, Debug)]
pub struct OpenBookOptions {
    /// The data directory, see [`Layout`]. It is made when it is missing.
    pub data_dir: PathBuf,
    pub clock: Arc<dyn BookClock>,
    /// Within what the clock is believed, by what the log says.
    pub clock_limits: ClockLimits,
    /// That it is right where it is outside of that: opening records so, and goes on by it.
    pub clock_is_right: bool,
    pub chart: Chart,
    /// Commands that may wait for the writer; more are refused at once as an overload.
    pub queue: usize,
    /// Bytes after which the log goes on in a new file.
    pub segment_bytes: u64,
    /// When snapshots of the state are made; without it none is read or made, and every start
    /// folds the whole log.
    pub snapshots: Option<SnapshotOptions>,
    /// Records for which nothing has changed a row of the state that leaves memory for a file
    /// that is gone when the process is.
    pub cold_after: u64,
    /// Records for which an idempotency key is in memory. Older ones are found in that file.
    pub keys_after: u64,
    /// How long closing waits for the read models to catch up, so that the next start is quick.
    pub closing_patience: Duration,
}

impl OpenBookOptions {
    /// With the machine's clock and the built-in chart.
    #[must_use]
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            clock: Arc::new(SystemClock),
            clock_limits: ClockLimits::default(),
            clock_is_right: false,
            chart: Chart::default(),
            queue: 4096,
            segment_bytes: tillroll_log::LogOptions::default().segment_bytes,
            snapshots: Some(SnapshotOptions::default()),
            cold_after: ScratchFiles::AFTER,
            keys_after: ScratchFiles::KEYS_AFTER,
            closing_patience: Duration::from_secs(1),
        }
    }
}

/// Why a book was not opened.
#[derive(Debug, thiserror::Error)]
pub enum BookOpenError {
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error(transparent)]
    BookId(#[from] BookIdError),
    #[error(transparent)]
    Storage(#[from] DirStorageError),
    #[error(transparent)]
    Engine(#[from] StartError),
    /// The clock is far from what the log says, or says what cannot be.
    #[error(transparent)]
    Clock(#[from] ClockFault),
    /// That the clock is right could not be recorded.
    #[error(transparent)]
    Confirm(#[from] ConfirmError),
    #[error(transparent)]
    Projections(#[from] ProjectError),
    #[error(transparent)]
    ReadModels(#[from] ReadError),
}

/// A book that is open for writing.
///
/// It works on the async runtime that it was opened on, beside threads of its own: the writer,
/// the log, the read models and, where they are wanted, the snapshots.
pub struct OpenBook {
    handle: BookHandle,
    thread: Option<EngineThread>,
    read_models: Option<FollowerThread<ProjectError>>,
    snapshots: Option<FollowerThread<Infallible>>,
    /// Has the snapshot that is under way given up.
    abandon_snapshot: Arc<AtomicBool>,
    last_snapshot: LastSnapshot,
    tasks: Vec<JoinHandle<()>>,
    /// Ends the followers, once there is nothing more to follow.
    leave: watch::Sender<bool>,
    start: StartReport,
    clock_confirmed: Option<Position>,
    closing_patience: Duration,
}

impl fmt::Debug for OpenBook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenBook")
            .field("id", &self.id())
            .field("engine", self.engine())
            .finish_non_exhaustive()
    }
}

impl OpenBook {
    /// Opens the book in a directory, or starts one there: recovers and folds the log, and has
    /// the read models follow. `progress` gets positions while the log is read. It blocks.
    ///
    /// # Errors
    /// [`BookOpenError`]; a log that is damaged is left as it is.
    ///
    /// # Panics
    /// Outside of an async runtime.
    pub fn open(
        options: OpenBookOptions,
        mut progress: impl FnMut(u64),
    ) -> Result<Self, BookOpenError> {
        let layout = Layout::at(&options.data_dir);
        let failed = |action, path: PathBuf| {
            move |source| BookOpenError::Io {
                action,
                path,
                source,
            }
        };
        layout
            .create()
            .map_err(failed("create", layout.root().to_owned()))?;
        let storage = DirStorage::open(layout.log())?;
        let known = layout.book_id()?;
        let path = layout.read_models();
        let store = FileStore::new(storage).with_segment_bytes(options.segment_bytes);
        let request = OpenRequest {
            id: known,
            durable_position: Position::new(read_models::durable_position(&path)),
            ..OpenRequest::default()
        };
        let scratch = ScratchFiles::in_directory(layout.scratch())
            .keys_after(options.keys_after)
            .after(options.cold_after);
        let book_options = BookOptions::from(options.chart).with_scratch(scratch);
        let kept = snapshots::open(&layout.snapshots(), options.snapshots);
        let on_progress = |position: Position| progress(position.get());
        let (engine, start) = match &kept {
            Some((snapshots, _)) => Engine::open_store_from(
                store,
                &request,
                book_options.clone(),
                snapshots,
                on_progress,
            )?,
            None => snapshots::without(Engine::open_store(
                store,
                &request,
                book_options.clone(),
                on_progress,
            )?),
        };
        snapshots::report(&start);
        let mut engine = engine.with_clock_limits(options.clock_limits);
        let now = options.clock.now();
        let confirmed = confirm_at_start(
            &mut engine,
            now,
            options.clock_limits,
            options.clock_is_right,
        )?;
        let recovery = &start.recovery;
        let id = recovery.log;
        if known.is_none() {
            layout.write_book_id(id)?;
        }
        if let Some(torn) = &recovery.torn_tail {
            tracing::warn!(
                file = torn.file,
                bytes = torn.bytes,
                "an append that was never acknowledged was cut off",
            );
        }
        let expiries = Arc::new(HoldExpiries::of(engine.book().ledger()));

        let models_path = layout.read_models();
        let projector = Projector::open(&models_path)?;
        let models = ReadModels::open(&models_path)?;
        let names = NameCache::new(models.clone());
        let accounts = Arc::new(AccountDirectory::of(engine.book().ledger(), names));
        let checkpoint = Checkpoint::new(projector.checkpoint());
        let (moved, projected) = watch::channel(projector.checkpoint());
        checkpoint.subscribe(move |position| {
            moved.send_replace(position);
        });

        let last = kept.as_ref().map(|(snapshots, options)| {
            snapshots::after_start(&engine, &start, snapshots, options)
        });
        let last_snapshot = LastSnapshot::default();
        let at_end = last_snapshot.of(kept.as_ref().map(|(snapshots, _)| snapshots.clone()));
        let queue = options.queue.max(1);
        let (engine, thread) =
            tillroll_engine::spawn_until(engine, EngineOptions { queue }, at_end);
        let tail = Tail::of_writer(&engine);
        let index = LedgerIndex {
            reader: engine.reader(),
            checkpoint: recovery.head.position,
            accounts: Arc::clone(&accounts),
            expiries: Arc::clone(&expiries),
        };
        let index = Follower::new(index, AtOnce, tail.clone());
        let (leave, leaving) = watch::channel(false);
        let no_thread = |path: PathBuf| failed("start a thread for", path);

        let wanted = Arc::new(Notify::new());
        let pace = CommitGathering::new(&engine, Arc::clone(&wanted));
        let projector = projector.publishing(checkpoint.clone());
        let consumer = ReadModelConsumer::new(projector, engine.reader());
        let read_models = Follower::new(consumer, pace, tail.clone());
        let read_models = read_models
            .spawn(
                "tillroll-read-models",
                ThreadPriority::Background,
                leaving.clone(),
            )
            .map_err(no_thread(models_path))?;

        let digests = DigestStart {
            reader: engine.reader(),
            log: id,
            snapshots: kept.as_ref().map(|(snapshots, _)| snapshots.clone()),
            book_options: book_options.clone(),
        };
        let mut abandon_snapshot = Arc::default();
        let mut snapshots = None;
        if let Some(((directory, options), last)) = kept.zip(last) {
            let weigh = LogWeight::new(&engine, &start);
            let maker = SnapshotMaker::new(directory, id, engine.reader(), book_options, &options);
            abandon_snapshot = maker.abandoned();
            let head = start.recovery.head.position;
            let consumer = SnapshotConsumer::new(maker, weigh.clone(), head);
            let pace = WhenDue {
                options,
                last,
                weigh,
            };
            let follower = Follower::new(consumer, pace, tail);
            let thread = follower.spawn("tillroll-snapshots", ThreadPriority::Normal, leaving);
            snapshots = Some(thread.map_err(no_thread(layout.snapshots()))?);
        }

        let lag = LagWatch::new(&engine, &checkpoint, &*options.clock);
        let handle = BookHandle(Arc::new(HandleParts {
            accounts,
            lag: Arc::new(lag),
            index,
            engine,
            models,
            models_state: read_models.state(),
            checkpoint,
            projected,
            wanted,
            clock: options.clock,
            expiries,
            digests: digests.queue(),
            id,
            source: format!("tillroll:book:{id}"),
            failure: OnceLock::new(),
        }));
        let tasks = vec![
            tokio::spawn(watch_writer(handle.clone())),
            tokio::spawn(watch_lag(handle.clone())),
            tokio::spawn(hold_expiries::expire(handle.clone())),
        ];
        Ok(Self {
            handle,
            tasks,
            thread: Some(thread),
            read_models: Some(read_models),
            snapshots,
            abandon_snapshot,
            last_snapshot,
            leave,
            start,
            clock_confirmed: confirmed,
            closing_patience: options.closing_patience,
        })
    }

    /// What the rest of a program uses.
    #[must_use]
    pub fn handle(&self) -> &BookHandle {
        &self.handle
    }

    /// The writer.
    #[must_use]
    pub fn engine(&self) -> &Handle {
        self.handle.engine()
    }

    /// Up to where the read models are.
    #[must_use]
    pub fn checkpoint(&self) -> &Checkpoint {
        self.handle.checkpoint()
    }

    #[must_use]
    pub fn id(&self) -> LogId {
        self.handle.id()
    }

    /// What opening the log found and did.
    #[must_use]
    pub fn recovery(&self) -> &RecoveryReport {
        &self.start.recovery
    }

    /// The position at which opening has recorded that the clock is right, where it had to.
    #[must_use]
    pub fn clock_confirmed(&self) -> Option<Position> {
        self.clock_confirmed
    }

    /// From which snapshot it went on, and what was folded.
    #[must_use]
    pub fn start(&self) -> &StartReport {
        &self.start
    }

    /// Finishes what waits, has the read models catch up, and closes the book. The directory can
    /// be opened again once every handle of it is dropped, too.
    ///
    /// # Errors
    /// The failure that ended the writer. The process should end with an error then.
    pub async fn close(mut self) -> Result<(), Failure> {
        let engine = self.engine().clone();
        self.abandon_snapshot.store(true, Ordering::SeqCst);
        self.handle.0.digests.abandon();
        self.last_snapshot.allow();
        engine.stop();
        let ended = engine.ended().await;
        if ended.is_ok() {
            // They are disposable, but the next start is quicker when they are complete.
            let head = engine.head().get();
            if !self.handle.wait_for(head, self.closing_patience).await {
                let position = self.checkpoint().position();
                tracing::warn!(position, head, "the read models are left behind");
            }
        }
        self.leave.send_replace(true);
        self.checkpoint().leave();
        for task in std::mem::take(&mut self.tasks) {
            task.abort();
            if let Err(error) = task.await
                && error.is_panic()
            {
                tracing::error!(%error, "a background task had failed");
            }
        }
        self.handle.0.digests.ended().await;
        let (thread, read_models) = (self.thread.take(), self.read_models.take());
        let snapshots = self.snapshots.take();
        let joined = tokio::task::spawn_blocking(move || {
            if let Some(snapshots) = snapshots {
                snapshots.join().unwrap_or_else(|never| match never {});
            }
            if let Some(Err(error)) = read_models.map(FollowerThread::join) {
                tracing::warn!(%error, "the read models had failed");
            }
            // It writes the last snapshot before it ends.
            thread.map_or(Ok(()), EngineThread::join)
        });
        match joined.await {
            Ok(joined) => ended.and(joined),
            Err(panic) => Err(Failure::Panicked(panic.to_string())),
        }
    }
}

/// Whether the clock can be right; where it cannot and the operator says that it is, that is recorded.
/// Answers where.
fn confirm_at_start<L: Log>(
    engine: &mut Engine<L>,
    now: Timestamp,
    limits: ClockLimits,
    clock_is_right: bool,
) -> Result<Option<Position>, BookOpenError> {
    let Some(last) = engine.recorded_at() else {
        limits.check(None, now)?;
        return Ok(None);
    };
    let fault = match limits.check(Some(last), now) {
        Ok(()) => return Ok(None),
        Err(fault) => fault,
    };
    if !clock_is_right || matches!(fault, ClockFault::Impossible { .. }) {
        return Err(fault.into());
    }
    let command = confirmation(&*engine.reader(), last, now).map_err(ConfirmError::Read)?;
    let answers = engine.execute(vec![command]).map_err(SubmitError::from);
    let answers = answers.map_err(ConfirmError::Submit)?.into_iter();
    let outcome = answers
        .map(|answer| answer.map_err(SubmitError::from))
        .next();
    let outcome = outcome.transpose().map_err(ConfirmError::Submit)?;
    Ok(outcome.map(|outcome| outcome.last))
}

impl Drop for OpenBook {
    fn drop(&mut self) {
        self.abandon_snapshot.store(true, Ordering::SeqCst);
        self.handle.0.digests.abandon();
        self.engine().stop();
        self.leave.send_replace(true);
        self.checkpoint().leave();
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// Remembers why the writer ended, if it failed.
async fn watch_writer(book: BookHandle) {
    if let Err(failure) = book.engine().clone().ended().await {
        book.fail(&failure);
    }
}

/// Keeps in mind since when the read models are behind, as exactly as it looks.
async fn watch_lag(book: BookHandle) {
    let mut ticks = tokio::time::interval(lag::LOOK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let parts = &book.0;
        let (head, position) = (parts.engine.head().get(), parts.checkpoint.position());
        if parts.lag.look(head, position) == lag::Seen::Recorded {
            // It was behind when the book was opened: the log knows since when.
            let (lag, clock) = (Arc::clone(&parts.lag), Arc::clone(&parts.clock));
            let reader = parts.engine.reader();
            let recorded = tokio::task::spawn_blocking(move || {
                lag.read(&*reader, position, &*clock);
            });
            if let Err(error) = recorded.await {
                tracing::error!(%error, "the lag of the read models is not known");
            }
        }
    }
}

/// A handle on an open book. Clones are handles on the same one.
#[derive(Clone)]
pub struct BookHandle(Arc<HandleParts>);

impl fmt::Debug for BookHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BookHandle")
            .field("id", &self.id())
            .field("engine", self.engine())
            .finish_non_exhaustive()
    }
}

struct HandleParts {
    engine: Handle,
    models: ReadModels,
    models_state: watch::Receiver<FollowerState>,
    checkpoint: Checkpoint,
    /// The checkpoint, for tasks that wait.
    projected: watch::Receiver<u64>,
    /// Notified when a read waits for the read models.
    wanted: Arc<Notify>,
    lag: Arc<LagWatch>,
    clock: Arc<dyn BookClock>,
    accounts: Arc<AccountDirectory>,
    expiries: Arc<HoldExpiries>,
    digests: DigestQueue,
    /// Where accounts and expiries learn.
    index: Follower<LedgerIndex, AtOnce>,
    id: LogId,
    source: String,
    /// Why the writer ended, once it failed.
    failure: OnceLock<Failure>,
}

impl BookHandle {
    /// The writer.
    #[must_use]
    pub fn engine(&self) -> &Handle {
        &self.0.engine
    }

    #[must_use]
    pub fn models(&self) -> &ReadModels {
        &self.0.models
    }

    /// Up to where the read models are.
    #[must_use]
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.0.checkpoint
    }

    #[must_use]
    pub fn id(&self) -> LogId {
        self.0.id
    }

    /// The `source` of the book's events: `tillroll:book:` and its id.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.0.source
    }

    /// The time, by the book's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// Has a command applied. When this returns an outcome, it is durable.
    ///
    /// The command is in the writer's queue before there is a future, so that no caller's future
    /// holds it.
    pub fn submit(
        &self,
        command: Command,
    ) -> impl Future<Output = Result<Outcome, SubmitError>> + Send {
        self.0.engine.submit(command).inspect_err(|error| {
            if let SubmitError::Failed(failure) = error {
                self.fail(failure);
            }
        })
    }

    fn fail(&self, failure: &Failure) {
        self.0.failure.get_or_init(|| failure.clone());
    }

    /// Why nothing is written any more, when that is so.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        self.0.failure.get()
    }

    /// Why the read models do not follow the log, when they do not.
    #[must_use]
    pub fn read_model_failure(&self) -> Option<Arc<str>> {
        self.0.models_state.borrow().failure().cloned()
    }

    /// How far the read models are behind the log, when they are.
    #[must_use]
    pub fn lag(&self) -> Option<Lag> {
        let (head, position) = (self.0.engine.head().get(), self.0.checkpoint.position());
        self.0.lag.at(head, position)
    }

    /// Waits until the read models hold `position`; false when that took longer than `patience`,
    /// or as soon as they do not follow the log.
    pub async fn wait_for(&self, position: u64, patience: Duration) -> bool {
        if self.0.checkpoint.position() >= position {
            return true;
        }
        if self.read_model_failure().is_some() {
            return false;
        }
        self.0.checkpoint.want(position);
        self.0.wanted.notify_one();
        let mut projected = self.0.projected.clone();
        let mut state = self.0.models_state.clone();
        let reached = async {
            tokio::select! {
                biased;
                reached = projected.wait_for(|at| *at >= position) => reached.is_ok(),
                _ = state.wait_for(|state| state.failure().is_some()) => false,
            }
        };
        tokio::time::timeout(patience, reached)
            .await
            .unwrap_or(false)
    }

    /// Committed records from position `from` on, none past `until`. `guard` is dropped when they
    /// were read, also where no caller waits for them any more.
    ///
    /// # Errors
    /// [`RecordsError`].
    pub async fn records(
        &self,
        from: u64,
        until: u64,
        size: ReadSize,
        guard: impl Send + 'static,
    ) -> Result<RecordBatch, RecordsError> {
        let reader = self.0.engine.reader();
        let read = move || {
            let (from, until) = (Position::new(from), Position::new(until));
            let read = read_records(&*reader, from, until, size);
            drop(guard);
            read
        };
        match tokio::task::spawn_blocking(read).await {
            Ok(read) => read,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => Err(RecordsError::ShuttingDown),
            },
        }
    }

    /// The names of the accounts that records name by number.
    pub async fn names(&self, records: &[(Position, Record)]) -> AccountNameTable {
        let (mut missing, mut names) = named_accounts(records);
        self.0.accounts.look_up(&mut missing, &mut names);
        if let Some((last, _)) = records.last()
            && !missing.is_empty()
        {
            self.learn_to(*last).await;
            self.0.accounts.look_up(&mut missing, &mut names);
        }
        if !missing.is_empty() {
            let ask = self.0.accounts.ask(missing, self.engine(), &mut names);
            ask.await;
        }
        names
    }

    pub(crate) fn expiries(&self) -> &HoldExpiries {
        &self.0.expiries
    }

    /// Has what is learned from the log be as far as a position.
    async fn learn_to(&self, position: Position) {
        if let Err(error) = self.0.index.catch_up(position).await {
            tracing::error!(%error, "names of accounts and ends of holds cannot be read");
        }
    }

    /// The digest of everything that is durable by now, and its position. It is taken beside the
    /// writer, from a state of its own, which takes as much memory again for ten seconds.
    ///
    /// # Errors
    /// [`DigestError`].
    pub async fn digest(&self) -> Result<(Position, Digest), DigestError> {
        self.0.digests.digest(self.engine().head()).await
    }

    /// Why commands are refused for want of a clock that can be believed, when they are.
    #[must_use]
    pub fn clock_fault(&self) -> Option<ClockFault> {
        self.engine().clock_fault(self.now())
    }

    /// Records that the clock is right, where commands would be refused because of it. Answers the
    /// position.
    ///
    /// # Errors
    /// When it could not be recorded, or the clock says what cannot be.
    pub async fn confirm_clock(&self) -> Result<Option<Position>, ConfirmError> {
        let (now, last) = (self.now(), self.engine().recorded_at());
        let (Some(last), Some(_)) = (last, self.engine().clock_fault(now)) else {
            return Ok(None);
        };
        let reader = self.engine().reader();
        let made = tokio::task::spawn_blocking(move || confirmation(&*reader, last, now));
        let command = made.await.map_err(|_| ConfirmError::ShuttingDown)?;
        let outcome = self.submit(command.map_err(ConfirmError::Read)?).await;
        Ok(Some(outcome.map_err(ConfirmError::Submit)?.last))
    }

    /// Ends the holds whose time is over, as happens by itself once a second.
    ///
    /// # Errors
    /// As submitting any command.
    pub async fn expire_holds(&self) -> Result<(), SubmitError> {
        self.learn_to(self.engine().head()).await;
        hold_expiries::expire_due(self, &self.0.expiries).await
    }
}
