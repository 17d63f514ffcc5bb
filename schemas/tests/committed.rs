//! The committed files are those that the types make, and the events that are really written
//! fit them.

use std::collections::BTreeSet;
use std::fs;
use std::str::FromStr;

use serde_json::{Value, json};
use tillroll_events::{
    AccountLimitSet, AccountOpened, ApplicationFeeFacts, ApplicationFeeObserved,
    ApplicationFeeRefund, BalanceTransactionBooked, BalanceTransactionFacts, BulkClosed,
    ChargeFacts, ChargeObserved, ClockConfirmed, DisputeFacts, DisputeObserved, DisputeStatus,
    EntriesPosted, EntryId, EntryPosted, EntryReversed, Event, FeeDetail, HoldCaptured, HoldEnd,
    HoldEnded, HoldId, HoldPlaced, IntentFacts, IntentObserved, IntentStatus, JournalEntry, Kind,
    NotificationReceived, OrderBooked, OrderCancelled, OrderFulfilled, OrderId, OrderLine,
    OrderPlaced, OrderSplit, OrderStanding, OrderStatus, PayoutFacts, PayoutObserved, PayoutStatus,
    PostedEntries, RefundFacts, RefundObserved, RefundStatus, RefusedItem, SellerBalanceAdjusted,
    SplitRole, StockLine, StockReceived, Timestamp, TransferFacts, TransferObserved,
};
use tillroll_ledger::{
    AccountId, AccountSpec, AccountType, Draft, Entry, Ledger, Limit, Posting, Side, UnitId,
};
use tillroll_schemas::{directory, generate};

#[test]
fn committed_files_are_what_the_types_make() {
    let update = std::env::var_os("UPDATE_SCHEMAS").is_some();
    let mut expected = BTreeSet::new();
    for file in generate() {
        let path = directory().join(&file.path);
        expected.insert(path.clone());
        if update {
            fs::write(&path, &file.text).unwrap();
        }
        let committed = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            committed == file.text,
            "{} is not what the types make; if the change is meant: UPDATE_SCHEMAS=1 cargo test -p tillroll-schemas",
            file.path.display()
        );
    }
    for entry in fs::read_dir(directory().join("events")).unwrap() {
        let path = entry.unwrap().path();
        assert!(
            expected.contains(&path),
            "{} belongs to no event",
            path.display()
        );
    }
}

/// Two accounts in euros, and an entry between them.
fn books() -> (Ledger, JournalEntry) {
    let mut ledger = Ledger::new();
    for path in ["a", "b"] {
        let spec = AccountSpec {
            path: path.parse().unwrap(),
            unit: "EUR".parse().unwrap(),
            kind: AccountType::Asset,
            limit: Limit::None,
        };
        assert!(Draft::new(&ledger).lookup(path, spec.unit).is_none());
        ledger.open(spec);
    }
    let posting = |account: u32, side: Side| Posting {
        account: AccountId::new(account),
        unit: UnitId::new(0),
        side,
        amount: 5,
    };
    let entry = Entry::new([posting(0, Side::Debit), posting(1, Side::Credit)]).unwrap();
    (ledger, JournalEntry(entry))
}

fn id<T: FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

fn standing() -> OrderStanding {
    OrderStanding {
        status: OrderStatus::PartiallyPaid,
        total: 10,
        due: 5,
        authorised: 0,
        paid: 5,
        refunded: 0,
        overpaid: 0,
        disputed: 0,
        charged_back: 0,
        failed_attempts: 1,
        fulfilled: false,
        cancelled: false,
        splits: vec![OrderSplit {
            role: SplitRole::Seller,
            seller: Some(id("acct_1")),
            share: 10,
            earned: 5,
            returned: 0,
        }],
    }
}

