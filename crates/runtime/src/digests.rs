//! The digest of a book, taken beside its writer.
//!
//! A digest lists the whole state, which takes longer the larger the book is, and the writer must
//! not wait for that. So a fold of its own goes on from the last snapshot through what has become
//! durable since, on a thread that lets the others go first. It is kept for a while, in which a
//! further digest folds only what is new, and dropped then: meanwhile the state is in memory
//! twice. There is one at a time, and all callers who wait for the same position share it.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tillroll_book::Digest;
use tillroll_engine::{BookOptions, Position, Replay, ReplayError};
use tillroll_log::{Head, LogId, LogReader};
use tokio::sync::oneshot;

use crate::follower::ThreadPriority;
use crate::snapshots::SnapshotDirectory;

/// How long the second state is kept for the next who asks.
const KEPT_FOR: Duration = Duration::from_secs(10);

/// How long closing waits for a listing that is under way, which cannot be stopped half way. With the
/// seconds that open answers and the read models have, it is less than the ten after which a container
/// is killed; the thread lets all others go first, and may be late on a busy machine.
const ENDING_PATIENCE: Duration = Duration::from_secs(5);

const THREAD: &str = "tillroll-digest";

/// Why there is no digest.
#[derive(Clone, Debug, thiserror::Error)]
pub enum DigestError {
    #[error(transparent)]
    Replay(Arc<ReplayError>),
    #[error("no thread can be started for the digest: {0}")]
    Thread(Arc<io::Error>),
    #[error("the book is being closed")]
    Closing,
}

impl From<ReplayError> for DigestError {
    fn from(error: ReplayError) -> Self {
        Self::Replay(Arc::new(error))
    }
}

/// A digest, and the position of the state that it is of.
type DigestAt = (Position, Digest);

/// A fold of the log from which digests are taken.
pub(crate) trait DigestSource: Send + 'static {
    /// The digest at the end of the log. It blocks.
    fn digest(&mut self) -> Result<DigestAt, DigestError>;
}

/// What a fold for digests begins with.
pub(crate) struct DigestStart {
    pub(crate) reader: Arc<dyn LogReader>,
    pub(crate) log: LogId,
    pub(crate) snapshots: Option<SnapshotDirectory>,
    pub(crate) book_options: BookOptions,
}

impl DigestStart {
    /// Digests from a fold that begins when the first is asked for.
    pub(crate) fn queue(self) -> DigestQueue {
        let start = Arc::new(self);
        DigestQueue::new(KEPT_FOR, move |abandoned| {
            Box::new(DigestFold {
                start: Arc::clone(&start),
                abandoned,
                fold: None,
            })
        })
    }
}

struct DigestFold {
    start: Arc<DigestStart>,
    abandoned: Arc<AtomicBool>,
    /// None before the first digest, and after what went wrong.
    fold: Option<(Replay, Head)>,
}

impl DigestSource for DigestFold {
    fn digest(&mut self) -> Result<DigestAt, DigestError> {
        let start = &*self.start;
        let (mut replay, head) = self.fold.take().unwrap_or_else(|| {
            let snapshots = start.snapshots.as_ref();
            let newest = snapshots.and_then(|snapshots| {
                snapshots.newest(start.log, &*start.reader, &start.book_options)
            });
            newest.unwrap_or_else(|| (Replay::new(start.book_options.clone()), Head::EMPTY))
        });
        let followed = replay.follow(head, &*start.reader, &self.abandoned)?;
        let head = followed.ok_or(DigestError::Closing)?;
        let digest = replay.book().digest();
        replay.check().map_err(ReplayError::from)?;
        let position = replay.position();
        self.fold = Some((replay, head));
        Ok((position, digest))
    }
}

struct DigestRequest {
    /// The least position that is of use.
    wanted: Position,
    answer: oneshot::Sender<Result<DigestAt, DigestError>>,
}

type MakeSource = dyn Fn(Arc<AtomicBool>) -> Box<dyn DigestSource> + Send + Sync;

