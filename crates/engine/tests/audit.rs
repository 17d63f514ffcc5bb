//! The auditor accepts what the engine writes, and finds what was planted.

mod support;

use support::commerce::shop;
use support::{BOOK, apply, at, engine, fund, hold, opening, path, small, story};
use tillroll_book::Chart;
use tillroll_engine::{AuditError, AuditFinding, AuditLaw, AuditReport, Position, audit, event_id};
use tillroll_events::{
    AccountLimitSet, AccountOpened, Caller, ClockConfirmed, CommandRef, EntryId, EntryPosted,
    EntryReversed, Event, EventId, HoldCaptured, HoldEnd, HoldEnded, HoldId, HoldPlaced,
    JournalEntry, KeyScope, Metadata, Record,
};
use tillroll_ledger::{AccountId, AccountType, Entry, Limit, Posting, Side, UnitId};
use tillroll_log::testing::TestLog;
use tillroll_log::{Batch, Log, MemoryLog};
use tillroll_money::MAX_MINOR;

const TILL: u32 = 0;
const WALLET: u32 = 1;

fn check(log: &MemoryLog) -> Result<AuditReport, AuditError> {
    audit(&*log.reader(), Chart::default(), None, |_| {})
}

/// A till, a wallet with 100, and a hold of 40 on it: positions 1 to 4.
fn world() -> MemoryLog {
    let mut engine = engine();
    apply(&mut engine, opening(1));
    apply(&mut engine, vec![fund(1, "wallet:0", 100)]);
    apply(&mut engine, vec![hold(5, 9, "wallet:0", 40, None)]);
    engine.into_log()
}

fn record(position: u64, event: impl Into<Event>) -> Record {
    Record {
        id: event_id(&BOOK, Position::new(position), at(10)),
        recorded_at: at(10),
        occurred_at: at(10),
        caller: Caller::ANONYMOUS,
        order: None,
        command: None,
        event: event.into(),
    }
}

fn append(log: &mut MemoryLog, records: &[Record]) {
    let mut batch = Batch::new();
    for record in records {
        batch.push_with(|buffer| record.encode(buffer)).unwrap();
    }
    assert!(log.append_next(&mut batch).is_ok());
}

fn legs(legs: &[(u32, Side, u64)]) -> JournalEntry {
    in_unit(0, legs)
}

fn in_unit(unit: u16, legs: &[(u32, Side, u64)]) -> JournalEntry {
    let postings: Vec<_> = legs
        .iter()
        .map(|&(account, side, amount)| Posting {
            account: AccountId::new(account),
            unit: UnitId::new(unit),
            side,
            amount,
        })
        .collect();
    JournalEntry(Entry::new(postings).unwrap())
}

fn posted(id: u128, entry: JournalEntry) -> EntryPosted {
    EntryPosted {
        id: EntryId::from_u128(id),
        entry,
        description: None,
        metadata: Metadata::new(),
        reverses: None,
        effective_date: None,
    }
}

fn reversed(
    id: u128,
    reverses: u128,
    entry: JournalEntry,
    left: Option<JournalEntry>,
) -> EntryReversed {
    EntryReversed {
        id: EntryId::from_u128(id),
        entry,
        description: None,
        metadata: Metadata::new(),
        reverses: EntryId::from_u128(reverses),
        effective_date: None,
        reverses_position: 3,
        left,
    }
}

fn clock(second: i64, wrong_from: Option<u64>) -> ClockConfirmed {
    ClockConfirmed {
        last_recorded_at: at(second),
        wrong_from,
    }
}

fn out(amount: u64) -> JournalEntry {
    legs(&[(WALLET, Side::Debit, amount), (TILL, Side::Credit, amount)])
}

fn into(amount: u64) -> JournalEntry {
    legs(&[(TILL, Side::Debit, amount), (WALLET, Side::Credit, amount)])
}

fn placed(id: u128, entry: JournalEntry) -> HoldPlaced {
    HoldPlaced {
        id: HoldId::from_u128(id),
        entry,
        expires_at: None,
        description: None,
        metadata: Metadata::new(),
    }
}

fn ended(id: u128) -> HoldEnded {
    HoldEnded {
        id: HoldId::from_u128(id),
        how: HoldEnd::Voided,
    }
}

fn captured(id: u128, entry: JournalEntry) -> HoldCaptured {
    HoldCaptured {
        id: HoldId::from_u128(id),
        entry,
    }
}

fn opened(number: u32, account: &str) -> AccountOpened {
    AccountOpened {
        account: AccountId::new(number),
        path: path(account),
        unit: "EUR".parse().unwrap(),
        kind: AccountType::Asset,
        limit: Limit::None,
        code: String::new(),
        name: String::new(),
    }
}

fn set(number: u32, limit: Limit) -> AccountLimitSet {
    AccountLimitSet {
        account: AccountId::new(number),
        limit,
    }
}

