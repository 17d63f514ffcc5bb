//! A fingerprint of what a book says, the same for every history that says the same.
//!
//! The listing leaves out what depends on the order of telling: positions, times, gross
//! totals (a payment that was unmatched for a while has passed through more accounts), and
//! accounts that stand at zero.

use std::fmt;

use crate::Book;
use crate::order::Order;
use crate::rows::{Dispute, Payout, Transfer};

/// BLAKE3 over a canonical listing of the state, one line per fact, sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    pub(crate) fn of(book: &Book) -> Self {
        let mut hasher = blake3::Hasher::new();
        listing(book, &mut |line| {
            hasher.update(line.as_bytes());
            hasher.update(b"\n");
        });
        Self(*hasher.finalize().as_bytes())
    }
}

fn listing(book: &Book, say: &mut dyn FnMut(String)) {
    say("tillroll digest v1".into());
    for (account, balances) in book.ledger().by_path() {
        let net = balances.net_debit();
        let (debits, credits) = (balances.debits_pending, balances.credits_pending);
        if (net, debits, credits) != (0, 0, 0) {
            say(format!(
                "balance {} {} {net} {debits} {credits}",
                account.path,
                book.ledger().unit_of(account)
            ));
        }
    }
    for (id, order) in book.tables().sorted::<Order>() {
        let standing = &order.standing;
        say(format!(
            "order {id} {} {} {} {} {} {} {} {} {} {} {} {} {}",
            order.channel,
            order.currency,
            standing.status.as_str(),
            standing.total,
            standing.due,
            standing.authorised,
            standing.paid,
            standing.refunded,
            standing.overpaid,
            standing.disputed,
            standing.charged_back,
            standing.failed_attempts,
            standing.fulfilled,
        ));
        for split in &standing.splits {
            let seller = split.seller.as_ref().map_or("-", |seller| seller.as_str());
            say(format!(
                "split {id} {:?} {seller} {} {} {}",
                split.role, split.share, split.earned, split.returned
            ));
        }
    }
    for (id, transfer) in book.tables().sorted::<Transfer>() {
        if let Some(facts) = &transfer.facts {
            say(format!(
                "transfer {id} {} {} {} {}",
                facts.seller, facts.currency, facts.amount, facts.reversed
            ));
        }
    }
    for (id, payout) in book.tables().sorted::<Payout>() {
        if let Some(facts) = &payout.facts {
            say(format!(
                "payout {id} {} {} {:?}",
                facts.currency, facts.amount, facts.status
            ));
        }
    }
    for (id, dispute) in book.tables().sorted::<Dispute>() {
        if let Some(facts) = &dispute.facts {
            say(format!(
                "dispute {id} {} {} {:?}",
                facts.currency, facts.amount, facts.status
            ));
        }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
