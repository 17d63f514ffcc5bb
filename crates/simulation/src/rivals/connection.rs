//! Two writers' connections to the log that they share: what goes wrong on them, and whose append
//! came into the log.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tillroll_log::testing::{AppendInjection, SharedLog, SharedLogReader};
use tillroll_log::{
    AppendError, Batch, Committed, Deadline, FrameHash, Frames, Head, Log, LogId, LogReadError,
    LogReader, Position,
};

use crate::planted::PlantedBug;

/// Records that came into the log, and the call whose they are.
#[derive(Debug)]
pub(crate) struct Landing {
    pub(crate) call: u64,
    pub(crate) first: u64,
    pub(crate) records: Vec<Box<[u8]>>,
    /// It came after the writer had been told that it is in doubt.
    pub(crate) is_late: bool,
}

type Intrusion = Box<dyn FnOnce() + Send>;

/// What is to go wrong, and what has.
#[derive(Default)]
struct Script {
    /// Whether the next reads fail.
    failing_reads: VecDeque<bool>,
    /// Whose appends come now.
    call: u64,
    /// The call of each append.
    calls: BTreeMap<u64, u64>,
    /// What happens after the next answer that is not final.
    intrusion: Option<Intrusion>,
    /// Frames of each call that its writer was told are committed.
    confirmed: BTreeMap<u64, usize>,
    /// Of the call.
    doubts: u64,
    failed_reads: u64,
}

/// A writer's or a reader's handle on the shared log. Clones are handles on the same one.
#[derive(Clone)]
pub(crate) struct RivalConnection {
    shared: SharedLog,
    script: Arc<Mutex<Script>>,
    planted: Option<PlantedBug>,
}

impl fmt::Debug for RivalConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RivalConnection")
            .field(&self.shared)
            .finish()
    }
}

impl RivalConnection {
    pub(crate) fn new(id: LogId, planted: Option<PlantedBug>) -> Self {
        Self {
            shared: SharedLog::new(id),
            script: Arc::default(),
            planted,
        }
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        let locked = self.script.lock();
        locked.unwrap_or_else(PoisonError::into_inner)
    }

    /// What goes wrong from now on. Each call has a number of its own.
    pub(crate) fn begin(
        &self,
        call: u64,
        fates: Vec<Option<AppendInjection>>,
        failing_reads: Vec<bool>,
        intrusion: Option<Intrusion>,
    ) {
        fates.into_iter().for_each(|fate| self.shared.inject(fate));
        let mut script = self.script();
        script.call = call;
        script.failing_reads = failing_reads.into();
        script.intrusion = intrusion;
        (script.doubts, script.failed_reads) = (0, 0);
    }

    /// Nothing more goes wrong. Answers how often an append was in doubt, and a read failed.
    pub(crate) fn end(&self) -> (u64, u64) {
        self.shared.calm();
        let mut script = self.script();
        script.failing_reads.clear();
        script.intrusion = None;
        (script.doubts, script.failed_reads)
    }

    /// Another call's appends come now; answers what had landed before.
    pub(crate) fn intrude(&self, call: u64) -> Vec<Landing> {
        self.script().call = call;
        self.take_landings()
    }

    /// What came into the log since this was asked last.
    pub(crate) fn take_landings(&self) -> Vec<Landing> {
        let arrivals = self.shared.take_arrivals().into_iter();
        let landing = |arrival: tillroll_log::testing::Arrival| {
            let Committed { first, last, .. } = arrival.committed;
            let records = self.reader_at_rest().read_from(first, Deadline::NEVER);
            let records = records.expect("memory answers").map(Result::unwrap);
            let records = records.take_while(|(position, _)| *position <= last);
            Landing {
                call: self.script().calls[&arrival.append],
                first: first.get(),
                records: records.map(|(_, record)| record.into()).collect(),
                is_late: arrival.is_late,
            }
        };
        arrivals.map(landing).collect()
    }