/// Those who wait for a digest, and the thread that takes one for all of them. It is there from
/// the first request until none has come for a while.
pub(crate) struct DigestQueue(Arc<QueueParts>);

struct QueueParts {
    make: Box<MakeSource>,
    kept_for: Duration,
    abandoned: Arc<AtomicBool>,
    state: Mutex<DigestQueueState>,
}

#[derive(Default)]
struct DigestQueueState {
    /// To the thread, while there is one.
    requests: Option<Sender<DigestRequest>>,
    /// A book that stands still is listed once.
    last: Option<DigestAt>,
    /// Closes when the thread has let go of the log.
    over: Option<oneshot::Receiver<()>>,
}

impl DigestQueue {
    fn new(
        kept_for: Duration,
        make: impl Fn(Arc<AtomicBool>) -> Box<dyn DigestSource> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(QueueParts {
            make: Box::new(make),
            kept_for,
            abandoned: Arc::default(),
            state: Mutex::default(),
        }))
    }

    /// The digest at `wanted`, or at a later position that is durable.
    pub(crate) async fn digest(&self, wanted: Position) -> Result<DigestAt, DigestError> {
        let asked = self.0.ask(wanted)?;
        match asked {
            DigestAnswer::Known(digest) => Ok(digest),
            DigestAnswer::Waiting(answer) => answer.await.unwrap_or(Err(DigestError::Closing)),
        }
    }

    /// Gives up what is under way, and answers no request any more.
    pub(crate) fn abandon(&self) {
        self.0.abandoned.store(true, Ordering::Relaxed);
        self.0.state().requests = None;
    }

    /// Waits until the log's files are let go, as long as a listing may take that was under way.
    pub(crate) async fn ended(&self) {
        let over = self.0.state().over.take();
        if let Some(over) = over
            && tokio::time::timeout(ENDING_PATIENCE, over).await.is_err()
        {
            tracing::warn!("a digest is still under way, and holds the log's files until it ends");
        }
    }
}

enum DigestAnswer {
    Known(DigestAt),
    Waiting(oneshot::Receiver<Result<DigestAt, DigestError>>),
}

