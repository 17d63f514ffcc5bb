//! The writer's thread: it takes everything that waits, has it made durable with one sync, and
//! answers. There is no timer: while one frame is synced by the log's own thread, the next one
//! gathers, decided and encoded, and goes as soon as that is done.
//!
//! One std thread owns the log. An async runtime's file functions may report success for what
//! was never written, and a blocking sync would hold up the runtime's other work.

use std::any::Any;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};

use tillroll_book::Command;
use tillroll_events::Timestamp;
use tillroll_log::{Log, Position};
use tokio::sync::mpsc::{self, error::TryRecvError};
use tokio::sync::{oneshot, watch};

use crate::handle::{EngineShared, Inspection, NEVER, WriterAnswer, WriterRequest};
use crate::tail_watch::TailWatch;
use crate::{Engine, EngineOptions, ExecuteError, Failure, Handle, StagedCommand, SubmitError};

/// The running thread. Dropping it lets the thread run on; the handles decide when it ends.
#[derive(Debug)]
#[must_use = "join it to learn whether the engine failed"]
pub struct EngineThread {
    thread: JoinHandle<Result<(), Failure>>,
}

impl EngineThread {
    /// Waits for the end of the engine. It blocks: in async code wait for
    /// [`Handle::ended`] first.
    ///
    /// # Errors
    /// The failure that ended it. The process must end with an error then, so that a supervisor
    /// starts it again into recovery.
    pub fn join(self) -> Result<(), Failure> {
        let ended = self.thread.join();
        ended.unwrap_or_else(|panic| Err(Failure::Panicked(text_of(&*panic))))
    }

    /// Whether the thread has ended.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }
}

/// Gives an engine its thread.
///
/// # Panics
/// When the system starts no thread, or the queue has no room at all.
pub fn spawn<L: Log + 'static>(
    engine: Engine<L>,
    options: EngineOptions,
) -> (Handle, EngineThread) {
    spawn_until(engine, options, |_| {})
}

/// [`spawn`], and a last look at the engine when it has ended in good order: every command has been
/// answered by then, and [`Handle::ended`] does not wait for it, but [`EngineThread::join`] does.
///
/// # Panics
/// As [`spawn`].
pub fn spawn_until<L: Log + 'static>(
    mut engine: Engine<L>,
    options: EngineOptions,
    at_end: impl FnOnce(&Engine<L>) + Send + 'static,
) -> (Handle, EngineThread) {
    assert!(options.queue > 0, "a queue without room takes nothing");
    let (sender, queue) = mpsc::unbounded_channel();
    let (committed, positions) = watch::channel(engine.head());
    let waker = Waker(sender.downgrade());
    let wake = waker.clone();
    engine.start_thread(move || wake.wake());
    let shared = Arc::new(EngineShared {
        queued: AtomicUsize::new(0),
        capacity: options.queue,
        stopping: AtomicBool::new(false),
        leads: AtomicBool::new(engine.leads()),
        end: OnceLock::new(),
        counters: engine.counters(),
        recorded_at: AtomicI64::new(micros(engine.recorded_at())),
        seen_at: AtomicI64::new(NEVER),
        clock_limits: engine.clock_limits(),
    });
    let (over, end) = watch::channel(());
    let handle = Handle::new(sender, positions, end, engine.reader(), Arc::clone(&shared));
    let writer = BookWriter {
        engine,
        queue,
        committed,
        over,
        shared,
        unanswered: VecDeque::new(),
        under_way: 0,
        staging: None,
        turned_away: None,
        barrier: None,
        waker,
        tail: None,
    };
    let at_end = Box::new(at_end);
    let thread = thread::Builder::new()
        .name("tillroll-writer".into())
        .spawn(move || writer.work(at_end))
        .expect("the system starts a thread");
    (handle, EngineThread { thread })
}

/// Wakes the writer from other threads. It does not keep a writer alive whose handles are gone.
#[derive(Clone)]
struct Waker(mpsc::WeakUnboundedSender<WriterRequest>);

impl Waker {
    fn wake(&self) {
        if let Some(queue) = self.0.upgrade() {
            // An error means that the writer has ended.
            drop(queue.send(WriterRequest::Wake));
        }
    }
}

