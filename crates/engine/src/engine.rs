//! The synchronous engine: stage commands, then commit what was staged as one frame.
//!
//! Staging decides a command, encodes its records into the frame that is being built and folds
//! them into the book at once, so that the next command sees them. The state is therefore ahead
//! of the log between staging and commit. Nobody outside may see that, which is why outcomes
//! and refusals alike are handed out only after the commit.

use std::sync::Arc;
use std::time::Instant;

use tillroll_book::{Action, Book, Command, Decided, Decision, PostEntries, Refusal};
use tillroll_events::{Record, Timestamp};
use tillroll_log::{
    Batch, FileLog, Log, LogId, LogReader, MAX_FRAME_BYTES, Position, RecoveryReport, Storage,
};

use crate::log::{Appended, Beside, FrameSink, Gone};
use crate::metrics::Counters;
use crate::replay::is_step;
use crate::{
    BookOptions, EngineMetrics, Failure, Moment, Outcome, Replay, ReplayError, StartError, event_id,
};

/// How much goes into one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameLimits {
    /// No further command is added to a frame that has this many records. A bound on how long
    /// the first of a batch waits for the last.
    pub batch_records: usize,
    /// The same in bytes.
    pub batch_bytes: usize,
    /// The most that the log takes in one frame, in bytes of records with four bytes before
    /// each. A command that alone needs more is refused.
    pub frame_bytes: usize,
}

impl Default for FrameLimits {
    fn default() -> Self {
        Self {
            batch_records: 16_384,
            batch_bytes: 4 * 1024 * 1024,
            frame_bytes: MAX_FRAME_BYTES,
        }
    }
}

/// What became of a staged command. It turns into an answer after the commit.
#[derive(Debug)]
pub(crate) enum Staged {
    Ready(Outcome),
    /// Applied before. It may have been so in the batch that is being built, but after the
    /// commit the records are in the log either way.
    Known {
        first: Position,
        events: u32,
    },
    Refused(Refusal),
}

/// The single writer of a book.
pub struct Engine<L> {
    log: L,
    reader: Arc<dyn LogReader>,
    book: Book,
    book_id: [u8; 16],
    /// Of the last record; the next one is not recorded earlier.
    recorded_at: Option<Timestamp>,
    limits: FrameLimits,
    /// The frame that is being built.
    batch: Batch,
    /// Memory for the next one.
    spare: Batch,
    /// The last position that the log has, or will have once the frame under way is done.
    handed: Position,
    /// How much is under way, in bytes of records.
    handed_bytes: u64,
    committed: Position,
    failure: Option<Failure>,
    counters: Arc<Counters>,
}

impl<L> std::fmt::Debug for Engine<L> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("committed", &self.committed)
            .field("staged", &self.batch.len())
            .field("failure", &self.failure)
            .finish_non_exhaustive()
    }
}

impl<J: Log> Engine<J> {
    /// Folds the whole log and starts at its end. `book_id` goes into the ids of events and
    /// has to be the same for the life of a book. `progress` gets the position every 1,024
    /// records and at the end.
    ///
    /// # Errors
    /// The first record that cannot be read or understood, with its position.
    pub fn open(
        log: J,
        book_id: [u8; 16],
        book_options: impl Into<BookOptions>,
        mut progress: impl FnMut(Position),
    ) -> Result<Self, StartError> {
        let mut replay = Replay::new(book_options);
        replay.run(&*log.reader(), None, &mut progress)?;
        Self::resume(log, book_id, replay)
    }

    /// Starts from a fold of the log that somebody has made already.
    ///
    /// # Errors
    /// [`StartError::NotAtHead`] when the fold is not of the whole log.
    pub fn resume(log: J, book_id: [u8; 16], replay: Replay) -> Result<Self, StartError> {
        let head = log.head().position;
        let (book, folded, recorded_at) = replay.into_parts();
        if folded != head {
            return Err(StartError::NotAtHead { folded, head });
        }
        Ok(Self {
            reader: log.reader(),
            log,
            book,
            book_id,
            recorded_at,
            limits: FrameLimits::default(),
            batch: Batch::new(),
            spare: Batch::new(),
            handed: head,
            handed_bytes: 0,
            committed: head,
            failure: None,
            counters: Arc::new(Counters::new()),
        })
    }

