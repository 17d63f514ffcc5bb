//! The plain model: a book that is told the same commands in the same order, and its records in
//! a vector. No files, no frames on disk, no faults.
//!
//! It shares the book's rules with the engine (those are judged by their own laws) and nothing
//! else: batching, numbering, idempotent answers and what is where are made up here once more.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::ops::RangeInclusive;
use std::rc::Rc;

use tillroll_book::clock::ClockFault;
use tillroll_book::{Action, Book, Chart, Command, ConfirmClock, Decision, Digest, Refusal};
use tillroll_engine::{FrameLimits, Position, event_id};
use tillroll_events::{CommandRef, Record, Timestamp};

use crate::chance::Chance;
use crate::clock::ClientClock;
use crate::expected::ExpectedAnswer;
use crate::law::{Finding, Judgement, Law};
use crate::request::ClientRequest;
use crate::trial_balance::PlainTrialBalance;

/// What will have happened when all of a batch is durable.
#[derive(Debug)]
pub(crate) struct BatchForecast {
    pub(crate) answers: Vec<ExpectedAnswer>,
    /// Where the roll may end after a crash: before the batch, or after any of its frames.
    pub(crate) ends: Vec<u64>,
}

impl BatchForecast {
    /// Where the roll ends when nothing fails.
    pub(crate) fn end(&self) -> u64 {
        self.ends.last().copied().unwrap_or(0)
    }
}

#[derive(Debug)]
pub(crate) struct Reference {
    pub(crate) book: Book,
    /// The records by position, from 1.
    roll: Vec<Box<[u8]>>,
    /// What they say.
    records: Vec<Rc<Record>>,
    /// Of the book as it is, once it was asked for.
    digest: OnceCell<Digest>,
    /// What the auditor has made of the roll as it is, once he has.
    pub(crate) audited: OnceCell<Digest>,
    pub(crate) recorded_at: Option<Timestamp>,
    /// The latest time that a command came with since the process has started.
    seen_at: Option<Timestamp>,
    book_id: [u8; 16],
    limits: FrameLimits,
    trial_balance: PlainTrialBalance,
    /// Events after which it was drawn up since it was last read, and the first that it does not
    /// hold after.
    drawn_up: u64,
    unbalanced: Option<Finding>,
}

/// The frame that is being filled.
#[derive(Default)]
struct FrameFill {
    records: usize,
    bytes: usize,
    ends: Vec<u64>,
}

impl Reference {
    pub(crate) fn new(book_id: [u8; 16], limits: FrameLimits) -> Self {
        Self {
            book: Book::new(Chart::default()),
            roll: Vec::new(),
            records: Vec::new(),
            digest: OnceCell::new(),
            audited: OnceCell::new(),
            recorded_at: None,
            seen_at: None,
            book_id,
            limits,
            trial_balance: PlainTrialBalance::default(),
            drawn_up: 0,
            unbalanced: None,
        }
    }

    fn evolve(&mut self, position: u64, record: &Record) {
        self.book.evolve(position, record);
        self.digest.take();
        self.audited.take();
        let balance = self.trial_balance.after(&record.event, self.book.ledger());
        self.drawn_up += 1;
        if let Err(finding) = balance {
            self.unbalanced.get_or_insert(finding);
        }
    }

    /// After how many events the trial balance was drawn up since this was asked last.
    pub(crate) fn trial_balances(&mut self) -> Judgement<u64> {
        let drawn_up = std::mem::take(&mut self.drawn_up);
        self.unbalanced.take().map_or(Ok(drawn_up), Err)
    }

    pub(crate) fn head(&self) -> u64 {
        self.roll.len() as u64
    }

    pub(crate) fn digest(&self) -> Digest {
        *self.digest.get_or_init(|| self.book.digest())
    }

    fn record(&self, position: u64) -> Option<&Rc<Record>> {
        let index = usize::try_from(position.checked_sub(1)?).ok()?;
        self.records.get(index)
    }

    pub(crate) fn roll(&self) -> &[Box<[u8]>] {
        &self.roll
    }