type ReplySender = oneshot::Sender<Result<WriterAnswer, SubmitError>>;

/// A command that was staged, and what it will be answered.
struct PendingReply {
    reply: ReplySender,
    staged: StagedCommand,
    /// What has to be durable before.
    behind: Position,
}

struct BookWriter<L> {
    engine: Engine<L>,
    queue: mpsc::UnboundedReceiver<WriterRequest>,
    committed: watch::Sender<Position>,
    /// Dropped at the end: who waits for that need not wake at every commit.
    over: watch::Sender<()>,
    shared: Arc<EngineShared>,
    /// In the order in which they were staged.
    unanswered: VecDeque<PendingReply>,
    /// How many of them came before the frame that is under way was handed over.
    under_way: usize,
    /// The caller whose command is being staged.
    staging: Option<ReplySender>,
    /// What the next so many commands are answered: they were queued when the log took nothing.
    turned_away: Option<(SubmitError, usize)>,
    /// What comes once all of them are answered.
    barrier: Option<Barrier>,
    waker: Waker,
    /// Of a standby.
    tail: Option<TailWatch>,
}

/// A request that needs everything before it to be durable.
enum Barrier {
    Inspect(Inspection),
    TakeOver(oneshot::Sender<Result<Position, SubmitError>>),
}

impl<L: Log> BookWriter<L> {
    fn work(mut self, at_end: Box<dyn FnOnce(&Engine<L>) + Send>) -> Result<(), Failure> {
        tracing::debug!(head = %self.engine.head(), "the writer starts");
        // The callers that wait are kept in `self`, outside of what may unwind, so that a panic is
        // answered as the failure that it is.
        let end = catch_unwind(AssertUnwindSafe(|| self.serve()))
            .unwrap_or_else(|panic| Err(Failure::Panicked(text_of(&*panic))));
        match &end {
            Ok(()) => tracing::debug!(head = %self.engine.head(), "the writer ends"),
            Err(failure) => tracing::error!(
                head = %self.engine.head(), %failure,
                "the writer has failed and acknowledges nothing more",
            ),
        }
        // First the reason, then the end: who finds the queue closed looks for the reason.
        let end = self.shared.end.get_or_init(|| end).clone();
        self.queue.close();
        let refusal = || match &end {
            Ok(()) => SubmitError::Stopped,
            Err(failure) => SubmitError::Failed(failure.clone()),
        };
        let unanswered = self.unanswered.drain(..).map(|unanswered| unanswered.reply);
        for reply in unanswered.chain(self.staging.take()) {
            send(reply, Err(refusal()));
        }
        while let Some(request) = self.queue.blocking_recv() {
            match request {
                WriterRequest::Command(_, reply) => send(reply, Err(refusal())),
                WriterRequest::TakeOver(reply) => drop(reply.send(Err(refusal()))),
                WriterRequest::Inspect(_) | WriterRequest::Wake => {}
            }
        }
        self.tail = None;
        self.engine.end_thread();
        // A caller that waits for the end need not wait for the last look.
        drop((self.committed, self.over));
        if end.is_ok()
            && let Err(panic) = catch_unwind(AssertUnwindSafe(|| at_end(&self.engine)))
        {
            tracing::error!(
                panic = text_of(&*panic),
                "the last look at the engine panicked"
            );
        }
        end
    }

    /// Until all handles are gone or the engine was stopped, and the queue is empty.
    fn serve(&mut self) -> Result<(), Failure> {
        self.watch_tail();
        while let Some(request) = self.next_request()? {
            let turn = self.turn(request);
            self.unless_set_back(turn)?;
            if let Some(barrier) = self.barrier.take() {
                self.pass(barrier)?;
            }
            if self.shared.stopping.load(Ordering::SeqCst) {
                self.queue.close();
            }
        }
        let end = self.finish();
        self.unless_set_back(end)
    }

    /// Waits for it, and while nothing waits, lets the log use the time.
    fn next_request(&mut self) -> Result<Option<WriterRequest>, Failure> {
        loop {
            match self.queue.try_recv() {
                Ok(request) => return Ok(Some(request)),
                Err(TryRecvError::Disconnected) => return Ok(None),
                Err(TryRecvError::Empty) => {}
            }
            if !self.engine.idle()? {
                return Ok(self.queue.blocking_recv());
            }
        }
    }

