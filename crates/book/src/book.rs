//! State, and the two functions on it.

use tillroll_events::{Event, JournalEntry, Record, Timestamp};
use tillroll_ledger::{AccountSpec, Draft, Hold, Ledger};

use crate::decision::{Decided, Decision};
use crate::key::{matching_names, stored_name};
use crate::store::{Applied, ColdFault, ColdStore, ColdTier, Tables};
use crate::work::UnitOfWork;
use crate::{Chart, Command, Digest, PostEntries, Refusal, bulk, decide};

/// One merchant's state.
#[derive(Debug)]
pub struct Book {
    pub(crate) chart: Chart,
    pub(crate) ledger: Ledger,
    pub(crate) tables: Tables<'static>,
}

impl Default for Book {
    fn default() -> Self {
        Self::new(Chart::default())
    }
}

impl Book {
    #[must_use]
    pub fn new(chart: Chart) -> Self {
        Self {
            chart,
            ledger: Ledger::new(),
            tables: Tables::of_a_book(),
        }
    }

    /// The same state with a tier for rows that no record has touched: one that no record has
    /// changed for `after` records goes to `store`, and comes back when one does. An idempotency
    /// key, which nothing changes, goes after `keys_after` records and stays there; it is answered
    /// as ever. Without a tier all rows stay in memory, and either way the book decides the same.
    #[must_use]
    pub fn with_cold(mut self, store: Box<dyn ColdStore>, after: u64, keys_after: u64) -> Self {
        let tier = ColdTier::new(store, after.max(1), keys_after.max(1));
        self.tables.set_cold(tier);
        self
    }

    /// Why a row could not be kept or read. Then nothing that the book has decided, folded or
    /// listed since may be believed, and it is good for nothing more: the caller that gave it a store
    /// has to ask, after each of these and before it answers.
    #[must_use]
    pub fn fault(&self) -> Option<&ColdFault> {
        self.tables.cold()?.fault()
    }

    /// Decides a command against this state: events to append, or a refusal by name.
    pub fn decide(&self, command: &Command) -> Result<Decision, Refusal> {
        if let Some(known) = self.known(command)? {
            return Ok(known);
        }
        let mut work = UnitOfWork::new(
            &self.chart,
            Draft::new(&self.ledger),
            self.tables.layer(),
            command.at,
            command.occurred_at.unwrap_or(command.at),
        );
        decide::action(&mut work, &command.action)?;
        Ok(Decision::Append(work.finish()))
    }

    /// What a command with this key has come to before.
    fn known(&self, command: &Command) -> Result<Option<Decision>, Refusal> {
        let Some(key) = &command.key else {
            return Ok(None);
        };
        let mut names = matching_names(&key.scope, &key.key);
        let Some(applied) = names.find_map(|name| self.tables.get::<Applied>(&name)) else {
            return Ok(None);
        };
        if applied.fingerprint != key.fingerprint {
            return Err(Refusal::IdempotencyConflict {
                key: key.key.clone(),
            });
        }
        let Applied { first, events, .. } = *applied;
        Ok(Some(Decision::AlreadyApplied { first, events }))
    }

    /// Decides a bulk command and posts its entries at once: [`Book::decide`] and
    /// [`Book::evolve`] in one, with the same answers. The records that come of it are to be
    /// handed to [`Book::evolve_posted`], and may not be lost.
    pub fn post_bulk(
        &mut self,
        command: &Command,
        request: &PostEntries,
    ) -> Result<Decision, Refusal> {
        if let Some(known) = self.known(command)? {
            return Ok(known);
        }
        let events = bulk::post(&mut self.ledger, request, command.at)?;
        let occurred_at = command.occurred_at.unwrap_or(command.at);
        let decided = events.into_iter().map(|event| Decided {
            event,
            occurred_at,
            order: None,
        });
        Ok(Decision::Append(decided.collect()))
    }

    /// More bytes than the events of a bulk command take in records, whatever becomes of its
    /// entries.
    #[must_use]
    pub fn bulk_bytes_at_most(request: &PostEntries) -> usize {
        bulk::bytes_at_most(request)
    }

    /// [`Book::evolve`] for a record of [`Book::post_bulk`], whose entries are posted already.
    pub fn evolve_posted(&mut self, position: u64, record: &Record) {
        self.tables.advance(position);
        self.remember(position, record);
    }

    fn remember(&mut self, position: u64, record: &Record) {
        if let Some(command) = &record.command {
            let applied = Applied {
                fingerprint: command.fingerprint,
                first: position,
                events: command.events,
            };
            let name = stored_name(&command.scope, &command.key);
            self.tables.put(name.into(), applied);
        }
    }

    /// Folds the record at `position` (dense from 1) into the state.
    ///
    /// # Panics
    /// When history is not what [`Book::decide`] would have written (an unknown account, a hold
    /// ended twice): the log's checks passed, so this is a bug and not damage.
    pub fn evolve(&mut self, position: u64, record: &Record) {
        self.tables.advance(position);
        self.remember(position, record);
        match &record.event {
            Event::AccountOpened(event) => {
                let opened = self.ledger.open(AccountSpec {
                    path: event.path.clone(),
                    unit: event.unit,
                    kind: event.kind,
                    limit: event.limit,
                });
                assert_eq!(opened, event.account, "accounts open under the next number");
            }
            Event::AccountLimitSet(event) => self.ledger.set_limit(event.account, event.limit),
            Event::EntryPosted(event) => {
                self.ledger.remember_entry(event.id);
            }
            Event::EntryReversed(reversed) => {
                self.ledger.remember_entry(reversed.id);
                self.tables.evolve(&record.event);
            }
            Event::EntriesPosted(event) => {
                bulk::fold(&mut self.ledger, &event.entries);
            }
            Event::HoldPlaced(event) => {
                let JournalEntry(entry) = &event.entry;
                let hold = Hold {
                    entry: entry.clone(),
                    expires_at: event.expires_at.map(Timestamp::micros),
                };
                self.ledger.place_hold(event.id, hold);
            }
            Event::HoldCaptured(event) => {
                self.ledger.end_hold(event.id, None);
            }
            Event::HoldEnded(event) => {
                self.ledger.end_hold(event.id, None);
            }
            event => self.tables.evolve(event),
        }
        if let Some(entry) = record.event.posted_entry() {
            self.ledger.post(entry);
        }
    }

    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    pub(crate) fn tables(&self) -> &Tables<'static> {
        &self.tables
    }

    /// The digest of balances, orders, splits and stock: equal for every history that says the
    /// same, in whatever order it was told.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(self)
    }
}
