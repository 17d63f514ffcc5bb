//! Which records belong to an order, and why: through what the facts name.
//!
//! | why | the record |
//! |---|---|
//! | `order` | names the order, in its envelope or in what it says |
//! | `account` | moves an account of the order, `order:<id>:…` |
//! | `link` | names a thing that a record of the order names too: a charge, a refund, a dispute, a transfer, a fee, a balance transaction, a payout, an entry, a hold |
//! | `command` | was recorded by the same command as such a record: the notification that brought it, or what a seller owes after it |
//! | `opens` | opens an account that an entry names |
//!
//! Links are followed to their end, in both directions, but never through a record that names
//! another order as its own. `check.py` does the same on the records of a pack.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use tillroll_events::{AccountNames, CommandRef, Event, OrderId, Record};
use tillroll_ledger::AccountId;

use crate::pack::{OpenedNames, ProvedRecord};
use crate::tables::{each_entry, named, numbers};

/// Why a record is in a pack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PackReason {
    Order(OrderId),
    Account(String),
    Link(String),
    Command(u64),
    Opens(String),
}

impl PackReason {
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Order(_) => "order",
            Self::Account(_) => "account",
            Self::Link(_) => "link",
            Self::Command(_) => "command",
            Self::Opens(_) => "opens",
        }
    }

    /// By what.
    pub(crate) fn by(&self) -> String {
        match self {
            Self::Order(order) => order.to_string(),
            Self::Account(by) | Self::Link(by) | Self::Opens(by) => by.clone(),
            Self::Command(position) => position.to_string(),
        }
    }
}

/// The things that an event names, its own id first.
pub(crate) fn ids(event: &Event) -> Vec<Cow<'_, str>> {
    let mut ids = Vec::new();
    let mut add = |id: Option<&str>| ids.extend(id.map(|id| Cow::Owned(id.to_owned())));
    match event {
        Event::IntentObserved(event) => add(Some(event.facts.id.as_str())),
        Event::ChargeObserved(event) => {
            add(Some(event.facts.id.as_str()));
            add(event.facts.intent.as_ref().map(|id| id.as_str()));
        }
        Event::RefundObserved(event) => {
            add(Some(event.facts.id.as_str()));
            add(event.facts.charge.as_ref().map(|id| id.as_str()));
            add(event.facts.intent.as_ref().map(|id| id.as_str()));
        }
        Event::DisputeObserved(event) => {
            add(Some(event.facts.id.as_str()));
            add(event.facts.charge.as_ref().map(|id| id.as_str()));
            add(event.facts.intent.as_ref().map(|id| id.as_str()));
        }
        Event::TransferObserved(event) => {
            add(Some(event.facts.id.as_str()));
            add(event.facts.source_charge.as_ref().map(|id| id.as_str()));
        }
        Event::PayoutObserved(event) => add(Some(event.facts.id.as_str())),
        Event::BalanceTransactionBooked(event) => {
            add(Some(event.facts.id.as_str()));
            add(event.facts.source.as_ref().map(|id| id.as_str()));
        }
        Event::ApplicationFeeObserved(event) => {
            let facts = &event.facts;
            add(Some(facts.id.as_str()));
            add(facts.charge.as_ref().map(|id| id.as_str()));
            let from = facts.originating_transaction.as_ref();
            add(from.map(|id| id.as_str()));
            let booked = facts.balance_transaction.as_ref();
            add(booked.map(|id| id.as_str()));
            for (id, refund) in &facts.refunds {
                add(Some(id.as_str()));
                let booked = refund.balance_transaction.as_ref();
                add(booked.map(|id| id.as_str()));
            }
        }
        Event::EntryPosted(event) => {
            add(Some(&event.id.to_string()));
            add(event.reverses.map(|id| id.to_string()).as_deref());
        }
        Event::EntryReversed(event) => {
            add(Some(&event.id.to_string()));
            add(Some(&event.reverses.to_string()));
        }
        Event::HoldPlaced(event) => add(Some(&event.id.to_string())),
        Event::HoldCaptured(event) => add(Some(&event.id.to_string())),
        Event::HoldEnded(event) => add(Some(&event.id.to_string())),
        _ => {}
    }
    ids
}

