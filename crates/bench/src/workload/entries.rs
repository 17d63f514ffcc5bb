//! Accounts, and entries that move money between them.

use std::ops::Range;

use tillroll_book::{
    Action, Command, CommandKey, OpenAccount, PostEntries, PostEntry, PostingRequest,
};
use tillroll_events::{Caller, EntryId, KeyScope, Metadata, Timestamp};
use tillroll_ledger::{AccountPath, AccountSpec, AccountType, Ledger, Limit, Side};
use tillroll_log::testing::Random;
use tillroll_money::Unit;

use super::draw::{Distribution, Draw};

/// Every account starts with this much, so that no limit is ever reached.
const FUNDS: u64 = 1 << 40;

/// Where increasing ids start: above those of the funding, with the top bits of a time.
const INCREASING: u128 = 0x0190_0000_0000_7000 << 64;

/// A moment of the workload.
#[must_use]
pub fn at(second: i64) -> Timestamp {
    Timestamp::from_seconds(1_800_000_000 + second)
}

/// The nth identity: spread over all bits, as random ids are, and never the same twice.
#[must_use]
pub fn id(number: u64) -> u128 {
    // Multiplying by an odd number is a permutation of the 128-bit numbers.
    u128::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
}

/// An entry's payer, payee and amount, by account number.
#[derive(Clone, Copy, Debug)]
pub struct PlannedTransfer {
    pub id: u128,
    pub from: usize,
    pub to: usize,
    pub amount: u64,
}

/// How the ids of entries follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ids {
    /// Spread over all bits: what a ledger can know least about.
    Random,
    /// Each above the one before, as ids are that begin with the time.
    Increasing,
}

impl Ids {
    /// For the name of a case: nothing of random ids, which are the dearer ones.
    #[must_use]
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Random => "",
            Self::Increasing => ", ids in order",
        }
    }
}

/// Payments between accounts drawn at random, each with an id of its own.
#[derive(Debug)]
pub struct Entries {
    accounts: usize,
    draw: Draw,
    limit: Limit,
    ids: Ids,
    random: Random,
    made: u64,
}

impl Entries {
    #[must_use]
    pub fn among(accounts: usize, seed: u64) -> Self {
        Self {
            accounts,
            draw: Draw::new(Distribution::Uniform, accounts),
            limit: Limit::DebitsMustNotExceedCredits,
            ids: Ids::Random,
            random: Random::new(seed),
            made: 0,
        }
    }

    /// From here on with ids that follow each other like this. Ids of the two orders never
    /// meet.
    #[must_use]
    pub fn with_ids(self, ids: Ids) -> Self {
        Self { ids, ..self }
    }

    /// The same with accounts that may go below zero.
    #[must_use]
    pub fn without_limits(self) -> Self {
        Self {
            limit: Limit::None,
            ..self
        }
    }

    /// The same as if so many had been drawn before: their ids are not used again.
    #[must_use]
    pub fn after(self, made: u64) -> Self {
        Self { made, ..self }
    }

    /// From here on drawn like this.
    pub fn draw(&mut self, distribution: Distribution) {
        self.draw = Draw::new(distribution, self.accounts);
    }

    pub fn next_legs(&mut self) -> PlannedTransfer {
        self.made += 1;
        let from = self.draw.next(&mut self.random);
        let to = match self.draw.next(&mut self.random) {
            // Any account but the payer's.
            same if same == from => (from + 1) % self.accounts,
            other => other,
        };
        PlannedTransfer {
            id: match self.ids {
                Ids::Random => id(self.made),
                Ids::Increasing => INCREASING + u128::from(self.made),
            },
            from,
            to,
            amount: self.random.below(1000) as u64 + 1,
        }
    }

