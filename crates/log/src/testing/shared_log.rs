//! A log that several writers and readers share over connections that fail.
//!
//! It stands for a log that is kept elsewhere: a request may be lost, an answer may be lost, and
//! a request may arrive long after its caller has given it up. What arrives is appended where its
//! head is still the log's end, and dropped otherwise. Faults are named one by one
//! ([`SharedLog::inject`]), or drawn from a seed ([`SharedLog::with_faults`]).

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Random;
use crate::batch::Batch;
use crate::deadline::Deadline;
use crate::error::{AppendError, AppendFault, LogReadError, OpenError};
use crate::frame::Frame;
use crate::identity::{Committed, Head, LogId, Position};
use crate::log::{Frames, Log, LogReader};
use crate::memory_log::MemoryLog;
use crate::recovery::RecoveryReport;
use crate::store::{LogStore, OpenRequest};

/// What happens to one append on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppendInjection {
    /// It is refused before it is sent: not appended, and may be tried again.
    Refused,
    /// The request is lost: in doubt, and never there.
    RequestLost,
    /// The answer is lost: in doubt, although the log has decided.
    AnswerLost,
    /// In doubt, and the request arrives only after so many more calls on the log, or with
    /// [`SharedLog::deliver`].
    Late {
        /// Calls of any handle.
        calls: u64,
    },
    /// In doubt, and the request arrives only before an append, when so many others have come in
    /// between, or with [`SharedLog::deliver`].
    Overtaken {
        /// Appends of any writer.
        appends: u64,
    },
}

/// An append that has come into the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Its number: see [`SharedLog::appends`].
    pub append: u64,
    pub committed: Committed,
    /// It came after its writer had been told that it is in doubt.
    pub is_late: bool,
}

#[derive(Clone, Copy, Debug)]
enum Due {
    Call(u64),
    Append(u64),
}

#[derive(Debug)]
struct LateRequest {
    append: u64,
    due: Due,
    after: Head,
    batch: Batch,
}

#[derive(Debug, Default)]
struct Connections {
    /// Calls of any handle so far.
    calls: u64,
    /// Appends of any writer so far.
    appends: u64,
    late: Vec<LateRequest>,
    arrivals: Vec<Arrival>,
    /// For the next appends, before any that is drawn.
    injections: VecDeque<Option<AppendInjection>>,
    /// So many of the next questions about the head fail.
    failing_heads: u64,
    /// So many of the next reads of frames fail.
    failing_reads: u64,
    drawn: Option<(Random, usize)>,
}

impl Connections {
    /// Draws whether something fails now.
    fn draw(&mut self) -> Option<u64> {
        let (random, one_in) = self.drawn.as_mut()?;
        (random.below(*one_in) == 0).then(|| random.number())
    }

    fn append_injection(&mut self) -> Option<AppendInjection> {
        if let Some(injection) = self.injections.pop_front() {
            return injection;
        }
        let number = self.draw()?;
        Some(match number % 4 {
            0 => AppendInjection::Refused,
            1 => AppendInjection::RequestLost,
            2 => AppendInjection::AnswerLost,
            _ => AppendInjection::Late {
                calls: 1 + number / 4 % 12,
            },
        })
    }

    fn take(failing: &mut u64) -> bool {
        let fails = *failing > 0;
        *failing = failing.saturating_sub(1);
        fails
    }
}

/// A log that several writers and readers share. Clones are the same log.
#[derive(Clone, Debug)]
pub struct SharedLog {
    log: MemoryLog,
    connections: Arc<Mutex<Connections>>,
}

/// Says that it is the connection's fault, so that a caller tries again.
fn lost() -> Box<dyn std::error::Error + Send + Sync> {
    "the connection is lost".into()
}

fn append_fault() -> AppendFault {
    AppendFault::Backend {
        source: lost(),
        transient: true,
    }
}

impl SharedLog {
    /// A log without records, whose connections hold.
    #[must_use]
    pub fn new(id: LogId) -> Self {
        Self {
            log: MemoryLog::with_id(id),
            connections: Arc::default(),
        }
    }