impl QueueParts {
    fn state(&self) -> MutexGuard<'_, DigestQueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask(self: &Arc<Self>, wanted: Position) -> Result<DigestAnswer, DigestError> {
        let mut state = self.state();
        if self.abandoned.load(Ordering::Relaxed) {
            return Err(DigestError::Closing);
        }
        if let Some(last) = state.last
            && last.0 >= wanted
        {
            return Ok(DigestAnswer::Known(last));
        }
        let (answer, answered) = oneshot::channel();
        let mut request = DigestRequest { wanted, answer };
        if let Some(requests) = &state.requests {
            match requests.send(request) {
                Ok(()) => return Ok(DigestAnswer::Waiting(answered)),
                // The thread has panicked: the next one begins anew.
                Err(unsent) => request = unsent.0,
            }
        }
        let (requests, waiting) = channel();
        let parts = Arc::clone(self);
        let (end, over) = oneshot::channel();
        let thread = thread::Builder::new().name(THREAD.into());
        let started = thread.spawn(move || {
            parts.run(&waiting);
            drop(parts);
            drop::<oneshot::Sender<()>>(end);
        });
        started.map_err(|error| DigestError::Thread(Arc::new(error)))?;
        // The thread holds the other end, at the least until it has looked here.
        drop(requests.send(request));
        state.requests = Some(requests);
        state.over = Some(over);
        Ok(DigestAnswer::Waiting(answered))
    }

    fn run(&self, requests: &Receiver<DigestRequest>) {
        ThreadPriority::Background.take(THREAD);
        let mut source = (self.make)(Arc::clone(&self.abandoned));
        let mut waiting = Vec::new();
        while !self.abandoned.load(Ordering::Relaxed) {
            if waiting.is_empty() {
                match requests.recv_timeout(self.kept_for) {
                    Ok(request) => waiting.push(request),
                    Err(RecvTimeoutError::Disconnected) => return,
                    Err(RecvTimeoutError::Timeout) => {
                        // Nobody can ask while the state is locked.
                        let mut state = self.state();
                        match requests.try_recv() {
                            Ok(request) => waiting.push(request),
                            Err(_) => {
                                state.requests = None;
                                return;
                            }
                        }
                    }
                }
            }
            waiting.extend(requests.try_iter());
            let taken = source.digest();
            if let Ok(digest) = taken {
                self.state().last = Some(digest);
            }
            // Who came meanwhile and is content with it need not wait for another.
            waiting.extend(requests.try_iter());
            let late = |request: &mut DigestRequest| match &taken {
                Ok((position, _)) => request.wanted <= *position,
                Err(_) => true,
            };
            for request in waiting.extract_if(.., late) {
                // An error means that the caller waits no more.
                drop(request.answer.send(taken.clone()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    /// Takes as many digests as it is let, each one position further.
    struct SteppedDigest {
        steps: Receiver<()>,
        begun: Sender<()>,
        position: u64,
        taken: Arc<AtomicUsize>,
    }

    impl DigestSource for SteppedDigest {
        fn digest(&mut self) -> Result<DigestAt, DigestError> {
            self.taken.fetch_add(1, Ordering::SeqCst);
            self.begun.send(()).unwrap();
            self.steps.recv().unwrap();
            self.position += 1;
            Ok((Position::new(self.position), Digest([0; 32])))
        }
    }

    struct Stepping {
        queue: DigestQueue,
        step: Sender<()>,
        begun: Receiver<()>,
        taken: Arc<AtomicUsize>,
    }

    fn stepping() -> Stepping {
        let (step, steps) = channel();
        let (begin, begun) = channel();
        let taken = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&taken);
        let once = Mutex::new(Some((steps, begin)));
        let queue = DigestQueue::new(Duration::from_secs(600), move |_| {
            let (steps, begun) = once.lock().unwrap().take().unwrap();
            Box::new(SteppedDigest {
                steps,
                begun,
                position: 0,
                taken: Arc::clone(&count),
            })
        });
        Stepping {
            queue,
            step,
            begun,
            taken,
        }
    }

    fn asked(queue: &DigestQueue, wanted: u64) -> oneshot::Receiver<Result<DigestAt, DigestError>> {
        match queue.0.ask(Position::new(wanted)).unwrap() {
            DigestAnswer::Waiting(answer) => answer,
            DigestAnswer::Known(digest) => panic!("{digest:?} is known"),
        }
    }

    fn position(answer: oneshot::Receiver<Result<DigestAt, DigestError>>) -> u64 {
        answer.blocking_recv().unwrap().unwrap().0.get()
    }

    #[test]
    fn all_who_wait_share_one_digest_and_the_same_position_is_listed_once() {
        let stepping = stepping();
        let first = asked(&stepping.queue, 1);
        stepping.begun.recv().unwrap();
        // They come while it is under way: some are content with it, some want what is later.
        let same: Vec<_> = (0..100).map(|_| asked(&stepping.queue, 1)).collect();
        let later: Vec<_> = (0..100).map(|_| asked(&stepping.queue, 2)).collect();
        stepping.step.send(()).unwrap();
        assert_eq!(position(first), 1);
        for answer in same {
            assert_eq!(position(answer), 1);
        }
        stepping.begun.recv().unwrap();
        stepping.step.send(()).unwrap();
        for answer in later {
            assert_eq!(position(answer), 2);
        }
        let known = stepping.queue.0.ask(Position::new(2)).unwrap();
        assert!(matches!(known, DigestAnswer::Known((position, _)) if position.get() == 2));
        assert_eq!(stepping.taken.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn nobody_waits_for_a_book_that_is_closed() {
        let stepping = stepping();
        let first = asked(&stepping.queue, 1);
        stepping.begun.recv().unwrap();
        let second = asked(&stepping.queue, 2);
        stepping.queue.abandon();
        stepping.step.send(()).unwrap();
        assert_eq!(position(first), 1);
        assert!(second.blocking_recv().is_err());
        let refused = stepping.queue.0.ask(Position::new(9));
        assert!(matches!(refused, Err(DigestError::Closing)));
    }
}
