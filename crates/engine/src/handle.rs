//! What the rest of the program sees of the engine: submit, look, follow.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};

use tillroll_book::clock::{ClockFault, ClockLimits};
use tillroll_book::{Book, Command};
use tillroll_events::Timestamp;
use tillroll_log::{LogReader, Position};
use tokio::sync::{mpsc, oneshot, watch};

use crate::metrics::Counters;
use crate::{EngineMetrics, Failure, Outcome, SubmitError};

/// A look at the durable state, between two batches. There is none while a standby has not yet
/// folded what is durable.
pub(crate) type Inspection = Box<dyn FnOnce(Option<(Position, &Book)>) + Send>;

/// What the writer's thread is asked for.
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every request is a command: boxing it would cost each an allocation"
)]
pub(crate) enum WriterRequest {
    Command(Command, oneshot::Sender<Result<WriterAnswer, SubmitError>>),
    Inspect(Inspection),
    TakeOver(oneshot::Sender<Result<Position, SubmitError>>),
    /// Wakes the writer, so that it sees that a frame is done, or that it has to stop.
    Wake,
}

/// A durable answer. Reading the records of a duplicate is left to who asked: a storm of
/// repeated webhooks must not keep the writer from writing.
pub(crate) enum WriterAnswer {
    Outcome(Outcome),
    Repeated { first: Position, events: u32 },
}

/// What handles and thread share.
#[derive(Debug)]
pub(crate) struct EngineShared {
    pub(crate) stopping: AtomicBool,
    /// Whether the engine is no standby.
    pub(crate) leads: AtomicBool,
    /// Requests in the queue, and how many commands may come in.
    pub(crate) queued: AtomicUsize,
    pub(crate) capacity: usize,
    /// How the thread ended. Set before the queue is closed for good.
    pub(crate) end: OnceLock<Result<(), Failure>>,
    pub(crate) counters: Arc<Counters>,
    /// Microseconds since 1970 of the last record, and of the latest command that was believed;
    /// [`NEVER`] before the first, or where that is not known.
    pub(crate) recorded_at: AtomicI64,
    pub(crate) seen_at: AtomicI64,
    pub(crate) clock_limits: ClockLimits,
}

fn time_of(micros: &AtomicI64) -> Option<Timestamp> {
    match micros.load(Ordering::Relaxed) {
        NEVER => None,
        micros => Some(Timestamp::from_micros(micros)),
    }
}

/// No time that a record has.
pub(crate) const NEVER: i64 = i64::MIN;

/// A handle on a running engine. Clones are handles on the same one. When the last is dropped,
/// the engine finishes what waits and ends.
#[derive(Clone)]
pub struct Handle {
    queue: mpsc::UnboundedSender<WriterRequest>,
    committed: watch::Receiver<Position>,
    /// Closes when the engine has ended.
    over: watch::Receiver<()>,
    reader: Arc<dyn LogReader>,
    shared: Arc<EngineShared>,
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handle")
            .field("head", &self.head())
            .field("end", &self.shared.end.get())
            .finish_non_exhaustive()
    }
}

impl Handle {
    pub(crate) fn new(
        queue: mpsc::UnboundedSender<WriterRequest>,
        committed: watch::Receiver<Position>,
        over: watch::Receiver<()>,
        reader: Arc<dyn LogReader>,
        shared: Arc<EngineShared>,
    ) -> Self {
        Self {
            queue,
            committed,
            over,
            reader,
            shared,
        }
    }

