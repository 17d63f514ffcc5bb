//! Commands in, frames out: the part of the engine that decides, and nothing else.
//!
//! Staging decides a command, encodes its records into the frame that is being built and folds
//! them into the book at once, so that the next command sees them. The state is therefore ahead
//! of the log until [`Sequencer::confirm`] says that the log has caught up. No caller may
//! see that: outcomes and refusals alike are handed out only when [`Sequencer::head`] has
//! reached the position that [`Sequencer::staged`] had after them.
//!
//! It knows no log, thread or clock. One frame is under way at a time, because a frame names the
//! hash of the one before it.

use std::collections::VecDeque;
use std::sync::Arc;

use tillroll_book::clock::{ClockFault, ClockLimits};
use tillroll_book::{Action, Book, ColdFault, Command, Decided, Decision, PostEntries, Refusal};
use tillroll_events::{Record, Timestamp};
use tillroll_log::{Batch, Head, LogId, Position};

use crate::metrics::Counters;
use crate::{BookOptions, FrameLimits, Moment, Outcome, Replay, event_id};

/// What became of a staged command. It turns into an answer once everything is durable that it
/// was decided on.
#[derive(Debug)]
pub enum StagedCommand {
    Applied(Outcome),
    /// Applied before, maybe in the frame that is being built: its records are read from the log
    /// when they are durable.
    Repeated {
        first: Position,
        events: u32,
    },
    Refused(Refusal),
}

/// A frame to be appended.
#[derive(Debug)]
pub struct PendingFrame {
    /// The end of the log that it was decided on.
    pub after: Head,
    /// Its records.
    pub batch: Batch,
}

impl PendingFrame {
    /// Position of its last record.
    #[must_use]
    pub fn last(&self) -> Position {
        Position::new(self.after.position.get() + self.batch.len() as u64)
    }
}

/// A log has called a frame committed at a place that is not behind the head it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a frame that ends at position {expected} was called committed up to {found}")]
pub struct MisplacedFrame {
    pub expected: Position,
    pub found: Position,
}

/// Decides commands one after the other, and lays their records down in frames.
pub struct Sequencer {
    book: Book,
    /// Whose id is that of the book, and goes into the ids of events.
    log: LogId,
    /// Of the last record; the next one is not recorded earlier, unless the clock was confirmed.
    recorded_at: Option<Timestamp>,
    /// The latest time that a command came with and was believed, also where it came to nothing.
    seen_at: Option<Timestamp>,
    clock_limits: ClockLimits,
    limits: FrameLimits,
    /// The frame that is being built.
    batch: Batch,
    /// Frames before it that took no more, because a command did not fit.
    closed: VecDeque<Batch>,
    /// Memory for the next one.
    spare: Batch,
    /// Whether a frame was taken and not yet confirmed.
    under_way: bool,
    /// Where the log will end once everything is appended that was staged.
    staged: Position,
    confirmed: Head,
    counters: Arc<Counters>,
}

impl std::fmt::Debug for Sequencer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sequencer")
            .field("confirmed", &self.confirmed)
            .field("staged", &self.staged)
            .field("under_way", &self.under_way)
            .finish_non_exhaustive()
    }
}

impl Sequencer {
    /// Goes on from a fold of everything up to `head`.
    ///
    /// # Panics
    /// When the fold is of another position.
    #[must_use]
    pub fn new(replay: Replay, head: Head, log: LogId, limits: FrameLimits) -> Self {
        Self::counted(replay, head, log, limits, Arc::new(Counters::new()))
    }

    pub(crate) fn counted(
        replay: Replay,
        head: Head,
        log: LogId,
        limits: FrameLimits,
        counters: Arc<Counters>,
    ) -> Self {
        let (book, position, recorded_at) = replay.into_parts();
        assert_eq!(position, head.position, "the fold is of the whole log");
        Self {
            book,
            log,
            recorded_at,
            seen_at: None,
            clock_limits: ClockLimits::default(),
            limits,
            batch: Batch::new(),
            closed: VecDeque::new(),
            spare: Batch::new(),
            under_way: false,
            staged: head.position,
            confirmed: head,
            counters,
        }
    }

    /// From the next command on, other limits hold.
    pub fn set_limits(&mut self, limits: FrameLimits) {
        self.limits = limits;
    }

    /// From the next command on, clocks are believed within other limits.
    pub fn set_clock_limits(&mut self, limits: ClockLimits) {
        self.clock_limits = limits;
    }

    /// When the last record that was staged says that it was recorded.
    #[must_use]
    pub fn recorded_at(&self) -> Option<Timestamp> {
        self.recorded_at
    }

