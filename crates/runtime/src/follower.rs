//! What follows the log: a checkpoint, an application, a wait.
//!
//! Read models, snapshots, the names of accounts and the ends of holds are all
//! made of a [`Consumer`] (what is made of the records, and how far it has come) and a [`Pace`]
//! (when it is worth while to go on). [`Follower`] is the loop that they share.
//!
//! # What calls out
//! A consumer with effects outside of this process (calls to Stripe, webhooks to others) is one
//! like any other, with these duties:
//! - Its checkpoint is durable, in one commit with what it knows about its attempts, or it is on
//!   the log itself, as events. After a crash the records behind the checkpoint come again, so each
//!   call carries an idempotency key that is a function of its record.
//! - It applies as little at a time as it likes: a part of what there is, with the checkpoint moved
//!   over that part, is a success.
//! - A failure that may pass is an error for which [`Consumer::is_transient`] is true. The same
//!   records come again, after pauses that grow. What does not concern the order of records (one
//!   receiver of many that does not answer) is put down beside the checkpoint and tried again by
//!   the consumer, so that it does not hold up the others.
//! - Any other error is final: the follower is [`FollowerState::Stuck`], which readiness and
//!   metrics show, until the process starts again.

use std::fmt;
use std::future::Future;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tillroll_log::Position;
use tokio::sync::watch;

use crate::Tail;

#[cfg(test)]
mod tests;

/// Between attempts after a failure that may pass, such as a full disk.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// What is made of a log's records, in their order.
pub trait Consumer: Send + 'static {
    /// What an application hands to a caller that takes the steps of a follower itself.
    type Output: Send + 'static;
    type Error: fmt::Display + Send + 'static;

    /// The last position that was applied. It is as durable as what was made of the records: both
    /// survive a crash, or neither.
    fn checkpoint(&self) -> Position;

    /// Applies what the log holds behind the checkpoint, up to `head` at most, and moves the
    /// checkpoint behind it. It may block.
    ///
    /// # Errors
    /// What is behind the checkpoint then was not applied, and comes again.
    fn apply(&mut self, head: Position) -> Result<Self::Output, Self::Error>;

    /// Whether the same application may succeed later.
    fn is_transient(error: &Self::Error) -> bool;
}

/// When a follower goes on.
pub trait Pace: Send + 'static {
    /// Waits until it is worth while to apply what is behind `checkpoint`, and answers up to
    /// where. `None` when nothing more will come.
    fn wait(
        &mut self,
        tail: &mut Tail,
        checkpoint: Position,
    ) -> impl Future<Output = Option<Position>> + Send;
}

/// Goes on as soon as something is committed.
#[derive(Clone, Copy, Debug)]
pub struct AtOnce;

impl Pace for AtOnce {
    async fn wait(&mut self, tail: &mut Tail, checkpoint: Position) -> Option<Position> {
        tail.past(checkpoint).await
    }
}

/// How a follower does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum FollowerState {
    #[default]
    Following,
    /// It cannot go on at the moment, and tries again.
    Retrying { failure: Arc<str> },
    /// No attempt can help: it stays at its checkpoint until the process starts again.
    Stuck { failure: Arc<str> },
}

impl FollowerState {
    /// Why it does not go on, when it does not.
    #[must_use]
    pub fn failure(&self) -> Option<&Arc<str>> {
        match self {
            Self::Following => None,
            Self::Retrying { failure } | Self::Stuck { failure } => Some(failure),
        }
    }
}

/// A consumer and where it is in a log.
///
/// [`Follower::spawn`] gives it a thread. Otherwise it goes on as its owner asks: [`Follower::wait`]
/// and [`Follower::apply`] are one step of it, and [`Follower::catch_up`] goes as far as an owner
/// needs it.
#[derive(Debug)]
pub struct Follower<C, P> {
    consumer: Arc<Mutex<C>>,
    /// The consumer's checkpoint, for those who must not wait for an application to end.
    checkpoint: Arc<AtomicU64>,
    pace: P,
    tail: Tail,
}

impl<C: Consumer, P: Pace> Follower<C, P> {
    #[must_use]
    pub fn new(consumer: C, pace: P, tail: Tail) -> Self {
        Self {
            checkpoint: Arc::new(AtomicU64::new(consumer.checkpoint().get())),
            consumer: Arc::new(Mutex::new(consumer)),
            pace,
            tail,
        }
    }

    /// The last position that was applied.
    #[must_use]
    pub fn checkpoint(&self) -> Position {
        Position::new(self.checkpoint.load(Ordering::Acquire))
    }

    /// Waits until its pace has it go on, and answers up to where. `None` when nothing more will
    /// come. Nothing is lost when the future is dropped.
    pub async fn wait(&mut self) -> Option<Position> {
        let checkpoint = self.checkpoint();
        self.pace.wait(&mut self.tail, checkpoint).await
    }

