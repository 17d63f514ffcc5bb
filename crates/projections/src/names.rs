//! Names of accounts, for showing events.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use tillroll_events::{AccountNames, Event, Record};
use tillroll_ledger::AccountId;
use tillroll_money::Unit;

use crate::ReadModels;

/// Accounts are read in runs of this many: those of one order were opened together.
const RUN: u32 = 512;
/// Above this many, all are forgotten and read again as they are needed.
const MAX_REMEMBERED: usize = 500_000;

/// A cache of account names over the read models. Clones share it. What cannot be found (yet)
/// has no name, and is asked for again the next time.
#[derive(Clone, Debug)]
pub struct NameCache {
    models: ReadModels,
    names: Arc<RwLock<HashMap<u32, (Arc<str>, Unit)>>>,
}

impl NameCache {
    #[must_use]
    pub fn new(models: ReadModels) -> Self {
        Self {
            models,
            names: Arc::default(),
        }
    }

    /// Learns the account that a record opens, so that it has a name before it is projected.
    pub fn learn(&self, record: &Record) {
        if let Event::AccountOpened(event) = &record.event {
            let name = (event.path.as_str().into(), event.unit);
            self.insert([(event.account.get(), name)]);
        }
    }

    fn insert(&self, found: impl IntoIterator<Item = (u32, (Arc<str>, Unit))>) {
        let mut names = self.names.write().unwrap_or_else(PoisonError::into_inner);
        if names.len() > MAX_REMEMBERED {
            names.clear();
        }
        names.extend(found);
    }

    fn known(&self, account: u32) -> Option<(String, Unit)> {
        let names = self.names.read().unwrap_or_else(PoisonError::into_inner);
        names
            .get(&account)
            .map(|(path, unit)| (path.to_string(), *unit))
    }
}

impl AccountNames for NameCache {
    fn name(&self, account: AccountId) -> Option<(String, Unit)> {
        let id = account.get();
        self.known(id).or_else(|| {
            let first = id - id % RUN;
            match self.models.account_names(first, first.saturating_add(RUN)) {
                Ok(found) => self.insert(found),
                Err(error) => tracing::warn!(%error, "account names cannot be read"),
            }
            self.known(id)
        })
    }
}
