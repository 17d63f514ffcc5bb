//! The synchronous engine: a sequencer, and the log that its frames go to.
//!
//! What a sequencer has staged is ahead of the log. The engine hands out answers only after the
//! log has caught up. When another writer has appended, what this one had staged never happened:
//! the engine drops its state, folds the log again, and follows it as a standby until it is asked
//! to take over.

mod succession;

use std::sync::Arc;

use tillroll_book::clock::ClockLimits;
use tillroll_book::{Book, Command, Refusal};
use tillroll_events::Timestamp;
use tillroll_log::{Head, Log, LogId, LogReadError, LogReader, Position, Remedy};

use crate::log_driver::{AppendReport, LogDriver};
use crate::log_thread::LogThreadPanicked;
use crate::metrics::Counters;
use crate::sequencer::Sequencer;
use crate::settlement::Verdict;
use crate::standby::Standby;
use crate::{
    BookOptions, EngineMetrics, ExecuteError, Failure, FrameLimits, Moment, Outcome, Patience,
    Replay, ReplayError, StagedCommand, StartError,
};

/// Finds the newest snapshot that the log agrees with.
pub(crate) type Restore = Box<dyn Fn(&dyn LogReader) -> Option<(Replay, Head)> + Send>;

pub use succession::Succession;

/// The writer of a book, or its standby.
pub struct Engine<L> {
    role: Role,
    driver: LogDriver<L>,
    reader: Arc<dyn LogReader>,
    log: LogId,
    book_options: BookOptions,
    limits: FrameLimits,
    clock_limits: ClockLimits,
    succession: Succession,
    /// A standby that leads again as soon as the next command comes.
    leads_again: bool,
    /// Something was decided that no frame carries, so that no append will show whether this
    /// engine still led.
    unproven: bool,
    restore: Option<Restore>,
    failure: Option<Failure>,
    counters: Arc<Counters>,
}

#[derive(Debug)]
enum Role {
    Leader(Box<Sequencer>),
    Standby(Box<Standby>),
}

impl<L> std::fmt::Debug for Engine<L> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("role", &self.role)
            .field("failure", &self.failure)
            .finish_non_exhaustive()
    }
}

impl<L: Log> Engine<L> {
    /// Folds the whole log and starts at its end. The log's id is that of the book, and goes into
    /// the ids of events. `progress` gets the position every 1,024 records and at the end.
    ///
    /// # Errors
    /// The first record that cannot be read or understood, with its position.
    pub fn open(
        log: L,
        book_options: impl Into<BookOptions>,
        mut progress: impl FnMut(Position),
    ) -> Result<Self, StartError> {
        let mut replay = Replay::new(book_options);
        replay.run(&*log.reader(), None, &mut progress)?;
        Self::resume(log, replay)
    }

    /// Starts from a fold of the log that was made already.
    ///
    /// # Errors
    /// [`StartError::NotAtHead`] when the fold is not of the whole log.
    pub fn resume(mut log: L, replay: Replay) -> Result<Self, StartError> {
        let patience = Patience::default();
        let head = log
            .head(patience.deadline())
            .map_err(|error| StartError::Replay(error.into()))?;
        let folded = replay.position();
        if folded != head.position {
            let head = head.position;
            return Err(StartError::NotAtHead { folded, head });
        }
        let counters = Arc::new(Counters::new());
        let limits = FrameLimits::default();
        let (id, book_options) = (log.id(), replay.book_options().clone());
        let sequencer = Sequencer::counted(replay, head, id, limits, Arc::clone(&counters));
        Ok(Self {
            role: Role::Leader(Box::new(sequencer)),
            reader: log.reader(),
            log: id,
            driver: LogDriver::new(log, patience),
            book_options,
            limits,
            clock_limits: ClockLimits::default(),
            succession: Succession::default(),
            leads_again: false,
            unproven: false,
            restore: None,
            failure: None,
            counters,
        })
    }

    /// Ends the engine and gives the log back.
    #[must_use]
    pub fn into_log(self) -> L {
        self.driver.into_log()
    }

