//! Accounts, entries and holds by command, mistakes among them.

use tillroll_book::{
    Action, CaptureHold, CapturePart, OpenAccount, PlaceHold, PostEntries, PostEntry,
    PostingRequest,
};
use tillroll_events::{EntryId, HoldId, Metadata, Timestamp};
use tillroll_ledger::{AccountType, Limit, Side};
use tillroll_money::MAX_MINOR;

use super::Workload;
use crate::request::ClientRequest;

const WALLETS: [&str; 4] = ["wallet:a", "wallet:b", "wallet:c", "wallet:d"];
const CUSTOMERS: [&str; 2] = ["customer:ann:points", "customer:bob:points"];
const TILL: &str = "till";
/// Two accounts that are soon full.
const BRIM: [&str; 2] = ["brim:in", "brim:out"];
const ISSUED: &str = "points:issued";
const EUR: &str = "EUR";
const POINTS: &str = "points";

fn opened(path: &str, unit: &str, kind: Option<AccountType>, limit: Option<Limit>) -> Action {
    Action::OpenAccount(OpenAccount {
        path: path.parse().expect("a path"),
        unit: unit.parse().expect("a unit"),
        kind,
        limit,
    })
}

fn leg(account: &str, unit: &str, side: Side, amount: u64) -> PostingRequest {
    PostingRequest {
        account: account.parse().expect("a path"),
        unit: unit.parse().expect("a unit"),
        side,
        amount,
    }
}

fn move_of(unit: &str, from: &str, to: &str, amount: u64) -> Vec<PostingRequest> {
    vec![
        leg(from, unit, Side::Debit, amount),
        leg(to, unit, Side::Credit, amount),
    ]
}

impl Workload {
    pub(super) fn open_accounts(&mut self) {
        let overdraft = Some(Limit::DebitsMustNotExceedCredits);
        let mut actions = vec![
            opened(TILL, EUR, Some(AccountType::Asset), Some(Limit::None)),
            opened(ISSUED, POINTS, None, None),
        ];
        let brims = BRIM.iter();
        actions.extend(brims.map(|path| opened(path, EUR, Some(AccountType::Asset), None)));
        let wallets = WALLETS.iter();
        actions
            .extend(wallets.map(|path| opened(path, EUR, Some(AccountType::Liability), overdraft)));
        actions.extend(
            CUSTOMERS
                .iter()
                .map(|path| opened(path, POINTS, None, None)),
        );
        for action in actions {
            let request = self.keyed(action);
            self.opening.push_back(request);
        }
    }

    /// A new account, an open one, or another limit for one.
    pub(super) fn account(&mut self) -> ClientRequest {
        let wallet = self.chance.pick(&WALLETS);
        let number = self.chance.below(50);
        let limit = self.chance.pick(&Limit::ALL);
        let action = match self.chance.below(5) {
            0 => opened(
                &format!("box:{number}"),
                EUR,
                Some(AccountType::Asset),
                None,
            ),
            1 => opened(TILL, EUR, None, Some(limit)),
            2 => opened(wallet, EUR, Some(AccountType::Asset), None),
            3 => opened("stripe:balance", EUR, None, Some(limit)),
            _ => {
                let limit = Limit::DebitsMustNotExceedCredits;
                opened(wallet, EUR, None, Some(limit))
            }
        };
        self.keyed(action)
    }

    fn new_entry(&mut self, postings: Vec<PostingRequest>) -> PostEntry {
        let id = EntryId::from_u128(self.id());
        self.entries.push(id);
        PostEntry {
            id,
            postings,
            description: None,
            metadata: Metadata::new(),
            effective_date: None,
        }
    }

    /// Money comes in over the counter, or goes from wallet to wallet.
    fn some_postings(&mut self) -> Vec<PostingRequest> {
        let (from, to) = (self.chance.pick(&WALLETS), self.chance.pick(&WALLETS));
        let amount = self.chance.between(1, 500);
        match self.chance.weighted(&[(4, 0), (5, 1), (1, 2)]) {
            0 => move_of(EUR, TILL, to, amount),
            1 => move_of(EUR, from, to, amount / 2 + 1),
            _ => {
                let mut both = move_of(EUR, from, TILL, amount);
                both.extend(move_of(POINTS, ISSUED, CUSTOMERS[0], amount / 10 + 1));
                both
            }
        }
    }