    /// A log without records of whose calls about one in `one_in` fails, as the seed says. With
    /// one thread, the same calls meet the same faults.
    #[must_use]
    pub fn with_faults(id: LogId, seed: u64, one_in: usize) -> Self {
        let shared = Self::new(id);
        shared.connections().drawn = Some((Random::new(seed), one_in));
        shared
    }

    fn connections(&self) -> MutexGuard<'_, Connections> {
        (self.connections.lock()).unwrap_or_else(PoisonError::into_inner)
    }

    /// A writer of its own connection.
    #[must_use]
    pub fn writer(&self) -> SharedLogWriter {
        SharedLogWriter {
            shared: self.clone(),
        }
    }

    /// A reader that sees the log without its last `behind` frames, until it waits for them.
    #[must_use]
    pub fn reader(&self, behind: usize) -> SharedLogReader {
        SharedLogReader {
            shared: self.clone(),
            behind: AtomicUsize::new(behind),
        }
    }

    /// What the next append that was not injected for yet meets, whichever writer makes it: `None`
    /// is that nothing happens to it.
    pub fn inject(&self, injection: impl Into<Option<AppendInjection>>) {
        let injection = injection.into();
        self.connections().injections.push_back(injection);
    }

    /// How many appends there have been, of any writer, which is the number of the last one.
    #[must_use]
    pub fn appends(&self) -> u64 {
        self.connections().appends
    }

    /// The appends that have come into the log since this was asked last. One that finds its frame
    /// there is not among them.
    #[must_use]
    pub fn take_arrivals(&self) -> Vec<Arrival> {
        std::mem::take(&mut self.connections().arrivals)
    }

    /// So many of the next questions about the head fail, of any handle.
    pub fn fail_heads(&self, count: u64) {
        self.connections().failing_heads = count;
    }

    /// So many of the next reads of frames fail, at the first frame or in between.
    pub fn fail_reads(&self, count: u64) {
        self.connections().failing_reads = count;
    }

    /// Nothing fails any more. Late requests still arrive.
    pub fn calm(&self) {
        let mut connections = self.connections();
        connections.drawn = None;
        connections.injections.clear();
        (connections.failing_heads, connections.failing_reads) = (0, 0);
    }

    /// All late requests arrive now.
    pub fn deliver(&self) {
        let mut connections = self.connections();
        let late = std::mem::take(&mut connections.late);
        self.arrive(&mut connections, late);
    }

    fn arrive(&self, connections: &mut Connections, late: Vec<LateRequest>) {
        for mut request in late {
            let (append, after) = (request.append, request.after);
            let landed = self.land(after, &mut request.batch, Deadline::NEVER);
            // Dropped where the log has gone on: no caller waits for the answer.
            if let Ok((committed, true)) = landed {
                connections.arrivals.push(Arrival {
                    append,
                    committed,
                    is_late: true,
                });
            }
        }
    }

    /// Appends, and says whether it changed the log.
    fn land(
        &self,
        after: Head,
        batch: &mut Batch,
        deadline: Deadline,
    ) -> Result<(Committed, bool), AppendError> {
        let before = self.log.head_behind(0);
        let committed = self.log.clone().append(after, batch, deadline)?;
        Ok((committed, self.log.head_behind(0) != before))
    }

    /// A call: late requests that are due arrive before it.
    fn call(&self) -> MutexGuard<'_, Connections> {
        self.call_as(false)
    }

    fn call_as(&self, is_append: bool) -> MutexGuard<'_, Connections> {
        let mut connections = self.connections();
        connections.calls += 1;
        connections.appends += u64::from(is_append);
        let (call, append) = (connections.calls, connections.appends);
        let due = |request: &mut LateRequest| match request.due {
            Due::Call(due) => due <= call,
            Due::Append(due) => due <= append,
        };
        let due: Vec<_> = connections.late.extract_if(.., due).collect();
        self.arrive(&mut connections, due);
        connections
    }

    fn ask_head(&self) -> Result<(), LogReadError> {
        let mut connections = self.call();
        let fails = Connections::take(&mut connections.failing_heads);
        match fails || connections.draw().is_some() {
            true => Err(LogReadError::Backend(lost())),
            false => Ok(()),
        }
    }

    fn ask_frame(&self) -> Result<(), LogReadError> {
        let mut connections = self.call();
        let fails = Connections::take(&mut connections.failing_reads);
        match fails || connections.draw().is_some() {
            true => Err(LogReadError::Backend(lost())),
            false => Ok(()),
        }
    }
}