/// The group that a transfer was put into by whoever made it, which may be the order.
fn is_in_group(event: &Event, order: &str) -> bool {
    match event {
        Event::TransferObserved(event) => event.facts.group.as_deref() == Some(order),
        _ => false,
    }
}

fn prefix(order: OrderId) -> String {
    format!("order:{order}:")
}

/// Positions from the first record of a command up to its last.
fn run(first: u64, command: Option<&CommandRef>) -> std::ops::Range<u64> {
    let events = command.map_or(0, |command| command.events);
    first..first.saturating_add(u64::from(events))
}

fn is_companion(event: &Event) -> bool {
    matches!(event, Event::SellerBalanceAdjusted(_))
}

/// Why each record of a pack is in it. Those that nothing links to the order have no reason.
pub(crate) fn reasons(
    order: OrderId,
    records: &[ProvedRecord],
    names: &OpenedNames,
) -> BTreeMap<u64, PackReason> {
    let (text, prefix) = (order.to_string(), prefix(order));
    let mut reasons = BTreeMap::new();
    for proved in records {
        let event = &proved.record.event;
        if proved.order() == Some(order) || is_in_group(event, &text) {
            reasons.insert(proved.position, PackReason::Order(order));
        } else if let Some(path) = moved(event, names, &prefix) {
            reasons.insert(proved.position, PackReason::Account(path));
        }
    }
    follow(order, records, &mut reasons);
    let linked: Vec<u64> = reasons.keys().copied().collect();
    for first in records {
        let run = run(first.position, first.record.command.as_ref());
        let Some(by) = linked
            .iter()
            .copied()
            .find(|position| run.contains(position))
        else {
            continue;
        };
        let in_run = || records.iter().filter(|other| run.contains(&other.position));
        let is_notification = matches!(first.record.event, Event::NotificationReceived(_));
        let has_companion = in_run().any(|other| is_companion(&other.record.event));
        for other in in_run() {
            let is_first = other.position == first.position && (is_notification || has_companion);
            if is_first || is_companion(&other.record.event) {
                let reason = reasons.entry(other.position);
                reason.or_insert(PackReason::Command(by));
            }
        }
    }
    for account in numbers(records) {
        if let Some((position, opened)) = names.get(account) {
            let reason = reasons.entry(*position);
            reason.or_insert_with(|| PackReason::Opens(opened.path.to_string()));
        }
    }
    reasons
}

/// The first account of the order that an event moves.
fn moved(event: &Event, names: &OpenedNames, prefix: &str) -> Option<String> {
    let mut moved = None;
    each_entry(event, |_, entry| {
        let accounts = entry.postings().iter().map(|posting| posting.account);
        let mut paths = accounts.filter_map(|account| names.name(account));
        if moved.is_none() {
            moved = paths.find_map(|(path, _)| path.starts_with(prefix).then_some(path));
        }
    });
    moved
}

/// Adds what is linked to the records that have reasons, round by round.
fn follow(order: OrderId, records: &[ProvedRecord], reasons: &mut BTreeMap<u64, PackReason>) {
    let mut known = BTreeSet::new();
    let has_reason = |proved: &&ProvedRecord| reasons.contains_key(&proved.position);
    let mut added: Vec<&ProvedRecord> = records.iter().filter(has_reason).collect();
    while !added.is_empty() {
        for proved in added.drain(..) {
            if proved.order().is_none_or(|own| own == order) {
                known.extend(ids(&proved.record.event).into_iter().map(Cow::into_owned));
            }
        }
        for proved in records {
            if reasons.contains_key(&proved.position) {
                continue;
            }
            let ids = ids(&proved.record.event).into_iter();
            let shared = ids.map(Cow::into_owned).find(|id| known.contains(id));
            if let Some(shared) = shared {
                reasons.insert(proved.position, PackReason::Link(shared));
                added.push(proved);
            }
        }
    }
}

