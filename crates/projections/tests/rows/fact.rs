//! Facts: the latest of each, in the order of first mention.

use tillroll_events::{PayoutFacts, PayoutObserved, PayoutStatus};
use tillroll_projections::PositionPage;

use crate::harness::{Models, Roll, external, unit};

#[test]
fn facts_are_the_latest_and_listed_by_first_mention() {
    let mut roll = Roll::default();
    let payout = |id: &str, status| PayoutObserved {
        facts: PayoutFacts {
            id: external(id),
            account: None,
            currency: unit("EUR"),
            amount: 700,
            status,
            arrival: None,
        },
        entry: None,
    };
    roll.push(payout("po_1", PayoutStatus::InTransit));
    roll.push(payout("po_2", PayoutStatus::Pending));
    roll.push(payout("po_1", PayoutStatus::Paid));
    let models = Models::of(&roll.numbered());
    let rows = models
        .read()
        .payouts(&PositionPage::default())
        .expect("rows")
        .value;
    let rows: Vec<_> = rows
        .items
        .iter()
        .map(|row| (row.id.as_str(), row.status, row.position, row.last_position))
        .collect();
    assert_eq!(
        rows,
        [
            ("po_2", PayoutStatus::Pending, 2, 2),
            ("po_1", PayoutStatus::Paid, 1, 3),
        ]
    );
}