    /// Ends the engine and gives the log back.
    #[must_use]
    pub fn into_log(self) -> J {
        self.log
    }
}

impl<L: FrameSink> Engine<L> {
    /// The same engine with other limits.
    #[must_use]
    pub fn with_limits(mut self, limits: FrameLimits) -> Self {
        self.limits = limits;
        self
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
                Staged::Ready(outcome) => Ok(Ok(outcome)),
                Staged::Refused(refusal) => Ok(Err(refusal)),
                Staged::Known { first, events } => {
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
        &self.book
    }

    /// The state as a snapshot keeps it; none before the first record, while something is
    /// staged or under way, or after a failure: then the state is ahead of the log.
    #[must_use]
    pub fn moment(&self) -> Option<Moment<'_>> {
        let head = self.reader.head();
        let ahead = self.staged_head() != self.committed || head.position != self.committed;
        if self.failure.is_some() || ahead {
            return None;
        }
        Some(Moment {
            book: &self.book,
            log: LogId::new(self.book_id),
            head,
            recorded_at: self.recorded_at?,
        })
    }

    /// The last durable position.
    #[must_use]
    pub fn head(&self) -> Position {
        self.committed
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

    pub(crate) fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.counters)
    }

    pub(crate) fn is_full(&self) -> bool {
        self.batch.len() >= self.limits.batch_records
            || self.batch.byte_len() >= self.limits.batch_bytes
    }

    /// Decides a command and folds what it does into the state. What it answers must not be
    /// told to anybody before [`Engine::commit`].
    pub(crate) fn stage(&mut self, mut command: Command) -> Result<Staged, Failure> {
        // The clock of the caller may have been set back. The roll's time runs on, and the book
        // decides by it: a hold that has expired stays so.
        command.at = self
            .recorded_at
            .map_or(command.at, |last| last.max(command.at));
        self.counters.command();
        let decision = match &command.action {
            Action::PostEntries(request) if self.has_room_for(request)? => {
                let decision = self.book.post_bulk(&command, request);
                if let Ok(Decision::Append(decided)) = decision {
                    return self.stage_posted(&command, decided);
                }
                decision
            }
            _ => self.book.decide(&command),
        };
        // What was decided without a row that is there must not be believed, whatever it is.
        self.check_rows()?;
        let staged = match decision {
            Ok(Decision::Append(decided)) if decided.is_empty() => {
                Staged::Ready(Outcome::nothing_new(self.staged_head()))
            }
            Ok(Decision::Append(decided)) => self.stage_run(&command, decided)?,
            Ok(Decision::AlreadyApplied { first, events }) => {
                self.counters.replay();
                Staged::Known {
                    first: Position::new(first),
                    events,
                }
            }
            Err(refusal) => Staged::Refused(refusal),
        };
        if let Staged::Refused(_) = staged {
            self.counters.refusal();
        }
        Ok(staged)
    }

    /// Makes everything durable that was staged, as one frame where nothing is under way.
    pub(crate) fn commit(&mut self) -> Result<(), Failure> {
        self.settle(true)?;
        if self.batch.is_empty() {
            return Ok(());
        }
        let mut batch = std::mem::take(&mut self.batch);
        self.note_handed(&batch);
        let started = Instant::now();
        let result = self.log.write(&mut batch);
        self.appended(Appended {
            batch,
            result,
            took: started.elapsed(),
        })
    }

    /// For when nothing waits: a part of what makes later appends quicker. Answers whether there
    /// is more to do. See [`Log::make_room`].
    ///
    /// # Errors
    /// The engine is at its end then, as after a failed append.
    pub fn make_room(&mut self) -> Result<bool, Failure> {
        self.check_alive()?;
        if self.is_under_way() {
            return Ok(false);
        }
        let made = self.log.room();
        made.map_err(|error| self.fail(Failure::Append(Arc::new(error))))
    }

    /// Takes notice of the frame under way once it is durable, or waits for it.
    pub(crate) fn settle(&mut self, wait: bool) -> Result<(), Failure> {
        self.check_alive()?;
        match self.log.settle(wait) {
            Ok(None) => Ok(()),
            Ok(Some(appended)) => self.appended(appended),
            Err(Gone) => Err(self.fail(gone())),
        }
    }

    /// Whether a frame is with the log's thread.
    pub(crate) fn is_under_way(&self) -> bool {
        self.log.is_under_way()
    }

    /// Whether anything is staged that was not handed over.
    pub(crate) fn has_staged(&self) -> bool {
        !self.batch.is_empty()
    }

    fn note_handed(&mut self, batch: &Batch) {
        self.handed = Position::new(self.handed.get() + batch.len() as u64);
        self.handed_bytes = batch.byte_len() as u64;
    }

    fn appended(&mut self, appended: Appended) -> Result<(), Failure> {
        let Appended {
            mut batch,
            result,
            took,
        } = appended;
        match result {
            Ok(committed) => assert_eq!(
                committed.last, self.handed,
                "the log numbers records from its head on"
            ),
            // The book holds what was staged, the log may hold it or not, and only recovery can
            // tell. Taking the events back out of the state is no way out: the next append
            // would follow a log whose end nobody knows. So the engine ends here.
            Err(error) => return Err(self.fail(Failure::Append(Arc::new(error)))),
        }
        let records = self.handed.get() - self.committed.get();
        self.counters.append(records, self.handed_bytes, took);
        self.committed = self.handed;
        // One huge command must not keep its memory for ever.
        if batch.byte_len() <= 2 * self.limits.batch_bytes {
            batch.clear();
            match self.batch.is_empty() {
                true => self.batch = batch,
                false => self.spare = batch,
            }
        }
        Ok(())
    }

    fn staged_head(&self) -> Position {
        Position::new(self.handed.get() + self.batch.len() as u64)
    }

    fn check_alive(&self) -> Result<(), Failure> {
        self.failure.clone().map_or(Ok(()), Err)
    }

    /// Ends the engine when rows could not be put away or read back. What is staged is never
    /// appended then.
    pub(crate) fn check_rows(&mut self) -> Result<(), Failure> {
        match self.book.fault().cloned() {
            None => Ok(()),
            Some(fault) => Err(self.fail(fault.into())),
        }
    }

    fn fail(&mut self, failure: Failure) -> Failure {
        self.failure.get_or_insert(failure).clone()
    }

    fn stage_run(&mut self, command: &Command, decided: Vec<Decided>) -> Result<Staged, Failure> {
        let run = self.records_of(command, decided);
        let mut encoded = self.encode(&run);
        if encoded.is_err() && !self.batch.is_empty() {
            // It may fit into a frame of its own. Positions stay as they are.
            self.commit()?;
            encoded = self.encode(&run);
        }
        if let Err(DoesNotFit) = encoded {
            return Ok(Staged::Refused(too_large(&command.action, self.limits)));
        }
        // Only now, when nothing can refuse it any more, does it become state.
        for (position, record) in &run {
            self.book.evolve(position.get(), record);
        }
        self.check_rows()?;
        self.recorded_at = Some(command.at);
        Ok(Staged::Ready(Outcome::of_run(run, false)))
    }

    /// Whether the records of a bulk command fit into a frame, whatever becomes of its entries;
    /// then there is room for them in the one that is being built. Only so may its entries be
    /// posted before they are encoded.
    fn has_room_for(&mut self, request: &PostEntries) -> Result<bool, Failure> {
        let bytes = Book::bulk_bytes_at_most(request);
        if bytes > self.limits.frame_bytes {
            return Ok(false);
        }
        if self.batch.byte_len() + bytes > self.limits.frame_bytes {
            self.commit()?;
        }
        Ok(true)
    }

    /// Encodes what the book has posted already.
    fn stage_posted(
        &mut self,
        command: &Command,
        decided: Vec<Decided>,
    ) -> Result<Staged, Failure> {
        self.check_rows()?;
        let run = self.records_of(command, decided);
        assert!(
            self.encode(&run).is_ok(),
            "the records of a bulk command are no longer than was reckoned"
        );
        for (position, record) in &run {
            self.book.evolve_posted(position.get(), record);
        }
        self.check_rows()?;
        self.recorded_at = Some(command.at);
        Ok(Staged::Ready(Outcome::of_run(run, false)))
    }

    fn records_of(&self, command: &Command, decided: Vec<Decided>) -> Vec<(Position, Record)> {
        let id = |position| event_id(&self.book_id, Position::new(position), command.at);
        command
            .records(self.staged_head().next().get(), decided, id)
            .map(|(position, record)| (Position::new(position), record))
            .collect()
    }

    /// Adds the records of a command to the frame: all of them or none.
    fn encode(&mut self, run: &[(Position, Record)]) -> Result<(), DoesNotFit> {
        let before = self.batch.len();
        let fits = run.iter().all(|(_, record)| {
            let pushed = self.batch.push_with(|buffer| record.encode(buffer));
            pushed.is_ok() && self.batch.byte_len() <= self.limits.frame_bytes
        });
        if fits {
            return Ok(());
        }
        // A batch cannot be cut, so what was in it is copied. This is rare: it takes a command
        // larger than what is left of a frame.
        let mut kept = Batch::new();
        for (_, record) in self.batch.records(Position::FIRST).take(before) {
            kept.push(record).expect("it was in a batch before");
        }
        self.batch = kept;
        Err(DoesNotFit)
    }
}