fn keyed(key: &str, events: u32, mut record: Record) -> Record {
    record.command = Some(CommandRef {
        key: key.into(),
        fingerprint: [0; 16],
        events,
        scope: KeyScope::Shared,
    });
    record
}

#[test]
fn every_planted_breach_is_found_at_its_position() {
    let limit = Limit::DebitsMustNotExceedCredits;
    let early = Record {
        id: event_id(&BOOK, Position::new(5), at(1)),
        recorded_at: at(1),
        ..record(5, posted(2, into(1)))
    };
    let foreign_id = Record {
        id: EventId::from_u128(5),
        ..record(5, posted(2, into(1)))
    };
    let repeated_id = Record {
        id: record(5, posted(2, into(1))).id,
        ..record(6, posted(3, into(1)))
    };
    let table: Vec<(&str, Vec<Record>, u64, fn(&AuditLaw) -> bool)> = vec![
        (
            "a wallet is drawn below zero",
            vec![record(5, posted(2, out(60))), record(6, posted(3, out(1)))],
            6,
            |law| {
                matches!(
                    law,
                    AuditLaw::Limit {
                        limit: Limit::DebitsMustNotExceedCredits,
                        ..
                    }
                )
            },
        ),
        (
            "a hold takes what is held already",
            vec![record(5, placed(10, out(61)))],
            5,
            |law| matches!(law, AuditLaw::Limit { .. }),
        ),
        (
            "a limit is set that the balance does not keep",
            vec![record(5, set(TILL, Limit::DebitsMustNotExceedCredits))],
            5,
            |law| matches!(law, AuditLaw::Limit { .. }),
        ),
        (
            "a posting to an account that is not open",
            vec![record(
                5,
                posted(2, legs(&[(TILL, Side::Debit, 1), (7, Side::Credit, 1)])),
            )],
            5,
            |law| matches!(law, AuditLaw::AccountOpen(account) if account.get() == 7),
        ),
        (
            "a limit for an account that is not open",
            vec![record(5, set(7, limit))],
            5,
            |law| matches!(law, AuditLaw::AccountOpen(_)),
        ),
        (
            "a posting in another unit than the account's",
            vec![record(
                5,
                posted(
                    2,
                    in_unit(1, &[(TILL, Side::Debit, 1), (WALLET, Side::Credit, 1)]),
                ),
            )],
            5,
            |law| matches!(law, AuditLaw::Unit { .. }),
        ),
        (
            "an account number is skipped",
            vec![record(5, opened(3, "other"))],
            5,
            |law| matches!(law, AuditLaw::AccountNumber { next: 2, .. }),
        ),
        (
            "an account is opened twice",
            vec![record(5, opened(2, "other")), record(6, opened(3, "other"))],
            6,
            |law| matches!(law, AuditLaw::AccountUsed { .. }),
        ),
        (
            "an entry is posted twice",
            vec![record(5, posted(1, into(1)))],
            5,
            |law| matches!(law, AuditLaw::EntryUsed(_)),
        ),
        (
            "a reversal of an entry that is none",
            vec![record(5, reversed(2, 77, out(1), None))],
            5,
            |law| matches!(law, AuditLaw::ReversedUnknown(_)),
        ),
        (
            "a reversal under an id that is used",
            vec![record(5, reversed(1, 1, out(1), None))],
            5,
            |law| matches!(law, AuditLaw::EntryUsed(_)),
        ),
        (
            "more is reversed than was left",
            vec![
                record(5, reversed(2, 1, out(40), Some(into(20)))),
                record(6, reversed(3, 1, out(20), Some(into(20)))),
            ],
            6,
            |law| matches!(law, AuditLaw::ReversedRest(_)),
        ),
        (
            "a reversal of what is reversed",
            vec![
                record(5, reversed(2, 1, out(20), None)),
                record(6, reversed(3, 1, out(20), None)),
            ],
            6,
            |law| matches!(law, AuditLaw::ReversedRest(_)),
        ),
        (
            "a clock that was confirmed speaks of another time than the last event's",
            vec![record(5, clock(1, None))],
            5,
            |law| matches!(law, AuditLaw::ClockClaim),
        ),
        (
            "a clock that was confirmed finds times wrong that are not there",
            vec![record(5, clock(5, Some(5)))],
            5,
            |law| matches!(law, AuditLaw::ClockClaim),
        ),
        (
            "a hold is placed twice",
            vec![record(5, ended(9)), record(6, placed(9, out(1)))],
            6,
            |law| matches!(law, AuditLaw::HoldUsed(_)),
        ),
        (
            "a hold ends twice",
            vec![record(5, captured(9, out(10))), record(6, ended(9))],
            6,
            |law| matches!(law, AuditLaw::HoldOpen(_)),
        ),
        (
            "more is captured than was held",
            vec![record(5, captured(9, out(41)))],
            5,
            |law| matches!(law, AuditLaw::HoldCovers(_)),
        ),
        (
            "the other way round is captured",
            vec![record(5, captured(9, into(40)))],
            5,
            |law| matches!(law, AuditLaw::HoldCovers(_)),
        ),
        (
            "a balance leaves the range",
            vec![
                record(5, posted(2, into(MAX_MINOR - 100))),
                record(6, posted(3, into(1))),
            ],
            6,
            |law| matches!(law, AuditLaw::Range { .. }),
        ),
        (
            "an amount is beyond every balance",
            vec![record(5, posted(2, into(u64::MAX)))],
            5,
            |law| matches!(law, AuditLaw::Range { .. }),
        ),
        ("time runs backwards", vec![early], 5, |law| {
            matches!(law, AuditLaw::Time { .. })
        }),
        ("an id without the time", vec![foreign_id], 5, |law| {
            matches!(law, AuditLaw::IdTime(_))
        }),
        (
            "an id is used twice",
            vec![record(5, posted(2, into(1))), repeated_id],
            6,
            |law| matches!(law, AuditLaw::IdUsed(_)),
        ),
        (
            "a key is used twice",
            vec![keyed("fund-1", 1, record(5, posted(2, into(1))))],
            5,
            |law| matches!(law, AuditLaw::KeyUsed { .. }),
        ),
        (
            "a command is cut by another",
            vec![
                keyed("a", 2, record(5, posted(2, into(1)))),
                keyed("b", 1, record(6, posted(3, into(1)))),
            ],
            6,
            |law| matches!(law, AuditLaw::CommandCut { missing: 1 }),
        ),
        (
            "a command is cut by the end",
            vec![keyed("a", 3, record(5, posted(2, into(1))))],
            5,
            |law| matches!(law, AuditLaw::CommandCut { missing: 2 }),
        ),
        (
            "a command without events",
            vec![keyed("a", 0, record(5, posted(2, into(1))))],
            5,
            |law| matches!(law, AuditLaw::CommandEmpty),
        ),
    ];
    assert!(check(&world()).is_ok());
    for (name, records, expected, law_holds) in table {
        let mut log = world();
        append(&mut log, &records);
        match check(&log) {
            Err(AuditError::Broken(AuditFinding { position, law })) => {
                assert_eq!(position, Position::new(expected), "{name}: {law}");
                assert!(law_holds(&law), "{name}: {law}");
            }
            other => panic!("{name}: {other:?}"),
        }
        let up_to = Some(Position::new(4));
        let before = audit(&*log.reader(), Chart::default(), up_to, |_| {});
        assert_eq!(before.expect(name).position, Position::new(4), "{name}");
    }
}