    /// The bytes at a position.
    pub(crate) fn at(&self, position: u64) -> Option<&[u8]> {
        let index = usize::try_from(position.checked_sub(1)?).ok()?;
        self.roll.get(index).map(|bytes| &**bytes)
    }

    /// Keys of the commands whose first record is at one of these positions.
    pub(crate) fn keys(&self, positions: RangeInclusive<u64>) -> Vec<String> {
        let records = positions.filter_map(|position| self.record(position));
        records
            .filter_map(|record| Some(record.command.as_ref()?.key.clone()))
            .collect()
    }

    pub(crate) fn foretell(&mut self, commands: &[Command]) -> BatchForecast {
        let mut filling = FrameFill {
            ends: vec![self.head()],
            ..FrameFill::default()
        };
        let answers = commands
            .iter()
            .map(|command| {
                if filling.records >= self.limits.batch_records
                    || filling.bytes >= self.limits.batch_bytes
                {
                    filling.close(self.head());
                }
                self.tell(command, &mut filling)
            })
            .collect();
        filling.close(self.head());
        BatchForecast {
            answers,
            ends: filling.ends,
        }
    }

    /// Minutes behind what was recorded, or more than a year ahead of all that was heard of.
    pub(crate) fn clock_fault(&self, now: Timestamp) -> Option<ClockFault> {
        let last = self.recorded_at?;
        let latest = self.seen_at.map_or(last, |seen| seen.max(last));
        let (behind, ahead) = (last.micros() - now.micros(), now.micros() - latest.micros());
        if ahead > 366 * 24 * 3600 * 1_000_000 {
            return Some(ClockFault::Ahead { last: latest, now });
        }
        (behind > 300 * 1_000_000).then_some(ClockFault::Behind { last, now })
    }

    /// What somebody says who sees that the clock is right.
    pub(crate) fn confirmation(&self, now: Timestamp) -> Option<ConfirmClock> {
        let last_recorded_at = self.recorded_at?;
        let by_now = |record: &Rc<Record>| record.recorded_at <= now;
        let before = self.records.iter().rposition(by_now);
        let wrong_from = before.map_or(1, |index| index as u64 + 2);
        Some(ConfirmClock {
            last_recorded_at,
            wrong_from: (wrong_from <= self.head()).then_some(wrong_from),
        })
    }

    /// Another process knows what was recorded, and nothing else.
    pub(crate) fn restart(&mut self) {
        self.seen_at = None;
    }

    fn tell(&mut self, command: &Command, filling: &mut FrameFill) -> ExpectedAnswer {
        let mut command = Cow::Borrowed(command);
        if !matches!(command.action, Action::ConfirmClock(_)) {
            if let Some(fault) = self.clock_fault(command.at) {
                return ExpectedAnswer::Refused(Refusal::ClockWrong(fault));
            }
            // Time on the roll runs forward, whatever clients' clocks say by a little.
            if let Some(last) = self.recorded_at
                && command.at < last
            {
                command.to_mut().at = last;
            }
        }
        self.seen_at = self.seen_at.max(Some(command.at));
        if matches!(command.action, Action::ConfirmClock(_)) {
            self.seen_at = Some(command.at);
        }
        let head = self.head();
        let decided = match self.book.decide(&command) {
            Ok(Decision::Append(decided)) => decided,
            Ok(Decision::AlreadyApplied { first, events }) => return self.known(first, events),
            Err(refusal) => return ExpectedAnswer::Refused(refusal),
        };
        if decided.is_empty() {
            return ExpectedAnswer::Applied {
                first: head + 1,
                last: head,
                records: Vec::new(),
                replayed: false,
            };
        }
        let mut reference = command.key.as_ref().map(|key| CommandRef {
            key: key.key.clone(),
            fingerprint: key.fingerprint,
            scope: key.scope.clone(),
            events: u32::try_from(decided.len()).expect("a command has few events"),
        });
        let records: Vec<Rc<Record>> = decided
            .into_iter()
            .zip(head + 1..)
            .map(|(decided, position)| Record {
                id: event_id(&self.book_id, Position::new(position), command.at),
                recorded_at: command.at,
                occurred_at: decided.occurred_at,
                caller: command.caller.clone(),
                order: decided.order,
                command: reference.take(),
                event: decided.event,
            })
            .map(Rc::new)
            .collect();
        let encoded: Vec<Box<[u8]>> = records.iter().map(|record| encoded(record)).collect();
        let bytes: usize = encoded.iter().map(|bytes| bytes.len() + 4).sum();
        if filling.bytes + bytes > self.limits.frame_bytes {
            filling.close(head);
            if bytes > self.limits.frame_bytes {
                return ExpectedAnswer::TooLarge;
            }
        }
        filling.records += records.len();
        filling.bytes += bytes;
        for (record, position) in records.iter().zip(head + 1..) {
            self.evolve(position, record);
        }
        self.roll.extend(encoded);
        self.records.extend(records.iter().cloned());
        self.recorded_at = Some(command.at);
        ExpectedAnswer::Applied {
            first: head + 1,
            last: self.head(),
            records,
            replayed: false,
        }
    }

