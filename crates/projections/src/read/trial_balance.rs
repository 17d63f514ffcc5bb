//! The trial balance: every account's debits and credits, and their sums, which are equal in
//! every unit.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};
use tillroll_ledger::AccountType;
use tillroll_money::Unit;

use super::orders::text;
use super::{At, ReadModels, Total, accounts};
use crate::ReadError;

/// The accounts of one unit that were ever posted to, by path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TrialBalance {
    #[serde(serialize_with = "text")]
    pub unit: Unit,
    pub rows: Vec<TrialBalanceRow>,
    pub debits: Total,
    pub credits: Total,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TrialBalanceRow {
    pub path: String,
    #[serde(rename = "type", serialize_with = "kind")]
    pub kind: AccountType,
    pub code: String,
    pub name: String,
    /// Everything ever posted on either side, in minor units.
    pub debits: Total,
    pub credits: Total,
    /// Positive on the normal side of the type.
    pub balance: i64,
}

fn kind<S: Serializer>(kind: &AccountType, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(kind.as_str())
}

impl TrialBalance {
    #[must_use]
    pub fn is_balanced(&self) -> bool {
        self.debits == self.credits
    }
}

impl ReadModels {
    /// The trial balance of every unit, by unit. Pending amounts are not in it.
    pub fn trial_balance(&self, as_of: Option<u64>) -> Result<At<Vec<TrialBalance>>, ReadError> {
        self.at(as_of, |snapshot, as_of| {
            let mut units: BTreeMap<Unit, TrialBalance> = BTreeMap::new();
            accounts::with_prefix(snapshot, as_of, "", |account| {
                if (account.debits_posted, account.credits_posted) == (Total(0), Total(0)) {
                    return;
                }
                let unit = units.entry(account.unit).or_insert_with(|| TrialBalance {
                    unit: account.unit,
                    rows: Vec::new(),
                    debits: Total::default(),
                    credits: Total::default(),
                });
                unit.debits.0 += account.debits_posted.0;
                unit.credits.0 += account.credits_posted.0;
                unit.rows.push(TrialBalanceRow {
                    path: account.path,
                    kind: account.kind,
                    code: account.code,
                    name: account.name,
                    debits: account.debits_posted,
                    credits: account.credits_posted,
                    balance: account.balance,
                });
            })?;
            Ok(units.into_values().collect())
        })
    }
}