/// One event of a kind, with every optional part there when `whole`, and none otherwise.
fn sample(kind: Kind, entry: &JournalEntry, whole: bool) -> Event {
    let order = OrderId::from_u128(1);
    let unit = id("EUR");
    let entry = entry.clone();
    let maybe = whole.then(|| entry.clone());
    let text = |text: &str| whole.then(|| text.to_owned());
    let time = whole.then(|| Timestamp::from_seconds(1_800_000_000));
    let metadata = if whole {
        [("k".to_owned(), "v".to_owned())].into()
    } else {
        Default::default()
    };
    match kind {
        Kind::AccountOpened => AccountOpened {
            account: AccountId::new(0),
            path: id("a:b"),
            unit,
            kind: AccountType::Memorandum,
            limit: Limit::CreditsMustNotExceedDebits,
            code: "1000".into(),
            name: "A".into(),
        }
        .into(),
        Kind::AccountLimitSet => AccountLimitSet {
            account: AccountId::new(0),
            limit: Limit::None,
        }
        .into(),
        Kind::EntryPosted => EntryPosted {
            id: EntryId::from_u128(2),
            entry,
            description: text("d"),
            metadata,
            reverses: whole.then(|| EntryId::from_u128(1)),
            effective_date: whole.then(|| id("2026-08-31")),
        }
        .into(),
        Kind::EntryReversed => EntryReversed {
            id: EntryId::from_u128(3),
            entry,
            description: text("d"),
            metadata,
            reverses: EntryId::from_u128(2),
            effective_date: whole.then(|| id("2026-08-31")),
            reverses_position: 1,
            left: maybe,
        }
        .into(),
        Kind::EntriesPosted => EntriesPosted {
            entries: {
                let mut entries = PostedEntries::default();
                if whole {
                    entries.push(EntryId::from_u128(2), entry.borrowed());
                    entries.push(EntryId::from_u128(3), entry.borrowed());
                }
                entries
            },
        }
        .into(),
        Kind::HoldPlaced => HoldPlaced {
            id: HoldId::from_u128(3),
            entry,
            expires_at: time,
            description: text("d"),
            metadata,
        }
        .into(),
        Kind::HoldCaptured => HoldCaptured {
            id: HoldId::from_u128(3),
            entry,
        }
        .into(),
        Kind::HoldEnded => HoldEnded {
            id: HoldId::from_u128(3),
            how: HoldEnd::Expired,
        }
        .into(),
        Kind::BulkClosed => BulkClosed {
            accepted: 1,
            refused: vec![RefusedItem {
                index: 0,
                code: "account_not_found".into(),
                detail: "d".into(),
                param: text("p"),
            }],
        }
        .into(),
        Kind::ClockConfirmed => ClockConfirmed {
            last_recorded_at: Timestamp::from_seconds(2_740_000_000),
            wrong_from: whole.then_some(31),
        }
        .into(),
        Kind::StockReceived => StockReceived {
            location: "l".into(),
            lines: vec![StockLine {
                sku: "S".into(),
                quantity: 1,
            }],
            reference: text("r"),
            entry,
        }
        .into(),
        Kind::OrderPlaced => OrderPlaced {
            order,
            channel: "web".into(),
            location: text("l"),
            currency: unit,
            lines: vec![OrderLine {
                sku: text("S"),
                description: text("d"),
                quantity: 1,
                unit_price: 10,
                tax_rate_ppm: 200_000,
                tax_included: true,
                tax: 2,
                total: 10,
                seller: whole.then(|| id("acct_1")),
                commission_rate_ppm: 0,
                commission: 0,
                short: 0,
            }],
            metadata,
            offline: false,
            standing: standing(),
            entry: maybe,
        }
        .into(),
        Kind::OrderBooked => OrderBooked {
            order,
            standing: standing(),
            entry: maybe,
        }
        .into(),
        Kind::OrderFulfilled => OrderFulfilled {
            order,
            standing: standing(),
            entry: maybe,
        }
        .into(),
        Kind::OrderCancelled => OrderCancelled {
            order,
            standing: standing(),
            entry: maybe,
        }
        .into(),
        Kind::NotificationReceived => NotificationReceived {
            id: id("evt_1"),
            kind: "charge.updated".into(),
            account: whole.then(|| id("acct_1")),
            api_version: text("2026-09-30.endive"),
            created: time,
            livemode: false,
            unrecognised: text("malformed"),
            detail: text("d"),
            body: text("{}"),
        }
        .into(),
        Kind::IntentObserved => IntentObserved {
            facts: IntentFacts {
                id: id("pi_1"),
                order: whole.then_some(order),
                currency: unit,
                amount: 10,
                capturable: 0,
                received: 10,
                status: IntentStatus::RequiresCapture,
            },
        }
        .into(),
        Kind::ChargeObserved => ChargeObserved {
            facts: ChargeFacts {
                id: id("ch_1"),
                intent: whole.then(|| id("pi_1")),
                order: whole.then_some(order),
                currency: unit,
                amount: 10,
                authorised: true,
                captured: 10,
                refunded: 0,
                failed: false,
                expired: false,
                failure_code: text("card_declined"),
            },
        }
        .into(),
        Kind::RefundObserved => RefundObserved {
            facts: RefundFacts {
                id: id("re_1"),
                charge: whole.then(|| id("ch_1")),
                intent: whole.then(|| id("pi_1")),
                currency: unit,
                amount: 5,
                status: RefundStatus::Pending,
            },
        }
        .into(),
        Kind::DisputeObserved => DisputeObserved {
            facts: DisputeFacts {
                id: id("dp_1"),
                charge: whole.then(|| id("ch_1")),
                intent: whole.then(|| id("pi_1")),
                currency: unit,
                amount: 5,
                status: DisputeStatus::WarningClosed,
                reason: text("fraudulent"),
            },
            entry: maybe,
        }
        .into(),
        Kind::TransferObserved => TransferObserved {
            facts: TransferFacts {
                id: id("tr_1"),
                seller: id("acct_1"),
                currency: unit,
                amount: 5,
                reversed: 0,
                source_charge: whole.then(|| id("ch_1")),
                group: text("g"),
            },
            entry: maybe,
        }
        .into(),
        Kind::ApplicationFeeObserved => ApplicationFeeObserved {
            facts: ApplicationFeeFacts {
                id: id("fee_1"),
                account: whole.then(|| id("acct_1")),
                charge: whole.then(|| id("ch_1")),
                originating_transaction: whole.then(|| id("tr_1")),
                currency: unit,
                amount: 10,
                refunded: 5,
                balance_transaction: whole.then(|| id("txn_1")),
                refunds: whole
                    .then(|| {
                        let refund = ApplicationFeeRefund {
                            amount: 5,
                            balance_transaction: Some(id("txn_2")),
                        };
                        (id("fr_1"), refund)
                    })
                    .into_iter()
                    .collect(),
            },
        }
        .into(),
        Kind::PayoutObserved => PayoutObserved {
            facts: PayoutFacts {
                id: id("po_1"),
                account: whole.then(|| id("acct_1")),
                currency: unit,
                amount: 5,
                status: PayoutStatus::InTransit,
                arrival: time,
            },
            entry: maybe,
        }
        .into(),
        Kind::BalanceTransactionBooked => BalanceTransactionBooked {
            facts: BalanceTransactionFacts {
                id: id("txn_1"),
                account: whole.then(|| id("acct_1")),
                kind: "charge".into(),
                category: "charge".into(),
                currency: unit,
                amount: -10,
                fee: 1,
                net: -11,
                source: whole.then(|| id("ch_1")),
                fees: vec![FeeDetail {
                    kind: "stripe_fee".into(),
                    amount: 1,
                }],
                created: time,
                available_on: time,
            },
            order: whole.then_some(order),
            entry: maybe,
        }
        .into(),
        Kind::SellerBalanceAdjusted => SellerBalanceAdjusted {
            seller: id("acct_1"),
            currency: unit,
            owed: 5,
            entry,
        }
        .into(),
    }
}