    fn known(&self, first: u64, events: u32) -> ExpectedAnswer {
        let last = first + u64::from(events) - 1;
        let records = (first..=last)
            .map(|position| {
                let record = self.record(position);
                Rc::clone(record.expect("the book knows no later command"))
            })
            .collect();
        ExpectedAnswer::Applied {
            first,
            last,
            records,
            replayed: true,
        }
    }

    /// The bytes at these positions.
    pub(crate) fn slice(&self, positions: RangeInclusive<u64>) -> Vec<Box<[u8]>> {
        let bytes = positions.filter_map(|position| self.at(position));
        bytes.map(Box::from).collect()
    }

    /// Records that were foretold have come, in a frame.
    pub(crate) fn adopt(&mut self, records: &[Box<[u8]>]) {
        for bytes in records {
            let record = Record::decode(bytes).expect("what was encoded decodes");
            self.evolve(self.head() + 1, &record);
            self.recorded_at = Some(record.recorded_at);
            self.roll.push(bytes.clone());
            self.records.push(Rc::new(record));
        }
        // They were counted when they were foretold.
        self.drawn_up = 0;
    }

    /// Forgets everything after a position, as if it had never been told.
    pub(crate) fn rewind(&mut self, to: u64) {
        if to >= self.head() {
            return;
        }
        let length = usize::try_from(to).expect("below the length of a vector");
        self.roll.truncate(length);
        let mut records = std::mem::take(&mut self.records);
        records.truncate(length);
        self.book = Book::new(Chart::default());
        self.trial_balance = PlainTrialBalance::default();
        self.recorded_at = records.last().map(|record| record.recorded_at);
        self.digest.take();
        self.audited.take();
        for (record, position) in records.iter().zip(1..) {
            self.evolve(position, record);
        }
        self.records = records;
        // They were counted when they were told.
        self.drawn_up = 0;
    }

    /// The digest of a book that was told all of it in order, once and in peace.
    pub(crate) fn in_peace(requests: &[ClientRequest], book_id: [u8; 16]) -> Judgement<Digest> {
        let mut calm = Self::new(book_id, FrameLimits::default());
        let mut clock = ClientClock::new();
        let mut chance = Chance::of(0, "calm");
        for request in requests {
            let told = calm.tell_one(request.command(clock.read(&mut chance)));
            told.map_err(|refusal| {
                Law::Convergence.broken(format!("{} in peace: {refusal}", request.label()))
            })?;
        }
        Ok(calm.digest())
    }

    /// Tells one command, in a frame of its own.
    fn tell_one(&mut self, command: Command) -> Result<(), Refusal> {
        match self.tell(&command, &mut FrameFill::default()) {
            ExpectedAnswer::Refused(refusal) => Err(refusal),
            ExpectedAnswer::Applied { .. } | ExpectedAnswer::TooLarge => Ok(()),
        }
    }
}

impl FrameFill {
    fn close(&mut self, head: u64) {
        if self.records > 0 {
            self.ends.push(head);
        }
        (self.records, self.bytes) = (0, 0);
    }
}

fn encoded(record: &Record) -> Box<[u8]> {
    let mut bytes = Vec::new();
    record.encode(&mut bytes);
    bytes.into()
}
