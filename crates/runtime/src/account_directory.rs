//! Which account a number is: names for records, which hold numbers only.
//!
//! A name never changes. The directory knows those that were there at the start, and follows the
//! log for those that are opened since. What it has forgotten it asks of the read models, and of the
//! writer (which makes a frame end early) only what they do not show yet.

use std::collections::{BTreeSet, HashMap};
use std::sync::{PoisonError, RwLock};

use tillroll_engine::{Handle, Position};
use tillroll_events::{AccountNames, AccountOpened, Event, Record};
use tillroll_ledger::{AccountId, AccountPath, EntryRef, Ledger};
use tillroll_money::Unit;
use tillroll_projections::NameCache;

/// Above this many, all are forgotten and asked for again as they are needed.
const MOST_REMEMBERED: usize = 200_000;

type AccountName = (AccountPath, Unit);

#[derive(Debug)]
pub(crate) struct AccountDirectory {
    known: RwLock<HashMap<AccountId, AccountName>>,
    models: NameCache,
}

/// The names of the accounts that some records name by number.
#[derive(Debug, Default)]
pub struct AccountNameTable(HashMap<AccountId, AccountName>);

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

    /// Learns the account that a record opens.
    pub(crate) fn learn(&self, opened: &AccountOpened) {
        self.remember([(opened.account, (opened.path.clone(), opened.unit))]);
    }

    fn remember(&self, found: impl IntoIterator<Item = (AccountId, AccountName)>) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() > MOST_REMEMBERED {
            known.clear();
        }
        known.extend(found);
    }

    /// Moves accounts whose names are known from `missing` to `names`.
    pub(crate) fn look_up(&self, missing: &mut BTreeSet<AccountId>, names: &mut AccountNameTable) {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        missing.retain(|account| {
            let name = known.get(account);
            names.0.extend(name.map(|name| (*account, name.clone())));
            name.is_none()
        });
    }

    /// Asks for names that are not known here.
    pub(crate) async fn ask(
        &self,
        missing: BTreeSet<AccountId>,
        writer: &Handle,
        names: &mut AccountNameTable,
    ) {
        let found = self.find(missing, writer).await;
        self.remember(found.iter().cloned());
        names.0.extend(found);
    }

    /// The read models are asked first: the writer, whose frame ends early for it, only knows more
    /// about accounts that they do not show yet.
    async fn find(
        &self,
        mut missing: BTreeSet<AccountId>,
        writer: &Handle,
    ) -> Vec<(AccountId, AccountName)> {
        let models = self.models.clone();
        let wanted = missing.clone();
        let looked_up = tokio::task::spawn_blocking(move || {
            let name = |id: AccountId| {
                let (path, unit) = models.name(id)?;
                Some((id, (path.parse().ok()?, unit)))
            };
            wanted.into_iter().filter_map(name).collect::<Vec<_>>()
        });
        let mut found = looked_up.await.unwrap_or_default();
        for (account, _) in &found {
            missing.remove(account);
        }
        if missing.is_empty() {
            return found;
        }
        let asked = writer.inspect(move |book| {
            let name = |id: AccountId| {
                let account = book.ledger().account(id)?;
                Some((id, (account.path.clone(), book.ledger().unit_of(account))))
            };
            missing.into_iter().filter_map(name).collect::<Vec<_>>()
        });
        if let Ok((_, named)) = asked.await {
            found.extend(named);
        }
        found
    }
}

/// The accounts that records name by number, and the names of those that they open themselves.
pub(crate) fn named_accounts(
    records: &[(Position, Record)],
) -> (BTreeSet<AccountId>, AccountNameTable) {
    let mut accounts = BTreeSet::new();
    let mut opened = AccountNameTable::default();
    for (_, record) in records {
        let mut add = |entry: EntryRef<'_>| {
            accounts.extend(entry.postings().iter().map(|posting| posting.account));
        };
        match &record.event {
            Event::HoldPlaced(hold) => add(hold.entry.borrowed()),
            Event::AccountOpened(event) => {
                let name = (event.path.clone(), event.unit);
                opened.0.insert(event.account, name);
            }
            event => event.for_each_posted(add),
        }
    }
    accounts.retain(|account| !opened.0.contains_key(account));
    (accounts, opened)
}
