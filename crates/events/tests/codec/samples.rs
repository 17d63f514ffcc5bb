//! A sample of every kind of event, and its record.

use std::collections::BTreeMap;

use tillroll_events::*;
use tillroll_ledger::{AccountId, AccountType, Entry, Limit, Posting, Side, UnitId};

fn id(text: &str) -> ExternalId {
    text.parse().unwrap()
}

pub(super) fn unit(code: &str) -> tillroll_money::Unit {
    code.parse().unwrap()
}

pub(super) fn entry(amount: u64) -> JournalEntry {
    let leg = |account, side| Posting {
        account: AccountId::new(account),
        unit: UnitId::new(0),
        side,
        amount,
    };
    JournalEntry(Entry::new([leg(0, Side::Debit), leg(300, Side::Credit)]).unwrap())
}

/// Four postings, the credits first.
fn two_in_one(one: u64, other: u64) -> JournalEntry {
    let both = [(one, 1), (other, 2)].map(|(amount, unit)| {
        [Side::Credit, Side::Debit].map(|side| Posting {
            account: AccountId::new(u32::from(unit)),
            unit: UnitId::new(unit),
            side,
            amount,
        })
    });
    JournalEntry(Entry::new(both.concat()).unwrap())
}

fn metadata() -> Metadata {
    BTreeMap::from([("till".into(), "4".into())])
}

fn standing() -> OrderStanding {
    OrderStanding {
        status: OrderStatus::PartiallyRefunded,
        total: 12000,
        due: 0,
        authorised: 0,
        paid: 12000,
        refunded: 500,
        overpaid: 0,
        disputed: 0,
        charged_back: 0,
        failed_attempts: 1,
        fulfilled: true,
        cancelled: false,
        splits: vec![
            OrderSplit {
                role: SplitRole::Tax,
                seller: None,
                share: 2000,
                earned: 2000,
                returned: 83,
            },
            OrderSplit {
                role: SplitRole::Seller,
                seller: Some(id("acct_1")),
                share: 10000,
                earned: 10000,
                returned: 417,
            },
        ],
    }
}

