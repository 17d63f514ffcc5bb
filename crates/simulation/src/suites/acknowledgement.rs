//! The writer's thread over a log whose appends wait at a gate: nobody is answered before.

use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use tillroll_engine::{Handle, Options, Outcome, SubmitError, spawn};
use tillroll_journal::{
    AppendError, Batch, Committed, Head, Journal, JournalReader, MemoryJournal,
};

use super::{Caught, Verdict, ensure, story};

/// Far longer than a writer takes to come to the gate: whoever waits it out has found a bug.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) fn check() -> Verdict {
    let gate = Gate::default();
    let journal = Gated {
        journal: MemoryJournal::new(),
        gate: gate.clone(),
    };
    let (handle, thread) = spawn(story::open(journal)?, Options::default());
    let verdict = judge(&handle, &gate);
    // Whatever was found, the thread ends.
    gate.pass(usize::MAX);
    drop(handle);
    let ended = thread.join();
    verdict.and(ended.map_err(Caught::unexpected("the writer's end")))
}

fn judge(handle: &Handle, gate: &Gate) -> Verdict {
    let mut first = Waiting::submitted(handle, 1)?;
    gate.arrived(1)?;
    first.waits("a command was answered before the log had taken it")?;

    // These two share the next frame.
    let mut original = Waiting::submitted(handle, 2)?;
    let mut duplicate = Waiting::submitted(handle, 2)?;
    gate.pass(1);
    gate.arrived(2)?;
    duplicate.waits("a duplicate was answered before its original was durable")?;
    // The writer goes on while their frame is under way: when it has come to this one, it has
    // done with them whatever it does before the frame is durable.
    let decided = handle.metrics().commands;
    let mut next = Waiting::submitted(handle, 3)?;
    while handle.metrics().commands == decided {
        thread::yield_now();
    }
    for waiting in [&mut original, &mut duplicate, &mut next] {
        waiting.waits("a command was answered before the log had taken it")?;
    }
    gate.pass(2);

    let (first, original) = (first.answer()?, original.answer()?);
    let duplicate = duplicate.answer()?;
    next.answer()?;
    ensure(!first.replayed && !original.replayed, || {
        "a new command is called a duplicate".into()
    })?;
    ensure(
        duplicate.replayed && duplicate.records == original.records,
        || "a duplicate is answered with other records".into(),
    )
}

/// A submitted command.
struct Waiting<'a> {
    answer: Pin<Box<dyn Future<Output = Result<Outcome, SubmitError>> + 'a>>,
}

impl<'a> Waiting<'a> {
    fn submitted(handle: &'a Handle, number: u32) -> Result<Self, Caught> {
        let mut waiting = Self {
            answer: Box::pin(handle.submit(story::receive(number, 1))),
        };
        // The first poll puts it into the queue.
        waiting.waits("a command was answered at once")?;
        Ok(waiting)
    }

    fn poll(&mut self) -> Poll<Result<Outcome, SubmitError>> {
        let mut context = Context::from_waker(Waker::noop());
        self.answer.as_mut().poll(&mut context)
    }

    fn waits(&mut self, otherwise: &str) -> Verdict {
        let waits = self.poll().is_pending();
        ensure(waits, || otherwise.into())
    }

    fn answer(mut self) -> Result<Outcome, Caught> {
        loop {
            match self.poll() {
                Poll::Ready(answer) => {
                    return answer.map_err(Caught::unexpected("a command was not applied"));
                }
                Poll::Pending => thread::yield_now(),
            }
        }
    }
}

/// Where appends wait.
#[derive(Clone, Default)]
struct Gate(Arc<(Mutex<AtGate>, Condvar)>);

#[derive(Default)]
struct AtGate {
    /// Appends that have come.
    arrived: usize,
    /// Appends that may go.
    passes: usize,
}

impl Gate {
    fn state(&self) -> MutexGuard<'_, AtGate> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn arrived(&self, appends: usize) -> Verdict {
        let state = self.state();
        let late = |state: &mut AtGate| state.arrived < appends;
        let waited = self.0.1.wait_timeout_while(state, PATIENCE, late);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        ensure(state.arrived >= appends, || {
            format!("the writer made {} appends of {appends}", state.arrived)
        })
    }

    /// Lets so many more go.
    fn pass(&self, appends: usize) {
        let mut state = self.state();
        state.passes = state.passes.saturating_add(appends);
        self.0.1.notify_all();
    }

    fn wait(&self) {
        let mut state = self.state();
        state.arrived += 1;
        self.0.1.notify_all();
        let passed = self.0.1.wait_while(state, |state| state.passes == 0);
        let mut state = passed.unwrap_or_else(PoisonError::into_inner);
        state.passes -= 1;
    }
}

struct Gated {
    journal: MemoryJournal,
    gate: Gate,
}

impl Journal for Gated {
    fn append(&mut self, batch: &mut Batch) -> Result<Committed, AppendError> {
        self.gate.wait();
        self.journal.append(batch)
    }

    fn head(&self) -> Head {
        Journal::head(&self.journal)
    }

    fn reader(&self) -> Arc<dyn JournalReader> {
        self.journal.reader()
    }
}