    /// The same engine with other limits.
    #[must_use]
    pub fn with_limits(mut self, limits: FrameLimits) -> Self {
        self.limits = limits;
        if let Role::Leader(sequencer) = &mut self.role {
            sequencer.set_limits(limits);
        }
        self
    }

    /// The same engine, which believes clocks within other limits.
    #[must_use]
    pub fn with_clock_limits(mut self, limits: ClockLimits) -> Self {
        self.clock_limits = limits;
        if let Role::Leader(sequencer) = &mut self.role {
            sequencer.set_clock_limits(limits);
        }
        self
    }

    pub(crate) fn clock_limits(&self) -> ClockLimits {
        self.clock_limits
    }

    pub(crate) fn seen_at(&self) -> Option<Timestamp> {
        match &self.role {
            Role::Leader(sequencer) => sequencer.seen_at(),
            Role::Standby(_) => None,
        }
    }

    /// When the last record says that it was recorded; none before the first, and of a standby.
    #[must_use]
    pub fn recorded_at(&self) -> Option<Timestamp> {
        match &self.role {
            Role::Leader(sequencer) => sequencer.recorded_at(),
            Role::Standby(_) => None,
        }
    }

    /// The same engine, with another patience for its log.
    #[must_use]
    pub fn with_patience(mut self, patience: Patience) -> Self {
        self.driver.set_patience(patience);
        self
    }

    /// The same engine, which does something else when another writer has appended.
    #[must_use]
    pub fn with_succession(self, succession: Succession) -> Self {
        Self { succession, ..self }
    }

    pub(crate) fn with_restore(mut self, restore: Restore) -> Self {
        self.restore = Some(restore);
        self
    }

    /// Applies commands in order and makes them durable: one frame and one sync, or a few when
    /// they are more than [`FrameLimits`] allow in one. The answers come in the order of the
    /// commands, and only after the last sync.
    ///
    /// # Errors
    /// None of the commands is acknowledged then. Those in frames before the one that was not
    /// appended are on the roll; of the others nothing is, unless the error is
    /// [`ExecuteError::Failed`]: then they may be, and every further call fails.
    pub fn execute(
        &mut self,
        commands: Vec<Command>,
    ) -> Result<Vec<Result<Outcome, Refusal>>, ExecuteError> {
        self.lead_again()?;
        let mut staged = Vec::with_capacity(commands.len());
        for command in commands {
            if self.is_full() {
                self.commit()?;
            }
            staged.push(self.stage(command)?);
        }
        self.commit()?;
        staged
            .into_iter()
            .map(|staged| match staged {
                StagedCommand::Applied(outcome) => Ok(Ok(outcome)),
                StagedCommand::Refused(refusal) => Ok(Err(refusal)),
                StagedCommand::Repeated { first, events } => {
                    // The whole call fails, since an answer has to be there for each command.
                    let outcome = Outcome::read_back(&*self.reader, first, events);
                    let outcome = outcome.map_err(|failure| self.fail(failure))?;
                    Ok(Ok(outcome))
                }
            })
            .collect()
    }

    /// The state. After a failure it may be ahead of the log and is good for nothing; that of a
    /// standby is as far as it has folded.
    #[must_use]
    pub fn book(&self) -> &Book {
        match &self.role {
            Role::Leader(sequencer) => sequencer.book(),
            Role::Standby(standby) => standby.book(),
        }
    }