/// The bytes of a balanced entry, changed to an unbalanced one.
#[test]
fn an_entry_that_does_not_balance_is_found_at_its_position() {
    let mut log = world();
    let mut bytes = Vec::new();
    record(5, posted(2, into(0x1122_3344))).encode(&mut bytes);
    let amount = 0x1122_3344_u32.to_be_bytes();
    let places: Vec<_> = (0..bytes.len() - 3)
        .filter(|&start| bytes[start..start + 4] == amount)
        .collect();
    assert_eq!(places.len(), 2, "a debit and a credit");
    bytes[places[1] + 3] ^= 1;
    let mut batch = Batch::new();
    batch.push(&bytes).unwrap();
    assert!(log.append_next(&mut batch).is_ok());
    let found = check(&log).expect_err("it does not balance");
    let text = found.to_string();
    assert!(text.contains("position 5"), "{text}");
    assert!(text.contains("debits are"), "{text}");
}

#[test]
fn what_the_engine_writes_keeps_every_law() {
    for seed in 0..20 {
        let mut engine = engine().with_limits(small());
        drop(engine.execute(story(seed, 200)).unwrap());
        let (head, digest) = (engine.head(), engine.book().digest());
        let report = check(&engine.into_log());
        let report = report.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        assert_eq!(
            (report.position, report.digest),
            (head, digest),
            "seed {seed}"
        );
        assert_eq!(report.records, head.get());
        assert!(report.entries > 0 && report.commands > 0 && report.accounts == 5);
    }
}

#[test]
fn a_shop_keeps_every_law() {
    let mut events = 0;
    for seed in 0..30 {
        let mut engine = engine().with_limits(small());
        let answers = engine.execute(shop(seed, 200)).unwrap();
        let most = answers
            .iter()
            .flatten()
            .map(|outcome| outcome.records.len());
        assert!(
            most.max() > Some(3),
            "seed {seed}: commands of several events"
        );
        let (head, digest) = (engine.head(), engine.book().digest());
        let report = check(&engine.into_log());
        let report = report.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        assert_eq!(
            (report.position, report.digest),
            (head, digest),
            "seed {seed}"
        );
        events += report.records;
    }
    assert!(events > 6000, "{events}");
}
