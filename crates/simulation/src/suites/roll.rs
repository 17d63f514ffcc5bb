//! A book and its records in memory: commands in, events out, with the sums counted here.

use std::collections::BTreeMap;

use tillroll_book::{Action, Book, Command, CommandKey, Fact, MemoryWriter, Observe, Refusal};
use tillroll_events::{Event, NotificationReceived, OrderId, OrderStanding, Record, Timestamp};
use tillroll_ledger::Limit;
use tillroll_money::Unit;

use super::{Caught, Verdict, ensure};

const SECOND: i64 = 1_000_000;

#[derive(Debug)]
pub(super) struct Roll {
    writer: MemoryWriter,
    records: Vec<Record>,
    clock: i64,
}

impl Roll {
    pub(super) fn new() -> Self {
        Self {
            writer: MemoryWriter::default(),
            records: Vec::new(),
            clock: 1_790_000_000 * SECOND,
        }
    }

    pub(super) fn book(&self) -> &Book {
        self.writer.book()
    }

    /// Decides and folds. A refusal is an answer; broken laws are a finding.
    pub(super) fn submit(
        &mut self,
        key: Option<CommandKey>,
        action: Action,
    ) -> Result<Result<Vec<Event>, Refusal>, Caught> {
        self.clock += SECOND;
        let at = Timestamp::from_micros(self.clock);
        let command = Command {
            at,
            occurred_at: None,
            key,
            action,
        };
        let records = match self.writer.apply(&command) {
            Ok(records) => records,
            Err(refusal) => return Ok(Err(refusal)),
        };
        self.laws()?;
        let events = records.iter().map(|record| record.event.clone()).collect();
        self.records.extend(records);
        Ok(Ok(events))
    }

    /// A command that has to be applied.
    pub(super) fn apply(&mut self, action: Action, what: &str) -> Result<Vec<Event>, Caught> {
        let answer = self.submit(None, action)?;
        answer.map_err(Caught::unexpected(what))
    }

    /// What the processor says, which cannot be refused.
    pub(super) fn fact(&mut self, fact: Fact) -> Result<Vec<Event>, Caught> {
        let notification = NotificationReceived {
            id: "evt_suite".parse().expect("an id"),
            kind: "suite".into(),
            account: None,
            api_version: None,
            created: None,
            livemode: false,
            unrecognised: None,
            detail: None,
            body: None,
        };
        let facts = vec![fact];
        let observe = Observe {
            notification,
            facts,
        };
        self.apply(
            Action::Observe(observe),
            "what the processor says was refused",
        )
    }

    /// Debits less credits of an account.
    pub(super) fn net(&self, path: &str, unit: Unit) -> i64 {
        let ledger = self.book().ledger();
        let account = ledger.lookup(path, unit);
        let balances = account.and_then(|account| ledger.balances(account));
        balances.map_or(0, |balances| balances.net_debit())
    }

    /// Where an order stood last.
    pub(super) fn standing(&self, order: OrderId) -> Option<OrderStanding> {
        let events = self.records.iter().rev().map(|record| &record.event);
        events
            .filter(|event| event.order() == Some(order))
            .find_map(|event| match event {
                Event::OrderPlaced(event) => Some(event.standing.clone()),
                Event::OrderBooked(event) => Some(event.standing.clone()),
                Event::OrderFulfilled(event) => Some(event.standing.clone()),
                Event::OrderCancelled(event) => Some(event.standing.clone()),
                _ => None,
            })
    }

    /// Every unit sums to zero and every limit holds, by our own count.
    fn laws(&self) -> Verdict {
        let mut sums: BTreeMap<tillroll_money::Unit, i128> = BTreeMap::new();
        let rows: Vec<_> = self.book().ledger().by_path().collect();
        for (account, balances) in &rows {
            let net = i128::from(balances.debits_posted) - i128::from(balances.credits_posted);
            *sums
                .entry(self.book().ledger().unit_of(account))
                .or_default() += net;
            let keeps = match account.limit {
                Limit::None => true,
                Limit::DebitsMustNotExceedCredits => net <= 0,
                Limit::CreditsMustNotExceedDebits => net >= 0,
            };
            ensure(keeps, || {
                format!("{} has {net}, beyond its limit", account.path)
            })?;
        }
        match sums.into_iter().find(|(_, sum)| *sum != 0) {
            Some((unit, sum)) => Err(Caught(format!("{unit} sums to {sum}"))),
            None => Ok(()),
        }
    }
}
