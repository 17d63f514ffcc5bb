//! Accounts and their statements as a client sees them.

use serde::Serialize;
use tillroll_projections::{AccountRow, StatementLine, Total};
use utoipa::ToSchema;

use super::total::TotalSchema;

/// An account in one unit, with its totals in minor units.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Account)]
pub(crate) struct AccountView {
    #[schema(example = "account")]
    object: &'static str,
    /// Its cursor: `acc_` and its number.
    #[schema(example = "acc_17")]
    id: String,
    path: String,
    unit: String,
    #[serde(rename = "type")]
    kind: &'static str,
    limit: &'static str,
    /// The accountant's code and name, from the chart of accounts.
    code: String,
    name: String,
    #[schema(value_type = TotalSchema)]
    debits_posted: Total,
    #[schema(value_type = TotalSchema)]
    credits_posted: Total,
    debits_pending: u64,
    credits_pending: u64,
    /// Posted, positive on the normal side of the type.
    balance: i64,
    opened_position: u64,
}

impl AccountView {
    pub(crate) fn of(row: AccountRow) -> Self {
        Self {
            object: "account",
            id: format!("acc_{}", row.id),
            path: row.path,
            unit: row.unit.to_string(),
            kind: row.kind.as_str(),
            limit: row.limit.as_str(),
            code: row.code,
            name: row.name,
            debits_posted: row.debits_posted,
            credits_posted: row.credits_posted,
            debits_pending: row.debits_pending,
            credits_pending: row.credits_pending,
            balance: row.balance,
            opened_position: row.opened_position,
        }
    }
}

/// A posting to an account, and the account's totals after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = StatementLine)]
pub(crate) struct StatementLineView {
    #[schema(example = "statement_line")]
    object: &'static str,
    /// Its cursor: the event's position and the posting's place in the entry.
    #[schema(example = "1234.0")]
    id: String,
    side: &'static str,
    amount: u64,
    #[schema(value_type = TotalSchema)]
    debits_after: Total,
    #[schema(value_type = TotalSchema)]
    credits_after: Total,
    balance_after: i64,
    /// The event: `order.booked`.
    event: String,
    order: Option<String>,
    /// The entry, where it has an id: one that was posted by command. Others are part of their event.
    entry: Option<String>,
    description: Option<String>,
    occurred_at: String,
    recorded_at: String,
    position: u64,
}

impl StatementLineView {
    pub(crate) fn of(line: StatementLine) -> Self {
        Self {
            object: "statement_line",
            id: line.cursor.to_string(),
            side: line.side.as_str(),
            amount: line.amount,
            debits_after: line.debits_after,
            credits_after: line.credits_after,
            balance_after: line.balance_after,
            event: line.kind,
            order: line.order.map(|order| order.to_string()),
            entry: line.entry.map(|entry| entry.to_string()),
            description: line.description,
            occurred_at: line.occurred_at.to_string(),
            recorded_at: line.recorded_at.to_string(),
            position: line.cursor.position,
        }
    }
}
