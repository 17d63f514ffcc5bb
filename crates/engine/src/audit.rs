//! The auditor: folds a log with every law checked after every record.
//!
//! It trusts neither the book nor the records. It keeps totals of its own, taken from the
//! entries in the events alone, and compares the book's with them, so that a mistake of the
//! fold shows at the record that it happened at. What a record would break is found before the
//! book folds it.
//!
//! It does not check bytes, hashes and the chain: that is the log's `verify`.

mod finding;
mod tally;

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use tillroll_book::key::matching_names;
use tillroll_book::{Book, Chart, Digest};
use tillroll_events::{ClockConfirmed, Event, EventId, Record, Timestamp};
use tillroll_log::{Deadline, LogReader, Position};

use crate::event_id::carries_time;
use crate::replay::walk;
use tally::AuditTally;

pub use finding::{AuditError, AuditFinding, AuditLaw};

/// A log in which every law holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditReport {
    /// The last record that was checked.
    pub position: Position,
    pub records: u64,
    /// Commands with an idempotency key.
    pub commands: u64,
    /// Entries posted; what was only held is not among them.
    pub entries: u64,
    pub accounts: usize,
    pub digest: Digest,
}

/// Folds a log, up to a position or to its end, and checks after every record that
/// - positions are dense, and time runs backwards only where a clock was confirmed,
/// - the id carries the time and was not used before, nor was the command's key, and the
///   events of a command stand together,
/// - every posting's account is open and counts the posting's unit (that entries balance is
///   proved by their decoding),
/// - accounts are opened once, under the next number; entries and holds have new ids; only an
///   open hold is captured or ended, and never beyond what was held,
/// - the book's balances of the accounts that were touched are the sum of their postings, and
///   keep range and limit;
///
/// and at the end that every unit sums to zero and every account keeps its limit.
///
/// # Errors
/// The first finding, with its position; or the log's failure.
pub fn audit(
    reader: &dyn LogReader,
    chart: Chart,
    up_to: Option<Position>,
    mut progress: impl FnMut(Position),
) -> Result<AuditReport, AuditError> {
    let mut audit = Audit::new(chart);
    walk(
        reader,
        Position::FIRST,
        up_to,
        &mut progress,
        |position, bytes| audit.record(position, bytes),
    )?;
    let head = reader.head(Deadline::NEVER)?.position;
    let complete = up_to.is_none_or(|last| last >= head);
    audit.finish(complete)
}

struct Audit {
    book: Book,
    tally: AuditTally,
    position: Position,
    recorded_at: Option<Timestamp>,
    /// Ids of the current millisecond. An id carries its millisecond and time hardly ever runs
    /// backwards, so a repeated id can only be among these, or before a clock was confirmed.
    ids: HashSet<EventId>,
    millisecond: Option<i64>,
    /// Keys, as the first half of their hash.
    keys: HashSet<[u8; 16]>,
    /// Events of the current command that are still to come.
    pending: u32,
    entries: u64,
}

impl Audit {
    fn new(chart: Chart) -> Self {
        Self {
            book: Book::new(chart),
            tally: AuditTally::default(),
            position: Position::ZERO,
            recorded_at: None,
            ids: HashSet::new(),
            millisecond: None,
            keys: HashSet::new(),
            pending: 0,
            entries: 0,
        }
    }

    fn record(&mut self, position: Position, bytes: &[u8]) -> Result<(), AuditError> {
        let found = |law| AuditError::Broken(AuditFinding { position, law });
        let expected = self.position.next();
        if position != expected {
            return Err(found(AuditLaw::Position { expected }));
        }
        let record = Record::decode(bytes).map_err(|error| found(AuditLaw::Readable(error)))?;
        self.envelope(&record).map_err(found)?;
        let ledger = self.book.ledger();
        let touched = self.tally.take(ledger, &record.event).map_err(found)?;
        // The checks above are meant to leave nothing that the book could stumble over. Where
        // they do not, the auditor still has to say where.
        let fold = AssertUnwindSafe(|| self.book.evolve(position.get(), &record));
        catch_unwind(fold).map_err(|_| found(AuditLaw::Foldable))?;
        let compared = self.tally.compare(self.book.ledger(), &touched);
        compared.map_err(found)?;
        self.position = position;
        self.entries += record.event.posted_count() as u64;
        Ok(())
    }

    /// What a confirmed clock says of the records before it.
    fn clock(&self, confirmed: &ClockConfirmed) -> Result<(), AuditLaw> {
        let same = self.recorded_at == Some(confirmed.last_recorded_at);
        let last = self.position.get();
        let there = confirmed
            .wrong_from
            .is_none_or(|from| (1..=last).contains(&from));
        match same && there {
            true => Ok(()),
            false => Err(AuditLaw::ClockClaim),
        }
    }

    fn envelope(&mut self, record: &Record) -> Result<(), AuditLaw> {
        if let Event::ClockConfirmed(confirmed) = &record.event {
            self.clock(confirmed)?;
        } else if let Some(before) = self.recorded_at
            && record.recorded_at < before
        {
            let recorded = record.recorded_at;
            return Err(AuditLaw::Time { recorded, before });
        }
        self.recorded_at = Some(record.recorded_at);

        if !carries_time(record.id, record.recorded_at) {
            return Err(AuditLaw::IdTime(record.id));
        }
        let millisecond = record.recorded_at.micros().div_euclid(1000).max(0);
        if self.millisecond != Some(millisecond) {
            self.millisecond = Some(millisecond);
            self.ids.clear();
        }
        if !self.ids.insert(record.id) {
            return Err(AuditLaw::IdUsed(record.id));
        }

        match &record.command {
            None => self.pending = self.pending.saturating_sub(1),
            Some(_) if self.pending > 0 => {
                let missing = self.pending;
                return Err(AuditLaw::CommandCut { missing });
            }
            Some(command) => {
                let mut names = matching_names(&command.scope, &command.key).map(|name| {
                    let hash = blake3::hash(name.as_bytes());
                    *hash.as_bytes().first_chunk::<16>().expect("it has 32")
                });
                let own = names.next().expect("the name in its own scope");
                if names.any(|other| self.keys.contains(&other)) || !self.keys.insert(own) {
                    let key = command.key.clone();
                    return Err(AuditLaw::KeyUsed { key });
                }
                let rest = command.events.checked_sub(1);
                self.pending = rest.ok_or(AuditLaw::CommandEmpty)?;
            }
        }
        Ok(())
    }

    /// `complete`: the log ends here, and so must the last command.
    fn finish(self, complete: bool) -> Result<AuditReport, AuditError> {
        let found = |law| {
            let position = self.position;
            Err(AuditError::Broken(AuditFinding { position, law }))
        };
        if complete && self.pending > 0 {
            let missing = self.pending;
            return found(AuditLaw::CommandCut { missing });
        }
        let ledger = self.book.ledger();
        if let Some((unit, sum)) = ledger.sums().into_iter().find(|(_, sum)| *sum != 0) {
            return found(AuditLaw::UnitSum { unit, sum });
        }
        let everything: Vec<_> = ledger.accounts().map(|(account, _)| account.id).collect();
        if let Err(law) = self.tally.compare(ledger, &everything) {
            return found(law);
        }
        Ok(AuditReport {
            position: self.position,
            records: self.position.get(),
            commands: self.keys.len() as u64,
            entries: self.entries,
            accounts: ledger.account_count(),
            digest: self.book.digest(),
        })
    }
}
