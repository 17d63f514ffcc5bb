//! A log that two writers share, over a connection that loses, delays and turns away.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tillroll_log::{
    AppendError, AppendFault, Batch, Committed, Deadline, FrameHash, Frames, Head, Log, LogId,
    LogReadError, LogReader, MemoryLog, Position,
};

use crate::planted::PlantedBug;

/// What becomes of one append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AppendFate {
    Answered,
    TurnedAway,
    /// It arrives, and the answer is lost.
    AnswerLost,
    Lost,
    /// It arrives when so many further appends have been asked for.
    Late(u32),
}

/// Records that came into the log, and the call whose they are.
#[derive(Debug)]
pub(crate) struct Landing {
    pub(crate) call: u64,
    pub(crate) first: u64,
    pub(crate) records: Vec<Box<[u8]>>,
    /// It came after the writer had been told that it is in doubt.
    pub(crate) is_late: bool,
}

struct DelayedAppend {
    call: u64,
    wait: u32,
    after: Head,
    batch: Batch,
}

type Intrusion = Box<dyn FnOnce() + Send>;

/// What is on its way, and what is to go wrong.
#[derive(Default)]
struct Connection {
    fates: VecDeque<AppendFate>,
    /// Whether the next reads fail.
    failing_reads: VecDeque<bool>,
    delayed: Vec<DelayedAppend>,
    landings: Vec<Landing>,
    /// Whose appends come now.
    call: u64,
    /// What happens after the next answer that is not final.
    intrusion: Option<Intrusion>,
    /// Frames of each call that its writer was told are committed.
    confirmed: BTreeMap<u64, usize>,
    /// Of the call.
    doubts: u64,
    failed_reads: u64,
}

/// A handle on the log. Clones are handles on the same one.
#[derive(Clone)]
pub(crate) struct RivalLog {
    pub(crate) log: MemoryLog,
    connection: Arc<Mutex<Connection>>,
    planted: Option<PlantedBug>,
}

impl fmt::Debug for RivalLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SharedLog").field(&self.log).finish()
    }
}

impl RivalLog {
    pub(crate) fn new(id: LogId, planted: Option<PlantedBug>) -> Self {
        Self {
            log: MemoryLog::with_id(id),
            connection: Arc::default(),
            planted,
        }
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        let locked = self.connection.lock();
        locked.unwrap_or_else(PoisonError::into_inner)
    }

    /// What goes wrong from now on. Each call has a number of its own.
    pub(crate) fn begin(
        &self,
        call: u64,
        fates: Vec<AppendFate>,
        failing_reads: Vec<bool>,
        intrusion: Option<Intrusion>,
    ) {
        let mut connection = self.connection();
        connection.call = call;
        connection.fates = fates.into();
        connection.failing_reads = failing_reads.into();
        connection.intrusion = intrusion;
        (connection.doubts, connection.failed_reads) = (0, 0);
    }

    /// Nothing more goes wrong. Answers how often an append was in doubt, and a read failed.
    pub(crate) fn end(&self) -> (u64, u64) {
        let mut connection = self.connection();
        connection.fates.clear();
        connection.failing_reads.clear();
        connection.intrusion = None;
        (connection.doubts, connection.failed_reads)
    }

    /// Another call's appends come now; answers how many had landed since they were taken.
    pub(crate) fn intrude(&self, call: u64) -> usize {
        let mut connection = self.connection();
        connection.call = call;
        connection.landings.len()
    }

    pub(crate) fn take_landings(&self) -> Vec<Landing> {
        std::mem::take(&mut self.connection().landings)
    }

    /// How many frames of a call its writer was told are committed.
    pub(crate) fn confirmed(&self, call: u64) -> usize {
        self.connection().confirmed.get(&call).copied().unwrap_or(0)
    }

    /// Everything that is on its way arrives.
    pub(crate) fn deliver_all(&self) {
        for delayed in &mut self.connection().delayed {
            delayed.wait = 0;
        }
        self.deliver();
    }

