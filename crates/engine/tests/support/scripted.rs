//! A log that answers as a test says, and that a second writer can append to.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tillroll_engine::Patience;
use tillroll_log::{
    AppendError, AppendFault, Batch, Committed, Deadline, Head, Log, LogId, LogReadError,
    LogReader, MemoryLog,
};

/// What the log does with one append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// As the log in memory does.
    Plain,
    /// Nothing is appended; it may be tried again.
    Busy,
    /// Nothing is appended, and nothing will be.
    Broken,
    /// The batch is appended, and the answer is lost.
    DoubtLanded,
    /// The batch is lost on its way, and the writer does not know.
    DoubtLost,
    /// The same, and only opening the log again settles it.
    DoubtForGood,
    /// The batch arrives just before the next append.
    DoubtLate,
    /// Another writer appends first, and what is late arrives after that.
    Rival,
}

#[derive(Default)]
struct Script {
    replies: VecDeque<Reply>,
    late: Vec<(Head, Batch)>,
    /// Appends that were asked for.
    appends: usize,
}

/// A log in memory that follows a script, and then answers plainly.
#[derive(Clone)]
pub struct Scripted {
    log: MemoryLog,
    script: Arc<Mutex<Script>>,
    /// What the other writer appends.
    rival: Batch,
}

impl Scripted {
    pub fn over(log: MemoryLog, replies: &[Reply], rival: Batch) -> Self {
        let script = Script {
            replies: replies.iter().copied().collect(),
            ..Script::default()
        };
        Self {
            log,
            script: Arc::new(Mutex::new(script)),
            rival,
        }
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn say(&self, replies: &[Reply]) {
        self.script().replies.extend(replies);
    }

    pub fn appends(&self) -> usize {
        self.script().appends
    }
}

fn fault(transient: bool) -> AppendFault {
    let source: Box<dyn std::error::Error + Send + Sync> = match transient {
        true => "no leader at the moment".into(),
        false => "the disk is gone".into(),
    };
    AppendFault::Backend { source, transient }
}

impl Log for Scripted {
    fn id(&self) -> LogId {
        self.log.id()
    }

    fn append(
        &mut self,
        after: Head,
        batch: &mut Batch,
        deadline: Deadline,
    ) -> Result<Committed, AppendError> {
        let (reply, late) = {
            let mut script = self.script();
            script.appends += 1;
            let reply = script.replies.pop_front().unwrap_or(Reply::Plain);
            (reply, std::mem::take(&mut script.late))
        };
        if reply == Reply::Rival {
            let end = self.log.head(deadline).expect("memory answers");
            self.log.append(end, &mut self.rival.clone(), deadline)?;
        }
        for (head, mut batch) in late {
            // It finds its place taken when something else was appended meanwhile.
            drop(self.log.append(head, &mut batch, deadline));
        }
        match reply {
            Reply::Plain | Reply::Rival => self.log.append(after, batch, deadline),
            Reply::Busy => Err(AppendError::NotAppended { fault: fault(true) }),
            Reply::Broken => Err(AppendError::NotAppended {
                fault: fault(false),
            }),
            Reply::DoubtLanded => {
                self.log.append(after, batch, deadline)?;
                Err(AppendError::InDoubt { fault: fault(true) })
            }
            Reply::DoubtLost => Err(AppendError::InDoubt { fault: fault(true) }),
            Reply::DoubtForGood => Err(AppendError::InDoubt {
                fault: fault(false),
            }),
            Reply::DoubtLate => {
                self.script().late.push((after, batch.clone()));
                Err(AppendError::InDoubt { fault: fault(true) })
            }
        }
    }

    fn head(&mut self, deadline: Deadline) -> Result<Head, LogReadError> {
        self.log.head(deadline)
    }

    fn reader(&self) -> Arc<dyn LogReader> {
        self.log.reader()
    }
}

/// Few attempts and no pauses.
pub fn impatient(attempts: u32) -> Patience {
    Patience {
        attempts,
        pause: Duration::ZERO,
        longest_pause: Duration::ZERO,
        ..Patience::default()
    }
}
