//! One book, open: log, writer, projections and routes put together.

use std::fmt;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use tillroll_book::Chart;
use tillroll_engine::{
    BookOptions, Engine, EngineThread, Failure, Handle, Keeper, KeeperOptions, Position,
    ScratchFiles, StartReport,
};
use tillroll_log::{DirStorage, DirStorageError, LogId, RecoveryReport};
use tillroll_projections::{
    Checkpoint, Follower, NameCache, ProjectError, Projector, ReadError, ReadModels,
};
use tillroll_stripe::Secret;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use crate::app::{App, Shared};
use crate::clock::{Clock, SystemClock};
use crate::directory::Directory;
use crate::expiries::{self, Expiries};
use crate::front::Front;
use crate::idempotency::InFlight;
use crate::metrics::Metrics;
use crate::snapshots::{self, LastSnapshot};
use crate::{middleware, openapi};

/// The directory of rows that left memory, within that of the data.
const SCRATCH: &str = "scratch";

/// How a book is opened.
#[derive(Clone, Debug)]
pub struct Config {
    /// Holds the log (`log/`), the read models (`read-models.sqlite`), snapshots of the state
    /// (`snapshots/`) and the book's id (`BOOK`). It is made when it is missing.
    pub data_dir: PathBuf,
    /// Signing secrets of Stripe's webhook endpoints: all are tried, so that they can be
    /// rotated and platform and Connect endpoints can differ. Without one no webhook is taken.
    pub webhook_secrets: Vec<Secret>,
    pub clock: Arc<dyn Clock>,
    pub chart: Chart,
    /// Commands that may wait for the writer; more are answered 503 at once.
    pub queue: usize,
    /// Connections that may be open; more are answered 503 at once.
    pub max_connections: usize,
    /// Names, besides localhost and loopback addresses, under which requests may be addressed
    /// to this server.
    pub allowed_hosts: Vec<String>,
    /// Bytes after which the log goes on in a new file.
    pub segment_bytes: u64,
    /// When snapshots of the state are made; without it none is read or made, and every start
    /// folds the whole log.
    pub snapshots: Option<KeeperOptions>,
    /// Records for which nothing has changed a row of the state that leaves memory for a file
    /// (`scratch/`) that is gone when the process is.
    pub cold_after: u64,
    /// How long a read waits for a position that was asked for.
    pub patience: Duration,
    /// How long a client may take to send a request's header.
    pub header_timeout: Duration,
}

impl Config {
    /// With the machine's clock, the built-in chart and no webhook secret.
    #[must_use]
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            webhook_secrets: Vec::new(),
            clock: Arc::new(SystemClock),
            chart: Chart::default(),
            queue: 4096,
            max_connections: 1024,
            allowed_hosts: Vec::new(),
            segment_bytes: tillroll_log::Options::default().segment_bytes,
            snapshots: Some(KeeperOptions::default()),
            cold_after: ScratchFiles::AFTER,
            patience: Duration::from_secs(5),
            header_timeout: Duration::from_secs(10),
        }
    }
}

