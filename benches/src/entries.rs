//! Accounts, and entries that move money between them.

use tillroll_book::{
    Action, Command, CommandKey, OpenAccount, PostEntries, PostEntry, PostingRequest,
};
use tillroll_events::{EntryId, Metadata, Timestamp};
use tillroll_journal::testing::Random;
use tillroll_ledger::{AccountPath, AccountSpec, AccountType, Ledger, Limit, Side};
use tillroll_money::Unit;

/// Everybody starts with this much, so that no limit is ever reached.
const FUNDS: u64 = 1 << 40;

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
pub struct Legs {
    pub id: u128,
    pub from: usize,
    pub to: usize,
    pub amount: u64,
}

/// Payments between accounts drawn at random, each with an id of its own.
#[derive(Debug)]
pub struct Entries {
    accounts: usize,
    random: Random,
    made: u64,
}

impl Entries {
    #[must_use]
    pub fn among(accounts: usize, seed: u64) -> Self {
        Self {
            accounts,
            random: Random::new(seed),
            made: 0,
        }
    }

    pub fn next_legs(&mut self) -> Legs {
        self.made += 1;
        let from = self.random.below(self.accounts);
        // Anybody but the payer.
        let to = (from + 1 + self.random.below(self.accounts - 1)) % self.accounts;
        Legs {
            id: id(self.made),
            from,
            to,
            amount: self.random.below(1000) as u64 + 1,
        }
    }

    /// A ledger with the accounts open and funded, limits on.
    ///
    /// # Panics
    /// Never: the accounts are new.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        use tillroll_ledger::{Entry, Posting};
        let mut ledger = Ledger::new();
        let issuer = ledger.open(spec("issuer", AccountType::Asset, Limit::None));
        for number in 0..self.accounts {
            let limit = Limit::DebitsMustNotExceedCredits;
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
    #[must_use]
    pub fn opening(&self) -> Vec<Command> {
        let open = |path: &str, kind, limit| {
            let AccountSpec {
                path,
                unit,
                kind,
                limit,
            } = spec(path, kind, limit);
            let action = Action::OpenAccount(OpenAccount {
                path,
                unit,
                kind: Some(kind),
                limit: Some(limit),
            });
            unkeyed(action)
        };
        let mut commands = vec![open("issuer", AccountType::Asset, Limit::None)];
        for number in 0..self.accounts {
            let limit = Limit::DebitsMustNotExceedCredits;
            let path = wallet(number);
            commands.push(open(&path, AccountType::Liability, limit));
            // Ids of payments are never this small.
            let id = number as u128 + 1;
            commands.push(unkeyed(Action::PostEntry(post(id, "issuer", &path, FUNDS))));
        }
        commands
    }

    /// A payment as a command of its own, with an idempotency key.
    pub fn single(&mut self) -> Command {
        let legs = self.next_legs();
        let key = CommandKey {
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
        let entries = (0..entries).map(|_| pay(&self.next_legs())).collect();
        let key = CommandKey {
            key: format!("bulk-{}", self.made),
            fingerprint: [2; 16],
        };
        let action = Action::PostEntries(PostEntries {
            entries,
            all_or_nothing: false,
        });
        Command {
            key: Some(key),
            ..unkeyed(action)
        }
    }
}

fn unkeyed(action: Action) -> Command {
    Command {
        at: at(0),
        occurred_at: None,
        key: None,
        action,
    }
}

fn euro() -> Unit {
    "EUR".parse().expect("a currency")
}

fn path(text: &str) -> AccountPath {
    text.parse().expect("a path of the workload")
}

fn wallet(number: usize) -> String {
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

fn pay(legs: &Legs) -> PostEntry {
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
        reverses: None,
    }
}