impl LogStore for SharedLog {
    type Log = SharedLogWriter;

    /// A late request may still arrive after this: the next append is superseded by it then.
    fn open(
        self,
        request: &OpenRequest,
        visit: &mut dyn FnMut(Position, &[u8]),
    ) -> Result<(SharedLogWriter, RecoveryReport), OpenError> {
        self.ask_head()?;
        let (_, report) = self.log.clone().open(request, visit)?;
        Ok((self.writer(), report))
    }

    fn head_at(&self, position: Position) -> Result<Option<(LogId, Head)>, OpenError> {
        self.ask_frame()?;
        self.log.head_at(position)
    }
}

/// One of the writers of a [`SharedLog`].
#[derive(Debug)]
pub struct SharedLogWriter {
    shared: SharedLog,
}

impl Log for SharedLogWriter {
    fn id(&self) -> LogId {
        self.shared.log.id()
    }

    fn append(
        &mut self,
        after: Head,
        batch: &mut Batch,
        deadline: Deadline,
    ) -> Result<Committed, AppendError> {
        if batch.is_empty() {
            let fault = AppendFault::Empty;
            return Err(AppendError::NotAppended { fault });
        }
        if deadline.has_passed() {
            let fault = AppendFault::DeadlinePassed;
            return Err(AppendError::NotAppended { fault });
        }
        let mut connections = self.shared.call_as(true);
        let append = connections.appends;
        let due = match connections.append_injection() {
            None => {
                let (committed, is_new) = self.shared.land(after, batch, deadline)?;
                if is_new {
                    connections.arrivals.push(Arrival {
                        append,
                        committed,
                        is_late: false,
                    });
                }
                return Ok(committed);
            }
            Some(AppendInjection::Refused) => {
                return Err(AppendError::NotAppended {
                    fault: append_fault(),
                });
            }
            Some(AppendInjection::RequestLost) => None,
            Some(AppendInjection::AnswerLost) => {
                // Whatever the log says, it does not reach the caller.
                if let Ok((committed, true)) = self.shared.land(after, batch, deadline) {
                    connections.arrivals.push(Arrival {
                        append,
                        committed,
                        is_late: false,
                    });
                }
                None
            }
            Some(AppendInjection::Late { calls }) => {
                Some(Due::Call(connections.calls.saturating_add(calls)))
            }
            Some(AppendInjection::Overtaken { appends }) => Some(Due::Append(
                append.saturating_add(appends).saturating_add(1),
            )),
        };
        connections.late.extend(due.map(|due| LateRequest {
            append,
            due,
            after,
            batch: batch.clone(),
        }));
        Err(AppendError::InDoubt {
            fault: append_fault(),
        })
    }

    fn head(&mut self, deadline: Deadline) -> Result<Head, LogReadError> {
        self.shared.ask_head()?;
        Log::head(&mut self.shared.log, deadline)
    }

    fn reader(&self) -> Arc<dyn LogReader> {
        Arc::new(self.shared.reader(0))
    }
}

/// One of the readers of a [`SharedLog`].
#[derive(Debug)]
pub struct SharedLogReader {
    shared: SharedLog,
    behind: AtomicUsize,
}

impl SharedLogReader {
    /// Where the log ends that this reader sees.
    fn visible(&self) -> Head {
        (self.shared.log).head_behind(self.behind.load(Ordering::Relaxed))
    }
}

impl LogReader for SharedLogReader {
    fn head(&self, _: Deadline) -> Result<Head, LogReadError> {
        self.shared.ask_head()?;
        Ok(self.visible())
    }

