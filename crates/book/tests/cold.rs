//! A book that puts rows away which were untouched for long is the book that keeps them all:
//! it decides the same, refuses the same and lists the same, after every command.

mod roll;

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;
use roll::life::{Step, life_cycles, lines};
use roll::*;
use tillroll_book::state::{
    BookRestore, ListedRow, Payout, RowKind, RowVisitor, StateRow, encode_row,
};
use tillroll_book::{
    Action, Book, ColdFault, ColdStore, Command, CommandKey, Decision, MemoryColdStore, Refusal,
    RowAddress,
};
use tillroll_events::{Caller, EventId, KeyScope, Timestamp};
use tillroll_ledger::{AccountSpec, Ledger, LedgerRestore};

/// What a store was asked for.
#[derive(Clone, Debug, Default)]
struct Asked {
    put: Arc<AtomicU64>,
    got: Arc<AtomicU64>,
    /// After so many rows it gives none back, and takes none.
    most: Option<u64>,
}

#[derive(Debug, Default)]
struct Store {
    rows: MemoryColdStore,
    asked: Asked,
}

impl Store {
    fn may(&self, count: &AtomicU64) -> Result<(), ColdFault> {
        let before = count.fetch_add(1, Ordering::Relaxed);
        match self.asked.most.is_some_and(|most| before >= most) {
            true => Err(ColdFault::new(std::io::Error::other("no more"))),
            false => Ok(()),
        }
    }
}

impl ColdStore for Store {
    fn put(&mut self, row: &[u8]) -> Result<RowAddress, ColdFault> {
        self.may(&self.asked.put)?;
        self.rows.put(row)
    }

    fn get(&self, address: RowAddress) -> Result<Vec<u8>, ColdFault> {
        self.may(&self.asked.got)?;
        self.rows.get(address)
    }
}

/// The same commands for two books: one that keeps all rows, and one that does not.
struct Pair {
    plain: Book,
    cold: Book,
    asked: Asked,
    position: u64,
}

impl Pair {
    fn of(after: u64, asked: Asked) -> Self {
        let store = Store {
            asked: asked.clone(),
            ..Store::default()
        };
        Self {
            plain: Book::default(),
            cold: Book::default().with_cold(Box::new(store), after, after),
            asked,
            position: 0,
        }
    }

    fn apply(&mut self, key: Option<&str>, fingerprint: u8, action: Action) -> Option<Refusal> {
        let at = Timestamp::from_micros(i64::try_from(self.position).unwrap() * 1_000_000);
        let key = key.map(|key| CommandKey {
            scope: KeyScope::Shared,
            key: key.into(),
            fingerprint: [fingerprint; 16],
        });
        let command = Command {
            at,
            occurred_at: None,
            caller: Caller::ANONYMOUS,
            key,
            action,
        };
        let decided = self.plain.decide(&command);
        assert_eq!(decided, self.cold.decide(&command), "{command:?}");
        let decided = match decided {
            Ok(Decision::Append(decided)) => decided,
            Ok(Decision::AlreadyApplied { .. }) => return None,
            Err(refusal) => return Some(refusal),
        };
        let id = |position| EventId::from_u128(u128::from(position));
        for (position, record) in command.records(self.position + 1, decided, id) {
            self.plain.evolve(position, &record);
            self.cold.evolve(position, &record);
            self.position = position;
        }
        None
    }

    fn step(&mut self, key: &str, step: &Step) {
        let action = match step {
            Step::Fact(fact) => observed(fact.clone()),
            Step::Place(order) => Action::PlaceOrder(placed(*order, lines(*order))),
            Step::Fulfil(order) => Action::FulfilOrder(order_id(*order)),
        };
        self.apply(Some(key), 1, action);
    }

    fn compare(&self) {
        assert!(self.cold.fault().is_none(), "{:?}", self.cold.fault());
        assert_eq!(rows(&self.plain), rows(&self.cold));
        assert_eq!(self.plain.digest(), self.cold.digest());
    }
}