    /// Has a command applied, and waits until it is durable.
    ///
    /// It never waits for a place in the queue, in which the command is when this returns.
    /// Dropping the future takes nothing back: a command that is in the queue is applied all the
    /// same.
    ///
    /// # Errors
    /// [`SubmitError`]. After [`SubmitError::Failed`] it is not known what was done; after any other
    /// nothing was.
    pub fn submit(
        &self,
        command: Command,
    ) -> impl Future<Output = Result<Outcome, SubmitError>> + Send {
        // Handed on before there is a future, which is the smaller for it.
        let answer = self.enqueue(command);
        async move {
            let answer = answer?.await.unwrap_or_else(|_| Err(self.why_ended()))?;
            let WriterAnswer::Repeated { first, events } = answer else {
                return self.resolve(answer);
            };
            // Reading a file blocks, which a runtime's worker must not. Outside of a runtime
            // there is no caller to block.
            let Ok(runtime) = tokio::runtime::Handle::try_current() else {
                return self.resolve(answer);
            };
            let reader = Arc::clone(&self.reader);
            let read = runtime.spawn_blocking(move || Outcome::read_back(&*reader, first, events));
            match read.await {
                Ok(outcome) => outcome.map_err(SubmitError::Failed),
                Err(error) => Err(SubmitError::Failed(Failure::Panicked(error.to_string()))),
            }
        }
    }

    /// [`Handle::submit`] for threads outside of any async runtime.
    ///
    /// # Errors
    /// As [`Handle::submit`].
    ///
    /// # Panics
    /// Inside of an async runtime, whose worker it would block.
    pub fn submit_blocking(&self, command: Command) -> Result<Outcome, SubmitError> {
        let answer = self.enqueue(command)?;
        let answer = answer
            .blocking_recv()
            .unwrap_or_else(|_| Err(self.why_ended()))?;
        self.resolve(answer)
    }

