//! Records keep their bytes: golden ones of every kind, and no bytes that make decoding panic.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use proptest::prelude::*;
use tillroll_events::*;
use tillroll_ledger::{AccountId, AccountType, Entry, Limit, Posting, Side, UnitId};

fn id(text: &str) -> ExternalId {
    text.parse().unwrap()
}

fn unit(code: &str) -> tillroll_money::Unit {
    code.parse().unwrap()
}

fn entry(amount: u64) -> JournalEntry {
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
fn samples() -> Vec<Event> {
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

fn record(event: Event) -> Record {
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

fn bytes(record: &Record) -> Vec<u8> {
    let mut bytes = Vec::new();
    record.encode(&mut bytes);
    bytes
}

/// The record that older bytes of a sample read as.
fn lifted(mut record: Record, version: u8, envelope: u8) -> Record {
    if envelope == 0 {
        record.caller = Caller::UNKNOWN;
        record.command.as_mut().unwrap().scope = KeyScope::Shared;
    }
    if let Event::EntryPosted(event) = &mut record.event
        && version == 1
    {
        event.effective_date = None;
    }
    record
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
}

fn unhex(text: &str) -> Vec<u8> {
    let pairs = (0..text.len()).step_by(2);
    let bytes = pairs.map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap());
    bytes.collect()
}

/// Kind, version of its payload, version of the envelope, bytes: a line for each that was ever
/// written, and none of them changes any more. `UPDATE_GOLDEN=1` adds a line for a new kind or
/// version.
#[test]
#[expect(clippy::disallowed_methods, reason = "a test reads its golden file")]
fn every_version_of_every_kind_keeps_its_bytes_and_reads_as_the_newest() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/records.txt");
    let mut golden = std::fs::read_to_string(file).expect("the golden file is part of the crate");
    for event in samples() {
        let kind = event.kind();
        let (version, envelope) = (kind.version(), ENVELOPE_VERSION);
        let record = record(event);
        let newest = format!(
            "{} v{version} e{envelope} {}",
            kind.name(),
            hex(&bytes(&record))
        );
        let begin = format!("{} v{version} e{envelope} ", kind.name());
        if std::env::var_os("UPDATE_GOLDEN").is_some() && !golden.contains(&begin) {
            writeln!(golden, "{newest}").unwrap();
            std::fs::write(file, &golden).unwrap();
        }
        assert!(
            golden.lines().any(|line| line == newest),
            "not in the golden file, or written otherwise: {newest}"
        );
    }

    let mut seen = Vec::new();
    for line in golden.lines() {
        let parts: Vec<_> = line.split(' ').collect();
        let [name, version, envelope, bytes] = parts[..] else {
            panic!("{line}");
        };
        let number = |text: &str| text[1..].parse::<u8>().unwrap();
        let (version, envelope) = (number(version), number(envelope));
        let sample = samples()
            .into_iter()
            .find(|event| event.kind().name() == name);
        let expected = lifted(record(sample.expect(line)), version, envelope);
        assert_eq!(
            Record::decode(&unhex(bytes)).expect(line),
            expected,
            "{line}"
        );
        seen.push((expected.event.kind(), version));
    }
    for kind in Kind::ALL {
        let versions = kind.versions();
        assert!(
            versions.iter().copied().eq(1..=kind.version()),
            "{}",
            kind.name()
        );
        for version in versions {
            assert!(
                seen.contains(&(*kind, *version)),
                "{} v{version}",
                kind.name()
            );
        }
    }
}

/// What is said most often takes no bytes in the envelope.
#[test]
fn the_commonest_callers_take_few_bytes() {
    let with = |caller: Caller| {
        let mut record = record(samples().swap_remove(1));
        (record.caller, record.command) = (caller, None);
        bytes(&record).len()
    };
    let named = |actor: &str, origin: &str| Caller {
        actor: actor.parse().unwrap(),
        origin: origin.parse().unwrap(),
    };
    let least = with(Caller::ANONYMOUS);
    for (caller, more) in [
        (Caller::STRIPE, 4),
        (Caller::SYSTEM, 4),
        (Caller::UNKNOWN, 4),
        (named("anonymous", "pos"), 5),
        (named("api_key:key_1", "api"), 9),
    ] {
        assert_eq!(with(caller.clone()) - least, more, "{caller:?}");
    }
}

#[test]
fn there_is_a_sample_of_every_kind_and_numbers_are_never_shared() {
    let seen: Vec<Kind> = samples().iter().map(Event::kind).collect();
    assert_eq!(seen, Kind::ALL);
    for kind in Kind::ALL {
        assert_eq!(Kind::from_number(kind.number()), Some(*kind));
    }
}

#[test]
fn a_record_that_was_cut_or_extended_is_refused() {
    for event in samples() {
        let name = event.kind().name();
        let whole = bytes(&record(event));
        for length in 0..whole.len() {
            assert!(
                Record::decode(&whole[..length]).is_err(),
                "{name} cut to {length}"
            );
        }
        let mut longer = whole.clone();
        longer.push(0);
        assert!(
            matches!(Record::decode(&longer), Err(DecodeError::TrailingBytes(1))),
            "{name}"
        );
    }
    assert!(matches!(
        Record::decode(&[0xff, 0xff, 1, 0, 0]),
        Err(DecodeError::UnknownKind(_))
    ));
}

/// Versions that are to come are refused, and say which one would be read.
#[test]
fn what_a_newer_version_wrote_is_refused_by_name() {
    let whole = bytes(&record(samples().swap_remove(2)));
    for (at, value, expected) in [
        (
            2,
            3,
            "version 3 of entry.posted is not known to this version of tillroll, which writes version 2",
        ),
        (
            2,
            0,
            "version 0 of entry.posted is not known to this version of tillroll, which writes version 2",
        ),
        (
            3,
            2,
            "version 2 of the envelope is not known to this version of tillroll, which writes version 1",
        ),
    ] {
        let mut other = whole.clone();
        other[at] = value;
        let error = Record::decode(&other).expect_err(expected);
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn json_names_accounts_in_place_of_numbers() {
    let mut ledger = tillroll_ledger::Ledger::new();
    for number in 0..=300 {
        ledger.open(tillroll_ledger::AccountSpec {
            path: format!("test:{number}").parse().unwrap(),
            unit: unit("EUR"),
            kind: AccountType::Asset,
            limit: Limit::None,
        });
    }
    let event = record(samples().swap_remove(4)).to_cloud_event(12, "tillroll:book:1", &ledger);
    assert_eq!(event["type"], "tillroll.hold.captured");
    assert_eq!(event["sequence"], "00000000000000000012");
    assert_eq!(
        event["data"]["entry"]["postings"],
        serde_json::json!([
            { "account": "test:0", "unit": "EUR", "side": "debit", "amount": 4 },
            { "account": "test:300", "unit": "EUR", "side": "credit", "amount": 4 },
        ])
    );
}

#[test]
fn many_entries_name_accounts_too() {
    let mut ledger = tillroll_ledger::Ledger::new();
    ledger.open(tillroll_ledger::AccountSpec {
        path: "till".parse().unwrap(),
        unit: unit("EUR"),
        kind: AccountType::Asset,
        limit: Limit::None,
    });
    let mut entries = PostedEntries::default();
    entries.push(EntryId::from_u128(11), entry(5).borrowed());
    let event: Event = EntriesPosted { entries }.into();
    assert_eq!(
        event.to_json(&ledger)["entries"],
        serde_json::json!([{ "id": EntryId::from_u128(11).to_string(), "postings": [
            { "account": "till", "unit": "EUR", "side": "debit", "amount": 5 },
            { "account": "#300", "unit": "#0", "side": "credit", "amount": 5 },
        ]}])
    );
}

/// The bytes that `entries` had in records before transfers were shorter.
fn as_entries(entries: &[(EntryId, Entry)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (id, entry) in entries {
        bytes.extend(id.as_u128().to_le_bytes());
        bytes.extend(u32::try_from(entry.postings().len()).unwrap().to_le_bytes());
        for posting in entry.postings() {
            let side = if posting.side == Side::Debit { 1 } else { 2 };
            bytes.extend(posting.account.get().to_le_bytes());
            bytes.extend(posting.unit.get().to_le_bytes());
            bytes.extend([side, 0]);
            bytes.extend(posting.amount.to_le_bytes());
        }
    }
    bytes
}

#[test]
fn a_transfer_that_is_no_entry_is_refused() {
    let entry = |head: [u8; 4], amount: u64| {
        let mut bytes = vec![7; 16];
        bytes.extend(head);
        bytes.extend([1, 0, 0, 0, 2, 0, 0, 0]);
        bytes.extend(amount.to_le_bytes());
        bytes
    };
    let whole = entry([0, 0, 2, 0x80], 5);
    let table = [
        (whole.clone(), None),
        (entry([0, 0, 1, 0x80], 5), None),
        (entry([0, 0, 2, 0x80], 0), Some("ZeroAmount(0)")),
        (
            entry([0, 0, 0, 0x80], 5),
            Some("Posting { entry: 0, posting: 0 }"),
        ),
        (
            entry([0, 0, 3, 0x80], 5),
            Some("Posting { entry: 0, posting: 0 }"),
        ),
        (entry([0, 0, 1, 0x81], 5), Some("Truncated(0)")),
        (whole[..35].to_vec(), Some("Truncated(0)")),
        (
            [whole.clone(), whole[..19].to_vec()].concat(),
            Some("Truncated(1)"),
        ),
    ];
    for (bytes, refused) in table {
        let mut payload = vec![0xa1, 0x00];
        minicbor::Encoder::new(&mut payload).bytes(&bytes).unwrap();
        let read = minicbor::decode::<EntriesPosted>(&payload);
        match refused {
            None => assert_eq!(minicbor::to_vec(read.unwrap()).unwrap(), payload),
            Some(why) => {
                let error = format!("{:?}", read.expect_err(why));
                assert!(error.contains(why), "{error}");
            }
        }
    }
}

proptest! {
    #[test]
    fn many_entries_read_back_as_they_were_pushed(
        rows in prop::collection::vec((any::<u128>(), prop::collection::vec(
            (any::<u32>(), any::<u32>(), any::<u16>(), 1..u64::MAX), 1..4)), 0..30),
        credits_first: bool,
    ) {
        let mut pushed = PostedEntries::default();
        let mut expected = Vec::new();
        for (id, pairs) in &rows {
            let mut legs: Vec<Posting> = pairs.iter().flat_map(|&(from, to, unit, amount)| {
                [(from, Side::Debit), (to, Side::Credit)].map(|(account, side)| Posting {
                    account: AccountId::new(account),
                    unit: UnitId::new(unit),
                    side,
                    amount,
                })
            }).collect();
            if credits_first {
                legs.reverse();
            }
            let entry = Entry::new(legs).unwrap();
            pushed.push(EntryId::from_u128(*id), entry.borrowed());
            expected.push((EntryId::from_u128(*id), entry));
        }
        let record = record(EntriesPosted { entries: pushed }.into());
        let Event::EntriesPosted(read) = Record::decode(&bytes(&record)).unwrap().event else {
            panic!("it is what was written");
        };
        let postings: usize = expected.iter().map(|(_, entry)| entry.postings().len()).sum();
        prop_assert_eq!((read.entries.len(), read.entries.postings()), (rows.len(), postings));
        prop_assert_eq!(read.entries.to_vec(), expected.clone());

        // And as rolls have them that were written before transfers were shorter.
        let mut payload = vec![0xa1, 0x00];
        minicbor::Encoder::new(&mut payload).bytes(&as_entries(&expected)).unwrap();
        let read: EntriesPosted = minicbor::decode(&payload).unwrap();
        prop_assert_eq!(minicbor::to_vec(&read).unwrap(), payload);
        prop_assert_eq!(read.entries.to_vec(), expected);
    }

    #[test]
    fn decoding_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(record) = Record::decode(&bytes) {
            prop_assert_eq!(Record::decode(&self::bytes(&record)).unwrap(), record);
        }
    }

    #[test]
    fn flipped_bits_never_panic(which in 0..22_usize, at in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let mut bytes = bytes(&record(samples().swap_remove(which)));
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        if let Ok(record) = Record::decode(&bytes) {
            prop_assert_eq!(Record::decode(&self::bytes(&record)).unwrap(), record);
        }
    }
}