/// All rows of a book, as it lists them.
fn rows(book: &Book) -> Vec<String> {
    struct Listing(Vec<String>);

    impl RowVisitor for Listing {
        type Error = Infallible;

        fn rows<'b, V: StateRow + 'b>(
            &mut self,
            rows: impl Iterator<Item = ListedRow<'b, V>>,
        ) -> Result<(), Infallible> {
            self.0
                .extend(rows.map(|(key, row)| format!("{} {key:?}: {row:?}", V::KIND)));
            Ok(())
        }
    }

    let mut listing = Listing(Vec::new());
    let Ok(()) = book.visit_rows(&mut listing);
    listing.0
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(250))]

    #[test]
    fn anything_is_decided_and_listed_as_if_all_rows_were_in_memory(
        after in 1..50_u64,
        actions in prop::collection::vec((arbitrary::action(), 0..40_u8, 0..2_u8), 1..50),
    ) {
        let mut pair = Pair::of(after, Asked::default());
        for (action, key, fingerprint) in actions {
            let key = (key < 30).then(|| format!("key-{key}"));
            pair.apply(key.as_deref(), fingerprint, action);
            pair.compare();
        }
    }

    #[test]
    fn webhooks_converge_on_rows_that_were_put_away(
        after in 1..50_u64,
        order in Just((0..life_cycles().len()).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let steps = life_cycles();
        let mut pair = Pair::of(after, Asked::default());
        for (told, index) in order.into_iter().enumerate() {
            pair.step(&format!("evt_{told}"), &steps[index]);
            pair.compare();
        }
    }
}

#[test]
fn rows_do_go_and_come_back() {
    let mut pair = Pair::of(4, Asked::default());
    for (told, step) in life_cycles().iter().enumerate() {
        pair.step(&format!("evt_{told}"), step);
    }
    let put = pair.asked.put.load(Ordering::Relaxed);
    let got = pair.asked.got.load(Ordering::Relaxed);
    // There are 41 keys and about as many rows.
    assert!(put > 60, "{put} rows went");
    assert!(got > 10, "{got} rows were asked for");
    pair.compare();
}

#[test]
fn an_old_key_still_answers_and_still_conflicts() {
    let mut pair = Pair::of(2, Asked::default());
    let first = observed(intent(
        "pi_1",
        1,
        5000,
        0,
        tillroll_events::IntentStatus::Open,
    ));
    pair.apply(Some("old"), 1, first.clone());
    for number in 0..20 {
        let quiet = received("warehouse", "TEE-M", 1 + number);
        assert_eq!(pair.apply(Some(&format!("new-{number}")), 1, quiet), None);
    }
    let before = pair.position;
    assert_eq!(pair.apply(Some("old"), 1, first.clone()), None);
    assert_eq!(pair.position, before, "an old key has one effect");
    let conflict = pair.apply(Some("old"), 2, first);
    assert_eq!(
        conflict.map(|refusal| refusal.code()),
        Some("idempotency_key_reused")
    );
    pair.compare();
}

/// Wherever a store fails, the book says so from then on, and does not panic.
#[test]
fn a_store_that_fails_is_never_overlooked() {
    let steps = life_cycles();
    for most in 0..200 {
        let asked = Asked {
            most: Some(most),
            ..Asked::default()
        };
        let store = Store {
            asked: asked.clone(),
            ..Store::default()
        };
        let mut plain = Roll::new();
        let mut book = Book::default().with_cold(Box::new(store), 3, 3);
        let (mut position, mut told) = (0, 0);
        for step in &steps {
            let action = match step {
                Step::Fact(fact) => observed(fact.clone()),
                Step::Place(order) => Action::PlaceOrder(placed(*order, lines(*order))),
                Step::Fulfil(order) => Action::FulfilOrder(order_id(*order)),
            };
            if plain.try_do(action).is_err() {
                continue;
            }
            for record in &plain.records[told..] {
                position += 1;
                book.evolve(position, record);
            }
            told = plain.records.len();
            let put = asked.put.load(Ordering::Relaxed);
            let got = asked.got.load(Ordering::Relaxed);
            let failed = put > most || got > most;
            assert_eq!(
                book.fault().is_some(),
                failed,
                "at {position}, after {most}"
            );
        }
    }
}

