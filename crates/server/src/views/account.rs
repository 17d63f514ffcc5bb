//! Accounts, statements, stock and sellers' parts as a client sees them.

use serde::Serialize;
use tillroll_projections::{AccountRow, SellerRow, StatementLine, StockRow, Total, TrialBalance};
use utoipa::ToSchema;

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
    debits_posted: u64,
    credits_posted: u64,
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
    debits_after: u64,
    credits_after: u64,
    balance_after: i64,
    /// The event: `order.booked`.
    event: String,
    order: Option<String>,
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
            description: line.description,
            occurred_at: line.occurred_at.to_string(),
            recorded_at: line.recorded_at.to_string(),
            position: line.cursor.position,
        }
    }
}

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
    /// An integer, or, beyond 64 bits, its digits as text.
    #[schema(value_type = i64)]
    debits: Total,
    #[schema(value_type = i64)]
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
    debits: u64,
    credits: u64,
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

/// Pieces of an article at a location.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = StockLevel)]
pub(crate) struct StockView {
    #[schema(example = "stock")]
    object: &'static str,
    /// Its cursor.
    #[schema(example = "berlin:TEE-M")]
    id: String,
    location: String,
    sku: String,
    /// Can still be sold.
    available: i64,
    /// Sold and not yet handed over.
    reserved: i64,
    /// Sold offline although the shelf did not hold it.
    short: i64,
}

impl StockView {
    pub(crate) fn of(row: StockRow) -> Self {
        Self {
            object: "stock",
            id: format!("{}:{}", row.location, row.sku),
            location: row.location,
            sku: row.sku,
            available: row.available,
            reserved: row.reserved,
            short: row.short,
        }
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }
}

/// A seller's part in one unit, in minor units.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Split)]
pub(crate) struct SplitView {
    #[schema(example = "split")]
    object: &'static str,
    /// Its cursor.
    #[schema(example = "acct_1:EUR")]
    id: String,
    seller: String,
    unit: String,
    /// Earned, and not released yet.
    pending: i64,
    /// Released, and not sent yet.
    available: i64,
    /// What the seller owes, having been sent more than was released.
    owed: i64,
    /// Sent, less what was reversed.
    paid: i64,
    /// Taken back by refunds.
    reversed: i64,
}

impl SplitView {
    pub(crate) fn of(row: SellerRow) -> Self {
        Self {
            object: "split",
            id: format!("{}:{}", row.seller, row.unit),
            seller: row.seller,
            unit: row.unit.to_string(),
            pending: row.pending,
            available: row.available,
            owed: row.owed,
            paid: row.paid,
            reversed: row.reversed,
        }
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }
}