    fn turn(&mut self, request: WriterRequest) -> Result<(), ExecuteError> {
        self.gather(request)?;
        let wait = self.is_enough() || self.barrier.is_some();
        self.engine.settle(wait)?;
        self.move_on()?;
        match self.barrier {
            None => Ok(()),
            Some(_) => self.finish(),
        }
    }

    /// Makes everything durable that was staged, and answers it.
    fn finish(&mut self) -> Result<(), ExecuteError> {
        self.engine.commit()?;
        self.answer();
        Ok(())
    }

    /// Unless a frame is under way: answers those of the last one, and sends the next.
    fn move_on(&mut self) -> Result<(), ExecuteError> {
        if self.engine.is_under_way() {
            return Ok(());
        }
        self.engine.prove_lead()?;
        self.answer();
        // One command by itself is not worth the way to the other thread and back.
        if !self.engine.has_frame() || self.unanswered.len() <= 1 {
            return self.finish();
        }
        self.engine.hand_over()?;
        self.under_way = self.unanswered.len();
        Ok(())
    }

    /// Stages this request and what waits behind it, up to what one frame should hold. It ends
    /// at a request that needs everything before it to be durable.
    fn gather(&mut self, first: WriterRequest) -> Result<(), ExecuteError> {
        let mut next = Some(first);
        while let Some(request) = next {
            match request {
                WriterRequest::Command(command, reply) => self.stage(command, reply)?,
                WriterRequest::Inspect(look) => {
                    self.shared.queued.fetch_sub(1, Ordering::Relaxed);
                    self.barrier = Some(Barrier::Inspect(look));
                    return Ok(());
                }
                WriterRequest::TakeOver(reply) => {
                    self.barrier = Some(Barrier::TakeOver(reply));
                    return Ok(());
                }
                WriterRequest::Wake => self.follow()?,
            }
            next = match self.is_enough() {
                true => None,
                false => self.queue.try_recv().ok(),
            };
        }
        Ok(())
    }

    fn stage(&mut self, command: Command, reply: ReplySender) -> Result<(), ExecuteError> {
        self.shared.queued.fetch_sub(1, Ordering::Relaxed);
        if let Some((error, left)) = &mut self.turned_away {
            send(reply, Err(error.clone()));
            *left -= 1;
            if *left == 0 {
                self.turned_away = None;
            }
            return Ok(());
        }
        self.staging = Some(reply);
        if !self.engine.leads() {
            self.engine.lead_again()?;
            self.watch_tail();
        }
        let staged = self.engine.stage(command)?;
        let behind = self.engine.staged();
        self.unanswered
            .extend(self.staging.take().map(|reply| PendingReply {
                reply,
                staged,
                behind,
            }));
        Ok(())
    }

    /// Answers all callers that wait when another writer was ahead, or the log took nothing, and
    /// folds the log again. A failure is left to the caller.
    fn unless_set_back(&mut self, done: Result<(), ExecuteError>) -> Result<(), Failure> {
        let error = match done {
            Ok(()) => return Ok(()),
            Err(ExecuteError::Failed(failure)) => return Err(failure),
            Err(error) => SubmitError::from(error),
        };
        // A caller that is answered finds what this engine is now.
        let leads = self.engine.leads();
        self.shared.leads.store(leads, Ordering::Relaxed);
        // Frames before the one that was not appended may be durable.
        self.answer();
        let unanswered = self.unanswered.drain(..).map(|unanswered| unanswered.reply);
        for reply in unanswered.chain(self.staging.take()) {
            send(reply, Err(error.clone()));
        }
        // Each of them would wait for the log as long as this one has.
        let queued = self.shared.queued.load(Ordering::Relaxed);
        if matches!(error, SubmitError::Unavailable(_)) && queued > 0 {
            self.turned_away = Some((error, queued));
        }
        match self.follow() {
            Err(ExecuteError::Failed(failure)) => return Err(failure),
            Err(error) => tracing::warn!(%error, "the log cannot be folded at the moment"),
            Ok(()) => {}
        }
        self.watch_tail();
        Ok(())
    }