    fn frames(&self, from: Position, deadline: Deadline) -> Result<Box<dyn Frames>, LogReadError> {
        self.shared.ask_frame()?;
        Ok(Box::new(SharedLogFrames {
            frames: self.shared.log.reader().frames(from, deadline)?,
            last: self.visible().position,
            shared: self.shared.clone(),
        }))
    }

    fn wait_past(&self, position: Position, deadline: Deadline) -> Result<Head, LogReadError> {
        self.shared.ask_head()?;
        let visible = self.visible();
        if visible.position > position {
            return Ok(visible);
        }
        self.behind.store(0, Ordering::Relaxed);
        self.shared.log.reader().wait_past(position, deadline)
    }
}

struct SharedLogFrames {
    shared: SharedLog,
    frames: Box<dyn Frames>,
    last: Position,
}

impl Frames for SharedLogFrames {
    fn next_frame(&mut self) -> Result<Option<Frame<'_>>, LogReadError> {
        let asked = self.shared.ask_frame();
        if asked.is_err() {
            // After an error there is nothing more.
            self.last = Position::ZERO;
        }
        asked?;
        let frame = self.frames.next_frame()?;
        Ok(frame.filter(|frame| frame.last() <= self.last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestLog;

    const ID: LogId = LogId::new([7; 16]);

    fn batch(record: &[u8]) -> Batch {
        let mut batch = Batch::new();
        batch.push(record).unwrap();
        batch
    }

    /// What one writer makes of a seed: each answer in a word, and the head.
    fn run(seed: u64) -> (Vec<&'static str>, Head) {
        let shared = SharedLog::with_faults(ID, seed, 3);
        let mut writers = [shared.writer(), shared.writer()];
        let mut heads = [Head::EMPTY; 2];
        let mut words = Vec::new();
        for number in 0..60u8 {
            let which = usize::from(number % 2);
            let answer =
                writers[which].append(heads[which], &mut batch(&[number]), Deadline::NEVER);
            words.push(match answer {
                Ok(committed) => {
                    heads[which] = committed.head;
                    "committed"
                }
                Err(AppendError::NotAppended { .. }) => "not appended",
                Err(AppendError::InDoubt { .. }) => "in doubt",
                Err(AppendError::Superseded { actual, .. }) => {
                    heads[which] = actual;
                    "superseded"
                }
            });
        }
        shared.deliver();
        shared.calm();
        (words, shared.writer().end())
    }

    #[test]
    fn the_same_seed_meets_the_same_faults() {
        let mut met = std::collections::BTreeSet::new();
        for seed in 0..50 {
            assert_eq!(run(seed), run(seed), "seed {seed}");
            met.extend(run(seed).0);
        }
        let all = ["committed", "in doubt", "not appended", "superseded"];
        assert!(met.iter().eq(&all), "{met:?}");
    }

    #[test]
    fn a_late_request_arrives_once_it_is_due_and_only_behind_its_head() {
        for other_is_first in [false, true] {
            let shared = SharedLog::new(ID);
            let (mut late, mut other) = (shared.writer(), shared.writer());
            shared.inject(AppendInjection::Late { calls: 2 });
            let answer = late.append(Head::EMPTY, &mut batch(b"late"), Deadline::NEVER);
            assert!(
                matches!(answer, Err(AppendError::InDoubt { .. })),
                "{answer:?}"
            );
            assert_eq!(other.head(Deadline::NEVER).unwrap(), Head::EMPTY);
            if other_is_first {
                // The second call: the request arrives before the append does.
                let answer = other.append(Head::EMPTY, &mut batch(b"other"), Deadline::NEVER);
                assert!(
                    matches!(answer, Err(AppendError::Superseded { .. })),
                    "{answer:?}"
                );
            }
            let head = other.head(Deadline::NEVER).unwrap();
            assert_eq!(head.position, Position::FIRST);
            let again = late.append(Head::EMPTY, &mut batch(b"late"), Deadline::NEVER);
            assert_eq!(again.unwrap().head, head);
        }
    }
}
