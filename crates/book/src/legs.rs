//! Net amounts by account: what a subject (an order, a balance transaction, a payout) has on
//! the books, and what it should have.
//!
//! Books follow facts by difference: the posting rules say what should stand, this says what
//! must be posted so that it does. So it never matters in which order facts arrive.

use tillroll_ledger::{AccountId, Draft, Entry, Side};

use crate::Refusal;

/// Debits less credits by account, never zero, in the order of accounts. A subject has a handful:
/// a tree of them would be mostly room for more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Legs(Vec<(AccountId, i128)>);

impl Legs {
    /// Adds to the debit side, or to the credit side when negative.
    pub fn debit(&mut self, account: AccountId, amount: i128) {
        match self
            .0
            .binary_search_by_key(&account, |(account, _)| *account)
        {
            Ok(place) => {
                let net = &mut self.0[place].1;
                *net += amount;
                if *net == 0 {
                    self.0.remove(place);
                }
            }
            Err(_) if amount == 0 => {}
            Err(place) => self.0.insert(place, (account, amount)),
        }
    }

    pub(crate) fn add_entry(&mut self, entry: &Entry) {
        for posting in entry.postings() {
            let amount = i128::from(posting.amount);
            match posting.side {
                Side::Debit => self.debit(posting.account, amount),
                Side::Credit => self.debit(posting.account, -amount),
            }
        }
    }

    /// What must be added to `booked` to reach these legs.
    pub(crate) fn less(&self, booked: &Self) -> Self {
        let mut difference = self.clone();
        for (account, net) in &booked.0 {
            difference.debit(*account, -net);
        }
        difference
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Accounts and their amounts, by account.
    pub fn iter(&self) -> impl Iterator<Item = (AccountId, i128)> {
        self.0.iter().map(|(account, net)| (*account, *net))
    }

    /// The entry that posts these legs; none when there are none.
    pub(crate) fn entry(&self, draft: &Draft<'_>) -> Result<Option<Entry>, Refusal> {
        if self.is_empty() {
            return Ok(None);
        }
        let mut postings = Vec::with_capacity(self.0.len());
        for (account, net) in &self.0 {
            let side = if *net > 0 { Side::Debit } else { Side::Credit };
            let amount =
                u64::try_from(net.unsigned_abs()).map_err(|_| Refusal::AmountOutOfRange {
                    param: "amount".into(),
                    detail: "the sum to post is beyond the range of an amount".into(),
                })?;
            postings.push(
                draft
                    .posting(*account, side, amount)
                    .expect("legs name accounts of the draft"),
            );
        }
        Ok(Some(Entry::new(postings)?))
    }
}
