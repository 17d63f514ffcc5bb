//! A seller's part as a client sees it.

use serde::Serialize;
use tillroll_projections::SellerRow;
use utoipa::ToSchema;

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
