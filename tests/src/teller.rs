//! Telling a book what Stripe says, without server and disk: webhook bodies in, a digest out.

use tillroll_book::{
    Action, Book, Command, LineRequest, MemoryWriter, PlaceOrder, Refusal, SellerRequest,
    TaxRequest,
};
use tillroll_events::{Caller, OrderId, Record, Timestamp};

/// A book, its records, and a clock that ticks with every command.
#[derive(Debug, Default)]
pub struct Teller {
    writer: MemoryWriter,
    pub records: Vec<Record>,
    clock: i64,
}

impl Teller {
    #[must_use]
    pub fn new() -> Self {
        Self {
            clock: 1_790_000_000_000_000,
            ..Self::default()
        }
    }

    #[must_use]
    pub fn book(&self) -> &Book {
        self.writer.book()
    }

    /// Decides and folds; checks after every command that every unit sums to zero and every
    /// limit holds.
    pub fn submit(
        &mut self,
        key: Option<tillroll_book::CommandKey>,
        action: Action,
    ) -> Result<usize, Refusal> {
        self.clock += 1_000_000;
        let at = Timestamp::from_micros(self.clock);
        let command = Command {
            at,
            occurred_at: None,
            caller: Caller::ANONYMOUS,
            key,
            action,
        };
        let records = self.writer.apply(&command)?;
        let count = records.len();
        self.records.extend(records);
        for (unit, sum) in self.book().ledger().sums() {
            assert_eq!(sum, 0, "{unit} does not sum to zero");
        }
        assert!(
            self.book().ledger().breaches().is_empty(),
            "a limit is broken"
        );
        Ok(count)
    }

    /// A webhook's body, as if its signature had been checked.
    ///
    /// # Panics
    /// When the book refuses it: what Stripe says cannot be refused.
    pub fn webhook(&mut self, body: &str) {
        let (key, observe) =
            tillroll_stripe::translate(body.as_bytes()).expect("a body of Stripe's");
        let shown = key.key.clone();
        self.submit(Some(key), Action::Observe(observe))
            .unwrap_or_else(|refusal| panic!("{shown} was refused: {refusal}\n{body}"));
    }

    /// What a poller got from the list of balance transactions.
    ///
    /// # Panics
    /// As [`Teller::webhook`].
    pub fn balance_transactions(&mut self, body: &str) {
        let rows =
            tillroll_stripe::balance_transactions(body.as_bytes()).expect("a list of Stripe's");
        self.submit(None, Action::RecordBalanceTransactions(rows))
            .expect("facts are not refused");
    }

    /// Folds the records again, through their bytes.
    ///
    /// # Panics
    /// When a record does not read back.
    #[must_use]
    pub fn replayed(&self) -> Book {
        let mut book = Book::default();
        for (position, record) in (1..).zip(&self.records) {
            let mut bytes = Vec::new();
            record.encode(&mut bytes);
            book.evolve(
                position,
                &Record::decode(&bytes).expect("what was written reads back"),
            );
        }
        book
    }
}

/// An order of one line for a seller: 20 % tax inside, 10 % commission.
///
/// # Panics
/// Never: the constants parse.
#[must_use]
pub fn order(id: OrderId, currency: &str, total: u64, seller: &str) -> PlaceOrder {
    PlaceOrder {
        id,
        channel: "web".into(),
        location: None,
        currency: currency.parse().expect("a currency"),
        lines: vec![LineRequest {
            sku: None,
            description: None,
            quantity: 1,
            unit_price: total,
            tax: Some(TaxRequest {
                rate: "0.2".parse().expect("a rate"),
                included: true,
            }),
            seller: Some(SellerRequest {
                account: seller.parse().expect("an id"),
                commission: "0.1".parse().expect("a rate"),
            }),
        }],
        metadata: Default::default(),
        offline: false,
    }
}
