//! The writer's thread: it takes everything that waits, has it made durable with one sync, and
//! answers. There is no timer: while one frame is synced by the log's own thread, the next one
//! gathers, decided and encoded, and goes as soon as that is done.
//!
//! One std thread owns the log. An async runtime's file functions may report success for what
//! was never written, and a blocking sync would hold up the runtime's other work.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};

use tillroll_log::{Log, Position};
use tokio::sync::mpsc::{self, error::TryRecvError};
use tokio::sync::{oneshot, watch};

use crate::engine::Staged;
use crate::handle::{Answer, Inspection, Request, Shared};
use crate::log::Beside;
use crate::{Engine, Failure, Handle, SubmitError};

/// How an engine's thread is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineOptions {
    /// Requests that may wait. More are turned away at once.
    pub queue: usize,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self { queue: 4096 }
    }
}

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
pub fn spawn<J: Log + 'static>(
    engine: Engine<J>,
    options: EngineOptions,
) -> (Handle, EngineThread) {
    spawn_until(engine, options, |_| {})
}

/// [`spawn`], and a last look at the engine when it has ended in good order: everybody has been
/// answered by then, and [`Handle::ended`] does not wait for it, but [`EngineThread::join`] does.
///
/// # Panics
/// As [`spawn`].
pub fn spawn_until<J: Log + 'static>(
    engine: Engine<J>,
    options: EngineOptions,
    at_end: impl FnOnce(&Engine<J>) + Send + 'static,
) -> (Handle, EngineThread) {
    assert!(options.queue > 0, "a queue without room takes nothing");
    let (sender, queue) = mpsc::unbounded_channel();
    let (committed, positions) = watch::channel(engine.head());
    // Weak: the log's thread must not keep a writer alive whose handles are gone.
    let wake = sender.downgrade();
    let engine = engine.beside(move || {
        if let Some(queue) = wake.upgrade() {
            // An error means that the writer has ended.
            drop(queue.send(Request::Wake));
        }
    });
    let shared = Arc::new(Shared {
        waiting: AtomicUsize::new(0),
        capacity: options.queue,
        stopping: AtomicBool::new(false),
        end: OnceLock::new(),
        counters: engine.counters(),
    });
    let (over, end) = watch::channel(());
    let handle = Handle::new(sender, positions, end, engine.reader(), Arc::clone(&shared));
    let writer = Writer {
        engine,
        queue,
        committed,
        over,
        shared,
        waiting: Vec::new(),
        staged: Vec::new(),
        handed: Vec::new(),
        handed_staged: Vec::new(),
        inspection: None,
    };
    let at_end = Box::new(at_end);
    let thread = thread::Builder::new()
        .name("tillroll-writer".into())
        .spawn(move || writer.work(at_end))
        .expect("the system starts a thread");
    (handle, EngineThread { thread })
}

type Waiting = oneshot::Sender<Result<Answer, SubmitError>>;

struct Writer<J> {
    /// Whose log has a thread of its own.
    engine: Engine<Beside<J>>,
    queue: mpsc::UnboundedReceiver<Request>,
    committed: watch::Sender<Position>,
    /// Dropped at the end: who waits for that need not wake at every commit.
    over: watch::Sender<()>,
    shared: Arc<Shared>,
    /// Who waits for the batch that is being built, in order.
    waiting: Vec<Waiting>,
    /// What they will be answered.
    staged: Vec<Staged>,
    /// The same of the frame that is under way.
    handed: Vec<Waiting>,
    handed_staged: Vec<Staged>,
    /// A look at the state after that batch.
    inspection: Option<Inspection>,
}

impl<J: Log> Writer<J> {
    fn work(mut self, at_end: Box<dyn FnOnce(&Engine<J>) + Send>) -> Result<(), Failure> {
        tracing::debug!(head = %self.engine.head(), "the writer starts");
        // Everybody who waits is kept in `self`, outside of what may unwind, so that a panic is
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
        for waiting in self.handed.drain(..).chain(self.waiting.drain(..)) {
            tell(waiting, Err(refusal()));
        }
        while let Some(request) = self.queue.blocking_recv() {
            if let Request::Command(_, waiting) = request {
                tell(waiting, Err(refusal()));
            }
        }
        // Whoever waits for the end need not wait for the last look.
        drop((self.committed, self.over));
        if end.is_ok()
            && let Err(panic) = catch_unwind(AssertUnwindSafe(|| at_end(&self.engine.alone())))
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
        while let Some(request) = self.next_request()? {
            self.gather(request)?;
            if self.is_enough() || self.inspection.is_some() {
                self.engine.settle(true)?;
            } else {
                self.engine.settle(false)?;
            }
            self.move_on()?;
            if let Some(look) = self.inspection.take() {
                self.engine.commit()?;
                self.answer_handed();
                self.answer();
                self.inspect(look);
                self.engine.check_rows()?;
            }
            if self.shared.stopping.load(Ordering::SeqCst) {
                self.queue.close();
            }
        }
        self.engine.commit()?;
        self.answer_handed();
        self.answer();
        Ok(())
    }