    /// The state as a snapshot keeps it; none before the first record, while something is
    /// staged or under way, or after a failure: then the state is ahead of the log.
    #[must_use]
    pub fn moment(&self) -> Option<Moment<'_>> {
        match (&self.failure, &self.role) {
            (Some(_), _) => None,
            (None, Role::Leader(sequencer)) => sequencer.moment(),
            (None, Role::Standby(standby)) => standby.moment(self.log),
        }
    }

    /// The last position that is known to be durable.
    #[must_use]
    pub fn head(&self) -> Position {
        self.durable().position
    }

    /// The last position that is in the state, of those that are durable.
    pub(crate) fn folded(&self) -> Position {
        match &self.role {
            Role::Leader(sequencer) => sequencer.head().position,
            Role::Standby(standby) => standby.head().position,
        }
    }

    fn durable(&self) -> Head {
        match &self.role {
            Role::Leader(sequencer) => sequencer.head(),
            Role::Standby(standby) => standby.durable(),
        }
    }

    /// Whether commands are decided here. If not, another writer has appended, and this engine
    /// follows.
    #[must_use]
    pub fn leads(&self) -> bool {
        matches!(self.role, Role::Leader(_))
    }

    /// Why the engine has stopped, if it has.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    #[must_use]
    pub fn metrics(&self) -> EngineMetrics {
        self.counters.read()
    }

    /// A reader of the durable records, for other threads.
    #[must_use]
    pub fn reader(&self) -> Arc<dyn LogReader> {
        Arc::clone(&self.reader)
    }

    /// For when nothing waits: a part of what makes later appends quicker. Answers whether there
    /// is more to do. See [`Log::idle`].
    ///
    /// # Errors
    /// The engine is at its end then, as after a failed append.
    pub fn idle(&mut self) -> Result<bool, Failure> {
        self.check_alive()?;
        if self.is_under_way() || !self.leads() {
            return Ok(false);
        }
        let done = self.driver.idle();
        done.map_err(|error| self.fail(Failure::Append(Arc::new(error))))
    }

    /// The state and where it is durable; none while it is ahead of the log, or a standby has not
    /// folded what is known to be durable.
    pub(crate) fn durable_book(&self) -> Option<(Position, &Book)> {
        match &self.role {
            Role::Leader(sequencer) => {
                let head = sequencer.head().position;
                (head == sequencer.staged()).then(|| (head, sequencer.book()))
            }
            Role::Standby(standby) => {
                let head = standby.head();
                (head == standby.durable()).then(|| (head.position, standby.book()))
            }
        }
    }

    pub(crate) fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.counters)
    }

    pub(crate) fn patience(&self) -> Patience {
        self.driver.patience()
    }

    pub(crate) fn is_full(&self) -> bool {
        match &self.role {
            Role::Leader(sequencer) => sequencer.is_full(),
            Role::Standby(_) => false,
        }
    }

    /// The position that has to be durable before any command that was staged is answered.
    pub(crate) fn staged(&self) -> Position {
        match &self.role {
            Role::Leader(sequencer) => sequencer.staged(),
            Role::Standby(standby) => standby.durable().position,
        }
    }

    /// See [`Sequencer::stage`].
    pub(crate) fn stage(&mut self, command: Command) -> Result<StagedCommand, ExecuteError> {
        let Role::Leader(sequencer) = &mut self.role else {
            return Err(ExecuteError::Superseded);
        };
        let staged = match sequencer.stage(command) {
            Ok(staged) => staged,
            Err(fault) => return Err(self.fail(fault.into()).into()),
        };
        let is_without_records = match &staged {
            StagedCommand::Refused(_) => true,
            StagedCommand::Applied(outcome) => outcome.is_empty(),
            // Its records are on the log, whichever writer leads.
            StagedCommand::Repeated { .. } => false,
        };
        self.unproven |= is_without_records && !sequencer.has_frame();
        Ok(staged)
    }

    /// Asks the log whether this engine still leads, if something was decided that no append
    /// shows. Nothing may be under way.
    pub(crate) fn prove_lead(&mut self) -> Result<(), ExecuteError> {
        if !self.unproven {
            return Ok(());
        }
        self.unproven = false;
        let known = self.durable();
        match self.driver.head() {
            Ok(end) if end == known => Ok(()),
            Ok(end) => Err(self.superseded(known, end)),
            Err(error) if error.is_transient() => {
                // What else is staged must not be appended after it was turned away.
                self.step_down(true);
                Err(ExecuteError::Unavailable(Arc::new(error)))
            }
            Err(error) => Err(self.unreadable(error).into()),
        }
    }

    /// Makes everything durable that was staged: one frame, unless a command closed one before
    /// it.
    pub(crate) fn commit(&mut self) -> Result<(), ExecuteError> {
        self.settle(true)?;
        while let Role::Leader(sequencer) = &mut self.role
            && let Some(frame) = sequencer.take_frame()
        {
            let appended = self.driver.append(frame);
            self.appended(appended)?;
        }
        self.prove_lead()
    }

    /// Takes notice of the frame under way once it is durable, or waits for it.
    pub(crate) fn settle(&mut self, wait: bool) -> Result<(), ExecuteError> {
        self.check_alive()?;
        match self.driver.finished(wait) {
            Ok(None) => Ok(()),
            Ok(Some(appended)) => self.appended(appended),
            Err(LogThreadPanicked) => Err(self.log_panicked().into()),
        }
    }

    /// Gives the next frame to the log's thread, and goes on. None may be under way.
    pub(crate) fn hand_over(&mut self) -> Result<(), ExecuteError> {
        self.check_alive()?;
        if let Role::Leader(sequencer) = &mut self.role
            && let Some(frame) = sequencer.take_frame()
        {
            let handed = self.driver.hand_over(frame);
            handed.map_err(|LogThreadPanicked| self.log_panicked())?;
        }
        Ok(())
    }

    /// Whether a frame is with the log's thread.
    pub(crate) fn is_under_way(&self) -> bool {
        self.driver.is_under_way()
    }

    /// Whether anything is staged that was not handed over.
    pub(crate) fn has_frame(&self) -> bool {
        match &self.role {
            Role::Leader(sequencer) => sequencer.has_frame(),
            Role::Standby(_) => false,
        }
    }

    /// Gives the log a thread of its own. `wake` is called there when a frame is done.
    pub(crate) fn start_thread(&mut self, wake: impl Fn() + Send + 'static)
    where
        L: 'static,
    {
        self.driver.start_thread(wake);
    }

    /// Ends the log's thread. Nothing may be under way.
    pub(crate) fn end_thread(&mut self) {
        self.driver.end_thread();
    }

    /// Ends the engine when rows could not be put away or read back. What is staged is never
    /// appended then.
    pub(crate) fn check_rows(&mut self) -> Result<(), Failure> {
        match self.book().fault().cloned() {
            None => Ok(()),
            Some(fault) => Err(self.fail(fault.into())),
        }
    }

    fn appended(&mut self, appended: AppendReport) -> Result<(), ExecuteError> {
        let AppendReport {
            frame,
            settlement,
            took,
        } = appended;
        self.counters.retried(settlement.retries);
        let committed = match settlement.verdict {
            Verdict::Committed(committed) => committed,
            Verdict::Superseded { actual } => return Err(self.superseded(frame.after, actual)),
            // The state is ahead of a log that will never follow, so it is of no use.
            Verdict::NotAppended(error) if error.remedy() == Remedy::Retry => {
                self.step_down(true);
                return Err(ExecuteError::Unavailable(Arc::new(error)));
            }
            // Whether the log holds what was staged, only opening it again can tell.
            Verdict::NotAppended(error) | Verdict::InDoubt(error) => {
                return Err(self.fail(Failure::Append(Arc::new(error))).into());
            }
        };
        let (records, bytes) = (frame.batch.len() as u64, frame.batch.byte_len() as u64);
        if let Role::Leader(sequencer) = &mut self.role {
            let confirmed = sequencer.confirm(frame, committed.head);
            confirmed.map_err(|misplaced| self.fail(misplaced.into()))?;
        }
        self.counters.append(records, bytes, took);
        Ok(())
    }

    fn check_alive(&self) -> Result<(), Failure> {
        self.failure.clone().map_or(Ok(()), Err)
    }

    fn fail(&mut self, failure: Failure) -> Failure {
        self.failure.get_or_insert(failure).clone()
    }

    fn unreadable(&mut self, error: LogReadError) -> Failure {
        self.fail(Failure::Refold(Arc::new(ReplayError::Read(error))))
    }

    fn log_panicked(&mut self) -> Failure {
        self.fail(Failure::Panicked("while a frame was appended".into()))
    }
}
