//! The trial balance as a client sees it.

use serde::Serialize;
use tillroll_projections::{Total, TrialBalance};
use utoipa::ToSchema;

use super::total::TotalSchema;

/// Everything that was posted, by unit: debits and credits are equal in each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = TrialBalance)]
pub(crate) struct TrialBalanceView {
    #[schema(example = "trial_balance")]
    pub object: &'static str,
    pub position: u64,
    pub balanced: bool,
    pub units: Vec<TrialBalanceUnit>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct TrialBalanceUnit {
    unit: String,
    #[schema(value_type = TotalSchema)]
    debits: Total,
    #[schema(value_type = TotalSchema)]
    credits: Total,
    balanced: bool,
    accounts: Vec<TrialBalanceAccount>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct TrialBalanceAccount {
    path: String,
    #[serde(rename = "type")]
    kind: &'static str,
    code: String,
    name: String,
    #[schema(value_type = TotalSchema)]
    debits: Total,
    #[schema(value_type = TotalSchema)]
    credits: Total,
    balance: i64,
}

impl TrialBalanceView {
    pub(crate) fn of(position: u64, units: Vec<TrialBalance>) -> Self {
        Self {
            object: "trial_balance",
            position,
            balanced: units.iter().all(TrialBalance::is_balanced),
            units: units.into_iter().map(TrialBalanceUnit::of).collect(),
        }
    }
}

impl TrialBalanceUnit {
    fn of(balance: TrialBalance) -> Self {
        let balanced = balance.is_balanced();
        let accounts = balance.rows.into_iter().map(|row| TrialBalanceAccount {
            path: row.path,
            kind: row.kind.as_str(),
            code: row.code,
            name: row.name,
            debits: row.debits,
            credits: row.credits,
            balance: row.balance,
        });
        Self {
            unit: balance.unit.to_string(),
            debits: balance.debits,
            credits: balance.credits,
            balanced,
            accounts: accounts.collect(),
        }
    }
}
