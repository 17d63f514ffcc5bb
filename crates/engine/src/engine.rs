//! The synchronous engine: a sequencer and the log that its frames go to.
//!
//! What a sequencer has staged is ahead of the log. The engine hands out answers only after the
//! log has caught up.

use std::sync::Arc;

use tillroll_book::{Book, Command, Refusal};
use tillroll_log::{Deadline, Log, LogReader, LogStore, OpenRequest, Position, RecoveryReport};

use crate::log_driver::{Appended, LogDriver};
use crate::log_thread::LogThreadPanicked;
use crate::metrics::Counters;
use crate::replay::is_step;
use crate::sequencer::Sequencer;
use crate::{
    BookOptions, EngineMetrics, Failure, FrameLimits, Moment, Outcome, Replay, ReplayError, Staged,
    StartError,
};

/// The single writer of a book.
pub struct Engine<L> {
    sequencer: Sequencer,
    driver: LogDriver<L>,
    reader: Arc<dyn LogReader>,
    failure: Option<Failure>,
    counters: Arc<Counters>,
}

impl<L> std::fmt::Debug for Engine<L> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("sequencer", &self.sequencer)
            .field("failure", &self.failure)
            .finish_non_exhaustive()
    }
}

impl<L: Log> Engine<L> {
    /// Folds the whole log and starts at its end. `book_id` goes into the ids of events and
    /// has to be the same for the life of a book. `progress` gets the position every 1,024
    /// records and at the end.
    ///
    /// # Errors
    /// The first record that cannot be read or understood, with its position.
    pub fn open(
        log: L,
        book_id: [u8; 16],
        book_options: impl Into<BookOptions>,
        mut progress: impl FnMut(Position),
    ) -> Result<Self, StartError> {
        let mut replay = Replay::new(book_options);
        replay.run(&*log.reader(), None, &mut progress)?;
        Self::resume(log, book_id, replay)
    }

    /// Starts from a fold of the log that was made already.
    ///
    /// # Errors
    /// [`StartError::NotAtHead`] when the fold is not of the whole log.
    pub fn resume(mut log: L, book_id: [u8; 16], replay: Replay) -> Result<Self, StartError> {
        let head = log.head(Deadline::NEVER).map_err(ReplayError::from)?;
        let folded = replay.position();
        if folded != head.position {
            let head = head.position;
            return Err(StartError::NotAtHead { folded, head });
        }
        let counters = Arc::new(Counters::new());
        let limits = FrameLimits::default();
        Ok(Self {
            reader: log.reader(),
            sequencer: Sequencer::counted(replay, head, book_id, limits, Arc::clone(&counters)),
            driver: LogDriver::new(log),
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
    pub fn with_limits(self, limits: FrameLimits) -> Self {
        let sequencer = self.sequencer.with_limits(limits);
        Self { sequencer, ..self }
    }

    /// Applies commands in order and makes them durable: one frame and one sync, or a few when
    /// they are more than [`FrameLimits`] allow in one. The answers come in the order of the
    /// commands, and only after the last sync.
    ///
    /// # Errors
    /// A failure, after which every call fails. None of the commands is acknowledged then;
    /// those in frames before the one that failed are on the roll, the others may be.
    pub fn execute(
        &mut self,
        commands: Vec<Command>,
    ) -> Result<Vec<Result<Outcome, Refusal>>, Failure> {
        self.check_alive()?;
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
                Staged::Applied(outcome) => Ok(Ok(outcome)),
                Staged::Refused(refusal) => Ok(Err(refusal)),
                Staged::Repeated { first, events } => {
                    // The whole call fails, since an answer has to be there for each command.
                    let outcome = Outcome::read_back(&*self.reader, first, events);
                    outcome.map(Ok).map_err(|failure| self.fail(failure))
                }
            })
            .collect()
    }

    /// The state. After a failure it may be ahead of the log and is good for nothing.
    #[must_use]
    pub fn book(&self) -> &Book {
        self.sequencer.book()
    }

    /// The state as a snapshot keeps it; none before the first record, while something is
    /// staged or under way, or after a failure: then the state is ahead of the log.
    #[must_use]
    pub fn moment(&self) -> Option<Moment<'_>> {
        match self.failure {
            Some(_) => None,
            None => self.sequencer.moment(),
        }
    }

    /// The last durable position.
    #[must_use]
    pub fn head(&self) -> Position {
        self.sequencer.head().position
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
        if self.is_under_way() {
            return Ok(false);
        }
        let made = self.driver.idle();
        made.map_err(|error| self.fail(Failure::Append(Arc::new(error))))
    }