#[test]
fn events_as_they_are_shown_fit_their_schemas() {
    let (ledger, entry) = books();
    for kind in Kind::ALL {
        let schema = tillroll_server::schemas::value(*kind, kind.version());
        assert_eq!(
            schema["$schema"],
            "https://json-schema.org/draft/2020-12/schema"
        );
        assert_eq!(
            schema["$id"],
            format!("/schemas/{}.v{}.json", kind.name(), kind.version())
        );
        assert_eq!(schema["title"], kind.name());
        assert!(jsonschema::meta::is_valid(&schema), "{}", kind.name());
        let validator = jsonschema::validator_for(&schema).unwrap();
        for whole in [true, false] {
            let data = sample(*kind, &entry, whole).to_json(&ledger);
            let wrong: Vec<String> = validator
                .iter_errors(&data)
                .map(|error| format!("{}: {error}", error.instance_path()))
                .collect();
            assert!(wrong.is_empty(), "{} {data}: {wrong:?}", kind.name());
            // A schema that takes everything would promise nothing.
            let mut broken = data.clone();
            let members = broken.as_object_mut().unwrap();
            let first = members.keys().next().unwrap().clone();
            members.insert(first.clone(), json!([[]]));
            assert!(
                !validator.is_valid(&broken),
                "{} takes a strange {first}",
                kind.name()
            );
            assert!(!validator.is_valid(&Value::Null), "{}", kind.name());
        }
    }
}

#[test]
fn the_openapi_document_holds_valid_schemas_only() {
    let api: Value = serde_json::from_str(&tillroll_server::openapi::text()).unwrap();
    let schemas = api["components"]["schemas"].as_object().unwrap();
    assert!(schemas.len() > 30);
    for (name, schema) in schemas {
        // References point into the document, so each schema is looked at within it.
        let whole = json!({
            "$ref": format!("#/components/schemas/{name}"),
            "components": api["components"],
        });
        assert!(jsonschema::meta::is_valid(schema), "{name}");
        jsonschema::validator_for(&whole).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}