    /// Looks at the durable state between two batches, on the writer's thread: the position,
    /// and what `look` made of the book. It waits for the commands
    /// before it. Everything that is submitted meanwhile waits for it, so `look` has to be
    /// quick.
    ///
    /// # Errors
    /// [`SubmitError::Failed`] or [`SubmitError::Stopped`], and [`SubmitError::Superseded`] while
    /// a standby has not yet folded what is durable.
    pub async fn inspect<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Book) -> T + Send + 'static,
    ) -> Result<(Position, T), SubmitError> {
        if self.shared.stopping.load(Ordering::SeqCst) {
            return Err(self.why_ended());
        }
        let (answer, seen) = oneshot::channel();
        let request = WriterRequest::Inspect(Box::new(move |durable| {
            let Some((position, book)) = durable else {
                // An error means that the caller waits no more.
                drop(answer.send(Err(SubmitError::Superseded)));
                return;
            };
            let seen = look(book);
            // Rows may be missing from what was seen: the writer ends then, and says why.
            if book.fault().is_none() {
                drop(answer.send(Ok((position, seen))));
            }
        }));
        self.shared.queued.fetch_add(1, Ordering::Relaxed);
        self.queue.send(request).map_err(|_| self.why_ended())?;
        seen.await.unwrap_or_else(|_| {
            Err(match self.shared.end.get() {
                Some(_) => self.why_ended(),
                // The writer goes on, and only this answer is missing.
                None => SubmitError::Failed(Failure::Panicked("while looking at the book".into())),
            })
        })
    }

    /// Whether commands are decided by this engine. If not, another writer has appended to the
    /// log, and this engine follows it.
    #[must_use]
    pub fn leads(&self) -> bool {
        self.shared.leads.load(Ordering::Relaxed)
    }

    /// Has a standby fold everything that is committed and lead from there on; answers from
    /// where. Another writer that leads until then is superseded by the first command here.
    ///
    /// # Errors
    /// [`SubmitError`], and the engine is what it was.
    pub async fn take_over(&self) -> Result<Position, SubmitError> {
        if self.shared.stopping.load(Ordering::SeqCst) {
            return Err(self.why_ended());
        }
        let (answer, taken) = oneshot::channel();
        let request = WriterRequest::TakeOver(answer);
        self.queue.send(request).map_err(|_| self.why_ended())?;
        taken.await.unwrap_or_else(|_| Err(self.why_ended()))
    }

    /// The last durable position.
    #[must_use]
    pub fn head(&self) -> Position {
        *self.committed.borrow()
    }

    /// When the last record says that it was recorded; none before the first, or while another
    /// writer leads.
    #[must_use]
    pub fn recorded_at(&self) -> Option<Timestamp> {
        time_of(&self.shared.recorded_at)
    }

    /// Why a command that came with this time would be refused, if it would.
    #[must_use]
    pub fn clock_fault(&self, now: Timestamp) -> Option<ClockFault> {
        let limits = &self.shared.clock_limits;
        let (recorded_at, seen_at) = (self.recorded_at(), time_of(&self.shared.seen_at));
        limits.check_between(recorded_at, seen_at, now).err()
    }

    /// Bytes that were made durable since the engine was opened: [`EngineMetrics::bytes`] alone.
    #[must_use]
    pub fn appended_bytes(&self) -> u64 {
        self.shared.counters.bytes()
    }

    /// Follows the durable position. The channel closes when the engine ends.
    #[must_use]
    pub fn committed(&self) -> watch::Receiver<Position> {
        self.committed.clone()
    }

    /// A reader of the durable records.
    #[must_use]
    pub fn reader(&self) -> Arc<dyn LogReader> {
        Arc::clone(&self.reader)
    }

    #[must_use]
    pub fn metrics(&self) -> EngineMetrics {
        EngineMetrics {
            queue_depth: self.shared.queued.load(Ordering::Relaxed),
            queue_capacity: self.shared.capacity,
            ..self.shared.counters.read()
        }
    }

    /// Stops the engine: what waits is finished, what comes now is answered
    /// [`SubmitError::Stopped`]. It returns at once; [`EngineThread::join`] and
    /// [`Handle::ended`] wait for the end.
    ///
    /// [`EngineThread::join`]: crate::EngineThread::join
    pub fn stop(&self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        // The writer sleeps until something comes, and looks at the flag after each batch.
        if let Err(error) = self.queue.send(WriterRequest::Wake) {
            tracing::trace!(%error, "the writer has ended");
        }
    }

    /// Waits until the engine has ended, in good order or not.
    ///
    /// # Errors
    /// The failure that ended it. The process should end too, and start again into recovery.
    pub async fn ended(&self) -> Result<(), Failure> {
        let mut over = self.over.clone();
        // The writer's side is dropped after the end is written down.
        while over.changed().await.is_ok() {}
        self.shared.end.get().cloned().unwrap_or(Ok(()))
    }

    fn enqueue(
        &self,
        command: Command,
    ) -> Result<oneshot::Receiver<Result<WriterAnswer, SubmitError>>, SubmitError> {
        if self.shared.stopping.load(Ordering::SeqCst) {
            return Err(self.why_ended());
        }
        let EngineShared {
            queued, capacity, ..
        } = &*self.shared;
        let taken = queued.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |queued| {
            (queued < *capacity).then_some(queued + 1)
        });
        if taken.is_err() {
            self.shared.counters.overload();
            return Err(SubmitError::Overloaded);
        }
        let (answer, outcome) = oneshot::channel();
        let sent = self.queue.send(WriterRequest::Command(command, answer));
        sent.map_err(|_| self.why_ended())?;
        Ok(outcome)
    }

    fn resolve(&self, answer: WriterAnswer) -> Result<Outcome, SubmitError> {
        match answer {
            WriterAnswer::Outcome(outcome) => Ok(outcome),
            WriterAnswer::Repeated { first, events } => {
                Outcome::read_back(&*self.reader, first, events).map_err(SubmitError::Failed)
            }
        }
    }

    fn why_ended(&self) -> SubmitError {
        match self.shared.end.get() {
            Some(Err(failure)) => SubmitError::Failed(failure.clone()),
            Some(Ok(())) | None => SubmitError::Stopped,
        }
    }
}