#[test]
fn what_is_listed_after_a_fault_is_said_to_be_of_no_use() {
    let asked = Asked {
        most: Some(40),
        ..Asked::default()
    };
    let mut pair = Pair::of(1, asked);
    for number in 0..30_u64 {
        pair.apply(
            None,
            1,
            observed(payout(
                &format!("po_{number}"),
                5,
                tillroll_events::PayoutStatus::Paid,
            )),
        );
    }
    assert!(pair.cold.fault().is_none());
    let listed = pair.cold.rows::<Payout>().count();
    assert!(
        listed < 30,
        "the store gives 40 rows and each is read twice"
    );
    assert!(pair.cold.fault().is_some(), "and the book says so");
}

/// Keys enough that where they are is outside of memory, too, and has been sorted and merged there.
#[test]
fn a_key_is_answered_alike_wherever_it_is_kept() {
    const KEYS: u64 = 6_000;
    let asked = Asked::default();
    let mut pair = Pair::of(2, asked.clone());
    let action = |number: u64| received("warehouse", "TEE-M", 1 + number);
    let key = |number: u64| format!("key-{}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    for number in 0..KEYS {
        assert_eq!(pair.apply(Some(&key(number)), 1, action(number)), None);
    }
    let put = asked.put.load(Ordering::Relaxed);
    assert!(
        put > KEYS + 1_000,
        "{put}: only the keys themselves have left memory"
    );
    let before = pair.position;
    for number in (0..KEYS).step_by(7).chain(KEYS - 5..KEYS) {
        assert_eq!(pair.apply(Some(&key(number)), 1, action(number)), None);
        let conflict = pair.apply(Some(&key(number)), 2, action(number));
        let code = conflict.map(|refusal| refusal.code());
        assert_eq!(code, Some("idempotency_key_reused"), "key {number}");
    }
    assert_eq!(pair.position, before, "an old key has one effect");
    // A key that was never used asks the store next to nothing.
    let got = asked.got.load(Ordering::Relaxed);
    for number in KEYS..KEYS + 1_000 {
        assert_eq!(pair.apply(Some(&key(number)), 1, action(number)), None);
    }
    let got = asked.got.load(Ordering::Relaxed) - got;
    assert!(got < 1_000, "{got} reads for 1,000 new keys");
    pair.compare();
    restored_alike(&pair);
}

/// A book that is put together of what another lists, on a store of its own, lists the same.
fn restored_alike(pair: &Pair) {
    struct RowBytes(Vec<(RowKind, Vec<u8>)>);

    impl RowVisitor for RowBytes {
        type Error = Infallible;

        fn rows<'b, V: StateRow + 'b>(
            &mut self,
            rows: impl Iterator<Item = ListedRow<'b, V>>,
        ) -> Result<(), Infallible> {
            for (key, row) in rows {
                let mut bytes = Vec::new();
                encode_row(&*key, &*row, &mut bytes);
                self.0.push((V::KIND, bytes));
            }
            Ok(())
        }
    }

    let mut listed = RowBytes(Vec::new());
    let Ok(()) = pair.plain.visit_rows(&mut listed);
    let store = Box::new(MemoryColdStore::default());
    let empty = Book::default().with_cold(store, 2, 2);
    let mut restore = BookRestore::new(empty, ledger_of(&pair.plain));
    for (kind, bytes) in &listed.0 {
        assert_eq!(restore.row(*kind, bytes).unwrap(), bytes.len());
    }
    let twice = listed
        .0
        .iter()
        .find(|(kind, _)| kind.name() == "idempotency keys");
    let (kind, bytes) = twice.unwrap();
    assert!(restore.row(*kind, bytes).is_err(), "a key is there twice");
    let restored = restore.finish();
    assert_eq!(rows(&restored), rows(&pair.plain));
}

/// The same ledger, put together again.
fn ledger_of(book: &Book) -> Ledger {
    let kept = book.ledger();
    let mut restore = LedgerRestore::default();
    for (account, _) in kept.accounts() {
        let spec = AccountSpec {
            path: account.path.clone(),
            unit: kept.unit_of(account),
            kind: account.kind,
            limit: account.limit,
        };
        let totals = kept.totals(account.id).unwrap();
        restore.account(spec, totals).unwrap();
    }
    restore.finish().unwrap()
}
