//! Holds: pending, captured, and told as of any moment.

use tillroll_events::{HoldCaptured, HoldId, HoldPlaced, Timestamp};
use tillroll_projections::{HoldStatus, Total};

use crate::harness::{Cr, Dr, Models, Roll, query};

#[test]
fn a_hold_is_pending_until_it_is_captured_in_part() {
    let mut roll = Roll::default();
    let id = HoldId::from_u128(5);
    let legs = |amount| {
        [
            ("customer:c1:points", "points", Dr, amount),
            ("points:issued", "points", Cr, amount),
        ]
    };
    let entry = roll.entry(&legs(100));
    let placed = roll.push(HoldPlaced {
        id,
        entry,
        expires_at: Some(Timestamp::from_seconds(9_000)),
        description: Some("voucher".into()),
        metadata: Default::default(),
    });
    let entry = roll.entry(&legs(60));
    let captured = roll.push(HoldCaptured { id, entry });
    let models = Models::of(&roll.numbered());
    let read = models.read();

    let totals = |as_of| {
        let rows = read
            .account("customer:c1:points", None, Some(as_of))
            .expect("rows")
            .value;
        rows.first()
            .map(|row| (row.debits_posted, row.debits_pending))
    };
    assert_eq!(totals(placed - 1), Some((Total(0), 0)));
    assert_eq!(totals(placed), Some((Total(0), 100)));
    assert_eq!(totals(captured), Some((Total(60), 0)));

    let hold = |as_of| read.hold(id, Some(as_of)).expect("an answer").value;
    assert_eq!(hold(placed - 1), None);
    let before = hold(placed).expect("placed");
    assert_eq!(
        (before.status, before.ended_position),
        (HoldStatus::Pending, None)
    );
    assert_eq!(before.postings[0].amount, 100);
    assert!(before.captured.is_empty());
    let after = hold(captured).expect("placed");
    assert_eq!(
        (after.status, after.ended_position),
        (HoldStatus::Captured, Some(captured))
    );
    assert_eq!(after.captured[0].amount, 60);
    assert_eq!(after.captured[0].account, "customer:c1:points");
    // The capture carries the words of the hold.
    let words = query(
        &models.path(),
        "SELECT description FROM events WHERE kind = 'hold.captured'",
    );
    assert_eq!(words, ["voucher"]);
}
