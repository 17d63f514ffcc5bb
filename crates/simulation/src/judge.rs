//! The judge: remembers what was sent, what was acknowledged and what readers have seen, and
//! compares.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use tillroll_log::testing::TestReader;

use tillroll_book::{Book, Chart, Command, Digest, Refusal};
use tillroll_engine::{AuditError, FrameLimits, Outcome, Replay, audit};
use tillroll_events::{Event, HoldEnd, HoldId, Record, Timestamp};
use tillroll_log::{Deadline, Head, LogReader, Position};

use crate::expected::shown;
use crate::law::{Judgement, Law};
use crate::reference::{BatchForecast, Reference};
use crate::request::{ClientRequest, RequestKind};
use crate::tally::{Count, Tally};

/// Where an acknowledged command is on the roll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Acknowledgement {
    fingerprint: [u8; 16],
    first: u64,
    last: u64,
}

#[derive(Debug)]
pub(crate) struct Judge {
    pub(crate) reference: Reference,
    /// Fingerprints by key.
    sent: BTreeMap<String, BTreeSet<[u8; 16]>>,
    acknowledged: BTreeMap<String, Acknowledgement>,
    /// The head as a reader saw it last: durable for every reader from then on.
    pub(crate) seen: Head,
    /// A fold of the log as far as it was folded last; what comes later is added to it, as long
    /// as the bytes before that are the same.
    fold: Replay,
}

impl Judge {
    pub(crate) fn new(book_id: [u8; 16], limits: FrameLimits) -> Self {
        Self {
            reference: Reference::new(book_id, limits),
            sent: BTreeMap::new(),
            acknowledged: BTreeMap::new(),
            seen: Head::EMPTY,
            fold: Replay::new(Chart::default()),
        }
    }

    /// Notes what is sent, and what must come of it.
    pub(crate) fn foretell(
        &mut self,
        commands: &[Command],
        tally: &mut Tally,
    ) -> Judgement<BatchForecast> {
        for key in commands.iter().filter_map(|command| command.key.as_ref()) {
            let fingerprints = self.sent.entry(key.key.clone()).or_default();
            fingerprints.insert(key.fingerprint);
        }
        let foretold = self.reference.foretell(commands);
        tally.add_many(Count::TrialBalances, self.reference.trial_balances()?);
        Ok(foretold)
    }

    /// A batch was answered.
    pub(crate) fn answered(
        &mut self,
        requests: &[ClientRequest],
        foretold: &BatchForecast,
        answers: &[Result<Outcome, Refusal>],
        tally: &mut Tally,
    ) -> Judgement<()> {
        Law::Answers.holds(answers.len() == requests.len(), || {
            format!("{} answers to {}", answers.len(), requests.len())
        })?;
        for ((request, expected), answer) in requests.iter().zip(&foretold.answers).zip(answers) {
            if let Some(difference) = expected.differs(answer) {
                let label = request.label();
                return Err(Law::Answers.broken(format!("{label}: {difference}")));
            }
            self.count(request, answer, tally)?;
            if let (Some(key), Ok(outcome)) = (&request.key, answer)
                && !outcome.is_empty()
            {
                let this = Acknowledgement {
                    fingerprint: key.fingerprint,
                    first: outcome.first.get(),
                    last: outcome.last.get(),
                };
                let before = self.acknowledged.insert(key.key.clone(), this);
                let once = before.is_none_or(|before| before == this && outcome.replayed);
                Law::Once.holds(once, || {
                    format!("{}: {before:?}, and now {}", key.key, shown(answer))
                })?;
            }
        }
        Ok(())
    }