/// Finds the records of an order in a log that is shown from its beginning, as often as it asks for
/// it: facts arrive in any order, so what links to a fact may stand before it.
///
/// What it keeps grows with the order and with the number of accounts, and not with the log.
#[derive(Debug)]
pub struct OrderSearch {
    order: OrderId,
    text: String,
    prefix: String,
    known: BTreeSet<String>,
    /// Numbers of the order's accounts.
    own: BTreeSet<AccountId>,
    /// Where each account was opened, by its number.
    opened: BTreeMap<AccountId, u64>,
    linked: BTreeSet<u64>,
    companions: BTreeSet<u64>,
    accounts: BTreeSet<AccountId>,
    /// The command whose records come now.
    command: SeenCommand,
    grew: bool,
}

/// What was seen of a command's records.
#[derive(Debug, Default)]
struct SeenCommand {
    run: std::ops::Range<u64>,
    is_notification: bool,
    /// Accounts that its first record moves.
    first: BTreeSet<AccountId>,
    companions: Vec<(u64, BTreeSet<AccountId>)>,
    has_linked: bool,
}

impl OrderSearch {
    /// A search for this order's records.
    #[must_use]
    pub fn new(order: OrderId) -> Self {
        Self {
            order,
            text: order.to_string(),
            prefix: prefix(order),
            known: BTreeSet::new(),
            own: BTreeSet::new(),
            opened: BTreeMap::new(),
            linked: BTreeSet::new(),
            companions: BTreeSet::new(),
            accounts: BTreeSet::new(),
            command: SeenCommand::default(),
            grew: false,
        }
    }

    /// The next record of the log.
    pub fn see(&mut self, position: u64, record: &Record) {
        let mut moved = BTreeSet::new();
        each_entry(&record.event, |_, entry| {
            moved.extend(entry.postings().iter().map(|posting| posting.account));
        });
        if record.command.is_some() || !self.command.run.contains(&position) {
            self.end_command();
            self.command = SeenCommand {
                run: run(position, record.command.as_ref()),
                is_notification: matches!(record.event, Event::NotificationReceived(_)),
                first: named(&record.event),
                ..SeenCommand::default()
            };
        }
        if let Event::AccountOpened(opened) = &record.event {
            self.opened.insert(opened.account, position);
            if opened.path.as_str().starts_with(&self.prefix) {
                self.own.insert(opened.account);
            }
        }
        let own_order = record.order.or_else(|| record.event.order());
        let names = ids(&record.event);
        let belongs = own_order == Some(self.order)
            || is_in_group(&record.event, &self.text)
            || !moved.is_disjoint(&self.own)
            || names.iter().any(|id| self.known.contains(id.as_ref()));
        if belongs {
            self.command.has_linked = true;
            self.linked.insert(position);
            self.accounts.extend(named(&record.event));
            if own_order.is_none_or(|own| own == self.order) {
                for id in names {
                    self.grew |= self.known.insert(id.into_owned());
                }
            }
        } else if is_companion(&record.event) {
            let accounts = named(&record.event);
            self.command.companions.push((position, accounts));
        }
    }

    /// The end of the log. Answers whether it has to be shown again.
    pub fn end(&mut self) -> bool {
        self.end_command();
        std::mem::take(&mut self.grew)
    }

    fn end_command(&mut self) {
        let command = std::mem::take(&mut self.command);
        if !command.has_linked {
            return;
        }
        if command.is_notification || !command.companions.is_empty() {
            self.companions.insert(command.run.start);
            self.accounts.extend(command.first);
        }
        for (position, accounts) in command.companions {
            self.companions.insert(position);
            self.accounts.extend(accounts);
        }
    }

    /// Whether anything belongs to the order.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.linked.is_empty()
    }

    /// Positions of all that belongs to it, and of what opened the accounts in it.
    #[must_use]
    pub fn positions(&self) -> BTreeSet<u64> {
        let opened = self
            .accounts
            .iter()
            .filter_map(|account| self.opened.get(account));
        let found = self.linked.iter().chain(&self.companions).chain(opened);
        found.copied().collect()
    }
}
