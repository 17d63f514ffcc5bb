//! A hold: an entry that is pending until it is captured, in part or whole, or voided.

use crate::{Entry, Posting};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    pub entry: Entry,
    /// Microseconds since 1970; from then on it can no longer be captured.
    pub expires_at: Option<i64>,
}

impl Hold {
    /// Whether `captured` is part of this hold: the same accounts on the same sides, none for
    /// more than was held.
    #[must_use]
    pub fn covers(&self, captured: &Entry) -> bool {
        let held = self.entry.postings();
        captured.postings().iter().all(|part| {
            let same = |leg: &&Posting| leg.account == part.account && leg.side == part.side;
            let total = |legs: &[Posting]| -> u128 {
                legs.iter()
                    .filter(same)
                    .map(|leg| u128::from(leg.amount))
                    .sum()
            };
            total(captured.postings()) <= total(held)
        })
    }
}
