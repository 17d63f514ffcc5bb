//! Which account a number is: names for records, which hold numbers only.
//!
//! A name never changes. It knows those that were there at the start, learns from the records
//! that pass by, asks the writer for what it missed (which makes a frame end early, so it is
//! rare), and the read models when there is no writer any more.

use std::collections::{BTreeSet, HashMap};
use std::sync::{PoisonError, RwLock};

use tillroll_engine::{Handle, Position};
use tillroll_events::{AccountNames, Event, Record};
use tillroll_ledger::{AccountId, AccountPath, EntryRef, Ledger};
use tillroll_money::Unit;
use tillroll_projections::NameCache;

/// Above this many, all are forgotten and asked for again as they are needed.
const MOST_REMEMBERED: usize = 200_000;

type Name = (AccountPath, Unit);

#[derive(Debug)]
pub(crate) struct AccountDirectory {
    known: RwLock<HashMap<AccountId, Name>>,
    models: NameCache,
}

/// The names of every account that some records speak of.
#[derive(Debug)]
pub struct AccountNameTable(HashMap<AccountId, Name>);

impl AccountNames for AccountNameTable {
    fn name(&self, account: AccountId) -> Option<(String, Unit)> {
        let (path, unit) = self.0.get(&account)?;
        Some((path.to_string(), *unit))
    }
}

impl AccountDirectory {
    /// One that knows what can be remembered of a book's accounts from the start.
    pub(crate) fn of(ledger: &Ledger, models: NameCache) -> Self {
        let accounts = ledger.accounts().take(MOST_REMEMBERED);
        let known = accounts.map(|(account, _)| {
            let unit = ledger.unit_of(account);
            (account.id, (account.path.clone(), unit))
        });
        Self {
            known: RwLock::new(known.collect()),
            models,
        }
    }

    /// Learns from records that pass by.
    pub(crate) fn absorb(&self, records: &[(Position, Record)]) {
        let mut opened = records
            .iter()
            .filter_map(|(_, record)| match &record.event {
                Event::AccountOpened(opened) => Some(opened),
                _ => None,
            })
            .peekable();
        if opened.peek().is_some() {
            self.learn(opened.map(|opened| (opened.account, (opened.path.clone(), opened.unit))));
        }
    }

    fn learn(&self, found: impl IntoIterator<Item = (AccountId, Name)>) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() > MOST_REMEMBERED {
            known.clear();
        }
        known.extend(found);
    }

    /// The names of all accounts that the records speak of.
    pub(crate) async fn names(
        &self,
        records: &[(Position, Record)],
        writer: &Handle,
    ) -> AccountNameTable {
        self.absorb(records);
        let mut names = HashMap::new();
        let mut missing: Vec<AccountId> = Vec::new();
        {
            let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
            for account in accounts(records) {
                match known.get(&account) {
                    Some(name) => {
                        names.insert(account, name.clone());
                    }
                    None => missing.push(account),
                }
            }
        }
        if missing.is_empty() {
            return AccountNameTable(names);
        }
        let found = self.ask(missing, writer).await;
        self.learn(found.iter().cloned());
        names.extend(found);
        AccountNameTable(names)
    }

    async fn ask(&self, missing: Vec<AccountId>, writer: &Handle) -> Vec<(AccountId, Name)> {
        let wanted = missing.clone();
        let asked = writer.inspect(move |book| {
            let name = |id: AccountId| {
                let account = book.ledger().account(id)?;
                Some((id, (account.path.clone(), book.ledger().unit_of(account))))
            };
            wanted.into_iter().filter_map(name).collect::<Vec<_>>()
        });
        if let Ok((_, found)) = asked.await {
            return found;
        }
        let models = self.models.clone();
        let looked_up = tokio::task::spawn_blocking(move || {
            let name = |id: AccountId| {
                let (path, unit) = models.name(id)?;
                Some((id, (path.parse().ok()?, unit)))
            };
            missing.into_iter().filter_map(name).collect()
        });
        looked_up.await.unwrap_or_default()
    }
}

fn accounts(records: &[(Position, Record)]) -> BTreeSet<AccountId> {
    let mut accounts = BTreeSet::new();
    for (_, record) in records {
        let mut add = |entry: EntryRef<'_>| {
            accounts.extend(entry.postings().iter().map(|posting| posting.account));
        };
        match &record.event {
            Event::HoldPlaced(hold) => add(hold.entry.borrowed()),
            event => event.for_each_posted(add),
        }
    }
    accounts
}
