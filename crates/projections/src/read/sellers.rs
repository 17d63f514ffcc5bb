//! What sellers are owed, have been paid and have given back.

use std::collections::BTreeMap;

use rusqlite::params;
use serde::Serialize;
use tillroll_money::Unit;

use super::columns::Columns;
use super::orders::text;
use super::pool::Snapshot;
use super::{AsOf, At, ReadModels, accounts};
use crate::ReadError;

/// A seller in one unit, in minor units.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SellerRow {
    pub seller: String,
    #[serde(serialize_with = "text")]
    pub unit: Unit,
    /// Earned, and not released yet.
    pub pending: i64,
    /// Released, and not sent yet.
    pub available: i64,
    /// What the seller owes, having been sent more than was released.
    pub owed: i64,
    /// Sent, less what was reversed.
    pub paid: i64,
    /// Taken back from the seller's parts of orders by refunds.
    pub reversed: i64,
}

impl SellerRow {
    fn new(seller: &str, unit: Unit) -> Self {
        Self {
            seller: seller.to_owned(),
            unit,
            pending: 0,
            available: 0,
            owed: 0,
            paid: 0,
            reversed: 0,
        }
    }
}

type SellerRows = BTreeMap<(String, Unit), SellerRow>;

impl ReadModels {
    /// Every seller's part, by seller and unit.
    pub fn splits(&self, as_of: Option<u64>) -> Result<At<Vec<SellerRow>>, ReadError> {
        self.at(as_of, |snapshot, as_of| {
            let mut rows = SellerRows::new();
            balances(snapshot, as_of, &mut rows)?;
            history(snapshot, as_of, &mut rows)?;
            Ok(rows.into_values().collect())
        })
    }
}

fn row<'a>(rows: &'a mut SellerRows, seller: &str, unit: Unit) -> &'a mut SellerRow {
    rows.entry((seller.to_owned(), unit))
        .or_insert_with(|| SellerRow::new(seller, unit))
}

fn balances(snapshot: &Snapshot<'_>, as_of: AsOf, rows: &mut SellerRows) -> Result<(), ReadError> {
    accounts::with_prefix(snapshot, as_of, "seller:", |account| {
        let mut names = account.path.split(':').skip(1);
        let (Some(seller), Some(part), None) = (names.next(), names.next(), names.next()) else {
            return;
        };
        match part {
            "pending" => row(rows, seller, account.unit).pending = account.balance,
            "available" => row(rows, seller, account.unit).available = account.balance,
            "receivable" => row(rows, seller, account.unit).owed = account.balance,
            _ => {}
        }
    })
}

/// The last totals of each seller up to the position. Sellers are found by hopping from one
/// to the next, so that a long history of one costs one seek.
fn history(snapshot: &Snapshot<'_>, as_of: AsOf, rows: &mut SellerRows) -> Result<(), ReadError> {
    let mut next = snapshot.sql.prepare_cached(
        "SELECT seller, unit FROM seller_history WHERE (seller, unit) > (?1, ?2)
         ORDER BY seller, unit LIMIT 1",
    )?;
    let mut last = snapshot.sql.prepare_cached(
        "SELECT paid, reversed FROM seller_history
         WHERE seller = ?1 AND unit = ?2 AND position <= ?3 ORDER BY position DESC LIMIT 1",
    )?;
    let (mut seller, mut unit) = (String::new(), String::new());
    loop {
        let mut found = next.query(params![seller, unit])?;
        let Some(hop) = found.next()? else {
            return Ok(());
        };
        let parsed: Unit = hop.parsed(1)?;
        (seller, unit) = (hop.get(0)?, hop.get(1)?);
        let mut totals = last.query(params![seller, unit, as_of.column])?;
        if let Some(totals) = totals.next()? {
            let row = row(rows, &seller, parsed);
            (row.paid, row.reversed) = (totals.get(0)?, totals.get(1)?);
        }
    }
}