    /// How many frames of a call its writer was told are committed.
    pub(crate) fn confirmed(&self, call: u64) -> usize {
        self.script().confirmed.get(&call).copied().unwrap_or(0)
    }

    /// Everything that is on its way arrives.
    pub(crate) fn deliver_all(&self) {
        self.shared.deliver();
    }

    /// A reader whose reads do not fail.
    pub(crate) fn reader_at_rest(&self) -> SharedLogReader {
        self.shared.reader(0)
    }

    pub(crate) fn end_of_log(&self) -> Head {
        let head = self.reader_at_rest().head(Deadline::NEVER);
        head.expect("memory answers")
    }

    /// What a writer is told that does not settle its doubts.
    fn misread(
        &self,
        answer: Result<Committed, AppendError>,
        after: Head,
        batch: &Batch,
    ) -> Result<Committed, AppendError> {
        match (self.planted, answer) {
            (Some(PlantedBug::AcknowledgedDoubt), Err(AppendError::InDoubt { .. })) => {
                let last = Position::new(after.position.get() + batch.len() as u64);
                let end = self.end_of_log();
                let guessed = Head {
                    position: last,
                    hash: FrameHash::GENESIS,
                };
                Ok(Committed {
                    first: after.position.next(),
                    last,
                    head: if end.position == last { end } else { guessed },
                })
            }
            (Some(PlantedBug::DroppedDoubt), Err(AppendError::InDoubt { fault })) => {
                Err(AppendError::NotAppended { fault })
            }
            (_, answer) => answer,
        }
    }

    fn read_fails(&self) -> Result<(), LogReadError> {
        let mut script = self.script();
        match script.failing_reads.pop_front() {
            Some(true) => {
                script.failed_reads += 1;
                Err(LogReadError::DeadlinePassed)
            }
            Some(false) | None => Ok(()),
        }
    }
}

impl Log for RivalConnection {
    fn id(&self) -> LogId {
        self.shared.writer().id()
    }

    fn append(
        &mut self,
        after: Head,
        batch: &mut Batch,
        _: Deadline,
    ) -> Result<Committed, AppendError> {
        let behind = match self.planted {
            Some(PlantedBug::UncheckedAppend) => self.end_of_log(),
            _ => after,
        };
        let call = {
            let mut script = self.script();
            let call = script.call;
            script.calls.insert(self.shared.appends() + 1, call);
            call
        };
        let answer = (self.shared.writer()).append(behind, batch, Deadline::NEVER);
        let mut script = self.script();
        match &answer {
            Ok(_) => *script.confirmed.entry(call).or_default() += 1,
            Err(AppendError::InDoubt { .. }) => script.doubts += 1,
            Err(_) => {}
        }
        let is_final = matches!(answer, Ok(_) | Err(AppendError::Superseded { .. }));
        let intrusion = script.intrusion.take_if(|_| !is_final);
        drop(script);
        if let Some(intrude) = intrusion {
            intrude();
            self.script().call = call;
        }
        self.misread(answer, after, batch)
    }

    fn head(&mut self, deadline: Deadline) -> Result<Head, LogReadError> {
        self.read_fails()?;
        self.shared.writer().head(deadline)
    }

    fn reader(&self) -> Arc<dyn LogReader> {
        Arc::new(self.clone())
    }
}

impl LogReader for RivalConnection {
    fn head(&self, deadline: Deadline) -> Result<Head, LogReadError> {
        self.reader_at_rest().head(deadline)
    }

    fn frames(&self, from: Position, deadline: Deadline) -> Result<Box<dyn Frames>, LogReadError> {
        self.read_fails()?;
        self.reader_at_rest().frames(from, deadline)
    }

    fn wait_past(&self, position: Position, deadline: Deadline) -> Result<Head, LogReadError> {
        self.reader_at_rest().wait_past(position, deadline)
    }
}