    pub(crate) fn seen_at(&self) -> Option<Timestamp> {
        self.seen_at
    }

    /// Decides a command and folds what it does into the state. The answer must not be
    /// sent before [`Sequencer::head`] is where [`Sequencer::staged`] is now.
    ///
    /// # Errors
    /// When rows of the state could not be put away or read back. Nothing that was staged may be
    /// appended then, and the sequencer is of no further use.
    pub fn stage(&mut self, mut command: Command) -> Result<StagedCommand, ColdFault> {
        self.counters.command();
        if let Err(fault) = self.tell_time(&mut command) {
            self.check_rows()?;
            self.counters.refusal();
            return Ok(StagedCommand::Refused(Refusal::ClockWrong(fault)));
        }
        let decision = match &command.action {
            Action::PostEntries(request) if self.has_room_for(request) => {
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
                StagedCommand::Applied(Outcome::nothing_new(self.staged))
            }
            Ok(Decision::Append(decided)) => self.stage_run(&command, decided)?,
            Ok(Decision::AlreadyApplied { first, events }) => {
                self.counters.replay();
                StagedCommand::Repeated {
                    first: Position::new(first),
                    events,
                }
            }
            Err(refusal) => StagedCommand::Refused(refusal),
        };
        if let StagedCommand::Refused(_) = staged {
            self.counters.refusal();
        }
        Ok(staged)
    }

    /// The clock of the caller may have been set back a little. The log's time runs on, and the book
    /// decides by it: a hold that has expired stays so. A clock that is far away is not believed, so
    /// that it can neither stamp the log for ever nor wait for years to be reached.
    fn tell_time(&mut self, command: &mut Command) -> Result<(), ClockFault> {
        if let Action::ConfirmClock(_) = command.action {
            self.clock_limits.check(None, command.at)?;
            self.seen_at = Some(command.at);
            return Ok(());
        }
        self.clock_limits
            .check_between(self.recorded_at, self.seen_at, command.at)?;
        command.at = command.at.max(self.recorded_at.unwrap_or(command.at));
        self.seen_at = self.seen_at.max(Some(command.at));
        Ok(())
    }

    /// The next frame to append, if something is staged and no other frame is under way.
    pub fn take_frame(&mut self) -> Option<PendingFrame> {
        if self.under_way {
            return None;
        }
        let batch = match self.closed.pop_front() {
            Some(batch) => batch,
            None if self.batch.is_empty() => return None,
            None => std::mem::replace(&mut self.batch, std::mem::take(&mut self.spare)),
        };
        self.under_way = true;
        Some(PendingFrame {
            after: self.confirmed,
            batch,
        })
    }

    /// The frame under way is durable, and the log ends at `head`. The frame's memory is used
    /// again.
    ///
    /// # Errors
    /// When the log ends somewhere else: nothing more is to be believed of it.
    pub fn confirm(&mut self, frame: PendingFrame, head: Head) -> Result<(), MisplacedFrame> {
        let (expected, found) = (frame.last(), head.position);
        if expected != found {
            return Err(MisplacedFrame { expected, found });
        }
        self.under_way = false;
        self.confirmed = head;
        // One huge command must not keep its memory for ever.
        let mut batch = frame.batch;
        if batch.byte_len() <= 2 * self.limits.batch_bytes {
            batch.clear();
            match self.batch.is_empty() {
                true => self.batch = batch,
                false => self.spare = batch,
            }
        }
        Ok(())
    }

    /// Gives up everything that is not confirmed. The state is ahead of the log then and of no
    /// use, so nothing is left but where the log was known to end.
    #[must_use]
    pub fn abandon(self) -> Head {
        self.confirmed
    }

    /// The fold that this goes on from, when nothing is staged that is not confirmed.
    ///
    /// # Panics
    /// When the state is ahead of the log.
    pub(crate) fn into_fold(self, book_options: BookOptions) -> (Replay, Head) {
        let position = self.confirmed.position;
        assert_eq!(position, self.staged, "the state is not ahead of the log");
        let replay = Replay::folded(book_options, self.book, position, self.recorded_at);
        (replay, self.confirmed)
    }

    /// The state, with everything that was staged.
    #[must_use]
    pub fn book(&self) -> &Book {
        &self.book
    }

    /// Where the log is known to end.
    #[must_use]
    pub fn head(&self) -> Head {
        self.confirmed
    }

    /// Where the log will end once everything is appended that was staged.
    #[must_use]
    pub fn staged(&self) -> Position {
        self.staged
    }