    /// As a standby, folds what another writer has appended.
    fn follow(&mut self) -> Result<(), ExecuteError> {
        if self.engine.leads() {
            return Ok(());
        }
        let followed = self.engine.follow();
        self.publish();
        match followed {
            // It is tried again when the log grows, or a command comes.
            Err(ExecuteError::Unavailable(error)) => {
                tracing::warn!(%error, "the log cannot be followed");
                Ok(())
            }
            followed => followed.map(drop),
        }
    }

    /// A standby is woken when the log grows; a leader appends to it by itself.
    fn watch_tail(&mut self) {
        let leads = self.engine.leads();
        self.shared.leads.store(leads, Ordering::Relaxed);
        match (leads, &self.tail) {
            (true, _) => self.tail = None,
            (false, Some(_)) => {}
            (false, None) => {
                let (reader, waker) = (self.engine.reader(), self.waker.clone());
                let (head, patience) = (self.engine.folded(), self.engine.patience());
                let tail = TailWatch::start(reader, head, patience, move || waker.wake());
                self.tail = Some(tail);
            }
        }
    }

    /// Serves a request that waited for everything before it.
    fn pass(&mut self, barrier: Barrier) -> Result<(), Failure> {
        match barrier {
            Barrier::Inspect(look) => {
                let followed = self.follow();
                self.unless_set_back(followed)?;
                self.inspect(look);
                self.engine.check_rows()
            }
            Barrier::TakeOver(reply) => {
                let taken = self.engine.take_over();
                self.publish();
                self.watch_tail();
                let failure = match &taken {
                    Err(ExecuteError::Failed(failure)) => Err(failure.clone()),
                    _ => Ok(()),
                };
                // An error means that the caller waits no more.
                drop(reply.send(taken.map_err(SubmitError::from)));
                failure
            }
        }
    }

    fn is_enough(&self) -> bool {
        // Those that come to nothing fill no frame, and still have to be answered.
        self.engine.is_full() || self.unanswered.len() - self.under_way >= MAX_STAGED
    }

    /// Answers those that were decided on what is durable. Nothing may be under way.
    fn answer(&mut self) {
        self.publish();
        let head = self.engine.head();
        while let Some(next) = self.unanswered.front()
            && next.behind <= head
            && let Some(next) = self.unanswered.pop_front()
        {
            send(next.reply, answer_of(next.staged));
        }
        self.under_way = 0;
    }

    /// Followers first: a caller that gets an answer finds its position published.
    fn publish(&self) {
        let head = self.engine.head();
        let EngineShared {
            recorded_at,
            seen_at,
            ..
        } = &*self.shared;
        recorded_at.store(micros(self.engine.recorded_at()), Ordering::Relaxed);
        seen_at.store(micros(self.engine.seen_at()), Ordering::Relaxed);
        self.committed.send_if_modified(|published| {
            let moved = *published < head;
            *published = head.max(*published);
            moved
        });
    }

    fn inspect(&self, look: Inspection) {
        // It only reads the book, so its panic leaves nothing half done: who asked finds the
        // answer's sender gone, and the writer goes on.
        let looked = catch_unwind(AssertUnwindSafe(|| look(self.engine.durable_book())));
        if let Err(panic) = looked {
            tracing::error!(panic = text_of(&*panic), "a look at the book panicked");
        }
    }
}

fn micros(time: Option<Timestamp>) -> i64 {
    time.map_or(NEVER, Timestamp::micros)
}

fn answer_of(staged: StagedCommand) -> Result<WriterAnswer, SubmitError> {
    match staged {
        StagedCommand::Applied(outcome) => Ok(WriterAnswer::Outcome(outcome)),
        StagedCommand::Repeated { first, events } => Ok(WriterAnswer::Repeated { first, events }),
        StagedCommand::Refused(refusal) => Err(SubmitError::Refused(refusal)),
    }
}

/// Commands of one batch, whatever comes of them.
const MAX_STAGED: usize = 16_384;

fn send(reply: ReplySender, answer: Result<WriterAnswer, SubmitError>) {
    // An error means that the caller has hung up. What was applied stays applied, and its key
    // will find it.
    drop(reply.send(answer));
}

fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "without a text".into())
}
