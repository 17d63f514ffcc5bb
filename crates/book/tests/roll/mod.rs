//! A roll in memory, and facts in one line each: the harness of the book's tests.
#![allow(dead_code, reason = "each test file uses its own part of the harness")]

pub mod arbitrary;
pub mod life;

use tillroll_book::{
    Action, Book, Command, Fact, LineRequest, MemoryWriter, Observe, PlaceOrder, ReceiveStock,
    Refusal, SellerRequest, StockRequest, TaxRequest,
};
use tillroll_events::{
    ApplicationFeeFacts, ApplicationFeeRefund, BalanceTransactionFacts, Caller, ChargeFacts,
    DisputeFacts, DisputeStatus, Event, ExternalId, FeeDetail, IntentFacts, IntentStatus,
    NotificationReceived, OrderId, PayoutFacts, PayoutStatus, Record, RefundFacts, RefundStatus,
    Timestamp, TransferFacts,
};
use tillroll_ledger::AccountPath;

pub const EUR: &str = "EUR";

/// A book with its records, checked after every command: each unit sums to zero and every
/// limit holds.
#[derive(Debug, Default)]
pub struct Roll {
    writer: MemoryWriter,
    pub records: Vec<Record>,
    clock: i64,
}

impl Roll {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn book(&self) -> &Book {
        self.writer.book()
    }

    pub fn try_do(&mut self, action: Action) -> Result<Vec<Event>, Refusal> {
        self.clock += 1_000_000;
        let at = Timestamp::from_micros(self.clock);
        let command = Command {
            at,
            occurred_at: None,
            caller: Caller::ANONYMOUS,
            key: None,
            action,
        };
        let records = self.writer.apply(&command)?;
        let events = records.iter().map(|record| record.event.clone()).collect();
        self.records.extend(records);
        self.check();
        Ok(events)
    }

    pub fn done(&mut self, action: Action) -> Vec<Event> {
        let shown = format!("{action:?}");
        self.try_do(action)
            .unwrap_or_else(|refusal| panic!("{shown} was refused: {refusal}"))
    }

    pub fn observe(&mut self, fact: Fact) -> Vec<Event> {
        self.done(observed(fact))
    }

    pub fn check(&self) {
        for (unit, sum) in self.book().ledger().sums() {
            assert_eq!(sum, 0, "{unit} does not sum to zero");
        }
        let breaches = self.book().ledger().breaches();
        let names: Vec<_> = breaches
            .iter()
            .map(|id| self.book().ledger().account(*id))
            .collect();
        assert!(names.is_empty(), "limits are broken: {names:?}");
    }

    /// Debits less credits.
    pub fn net(&self, path: &str, unit: &str) -> i64 {
        let ledger = self.book().ledger();
        ledger
            .lookup(path, unit.parse().expect("a unit of the test"))
            .and_then(|account| ledger.balances(account))
            .map_or(0, |balances| balances.net_debit())
    }

    /// The non-zero balances whose path starts with `prefix`, as a bookkeeper would list them.
    pub fn listing(&self, prefix: &str) -> String {
        let rows = self
            .book()
            .ledger()
            .by_path()
            .filter_map(|(account, balances)| {
                let net = balances.net_debit();
                let (side, amount) = if net > 0 { ("Dr", net) } else { ("Cr", -net) };
                (net != 0 && account.path.as_str().starts_with(prefix)).then(|| {
                    let unit = self.book().ledger().unit_of(account);
                    format!("{} {side} {amount} {unit}\n", account.path)
                })
            });
        rows.collect()
    }

    /// The same records, folded from nothing.
    pub fn replayed(&self) -> Book {
        let mut book = Book::default();
        for (position, record) in (1..).zip(&self.records) {
            let mut bytes = Vec::new();
            record.encode(&mut bytes);
            let read = Record::decode(&bytes).expect("what was written reads back");
            assert_eq!(&read, record, "the codec changed a record");
            book.evolve(position, &read);
        }
        book
    }
}

pub fn id(text: &str) -> ExternalId {
    text.parse().expect("an id of the test")
}

pub fn order_id(number: u128) -> OrderId {
    OrderId::from_u128(number)
}

pub fn path(text: &str) -> AccountPath {
    text.parse().expect("a path of the test")
}

pub fn observed(fact: Fact) -> Action {
    Action::Observe(Observe {
        notification: NotificationReceived {
            id: id("evt_test"),
            kind: "test".into(),
            account: None,
            api_version: None,
            created: None,
            livemode: false,
            unrecognised: None,
            detail: None,
            body: None,
        },
        facts: vec![fact],
    })
}