    /// Whether the next command should wait until a frame was taken.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.batch.len() >= self.limits.batch_records
            || self.batch.byte_len() >= self.limits.batch_bytes
            || !self.closed.is_empty()
    }

    /// Whether anything is staged that was not taken.
    #[must_use]
    pub fn has_frame(&self) -> bool {
        !self.batch.is_empty() || !self.closed.is_empty()
    }

    /// The state as a snapshot keeps it; none before the first record, or while the state is
    /// ahead of the log.
    #[must_use]
    pub fn moment(&self) -> Option<Moment<'_>> {
        if self.staged != self.confirmed.position {
            return None;
        }
        Some(Moment {
            book: &self.book,
            log: self.log,
            head: self.confirmed,
            recorded_at: self.recorded_at?,
        })
    }

    /// Whether all rows could be put away and read back so far.
    ///
    /// # Errors
    /// When they could not, see [`Sequencer::stage`].
    pub fn check_rows(&self) -> Result<(), ColdFault> {
        self.book.fault().cloned().map_or(Ok(()), Err)
    }

    fn stage_run(
        &mut self,
        command: &Command,
        decided: Vec<Decided>,
    ) -> Result<StagedCommand, ColdFault> {
        let run = self.records_of(command, decided);
        let mut encoded = self.encode(&run);
        if encoded.is_err() && !self.batch.is_empty() {
            // It may fit into a frame of its own. Positions stay as they are.
            self.close();
            encoded = self.encode(&run);
        }
        if let Err(FrameFull) = encoded {
            return Ok(StagedCommand::Refused(too_large(
                &command.action,
                self.limits,
            )));
        }
        // Only now, when nothing can refuse it any more, does it become state.
        for (position, record) in &run {
            self.book.evolve(position.get(), record);
        }
        self.check_rows()?;
        Ok(self.applied(command, run))
    }

    /// Encodes what the book has posted already.
    fn stage_posted(
        &mut self,
        command: &Command,
        decided: Vec<Decided>,
    ) -> Result<StagedCommand, ColdFault> {
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
        Ok(self.applied(command, run))
    }

    fn applied(&mut self, command: &Command, run: Vec<(Position, Record)>) -> StagedCommand {
        self.staged = Position::new(self.staged.get() + run.len() as u64);
        self.recorded_at = Some(command.at);
        StagedCommand::Applied(Outcome::of_run(run, false))
    }

    /// Whether the records of a bulk command fit into a frame, whatever becomes of its entries;
    /// then there is room for them in the one that is being built. Only so may its entries be
    /// posted before they are encoded.
    fn has_room_for(&mut self, request: &PostEntries) -> bool {
        let bytes = Book::bulk_bytes_at_most(request);
        if bytes > self.limits.frame_bytes {
            return false;
        }
        if self.batch.byte_len() + bytes > self.limits.frame_bytes {
            self.close();
        }
        true
    }

    /// What comes next goes into another frame.
    fn close(&mut self) {
        let next = std::mem::take(&mut self.spare);
        let closed = std::mem::replace(&mut self.batch, next);
        self.closed.push_back(closed);
    }

    fn records_of(&self, command: &Command, decided: Vec<Decided>) -> Vec<(Position, Record)> {
        let id = |position| event_id(self.log.as_bytes(), Position::new(position), command.at);
        command
            .records(self.staged.next().get(), decided, id)
            .map(|(position, record)| (Position::new(position), record))
            .collect()
    }

    /// Adds the records of a command to the frame: all of them or none.
    fn encode(&mut self, run: &[(Position, Record)]) -> Result<(), FrameFull> {
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
        let mut copy = Batch::new();
        for (_, record) in self.batch.records(Position::FIRST).take(before) {
            copy.push(record).expect("it was in a batch before");
        }
        self.batch = copy;
        Err(FrameFull)
    }
}

/// A command's records exceed what is left of a frame.
struct FrameFull;

fn too_large(action: &Action, limits: FrameLimits) -> Refusal {
    let param = match action {
        Action::PostEntries(_) => "entries",
        Action::PostEntry(_)
        | Action::ReverseEntry(_)
        | Action::PlaceHold(_)
        | Action::CaptureHold(_) => "postings",
        Action::PlaceOrder(_) | Action::ReceiveStock(_) => "lines",
        Action::RecordBalanceTransactions(_) => "data",
        Action::Observe(_)
        | Action::OpenAccount(_)
        | Action::VoidHold(_)
        | Action::ExpireHolds
        | Action::ConfirmClock(_)
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
