//! A fingerprint of what a book says, the same for every history that says the same.
//!
//! The listing leaves out what depends on the order of telling: positions, times, gross
//! totals (a payment that was unmatched for a while has passed through more accounts), and
//! accounts that stand at zero.

use std::fmt::{self, Write};

use tillroll_ledger::Side;

use crate::Book;
use crate::store::{ApplicationFee, Dispute, Order, Payout, Transfer};

/// BLAKE3 over a canonical listing of the state, one line per fact, sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Digest(pub [u8; 32]);

/// Bytes of lines that are hashed at once.
const AT_ONCE: usize = 64 * 1024;

impl Digest {
    pub(crate) fn of(book: &Book) -> Self {
        // Many lines are hashed at once: that is several times quicker than one by one.
        let mut hasher = blake3::Hasher::new();
        let mut lines = String::new();
        listing(book, &mut |line| {
            lines.write_fmt(line).expect("a string takes any text");
            lines.push('\n');
            if lines.len() >= AT_ONCE {
                hasher.update(lines.as_bytes());
                lines.clear();
            }
        });
        hasher.update(lines.as_bytes());
        Self(*hasher.finalize().as_bytes())
    }
}

fn listing(book: &Book, say: &mut dyn FnMut(fmt::Arguments<'_>)) {
    say(format_args!("tillroll digest v1"));
    for (account, balances) in book.ledger().by_path() {
        let net = balances.net_debit();
        let [debits, credits] = [Side::Debit, Side::Credit].map(|side| balances.pending(side));
        if (net, debits, credits) != (0, 0, 0) {
            say(format_args!(
                "balance {} {} {net} {debits} {credits}",
                account.path,
                book.ledger().unit_of(account)
            ));
        }
    }
    for (id, order) in book.tables().sorted::<Order>() {
        let standing = &order.standing;
        say(format_args!(
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
            say(format_args!(
                "split {id} {:?} {seller} {} {} {}",
                split.role, split.share, split.earned, split.returned
            ));
        }
    }
    for (id, transfer) in book.tables().sorted::<Transfer>() {
        if let Some(facts) = &transfer.facts {
            say(format_args!(
                "transfer {id} {} {} {} {}",
                facts.seller, facts.currency, facts.amount, facts.reversed
            ));
        }
    }
    for (id, payout) in book.tables().sorted::<Payout>() {
        if let Some(facts) = &payout.facts {
            say(format_args!(
                "payout {id} {} {} {:?}",
                facts.currency, facts.amount, facts.status
            ));
        }
    }
    for (id, fee) in book.tables().sorted::<ApplicationFee>() {
        if let Some(facts) = &fee.facts {
            say(format_args!(
                "application fee {id} {} {} {}",
                facts.currency, facts.amount, facts.refunded
            ));
        }
    }
    for (id, dispute) in book.tables().sorted::<Dispute>() {
        if let Some(facts) = &dispute.facts {
            say(format_args!(
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