    /// Applies what is behind the checkpoint, up to `head` at most, on a thread that may block.
    ///
    /// # Errors
    /// The consumer's.
    pub async fn apply(&self, head: Position) -> Result<C::Output, C::Error> {
        let work = self.work(head);
        match tokio::task::spawn_blocking(work).await {
            Ok(applied) => applied,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The async runtime shuts down, and this task with it.
                Err(_) => std::future::pending().await,
            },
        }
    }

    /// Applies what is there until `position` is applied.
    ///
    /// # Errors
    /// The consumer's.
    pub async fn catch_up(&self, position: Position) -> Result<(), C::Error> {
        while self.checkpoint() < position {
            self.apply(self.tail.head()).await?;
        }
        Ok(())
    }

    fn work(&self, head: Position) -> impl FnOnce() -> Result<C::Output, C::Error> + use<C, P> {
        let (consumer, checkpoint) = (Arc::clone(&self.consumer), Arc::clone(&self.checkpoint));
        move || {
            let mut consumer = consumer.lock().unwrap_or_else(PoisonError::into_inner);
            let applied = consumer.apply(head);
            checkpoint.store(consumer.checkpoint().get(), Ordering::Release);
            applied
        }
    }

    /// Gives it a thread of its own, on which it follows until `stop` is true, nothing more will
    /// come, or it is stuck.
    ///
    /// # Errors
    /// When the system starts no thread.
    ///
    /// # Panics
    /// Outside of an async runtime.
    pub fn spawn(
        self,
        name: &str,
        priority: ThreadPriority,
        stop: watch::Receiver<bool>,
    ) -> io::Result<FollowerThread<C::Error>> {
        let runtime = tokio::runtime::Handle::current();
        let (publish, state) = watch::channel(FollowerState::Following);
        let own_name = name.to_owned();
        let thread = thread::Builder::new().name(name.into()).spawn(move || {
            priority.take(&own_name);
            self.run(&own_name, &runtime, stop, &publish)
        })?;
        Ok(FollowerThread { thread, state })
    }

    fn run(
        mut self,
        name: &str,
        runtime: &tokio::runtime::Handle,
        mut stop: watch::Receiver<bool>,
        state: &watch::Sender<FollowerState>,
    ) -> Result<(), C::Error> {
        let mut pause = FIRST_PAUSE;
        loop {
            let head = runtime.block_on(async {
                tokio::select! {
                    biased;
                    _ = stop.wait_for(|stop| *stop) => None,
                    head = self.wait() => head,
                }
            });
            let Some(head) = head else {
                return Ok(());
            };
            // What comes meanwhile is not applied at once: it would come in ever smaller steps.
            // The pace says when.
            let Err(error) = self.work(head)() else {
                pause = FIRST_PAUSE;
                state.send_if_modified(|state| {
                    let failed = *state != FollowerState::Following;
                    *state = FollowerState::Following;
                    failed
                });
                continue;
            };
            tracing::error!(%error, "the follower {name} cannot go on");
            let failure = error.to_string().into();
            if !C::is_transient(&error) {
                state.send_replace(FollowerState::Stuck { failure });
                return Err(error);
            }
            state.send_replace(FollowerState::Retrying { failure });
            runtime.block_on(async {
                tokio::select! {
                    _ = stop.wait_for(|stop| *stop) => {}
                    () = tokio::time::sleep(pause) => {}
                }
            });
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

/// How a follower's thread stands when there is less processor than work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThreadPriority {
    /// As all others.
    Normal,
    /// The others go first: it gets about a tenth of another thread's share. For what may lag
    /// and says so, while a command waits for the log.
    Background,
}

impl ThreadPriority {
    /// Elsewhere than on Linux, priority is the whole process's, and is left alone.
    pub(crate) fn take(self, name: &str) {
        #[cfg(target_os = "linux")]
        if self == Self::Background
            && let Err(error) = rustix::process::setpriority_process(None, 10)
        {
            tracing::debug!(%error, follower = name, "it keeps its priority");
        }
        #[cfg(not(target_os = "linux"))]
        tracing::trace!(follower = name, ?self, "threads have no priority");
    }
}

/// A follower on its thread.
#[derive(Debug)]
pub struct FollowerThread<E> {
    thread: JoinHandle<Result<(), E>>,
    state: watch::Receiver<FollowerState>,
}

impl<E> FollowerThread<E> {
    /// How it does, now and as that changes.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<FollowerState> {
        self.state.clone()
    }

    /// Waits for the thread to end. It blocks.
    ///
    /// # Errors
    /// The failure that no attempt could mend.
    ///
    /// # Panics
    /// When the consumer did.
    pub fn join(self) -> Result<(), E> {
        match self.thread.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}