    fn deliver(&self) {
        let due: Vec<DelayedAppend> = {
            let mut connection = self.connection();
            connection
                .delayed
                .extract_if(.., |delayed| delayed.wait == 0)
                .collect()
        };
        for mut delayed in due {
            // It is refused when something else was appended meanwhile.
            drop(self.land(delayed.call, delayed.after, &mut delayed.batch, true));
        }
        for delayed in &mut self.connection().delayed {
            delayed.wait -= 1;
        }
    }

    fn land(
        &self,
        call: u64,
        after: Head,
        batch: &mut Batch,
        is_late: bool,
    ) -> Result<Committed, AppendError> {
        let mut log = self.log.clone();
        let before = self.end_of_log();
        let after = match self.planted {
            Some(PlantedBug::UncheckedAppend) => before,
            _ => after,
        };
        let answer = log.append(after, batch, Deadline::NEVER);
        if let Ok(committed) = &answer
            && self.end_of_log() != before
        {
            let first = committed.first;
            let records = batch.records(first).map(|(_, record)| record.into());
            self.connection().landings.push(Landing {
                call,
                first: first.get(),
                records: records.collect(),
                is_late,
            });
        }
        answer
    }

    pub(crate) fn end_of_log(&self) -> Head {
        let head = LogReader::head(&self.log, Deadline::NEVER);
        head.expect("memory answers")
    }

    fn answer(
        &self,
        fate: AppendFate,
        after: Head,
        batch: &mut Batch,
    ) -> Result<Committed, AppendError> {
        let call = self.connection().call;
        let fault = || AppendFault::Backend {
            source: "no answer".into(),
            transient: true,
        };
        match fate {
            AppendFate::Answered => return self.land(call, after, batch, false),
            AppendFate::TurnedAway => return Err(AppendError::NotAppended { fault: fault() }),
            // One that is refused is refused, whether the writer hears of it or not.
            AppendFate::AnswerLost => drop(self.land(call, after, batch, false)),
            AppendFate::Lost => {}
            AppendFate::Late(wait) => self.connection().delayed.push(DelayedAppend {
                call,
                wait,
                after,
                batch: batch.clone(),
            }),
        }
        self.connection().doubts += 1;
        Err(AppendError::InDoubt { fault: fault() })
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
        let mut connection = self.connection();
        match connection.failing_reads.pop_front() {
            Some(true) => {
                connection.failed_reads += 1;
                Err(LogReadError::DeadlinePassed)
            }
            Some(false) | None => Ok(()),
        }
    }
}

impl Log for RivalLog {
    fn id(&self) -> LogId {
        self.log.id()
    }

    fn append(
        &mut self,
        after: Head,
        batch: &mut Batch,
        _: Deadline,
    ) -> Result<Committed, AppendError> {
        self.deliver();
        let fate = self.connection().fates.pop_front();
        let answer = self.answer(fate.unwrap_or(AppendFate::Answered), after, batch);
        if answer.is_ok() {
            let mut connection = self.connection();
            let call = connection.call;
            *connection.confirmed.entry(call).or_default() += 1;
        }
        let is_final = matches!(answer, Ok(_) | Err(AppendError::Superseded { .. }));
        if !is_final {
            let (intrusion, call) = {
                let mut connection = self.connection();
                (connection.intrusion.take(), connection.call)
            };
            if let Some(intrude) = intrusion {
                intrude();
                self.connection().call = call;
            }
        }
        self.misread(answer, after, batch)
    }

    fn head(&mut self, deadline: Deadline) -> Result<Head, LogReadError> {
        self.read_fails()?;
        LogReader::head(&self.log, deadline)
    }

    fn reader(&self) -> Arc<dyn LogReader> {
        Arc::new(self.clone())
    }
}

impl LogReader for RivalLog {
    fn head(&self, deadline: Deadline) -> Result<Head, LogReadError> {
        LogReader::head(&self.log, deadline)
    }

    fn frames(&self, from: Position, deadline: Deadline) -> Result<Box<dyn Frames>, LogReadError> {
        self.read_fails()?;
        self.log.frames(from, deadline)
    }

    fn wait_past(&self, position: Position, deadline: Deadline) -> Result<Head, LogReadError> {
        self.log.wait_past(position, deadline)
    }
}