    pub(super) fn entry(&mut self) -> ClientRequest {
        let in_words = self.chance.percent(10);
        let postings = self.some_postings();
        let entry = PostEntry {
            description: in_words.then(|| "in words".into()),
            ..self.new_entry(postings)
        };
        self.keyed(Action::PostEntry(entry))
    }

    pub(super) fn points(&mut self) -> ClientRequest {
        let customer = self.chance.pick(&CUSTOMERS);
        let amount = self.chance.between(1, 60);
        let postings = match self.chance.percent(55) {
            true => move_of(POINTS, ISSUED, customer, amount),
            false => move_of(POINTS, customer, ISSUED, amount),
        };
        let entry = self.new_entry(postings);
        self.keyed(Action::PostEntry(entry))
    }

    /// Many at once, some of them impossible; now and then more than a frame takes.
    pub(super) fn bulk(&mut self) -> ClientRequest {
        let huge = self.chance.percent(8);
        let count = if huge { 160 } else { self.chance.below(20) + 1 };
        let entries = (0..count)
            .map(|_| {
                let postings = self.some_postings();
                let mut entry = self.new_entry(postings);
                if huge {
                    entry.description = Some("as long as a description may well be ".repeat(8));
                } else if self.chance.percent(6) {
                    entry.postings.pop();
                }
                entry
            })
            .collect::<tillroll_book::EntryBatch>();
        let all_or_nothing = !huge && self.chance.percent(40);
        self.keyed(Action::PostEntries(PostEntries {
            entries,
            all_or_nothing,
        }))
    }

    pub(super) fn hold(&mut self, now: Timestamp) -> ClientRequest {
        let id = HoldId::from_u128(self.id());
        self.holds.push(id);
        let from = self.chance.pick(&WALLETS);
        let amount = self.chance.between(1, 300);
        let seconds = i64::try_from(self.chance.below(3000)).expect("below 3000");
        let expires = Timestamp::from_micros(now.micros() + seconds * 1_000_000);
        let action = Action::PlaceHold(PlaceHold {
            id,
            postings: move_of(EUR, from, TILL, amount),
            expires_at: self.chance.percent(60).then_some(expires),
            description: None,
            metadata: Metadata::new(),
        });
        self.keyed(action)
    }

    pub(super) fn capture_or_void(&mut self) -> ClientRequest {
        // Mostly one of the last few, which may still be open.
        let back = self.chance.below(4) + 1;
        let known = self.holds.len().checked_sub(back);
        let id = known.map_or(HoldId::from_u128(7), |index| self.holds[index]);
        let amount = self.chance.between(1, 200);
        let part = match self.chance.below(4) {
            0 | 1 => CapturePart::All,
            2 => CapturePart::Amount(amount),
            _ => CapturePart::Postings(move_of(EUR, self.chance.pick(&WALLETS), TILL, amount)),
        };
        let action = match self.chance.percent(60) {
            true => Action::CaptureHold(CaptureHold { id, part }),
            false => Action::VoidHold(id),
        };
        self.keyed(action)
    }

    /// What no book should do.
    pub(super) fn mistake(&mut self) -> ClientRequest {
        let wallet = self.chance.pick(&WALLETS);
        let postings = match self.chance.below(7) {
            0 => return self.order_again(),
            1 => return self.empty_order(),
            2 => vec![leg(wallet, EUR, Side::Debit, 5)],
            3 => move_of(EUR, TILL, "wallet:nobody", 5),
            4 => move_of(EUR, TILL, wallet, 0),
            5 => move_of(EUR, TILL, wallet, MAX_MINOR + 1),
            _ => move_of(EUR, BRIM[0], BRIM[1], MAX_MINOR - self.chance.between(0, 9)),
        };
        let mut entry = self.new_entry(postings);
        if self.chance.percent(25)
            && let Some(first) = self.entries.first()
        {
            entry.id = *first;
            entry.postings = move_of(EUR, TILL, wallet, 5);
        }
        self.keyed(Action::PostEntry(entry))
    }
}
