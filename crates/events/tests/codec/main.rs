//! Records keep their bytes: golden ones of every kind, and no bytes that make decoding panic.

mod entries;
mod samples;

use std::fmt::Write as _;

use proptest::prelude::*;
use tillroll_events::*;
use tillroll_ledger::{AccountType, Limit};

use samples::{bytes, record, samples, unit};

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

proptest! {
    #[test]
    fn decoding_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(record) = Record::decode(&bytes) {
            prop_assert_eq!(Record::decode(&self::bytes(&record)).unwrap(), record);
        }
    }

    #[test]
    fn flipped_bits_never_panic(which in 0..Kind::ALL.len(), at in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let mut bytes = bytes(&record(samples().swap_remove(which)));
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        if let Ok(record) = Record::decode(&bytes) {
            prop_assert_eq!(Record::decode(&self::bytes(&record)).unwrap(), record);
        }
    }
}