/// Why a book was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error("{} does not hold the id of a book: 32 hexadecimal digits", .0.display())]
    BookId(PathBuf),
    #[error(transparent)]
    Storage(#[from] DirStorageError),
    #[error(transparent)]
    Engine(#[from] tillroll_engine::StartError),
    #[error(transparent)]
    Projections(#[from] ProjectError),
    #[error(transparent)]
    ReadModels(#[from] ReadError),
}

/// A book that is open. [`Tillroll::serve`] serves it; [`Tillroll::router`] is for whoever wants
/// to call it without a network.
///
/// It runs on the async runtime that it was opened on, beside two threads of its own.
pub struct Tillroll {
    app: App,
    thread: Option<EngineThread>,
    follower: Option<Follower>,
    keeper: Option<Keeper>,
    last_snapshot: LastSnapshot,
    tasks: Vec<JoinHandle<()>>,
    stop: watch::Sender<bool>,
    /// Ends the follower, once there is nothing more to follow.
    leave: watch::Sender<bool>,
    book_id: [u8; 16],
    start: StartReport,
    /// True once the writer has ended.
    pub(crate) writer_over: watch::Receiver<bool>,
    pub(crate) max_connections: usize,
    pub(crate) header_timeout: Duration,
}

impl fmt::Debug for Tillroll {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tillroll")
            .field("book", &self.source())
            .field("engine", self.app.engine())
            .finish_non_exhaustive()
    }
}

impl Tillroll {
    /// Opens the book in a directory, or starts one there: recovers and folds the log, and has
    /// the read models follow. `progress` gets positions while the log is read. It blocks.
    ///
    /// # Errors
    /// [`OpenError`]; a log that is damaged is left as it is.
    ///
    /// # Panics
    /// Outside of an async runtime.
    pub fn open(config: Config, mut progress: impl FnMut(u64)) -> Result<Self, OpenError> {
        let runtime = tokio::runtime::Handle::current();
        let data_dir = &config.data_dir;
        create_data_dir(data_dir).map_err(failed("create", data_dir))?;
        let storage = DirStorage::open(data_dir.join("log"))?;
        let known = read_book_id(&data_dir.join("BOOK"))?;
        let path = data_dir.join("read-models.sqlite");
        let options = tillroll_log::Options {
            id: known.map(LogId::new),
            durable_position: Position::new(seen(&path)),
            segment_bytes: config.segment_bytes,
            ..Default::default()
        };
        let scratch = ScratchFiles::in_directory(data_dir.join(SCRATCH)).after(config.cold_after);
        let book_options = BookOptions::from(config.chart).with_scratch(scratch);
        let kept = snapshots::open(data_dir, config.snapshots);
        let on_progress = |position: Position| progress(position.get());
        let (engine, start) = match &kept {
            Some((snapshots, _)) => Engine::open_files_from(
                storage,
                options,
                book_options.clone(),
                snapshots,
                on_progress,
            )?,
            None => snapshots::without(Engine::open_files(
                storage,
                options,
                book_options.clone(),
                on_progress,
            )?),
        };
        snapshots::tell(&start);
        let recovery = &start.recovery;
        let book_id = *recovery.log.as_bytes();
        if known.is_none() {
            write_book_id(data_dir, book_id)?;
        }
        if let Some(torn) = &recovery.torn_tail {
            tracing::warn!(
                file = torn.file,
                bytes = torn.bytes,
                "an append that was never acknowledged was cut off",
            );
        }
        let expiries = Expiries::of(engine.book().ledger());

        let projector = Projector::open(&path)?;
        let models = ReadModels::open(&path)?;
        let names = NameCache::new(models.clone());
        let directory = Directory::of(engine.book().ledger(), names);
        let checkpoint = Checkpoint::new(projector.checkpoint());
        let (moved, projected) = watch::channel(projector.checkpoint());
        checkpoint.subscribe(move |position| {
            moved.send_replace(position);
        });

        let queue = config.queue.max(1);
        let last = kept.as_ref().map(|(snapshots, options)| {
            snapshots::after_start(&engine, &start, snapshots, options)
        });
        let last_snapshot = LastSnapshot::default();
        let at_end = last_snapshot.of(kept.as_ref().map(|(snapshots, _)| snapshots.clone()));
        let options = tillroll_engine::EngineOptions { queue };
        let (handle, thread) = tillroll_engine::spawn_until(engine, options, at_end);
        let (stop, stopping) = watch::channel(false);
        let (leave, leaving) = watch::channel(false);
        let wanted = Arc::new(Notify::new());
        let (over, writer_over) = watch::channel(false);
        let no_thread = |source| OpenError::Io {
            action: "start a thread for",
            path: path.clone(),
            source,
        };
        let until = leaving.clone();
        let follower = follow(
            projector,
            &handle,
            checkpoint.clone(),
            leaving,
            Arc::clone(&wanted),
            runtime,
        )
        .map_err(no_thread)?;
        let keeper = kept
            .zip(last)
            .map(|((snapshots, options), last)| {
                snapshots::keep(
                    snapshots,
                    options,
                    &start,
                    last,
                    &handle,
                    book_options,
                    until,
                )
            })
            .transpose()
            .map_err(no_thread)?;

        let app = App::new(Shared {
            metrics: Metrics::new(handle.clone(), checkpoint.clone(), &start),
            directory,
            engine: handle,
            models,
            checkpoint,
            projected,
            wanted,
            clock: config.clock,
            expiries,
            in_flight: InFlight::default(),
            secrets: config.webhook_secrets,
            hosts: config.allowed_hosts,
            patience: config.patience,
            source: format!("tillroll:book:{}", LogId::new(book_id)),
            failure: OnceLock::new(),
            stopping,
        });
        let tasks = vec![
            tokio::spawn(watch_writer(app.clone(), over)),
            tokio::spawn(expiries::expire(app.clone())),
        ];
        Ok(Self {
            app,
            tasks,
            thread: Some(thread),
            follower: Some(follower),
            keeper,
            last_snapshot,
            stop,
            leave,
            book_id,
            start,
            writer_over,
            max_connections: config.max_connections.max(1),
            header_timeout: config.header_timeout,
        })
    }

    /// All routes. Clones and the book share their state.
    pub fn router(&self) -> Router {
        let (router, _) = openapi::routes();
        router
            .fallback(middleware::no_route)
            .method_not_allowed_fallback(middleware::no_method)
            .layer(middleware::Surround(self.app.clone()))
            .with_state(self.app.clone())
    }

    /// What a connection's requests are given to.
    pub(crate) fn front(&self) -> Front {
        Front {
            app: self.app.clone(),
            router: self.router(),
        }
    }

    /// The writer.
    #[must_use]
    pub fn engine(&self) -> &Handle {
        self.app.engine()
    }

    /// Up to where the read models are.
    #[must_use]
    pub fn checkpoint(&self) -> &Checkpoint {
        self.app.checkpoint()
    }

    #[must_use]
    pub fn book_id(&self) -> [u8; 16] {
        self.book_id
    }

    /// The `source` of the book's events: `tillroll:book:` and its id.
    #[must_use]
    pub fn source(&self) -> &str {
        self.app.source()
    }

    /// What opening the log found and did.
    #[must_use]
    pub fn recovery(&self) -> &RecoveryReport {
        &self.start.recovery
    }

    /// From which snapshot it went on, and what was folded.
    #[must_use]
    pub fn start(&self) -> &StartReport {
        &self.start
    }

    /// Ends the holds whose time is over, as happens by itself once a second.
    ///
    /// # Errors
    /// As submitting any command.
    pub async fn expire_holds(&self) -> Result<(), tillroll_engine::SubmitError> {
        expiries::expire_now(&self.app).await
    }

    pub(crate) fn stop_streams(&self) {
        self.stop.send_replace(true);
    }

    /// Finishes what waits, has the read models catch up, and closes the book. The directory can
    /// be opened again once every [`Tillroll::router`] and [`Handle`] of it is dropped, too.
    ///
    /// # Errors
    /// The failure that ended the writer. The process should end with an error then.
    pub async fn close(mut self) -> Result<(), Failure> {
        let engine = self.app.engine().clone();
        if let Some(keeper) = &self.keeper {
            keeper.stop();
        }
        self.last_snapshot.allow();
        engine.stop();
        let ended = engine.ended().await;
        if ended.is_ok() {
            // They are disposable, but the next start is quicker when they are complete.
            let head = engine.head().get();
            if let Err(problem) = self.app.reach(head).await {
                tracing::warn!(detail = problem.detail, "the read models are left behind");
            }
        }
        self.stop_streams();
        self.leave.send_replace(true);
        for task in std::mem::take(&mut self.tasks) {
            task.abort();
            if let Err(error) = task.await
                && error.is_panic()
            {
                tracing::error!(%error, "a background task had failed");
            }
        }
        let (thread, follower) = (self.thread.take(), self.follower.take());
        let keeper = self.keeper.take();
        let joined = tokio::task::spawn_blocking(move || {
            if let Some(keeper) = keeper {
                keeper.join();
            }
            if let Some(Err(error)) = follower.map(Follower::join) {
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

impl Drop for Tillroll {
    fn drop(&mut self) {
        self.app.engine().stop();
        self.stop_streams();
        self.leave.send_replace(true);
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// How far the read models have followed the log. They follow only what is durable, so a log
/// that ends before this has lost its end: without it, rot in the last frame would pass for an
/// append that was never acknowledged. Read models that cannot be read say nothing.
fn seen(path: &Path) -> u64 {
    ReadModels::open(path)
        .and_then(|models| models.checkpoint())
        .unwrap_or(0)
}

/// The least time between two commits of the read models while the server is busy. Pages of
/// indexes that are changed by many records of a commit are written once, so that a record costs
/// half as much in a commit of twenty thousand as in one of two thousand. Otherwise, or when a
/// read wants what is new, nothing waits.
const GATHERING: Duration = Duration::from_millis(400);
/// So many bytes of the log in a second make a server busy (some three thousand entries that come
/// one by one, or fifteen thousand that come in bulk), looked at this often.
const BUSY: u128 = 500_000;
const LOOK: Duration = Duration::from_millis(100);
/// A busy server stays busy through a pause shorter than this: a disk that holds everybody up for a
/// moment would else be followed by many small commits, which hold it up again.
const REST: Duration = Duration::from_secs(1);

/// Starts the thread that keeps the read models up to date.
fn follow(
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
                // unless somebody wants to read it.
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

/// Waits for the writer's end.
async fn watch_writer(app: App, over: watch::Sender<bool>) {
    if let Err(failure) = app.engine().clone().ended().await {
        app.fail(&failure);
    }
    over.send_replace(true);
}

fn failed<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> OpenError + 'a {
    move |source| OpenError::Io {
        action,
        path: path.to_owned(),
        source,
    }
}

/// Makes a data directory where there is none, for its owner only: whoever can read it has the
/// books. One that is there stays as it is.
///
/// # Errors
/// What the system says.
pub fn create_data_dir(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

fn read_book_id(path: &Path) -> Result<Option<[u8; 16]>, OpenError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed("read", path)(error)),
    };
    let digits = text.trim();
    let id = (digits.len() == 32)
        .then(|| u128::from_str_radix(digits, 16).ok())
        .flatten();
    match id {
        Some(id) => Ok(Some(id.to_be_bytes())),
        None => Err(OpenError::BookId(path.to_owned())),
    }
}

/// Written beside and renamed, so that it is there as a whole or not at all.
fn write_book_id(data_dir: &Path, id: [u8; 16]) -> Result<(), OpenError> {
    let (path, beside) = (data_dir.join("BOOK"), data_dir.join("BOOK.new"));
    let write = || -> io::Result<()> {
        let mut file = File::create(&beside)?;
        writeln!(file, "{}", LogId::new(id))?;
        file.sync_all()?;
        fs::rename(&beside, &path)?;
        File::open(data_dir)?.sync_all()
    };
    write().map_err(failed("write", &path))
}

/// How long answers may take to end once the server is going down.
pub(crate) const GRACE: Duration = Duration::from_secs(10);