    /// Waits for it, and while nothing waits, makes room in the log.
    fn next_request(&mut self) -> Result<Option<Request>, Failure> {
        loop {
            match self.queue.try_recv() {
                Ok(request) => return Ok(Some(request)),
                Err(TryRecvError::Disconnected) => return Ok(None),
                Err(TryRecvError::Empty) => {}
            }
            if !self.engine.make_room()? {
                return Ok(self.queue.blocking_recv());
            }
        }
    }

    /// Unless a frame is under way: answers those of the last one, and sends the next.
    fn move_on(&mut self) -> Result<(), Failure> {
        if self.engine.is_under_way() {
            return Ok(());
        }
        self.answer_handed();
        // One command by itself is not worth the way to the other thread and back.
        if !self.engine.has_staged() || self.waiting.len() <= 1 {
            self.engine.commit()?;
            self.answer();
            return Ok(());
        }
        self.engine.hand_over()?;
        std::mem::swap(&mut self.handed, &mut self.waiting);
        std::mem::swap(&mut self.handed_staged, &mut self.staged);
        Ok(())
    }

    /// Stages this request and what waits behind it, up to what one frame should hold. It ends
    /// at a look at the state, which has to be durable first.
    fn gather(&mut self, first: Request) -> Result<(), Failure> {
        let mut next = Some(first);
        while let Some(request) = next {
            match request {
                Request::Command(command, waiting) => {
                    self.shared.waiting.fetch_sub(1, Ordering::Relaxed);
                    self.waiting.push(waiting);
                    let staged = self.engine.stage(command)?;
                    self.staged.push(staged);
                }
                Request::Inspect(look) => {
                    self.shared.waiting.fetch_sub(1, Ordering::Relaxed);
                    self.inspection = Some(look);
                    return Ok(());
                }
                Request::Wake => {}
            }
            next = match self.is_enough() {
                true => None,
                false => self.queue.try_recv().ok(),
            };
        }
        Ok(())
    }

    fn is_enough(&self) -> bool {
        // Those that come to nothing fill no frame, and still have to be answered.
        self.engine.is_full() || self.waiting.len() >= MAX_WAITING
    }

    /// Answers those of the frame that was under way.
    fn answer_handed(&mut self) {
        self.publish();
        for (waiting, staged) in self.handed.drain(..).zip(self.handed_staged.drain(..)) {
            tell(waiting, answer_of(staged));
        }
    }

    fn answer(&mut self) {
        self.publish();
        for (waiting, staged) in self.waiting.drain(..).zip(self.staged.drain(..)) {
            tell(waiting, answer_of(staged));
        }
    }

    /// Followers first: whoever gets an answer finds its position published.
    fn publish(&self) {
        let head = self.engine.head();
        self.committed.send_if_modified(|known| {
            let moved = *known != head;
            *known = head;
            moved
        });
    }

    fn inspect(&self, look: Inspection) {
        let (head, book) = (self.engine.head(), self.engine.book());
        // It only reads the book, so its panic leaves nothing half done: who asked finds the
        // answer's sender gone, and the writer goes on.
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| look(head, book))) {
            tracing::error!(panic = text_of(&*panic), "a look at the book panicked");
        }
    }
}

fn answer_of(staged: Staged) -> Result<Answer, SubmitError> {
    match staged {
        Staged::Ready(outcome) => Ok(Answer::Outcome(outcome)),
        Staged::Known { first, events } => Ok(Answer::Known { first, events }),
        Staged::Refused(refusal) => Err(SubmitError::Refused(refusal)),
    }
}

/// Commands of one batch, whatever comes of them.
const MAX_WAITING: usize = 16_384;

fn tell(waiting: Waiting, answer: Result<Answer, SubmitError>) {
    // An error means that nobody waits any more: the client has hung up. What was applied stays
    // applied, and its key will find it.
    drop(waiting.send(answer));
}

fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "without a text".into())
}