/// One event of every kind, with every field used.
pub(super) fn samples() -> Vec<Event> {
    let order = OrderId::from_u128(7);
    let time = Timestamp::from_seconds(1_785_000_000);
    vec![
        AccountOpened {
            account: AccountId::new(300),
            path: "stripe:balance".parse().unwrap(),
            unit: unit("EUR"),
            kind: AccountType::Asset,
            limit: Limit::CreditsMustNotExceedDebits,
            code: "1010".into(),
            name: "Stripe balance".into(),
        }
        .into(),
        AccountLimitSet {
            account: AccountId::new(3),
            limit: Limit::None,
        }
        .into(),
        EntryPosted {
            id: EntryId::from_u128(1),
            entry: entry(5),
            description: Some("float".into()),
            metadata: metadata(),
            reverses: Some(EntryId::from_u128(0)),
            effective_date: Some("2026-08-31".parse().unwrap()),
        }
        .into(),
        HoldPlaced {
            id: HoldId::from_u128(2),
            entry: entry(6),
            expires_at: Some(time),
            description: None,
            metadata: metadata(),
        }
        .into(),
        HoldCaptured {
            id: HoldId::from_u128(2),
            entry: entry(4),
        }
        .into(),
        HoldEnded {
            id: HoldId::from_u128(3),
            how: HoldEnd::Expired,
        }
        .into(),
        BulkClosed {
            accepted: 9,
            refused: vec![RefusedItem {
                index: 3,
                code: "would_exceed_limit".into(),
                detail: "nothing left".into(),
                param: Some("postings[0]".into()),
            }],
        }
        .into(),
        EntriesPosted {
            entries: {
                let mut entries = PostedEntries::default();
                entries.push(EntryId::from_u128(11), entry(5).borrowed());
                entries.push(
                    EntryId::from_u128(u128::MAX),
                    entry(u64::MAX / 4).borrowed(),
                );
                entries.push(EntryId::from_u128(12), two_in_one(7, 8).borrowed());
                entries
            },
        }
        .into(),
        EntryReversed {
            id: EntryId::from_u128(4),
            entry: entry(3),
            description: Some("a part".into()),
            metadata: metadata(),
            reverses: EntryId::from_u128(1),
            effective_date: Some("2026-08-31".parse().unwrap()),
            reverses_position: 3,
            left: Some(entry(2)),
        }
        .into(),
        ClockConfirmed {
            last_recorded_at: Timestamp::from_seconds(2_740_000_000),
            wrong_from: Some(31),
        }
        .into(),
        StockReceived {
            location: "web-warehouse".into(),
            lines: vec![StockLine {
                sku: "TEE-M".into(),
                quantity: 40,
            }],
            reference: Some("DN-1".into()),
            entry: entry(40),
        }
        .into(),
        OrderPlaced {
            order,
            channel: "pos".into(),
            location: Some("store-paris".into()),
            currency: unit("EUR"),
            lines: vec![OrderLine {
                sku: Some("TEE-M".into()),
                description: Some("T-shirt".into()),
                quantity: 3,
                unit_price: 4000,
                tax_rate_ppm: 200_000,
                tax_included: true,
                tax: 2000,
                total: 12000,
                seller: Some(id("acct_1")),
                commission_rate_ppm: 120_000,
                commission: 1200,
                short: 1,
            }],
            metadata: metadata(),
            offline: true,
            standing: standing(),
            entry: Some(entry(12000)),
        }
        .into(),
        OrderBooked {
            order,
            standing: standing(),
            entry: Some(entry(500)),
        }
        .into(),
        OrderFulfilled {
            order,
            standing: standing(),
            entry: None,
        }
        .into(),
        OrderCancelled {
            order,
            standing: standing(),
            entry: Some(entry(1)),
        }
        .into(),
        NotificationReceived {
            id: id("evt_1"),
            kind: "charge.updated".into(),
            account: Some(id("acct_1")),
            api_version: Some("2026-09-30.endive".into()),
            created: Some(time),
            livemode: true,
            unrecognised: Some("unknown_type".into()),
            detail: Some("nobody knows".into()),
            body: Some("{}".into()),
        }
        .into(),
        IntentObserved {
            facts: IntentFacts {
                id: id("pi_1"),
                order: Some(order),
                currency: unit("EUR"),
                amount: 12000,
                capturable: 12000,
                received: 11000,
                status: IntentStatus::Succeeded,
            },
        }
        .into(),
        ChargeObserved {
            facts: ChargeFacts {
                id: id("ch_1"),
                intent: Some(id("pi_1")),
                order: Some(order),
                currency: unit("KWD"),
                amount: 12000,
                authorised: true,
                captured: 11000,
                refunded: 500,
                failed: false,
                expired: true,
                failure_code: Some("card_declined".into()),
            },
        }
        .into(),
        RefundObserved {
            facts: RefundFacts {
                id: id("re_1"),
                charge: Some(id("ch_1")),
                intent: None,
                currency: unit("EUR"),
                amount: 500,
                status: RefundStatus::Succeeded,
            },
        }
        .into(),
        DisputeObserved {
            facts: DisputeFacts {
                id: id("dp_1"),
                charge: None,
                intent: Some(id("pi_1")),
                currency: unit("EUR"),
                amount: 1000,
                status: DisputeStatus::Lost,
                reason: Some("fraudulent".into()),
            },
            entry: Some(entry(1000)),
        }
        .into(),
        TransferObserved {
            facts: TransferFacts {
                id: id("tr_1"),
                seller: id("acct_1"),
                currency: unit("EUR"),
                amount: 9000,
                reversed: 10,
                source_charge: Some(id("ch_1")),
                group: Some("ord_7".into()),
            },
            entry: Some(entry(8990)),
        }
        .into(),
        PayoutObserved {
            facts: PayoutFacts {
                id: id("po_1"),
                account: None,
                currency: unit("JPY"),
                amount: 5000,
                status: PayoutStatus::Paid,
                arrival: Some(time),
            },
            entry: None,
        }
        .into(),
        BalanceTransactionBooked {
            facts: BalanceTransactionFacts {
                id: id("txn_1"),
                account: Some(id("acct_1")),
                kind: "charge".into(),
                category: "charge".into(),
                currency: unit("EUR"),
                amount: 12000,
                fee: 378,
                net: 11622,
                source: Some(id("ch_1")),
                fees: vec![FeeDetail {
                    kind: "stripe_fee".into(),
                    amount: 378,
                }],
                created: Some(time),
                available_on: None,
            },
            order: Some(order),
            entry: Some(entry(11622)),
        }
        .into(),
        SellerBalanceAdjusted {
            seller: id("acct_1"),
            currency: unit("EUR"),
            owed: 9000,
            entry: entry(9000),
        }
        .into(),
        ApplicationFeeObserved {
            facts: ApplicationFeeFacts {
                id: id("fee_1"),
                account: Some(id("acct_1")),
                charge: Some(id("ch_1")),
                originating_transaction: Some(id("tr_1")),
                currency: unit("EUR"),
                amount: 500,
                refunded: 200,
                balance_transaction: Some(id("txn_2")),
                refunds: [(
                    id("fr_1"),
                    ApplicationFeeRefund {
                        amount: 200,
                        balance_transaction: Some(id("txn_3")),
                    },
                )]
                .into(),
            },
        }
        .into(),
    ]
}

pub(super) fn record(event: Event) -> Record {
    Record {
        id: EventId::from_u128(0x0198_5e6a_0000_7000_8000_0000_0000_0001),
        recorded_at: Timestamp::from_seconds(1_785_000_060),
        occurred_at: Timestamp::from_seconds(1_785_000_000),
        caller: Caller {
            actor: "api_key:key_1".parse().unwrap(),
            origin: "pos".parse().unwrap(),
        },
        order: event.order(),
        command: Some(CommandRef {
            key: "stripe:evt_1".into(),
            fingerprint: [9; 16],
            events: 2,
            scope: KeyScope::Named("till-1".parse().unwrap()),
        }),
        event,
    }
}

pub(super) fn bytes(record: &Record) -> Vec<u8> {
    let mut bytes = Vec::new();
    record.encode(&mut bytes);
    bytes
}
