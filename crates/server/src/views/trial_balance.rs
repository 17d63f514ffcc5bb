//! The trial balance as a client sees it.

use serde::Serialize;
use tillroll_money::Unit;
use tillroll_projections::{Total, TrialBalance, TrialBalancePage, TrialBalanceRow};
use utoipa::ToSchema;

use super::total::{SignedTotalSchema, TotalSchema};

/// Everything that was posted, by unit: debits and credits are equal in each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = TrialBalance)]
pub(crate) struct TrialBalanceView {
    #[schema(example = "trial_balance")]
    pub object: &'static str,
    pub position: u64,
    /// Whether debits and credits are equal in every unit of the page.
    pub balanced: bool,
    /// The units of the page's lines.
    pub units: Vec<TrialBalanceUnit>,
    /// Whether there are lines behind the last one.
    pub has_more: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct TrialBalanceUnit {
    unit: String,
    /// All debits of the unit, on this page and not.
    #[schema(value_type = TotalSchema)]
    debits: Total,
    #[schema(value_type = TotalSchema)]
    credits: Total,
    balanced: bool,
    /// The control account that was asked for.
    control: Option<TrialBalanceAccount>,
    accounts: Vec<TrialBalanceAccount>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct TrialBalanceAccount {
    /// Also the line's cursor.
    #[schema(example = "EUR/order:*:clearing")]
    id: String,
    #[schema(example = "order:*:clearing")]
    path: String,
    #[serde(rename = "type")]
    kind: &'static str,
    code: String,
    name: String,
    /// How many accounts a control account stands for; null for an account.
    accounts: Option<u64>,
    #[schema(value_type = TotalSchema)]
    debits: Total,
    #[schema(value_type = TotalSchema)]
    credits: Total,
    /// Positive on the normal side of the type.
    #[schema(value_type = SignedTotalSchema)]
    balance: Total,
}

impl TrialBalanceView {
    pub(crate) fn of(position: u64, page: TrialBalancePage) -> Self {
        Self {
            object: "trial_balance",
            position,
            balanced: page.units.iter().all(TrialBalance::is_balanced),
            units: page.units.into_iter().map(TrialBalanceUnit::of).collect(),
            has_more: page.has_more,
        }
    }
}

impl TrialBalanceUnit {
    fn of(balance: TrialBalance) -> Self {
        let (unit, balanced) = (balance.unit, balance.is_balanced());
        let line = |row| TrialBalanceAccount::of(unit, row);
        Self {
            unit: unit.to_string(),
            debits: balance.debits,
            credits: balance.credits,
            balanced,
            control: balance.control.map(line),
            accounts: balance.rows.into_iter().map(line).collect(),
        }
    }
}

impl TrialBalanceAccount {
    fn of(unit: Unit, row: TrialBalanceRow) -> Self {
        Self {
            id: format!("{unit}/{}", row.path),
            path: row.path,
            kind: row.kind.as_str(),
            code: row.code,
            name: row.name,
            accounts: row.accounts,
            debits: row.debits,
            credits: row.credits,
            balance: row.balance,
        }
    }
}