pub fn received(location: &str, sku: &str, quantity: u64) -> Action {
    Action::ReceiveStock(ReceiveStock {
        location: location.into(),
        lines: vec![StockRequest {
            sku: sku.into(),
            quantity,
        }],
        reference: None,
    })
}

pub fn line(sku: Option<&str>, quantity: u64, unit_price: u64) -> LineRequest {
    LineRequest {
        sku: sku.map(Into::into),
        description: None,
        quantity,
        unit_price,
        tax: None,
        seller: None,
    }
}

/// A line with 20 % tax inside, sold for a seller who pays 10 % commission.
pub fn sellers_line(seller: &str, quantity: u64, unit_price: u64) -> LineRequest {
    LineRequest {
        tax: Some(TaxRequest {
            rate: "0.2".parse().expect("a rate"),
            included: true,
        }),
        seller: Some(SellerRequest {
            account: id(seller),
            commission: "0.1".parse().expect("a rate"),
        }),
        ..line(None, quantity, unit_price)
    }
}

pub fn placed(order: u128, lines: Vec<LineRequest>) -> PlaceOrder {
    PlaceOrder {
        id: order_id(order),
        channel: "web".into(),
        location: Some("warehouse".into()),
        currency: EUR.parse().expect("a currency"),
        lines,
        metadata: Default::default(),
        offline: false,
    }
}

pub fn intent(name: &str, order: u128, amount: u64, received: u64, status: IntentStatus) -> Fact {
    Fact::Intent(IntentFacts {
        id: id(name),
        order: Some(order_id(order)),
        currency: EUR.parse().expect("a currency"),
        amount,
        capturable: 0,
        received,
        status,
    })
}

pub fn charge(
    name: &str,
    intent: &str,
    order: Option<u128>,
    amount: u64,
    captured: u64,
) -> ChargeFacts {
    ChargeFacts {
        id: id(name),
        intent: Some(id(intent)),
        order: order.map(order_id),
        currency: EUR.parse().expect("a currency"),
        amount,
        authorised: true,
        captured,
        refunded: 0,
        failed: false,
        expired: false,
        failure_code: None,
    }
}

pub fn refund(name: &str, of: &str, amount: u64, status: RefundStatus) -> Fact {
    Fact::Refund(RefundFacts {
        id: id(name),
        charge: Some(id(of)),
        intent: None,
        currency: EUR.parse().expect("a currency"),
        amount,
        status,
    })
}

pub fn dispute(name: &str, of: &str, amount: u64, status: DisputeStatus) -> Fact {
    Fact::Dispute(DisputeFacts {
        id: id(name),
        charge: Some(id(of)),
        intent: None,
        currency: EUR.parse().expect("a currency"),
        amount,
        status,
        reason: None,
    })
}

pub fn transfer(name: &str, seller: &str, amount: u64, reversed: u64) -> Fact {
    Fact::Transfer(TransferFacts {
        id: id(name),
        seller: id(seller),
        currency: EUR.parse().expect("a currency"),
        amount,
        reversed,
        source_charge: None,
        group: None,
    })
}

/// A fee of 500 on a charge, with its refunds: what went back in all, and each by its id.
pub fn application_fee(name: &str, of: &str, refunded: u64, refunds: &[(&str, u64)]) -> Fact {
    Fact::ApplicationFee(ApplicationFeeFacts {
        id: id(name),
        account: Some(id("acct_a")),
        charge: Some(id(of)),
        originating_transaction: None,
        currency: EUR.parse().expect("a currency"),
        amount: 500,
        refunded,
        balance_transaction: None,
        refunds: refunds
            .iter()
            .map(|(name, amount)| {
                let balance_transaction = None;
                let refund = ApplicationFeeRefund {
                    amount: *amount,
                    balance_transaction,
                };
                (id(name), refund)
            })
            .collect(),
    })
}

pub fn payout(name: &str, amount: u64, status: PayoutStatus) -> Fact {
    Fact::Payout(PayoutFacts {
        id: id(name),
        account: None,
        currency: EUR.parse().expect("a currency"),
        amount,
        status,
        arrival: None,
    })
}

pub fn balance_transaction(
    name: &str,
    category: &str,
    source: &str,
    amount: i64,
    fee: i64,
) -> BalanceTransactionFacts {
    BalanceTransactionFacts {
        id: id(name),
        account: None,
        kind: category.into(),
        category: category.into(),
        currency: EUR.parse().expect("a currency"),
        amount,
        fee,
        net: amount - fee,
        source: Some(id(source)),
        fees: if fee == 0 {
            vec![]
        } else {
            vec![FeeDetail {
                kind: "stripe_fee".into(),
                amount: fee,
            }]
        },
        created: None,
        available_on: None,
    }
}