    /// A ledger with the accounts open and funded.
    ///
    /// # Panics
    /// Never: the accounts are new.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        use tillroll_ledger::{Entry, Posting};
        let mut ledger = Ledger::new();
        let issuer = ledger.open(spec("issuer", AccountType::Asset, Limit::None));
        for number in 0..self.accounts {
            let limit = self.limit;
            let wallet = ledger.open(spec(&wallet(number), AccountType::Liability, limit));
            let unit = ledger.unit_id(euro()).expect("an account counts it");
            let leg = |account, side, amount| Posting {
                account,
                unit,
                side,
                amount,
            };
            let legs = [
                leg(issuer, Side::Debit, FUNDS),
                leg(wallet, Side::Credit, FUNDS),
            ];
            ledger.post(&Entry::new(legs).expect("it balances"));
        }
        ledger
    }

    /// The commands that open and fund the accounts.
    pub fn opening(&self) -> impl Iterator<Item = Command> {
        let issuer = open("issuer", AccountType::Asset, Limit::None);
        let wallets = self.wallets().enumerate().flat_map(|(number, opened)| {
            // Ids of payments are never this small.
            let id = number as u128 + 1;
            let funding = post(id, "issuer", &wallet(number), FUNDS);
            [opened, unkeyed(Action::PostEntry(funding))]
        });
        std::iter::once(issuer).chain(wallets)
    }

    fn wallets(&self) -> impl Iterator<Item = Command> {
        (0..self.accounts).map(|number| open(&wallet(number), AccountType::Liability, self.limit))
    }

    /// A payment as a command of its own, with an idempotency key.
    pub fn single(&mut self) -> Command {
        let legs = self.next_legs();
        let key = CommandKey {
            scope: KeyScope::Shared,
            key: format!("pay-{:032x}", legs.id),
            fingerprint: [1; 16],
        };
        Command {
            key: Some(key),
            ..unkeyed(Action::PostEntry(pay(&legs)))
        }
    }

    /// So many payments in one command, with an idempotency key.
    pub fn bulk(&mut self, entries: usize) -> Command {
        let legs: Vec<_> = (0..entries).map(|_| self.next_legs()).collect();
        let key = CommandKey {
            scope: KeyScope::Shared,
            key: format!("bulk-{}", self.made),
            fingerprint: [2; 16],
        };
        Command {
            key: Some(key),
            ..unkeyed(post_entries(&legs))
        }
    }
}

/// The one place that knows how a command of many entries is put together.
fn post_entries(legs: &[PlannedTransfer]) -> Action {
    Action::PostEntries(PostEntries {
        entries: legs.iter().map(pay).collect(),
        all_or_nothing: false,
    })
}

/// The commands that open empty accounts without limits.
pub fn wallets(numbers: Range<usize>) -> impl Iterator<Item = Command> {
    numbers.map(|number| open(&wallet(number), AccountType::Liability, Limit::None))
}

fn open(path: &str, kind: AccountType, limit: Limit) -> Command {
    let AccountSpec {
        path,
        unit,
        kind,
        limit,
    } = spec(path, kind, limit);
    unkeyed(Action::OpenAccount(OpenAccount {
        path,
        unit,
        kind: Some(kind),
        limit: Some(limit),
    }))
}

fn unkeyed(action: Action) -> Command {
    Command {
        at: at(0),
        occurred_at: None,
        caller: Caller::ANONYMOUS,
        key: None,
        action,
    }
}

/// The unit of all accounts.
#[must_use]
pub fn euro() -> Unit {
    "EUR".parse().expect("a currency")
}

fn path(text: &str) -> AccountPath {
    text.parse().expect("a path of the workload")
}

/// The path of an account.
#[must_use]
pub fn wallet(number: usize) -> String {
    format!("wallet:{number:07}")
}

fn spec(text: &str, kind: AccountType, limit: Limit) -> AccountSpec {
    AccountSpec {
        path: path(text),
        unit: euro(),
        kind,
        limit,
    }
}

fn pay(legs: &PlannedTransfer) -> PostEntry {
    post(legs.id, &wallet(legs.from), &wallet(legs.to), legs.amount)
}

fn post(id: u128, from: &str, to: &str, amount: u64) -> PostEntry {
    let leg = |account: &str, side| PostingRequest {
        account: path(account),
        unit: euro(),
        side,
        amount,
    };
    PostEntry {
        id: EntryId::from_u128(id),
        postings: vec![leg(from, Side::Debit), leg(to, Side::Credit)],
        description: None,
        metadata: Metadata::new(),
        effective_date: None,
    }
}
