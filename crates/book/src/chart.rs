//! The chart of accounts.

use tillroll_ledger::{AccountType, Limit};

/// What the accountant calls the accounts of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChartRule {
    /// A path in which `*` stands for one name: `order:*:due`.
    pub pattern: String,
    pub kind: AccountType,
    pub limit: Limit,
    /// The number in the chart: `1200`.
    pub code: String,
    /// `{1}` stands for what the first `*` matched.
    pub name: String,
}

/// The rules, the first that matches wins.
#[derive(Clone, Debug, Default)]
pub struct Chart {
    rules: Vec<ChartRule>,
}

impl Chart {
    /// These rules before the built-in ones.
    #[must_use]
    pub fn with_rules(rules: Vec<ChartRule>) -> Self {
        Self { rules }
    }
}
