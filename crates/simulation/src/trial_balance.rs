//! The trial balance, drawn up after every event: what the events say, added up by code of
//! its own, against the ledger.
//!
//! It knows accounts and units by number only, and of the ledger no more than its balances.

use std::collections::BTreeMap;

use tillroll_events::Event;
use tillroll_ledger::{AccountId, Ledger, Side, UnitId};

use crate::law::{Judgement, Law};

#[derive(Debug, Default)]
pub(crate) struct PlainTrialBalance {
    /// Debits less credits of what was posted.
    accounts: BTreeMap<AccountId, i128>,
    units: BTreeMap<UnitId, i128>,
}

impl PlainTrialBalance {
    /// An event was folded into this ledger.
    pub(crate) fn after(&mut self, event: &Event, ledger: &Ledger) -> Judgement<()> {
        let mut touched = Vec::new();
        event.for_each_posted(|entry| {
            for posting in entry.postings() {
                let amount = match posting.side {
                    Side::Debit => i128::from(posting.amount),
                    Side::Credit => -i128::from(posting.amount),
                };
                *self.accounts.entry(posting.account).or_default() += amount;
                *self.units.entry(posting.unit).or_default() += amount;
                touched.push(posting.account);
            }
        });
        for (unit, sum) in &self.units {
            Law::Sums.holds(*sum == 0, || {
                format!(
                    "the postings of all events sum to {sum} in unit {}",
                    unit.get()
                )
            })?;
        }
        if let Some((unit, sum)) = ledger.sums().into_iter().find(|(_, sum)| *sum != 0) {
            return Err(Law::Sums.broken(format!("{unit} sums to {sum} in the ledger")));
        }
        for id in touched {
            let balances = ledger.balances(id).copied().unwrap_or_default();
            let found = i128::from(balances.net_debit());
            let expected = self.accounts[&id];
            Law::Sums.holds(found == expected, || {
                format!(
                    "account {} stands at {found}, its postings come to {expected}",
                    id.get()
                )
            })?;
        }
        Ok(())
    }
}