    fn count(
        &self,
        request: &ClientRequest,
        answer: &Result<Outcome, Refusal>,
        tally: &mut Tally,
    ) -> Judgement<()> {
        match answer {
            Ok(outcome) => tally.add(match (outcome.is_empty(), outcome.replayed) {
                (true, _) => Count::NothingNew,
                (false, true) => Count::Duplicates,
                (false, false) => Count::Acknowledged,
            }),
            Err(refusal) => {
                let is_late = matches!(refusal, Refusal::ClockWrong(_));
                Law::Facts.holds(is_late || request.kind == RequestKind::Asked, || {
                    format!("{}: {refusal}", request.label())
                })?;
                tally.add(Count::Refusals);
                tally.add_refusal(refusal.code());
                match refusal {
                    Refusal::IdempotencyConflict { .. } => tally.add(Count::Conflicts),
                    Refusal::Invalid { detail, .. } if detail.contains("recorded at once") => {
                        tally.add(Count::TooLarge);
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// The records that are shown to readers, those that no reader has seen yet: they are those
    /// of the model, up to `head`.
    pub(crate) fn follow(&mut self, reader: &dyn LogReader, head: u64) -> Judgement<()> {
        let from = self.seen.position.next();
        self.compare(reader, from, head)?;
        self.seen = reader.head_now();
        Ok(())
    }

    /// The engine has failed after some frames of a batch: readers may be shown those, and
    /// nothing else.
    pub(crate) fn follow_failed(&mut self, reader: &dyn LogReader, durable: u64) -> Judgement<()> {
        let head = reader.head_now();
        Law::Whole.holds(head.position.get() == durable, || {
            format!("readers are shown {}, durable are {durable}", head.position)
        })?;
        self.seen = head;
        Ok(())
    }

    fn compare(&self, reader: &dyn LogReader, from: Position, head: u64) -> Judgement<()> {
        let found = reader.head_now().position.get();
        Law::Answers.holds(found == head, || {
            format!("readers are shown {found} records of {head}")
        })?;
        let mut expected = from.get();
        let mut wrong = None;
        let read = reader.for_each(from, Deadline::NEVER, &mut |position, bytes| {
            let there = position.get() == expected && self.reference.at(expected) == Some(bytes);
            expected += 1;
            if there {
                ControlFlow::Continue(())
            } else {
                wrong = Some(position);
                ControlFlow::Break(())
            }
        });
        if let Some(position) = wrong {
            let law = self.whose(position.get());
            return Err(law.broken(format!("another record is at position {position}")));
        }
        if let Err(error) = read {
            return Err(self.whose(expected).broken(error.to_string()));
        }
        Law::Acknowledged.holds(expected == head + 1, || {
            format!("{} records of {head} can be read", expected - 1)
        })
    }

    /// The law that a wrong record at a position breaks.
    fn whose(&self, position: u64) -> Law {
        if position <= self.seen.position.get() {
            Law::Acknowledged
        } else {
            Law::Sent
        }
    }

    /// After a crash the log ends at one of `ends`, with nothing changed before. What was not
    /// acknowledged may be gone: the model forgets it too.
    pub(crate) fn recovered(
        &mut self,
        reader: &dyn LogReader,
        ends: &[u64],
        book: &Book,
    ) -> Judgement<()> {
        let head = reader.head_now().position.get();
        let seen = self.seen.position.get();
        let least = ends.first().copied().unwrap_or(0).max(seen);
        Law::Acknowledged.holds(head >= least, || {
            format!("the log ends at {head}, and {least} records were durable")
        })?;
        Law::Sent.holds(head <= self.reference.head(), || {
            let sent = self.reference.head();
            format!("the log has {head} records where {sent} were ever sent")
        })?;
        Law::Whole.holds(ends.contains(&head), || {
            format!("the log ends at {head}, which is none of {ends:?}")
        })?;
        self.compare(reader, Position::FIRST, head)?;
        self.seen = reader.head_now();
        self.reference.rewind(head);
        self.reference.restart();
        if self.fold.position().get() > head {
            self.fold = Replay::new(Chart::default());
        }
        self.state(book).map(drop)
    }

    /// The laws of a state, and its agreement with the model's.
    pub(crate) fn state(&self, book: &Book) -> Judgement<Digest> {
        self.laws(book)?;
        let (found, expected) = (book.digest(), self.reference.digest());
        Law::Replay.holds(found == expected, || {
            format!("the writer's digest is {found}, the model's {expected}")
        })?;
        Ok(found)
    }

    /// The laws of a state that are quickly checked.
    pub(crate) fn laws(&self, book: &Book) -> Judgement<()> {
        let ledger = book.ledger();
        if let Some((unit, sum)) = ledger.sums().into_iter().find(|(_, sum)| *sum != 0) {
            return Err(Law::Sums.broken(format!("{unit} sums to {sum}")));
        }
        let breaches = ledger.breaches();
        Law::Limits.holds(breaches.is_empty(), || {
            let accounts = breaches.iter().filter_map(|id| ledger.account(*id));
            let paths: Vec<_> = accounts.map(|account| account.path.as_str()).collect();
            paths.join(", ")
        })
    }

    /// The log, folded, gives the state of the writer: once by the auditor, from its start, and
    /// once as a start does. Every byte of it is compared first. So that fold goes on where it was
    /// left, and the auditor, whose answer depends on these bytes alone, is asked once.
    pub(crate) fn replayed(
        &mut self,
        reader: &dyn LogReader,
        book: &Book,
        tally: &mut Tally,
    ) -> Judgement<()> {
        self.compare(reader, Position::FIRST, self.reference.head())?;
        let folded = self.fold.run(reader, None, &mut |_| {});
        folded.map_err(|error| Law::Replay.broken(error.to_string()))?;
        tally.add(Count::Digests);
        let writer = self.state(book)?;
        let replay = self.fold.book().digest();
        Law::Replay.holds(replay == writer, || {
            format!("the digest of the replay is {replay}, the writer's {writer}")
        })?;
        let auditor = match self.reference.audited.get() {
            Some(digest) => *digest,
            None => {
                tally.add(Count::Audits);
                let digest = audited(reader)?;
                *self.reference.audited.get_or_init(|| digest)
            }
        };
        Law::Replay.holds(auditor == writer, || {
            format!("the auditor's digest is {auditor}, the writer's {writer}")
        })
    }

    /// The end: every acknowledgement against the roll itself, and the roll against what was
    /// sent.
    pub(crate) fn finish(&self) -> Judgement<()> {
        let mut on_roll = BTreeMap::new();
        let mut holds = BTreeMap::new();
        for (bytes, position) in self.reference.roll().iter().zip(1_u64..) {
            let record = Record::decode(bytes).expect("what was encoded decodes");
            in_time(&record, &mut holds)?;
            let Some(command) = record.command else {
                continue;
            };
            let sent = self.sent.get(&command.key);
            let known = sent.is_some_and(|sent| sent.contains(&command.fingerprint));
            Law::Sent.holds(known, || format!("{} was never sent", command.key))?;
            let there = Acknowledgement {
                fingerprint: command.fingerprint,
                first: position,
                last: position + u64::from(command.events) - 1,
            };
            let before = on_roll.insert(command.key.clone(), there);
            Law::Once.holds(before.is_none(), || {
                format!("{} is on the roll twice", command.key)
            })?;
        }
        for (key, told) in &self.acknowledged {
            let found = on_roll.get(key);
            Law::Acknowledged.holds(found == Some(told), || {
                format!("{key} was acknowledged as {told:?}, on the roll is {found:?}")
            })?;
        }
        Ok(())
    }
}

fn audited(reader: &dyn LogReader) -> Judgement<Digest> {
    let report = audit(reader, Chart::default(), None, |_| {});
    let report = report.map_err(|error| match error {
        AuditError::Broken(finding) => Law::Audit.broken(finding.to_string()),
        error => Law::Audit.broken(error.to_string()),
    })?;
    Ok(report.digest)
}

/// A hold is captured before its time is over, and expires after it, by the time of the roll.
fn in_time(record: &Record, holds: &mut BTreeMap<HoldId, Option<Timestamp>>) -> Judgement<()> {
    let now = record.recorded_at;
    let (id, is_captured) = match &record.event {
        Event::HoldPlaced(event) => {
            holds.insert(event.id, event.expires_at);
            return Ok(());
        }
        Event::HoldCaptured(event) => (event.id, true),
        Event::HoldEnded(event) if event.how == HoldEnd::Expired => (event.id, false),
        _ => return Ok(()),
    };
    let expires = holds.remove(&id).flatten();
    let is_over = expires.is_some_and(|at| at <= now);
    Law::Holds.holds(is_over != is_captured, || {
        format!("hold {id} ends at {now}, its time is over at {expires:?}")
    })
}
