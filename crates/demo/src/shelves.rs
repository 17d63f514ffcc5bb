//! Stock: what has to be on which shelf when, so that every planned order can
//! be taken. The plan of orders is known, so the receipts follow from it.

use crate::catalogue::{ARTICLES, LIMITED, LIMITED_PIECES, StockPlace};
use crate::shoppers::{Purchase, limited_sale_opens};
use crate::story::{DAY, HOUR, StoryOptions};

/// Goods that arrive at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GoodsReceipt {
    /// Seconds since the epoch.
    pub(crate) at: i64,
    pub(crate) place: StockPlace,
    /// Articles and pieces.
    pub(crate) lines: Vec<(usize, u64)>,
    pub(crate) reference: String,
}

/// Receipts at the start and every week after, and one for the limited run.
pub(crate) fn plan(options: &StoryOptions, purchases: &[Purchase]) -> Vec<GoodsReceipt> {
    let start = options.start.as_second();
    let days = i64::from(options.days);
    let mut receipts = Vec::new();
    // The offline batch comes a day late, so it may fall into the week after.
    for week in 0..=(days / 7 + 1) {
        let (from, to) = (start + week * 7 * DAY, start + (week + 1) * 7 * DAY);
        for place in StockPlace::ALL {
            let lines: Vec<(usize, u64)> = (0..ARTICLES.len())
                .filter(|article| *article != LIMITED)
                .map(|article| (article, needed(purchases, place, article, from, to, week)))
                .filter(|(_, pieces)| *pieces > 0)
                .collect();
            if !lines.is_empty() {
                receipts.push(GoodsReceipt {
                    at: from + if week == 0 { 5 * 60 } else { 5 * HOUR },
                    place,
                    lines,
                    reference: format!("PO-{:03}-{}", week + 1, place.text()),
                });
            }
        }
    }
    receipts.push(GoodsReceipt {
        at: limited_sale_opens(start, days) - HOUR,
        place: StockPlace::Warehouse,
        lines: vec![(LIMITED, LIMITED_PIECES)],
        reference: "PO-LIMITED".to_owned(),
    });
    receipts.sort_by_key(|receipt| receipt.at);
    receipts
}

fn needed(
    purchases: &[Purchase],
    place: StockPlace,
    article: usize,
    from: i64,
    to: i64,
    week: i64,
) -> u64 {
    let sold: u64 = purchases
        .iter()
        .filter(|purchase| purchase.place == place && (from..to).contains(&purchase.recorded_at()))
        .flat_map(|purchase| &purchase.lines)
        .filter(|line| line.article == article)
        .map(|line| line.quantity)
        .sum();
    // A safety stock at the start also covers the hours before a delivery.
    let safety = if week == 0 { 12 } else { 0 };
    if sold == 0 && safety == 0 {
        return 0;
    }
    // In boxes of six, one in ten more than will be sold.
    (sold + sold / 10).div_ceil(6) * 6 + safety
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shoppers;
    use std::collections::BTreeMap;

    #[test]
    fn no_planned_order_finds_an_empty_shelf() {
        for seed in 0..8 {
            for orders in [60, 2_000] {
                let options = StoryOptions {
                    seed,
                    orders,
                    ..StoryOptions::default()
                };
                let purchases = shoppers::plan(&options);
                let mut moves: Vec<(i64, bool, StockPlace, usize, u64)> = Vec::new();
                for receipt in plan(&options, &purchases) {
                    for (article, pieces) in receipt.lines {
                        moves.push((receipt.at, false, receipt.place, article, pieces));
                    }
                }
                for purchase in &purchases {
                    for line in &purchase.lines {
                        moves.push((
                            purchase.recorded_at(),
                            true,
                            purchase.place,
                            line.article,
                            line.quantity,
                        ));
                    }
                }
                moves.sort();
                let mut shelf: BTreeMap<(StockPlace, usize), u64> = BTreeMap::new();
                for (at, sold, place, article, pieces) in moves {
                    let here = shelf.entry((place, article)).or_default();
                    if sold {
                        *here = here.checked_sub(pieces).unwrap_or_else(|| {
                            panic!("seed {seed}: {} ran out at {at}", ARTICLES[article].sku)
                        });
                    } else {
                        *here += pieces;
                    }
                }
                assert_eq!(
                    shelf[&(StockPlace::Warehouse, LIMITED)],
                    0,
                    "seed {seed}: the run sells out"
                );
            }
        }
    }
}
