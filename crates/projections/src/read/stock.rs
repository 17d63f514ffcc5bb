//! Stock: what the accounts of articles say, by location and article.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{At, ReadModels, accounts};
use crate::ReadError;

/// Pieces of an article at a location.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StockRow {
    pub location: String,
    pub sku: String,
    /// Can still be sold: what is on the shelf less what holds have set aside.
    pub available: i64,
    /// Sold and not yet handed over.
    pub reserved: i64,
    /// Sold offline although the shelf did not hold it.
    pub short: i64,
}

impl ReadModels {
    /// Stock by location and article, of one location or of all.
    pub fn stock(
        &self,
        as_of: Option<u64>,
        location: Option<&str>,
    ) -> Result<At<Vec<StockRow>>, ReadError> {
        self.at(as_of, |snapshot, as_of| {
            let prefix =
                location.map_or_else(|| "stock:".to_owned(), |name| format!("stock:{name}:"));
            let mut found: BTreeMap<(String, String), StockRow> = BTreeMap::new();
            accounts::with_prefix(snapshot, as_of, &prefix, |account| {
                let Some((location, shelf, sku)) = shelf(&account.path, account.unit.sku_code())
                else {
                    return;
                };
                let row = found
                    .entry((location.to_owned(), sku.to_owned()))
                    .or_insert_with(|| StockRow {
                        location: location.to_owned(),
                        sku: sku.to_owned(),
                        available: 0,
                        reserved: 0,
                        short: 0,
                    });
                match shelf {
                    Shelf::Available => {
                        let held = i64::try_from(account.credits_pending).unwrap_or(i64::MAX);
                        row.available = account.balance.saturating_sub(held);
                    }
                    Shelf::Reserved => row.reserved = account.balance,
                    // What was sold beyond the shelf was credited to it.
                    Shelf::Shortage => row.short = account.balance.saturating_neg(),
                }
            })?;
            Ok(found.into_values().collect())
        })
    }
}

#[derive(Clone, Copy)]
enum Shelf {
    Available,
    Reserved,
    Shortage,
}

fn shelf<'a>(path: &'a str, sku: Option<&'a str>) -> Option<(&'a str, Shelf, &'a str)> {
    let mut names = path.split(':');
    let (Some("stock"), Some(location), Some(shelf), None) =
        (names.next(), names.next(), names.next(), names.next())
    else {
        return None;
    };
    let shelf = match shelf {
        "available" => Shelf::Available,
        "reserved" => Shelf::Reserved,
        "shortage" => Shelf::Shortage,
        _ => return None,
    };
    Some((location, shelf, sku?))
}