impl<J: Log> Engine<J> {
    /// Gives the log a thread of its own. `wake` is called there when a frame is done.
    pub(crate) fn beside(self, wake: impl Fn() + Send + 'static) -> Engine<Beside<J>>
    where
        J: 'static,
    {
        self.over(|log| Beside::start(log, wake))
    }
}

impl<J: Log> Engine<Beside<J>> {
    /// Gives what was staged, which must not be nothing, to the log's thread, and goes on.
    /// Nothing may be under way.
    pub(crate) fn hand_over(&mut self) -> Result<(), Failure> {
        self.check_alive()?;
        assert!(self.has_staged(), "a frame has records");
        let spare = std::mem::take(&mut self.spare);
        let batch = std::mem::replace(&mut self.batch, spare);
        self.note_handed(&batch);
        let handed = self.log.hand_over(batch);
        handed.map_err(|Gone| self.fail(gone()))
    }

    /// The same engine without the thread. Nothing may be under way.
    pub(crate) fn alone(self) -> Engine<J> {
        self.over(Beside::end)
    }
}

impl<L> Engine<L> {
    /// The same engine over another log.
    fn over<M>(self, change: impl FnOnce(L) -> M) -> Engine<M> {
        Engine {
            log: change(self.log),
            reader: self.reader,
            book: self.book,
            book_id: self.book_id,
            recorded_at: self.recorded_at,
            limits: self.limits,
            batch: self.batch,
            spare: self.spare,
            handed: self.handed,
            handed_bytes: self.handed_bytes,
            committed: self.committed,
            failure: self.failure,
            counters: self.counters,
        }
    }
}

fn gone() -> Failure {
    Failure::Panicked("while a frame was appended".into())
}

impl<S: Storage> Engine<FileLog<S>> {
    /// Opens a log in files and folds it while recovery reads it, so that a start reads it once.
    /// The id of the log is that of the book. `options` must ask for every record to be
    /// checked, as they do by default: those that recovery skips are missing from the fold.
    ///
    /// # Errors
    /// When the log is damaged or cannot be understood. A log that cannot be understood has
    /// been recovered all the same: a torn tail is cut then.
    pub fn open_files(
        storage: S,
        options: tillroll_log::Options,
        book_options: impl Into<BookOptions>,
        mut progress: impl FnMut(Position),
    ) -> Result<(Self, RecoveryReport), StartError> {
        let mut replay = Replay::new(book_options);
        let mut wrong: Option<ReplayError> = None;
        let (log, report) = FileLog::open_with(storage, options, |position, bytes| {
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

/// A command's records exceed what is left of a frame.
struct DoesNotFit;

fn too_large(action: &Action, limits: FrameLimits) -> Refusal {
    let param = match action {
        Action::PostEntries(_) => "entries",
        Action::PostEntry(_) | Action::PlaceHold(_) | Action::CaptureHold(_) => "postings",
        Action::PlaceOrder(_) | Action::ReceiveStock(_) => "lines",
        Action::RecordBalanceTransactions(_) => "data",
        Action::Observe(_)
        | Action::OpenAccount(_)
        | Action::VoidHold(_)
        | Action::ExpireHolds
        | Action::FulfilOrder(_)
        | Action::CancelOrder(_) => "body",
    };
    Refusal::Invalid {
        param: param.into(),
        detail: format!(
            "its events take more than the {} bytes that are recorded at once: send it in parts",
            limits.frame_bytes
        ),
    }
}