    pub(crate) fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.counters)
    }

    pub(crate) fn is_full(&self) -> bool {
        self.sequencer.is_full()
    }

    /// The position that has to be durable before any command that was staged is answered.
    pub(crate) fn staged(&self) -> Position {
        self.sequencer.staged()
    }

    /// See [`Sequencer::stage`].
    pub(crate) fn stage(&mut self, command: Command) -> Result<Staged, Failure> {
        let staged = self.sequencer.stage(command);
        staged.map_err(|fault| self.fail(fault.into()))
    }

    /// Makes everything durable that was staged: one frame, unless a command closed one before
    /// it.
    pub(crate) fn commit(&mut self) -> Result<(), Failure> {
        self.settle(true)?;
        while let Some(frame) = self.sequencer.take_frame() {
            let appended = self.driver.append(frame);
            self.appended(appended)?;
        }
        Ok(())
    }

    /// Takes notice of the frame under way once it is durable, or waits for it.
    pub(crate) fn settle(&mut self, wait: bool) -> Result<(), Failure> {
        self.check_alive()?;
        match self.driver.finished(wait) {
            Ok(None) => Ok(()),
            Ok(Some(appended)) => self.appended(appended),
            Err(LogThreadPanicked) => Err(self.log_panicked()),
        }
    }

    /// Gives the next frame to the log's thread, and goes on. None may be under way.
    pub(crate) fn hand_over(&mut self) -> Result<(), Failure> {
        self.check_alive()?;
        let Some(frame) = self.sequencer.take_frame() else {
            return Ok(());
        };
        let handed = self.driver.hand_over(frame);
        handed.map_err(|LogThreadPanicked| self.log_panicked())
    }

    /// Whether a frame is with the log's thread.
    pub(crate) fn is_under_way(&self) -> bool {
        self.driver.is_under_way()
    }

    /// Whether anything is staged that was not handed over.
    pub(crate) fn has_frame(&self) -> bool {
        self.sequencer.has_frame()
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
        let checked = self.sequencer.check_rows();
        checked.map_err(|fault| self.fail(fault.into()))
    }

    fn appended(&mut self, appended: Appended) -> Result<(), Failure> {
        let Appended {
            frame,
            result,
            took,
        } = appended;
        // The book holds what was staged, the log may hold it or not, and only recovery can
        // tell. Taking the events back out of the state is no way out: the next append
        // would follow a log whose end nobody knows. So the engine ends here.
        let committed = result.map_err(|error| self.fail(Failure::Append(Arc::new(error))))?;
        let (records, bytes) = (frame.batch.len() as u64, frame.batch.byte_len() as u64);
        let confirmed = self.sequencer.confirm(frame, committed.head);
        confirmed.map_err(|misplaced| self.fail(misplaced.into()))?;
        self.counters.append(records, bytes, took);
        Ok(())
    }

    fn check_alive(&self) -> Result<(), Failure> {
        self.failure.clone().map_or(Ok(()), Err)
    }

    fn fail(&mut self, failure: Failure) -> Failure {
        self.failure.get_or_insert(failure).clone()
    }

    fn log_panicked(&mut self) -> Failure {
        self.fail(Failure::Panicked("while a frame was appended".into()))
    }
}

impl<L: Log + 'static> Engine<L> {
    /// Opens a log and folds it while recovery reads it, so that a start reads it once. The id of
    /// the log is that of the book. `request` must ask for every record to be checked, as it does
    /// by default: those that recovery skips are missing from the fold.
    ///
    /// # Errors
    /// When the log is damaged or cannot be understood. A log that cannot be understood has
    /// been recovered all the same: a torn tail is cut then.
    pub fn open_store(
        store: impl LogStore<Log = L>,
        request: &OpenRequest,
        book_options: impl Into<BookOptions>,
        mut progress: impl FnMut(Position),
    ) -> Result<(Self, RecoveryReport), StartError> {
        let mut replay = Replay::new(book_options);
        let mut wrong: Option<ReplayError> = None;
        let (log, report) = store.open(request, &mut |position, bytes| {
            if wrong.is_none() {
                wrong = replay.fold(position, bytes).err();
                if is_step(position) {
                    progress(position);
                }
            }
        })?;
        if let Some(error) = wrong {
            return Err(error.into());
        }
        progress(replay.position());
        let book_id = *log.id().as_bytes();
        Ok((Self::resume(log, book_id, replay)?, report))
    }
}
