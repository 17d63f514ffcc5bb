//! Many entries in one event: their layout, and their JSON.

use proptest::prelude::*;
use tillroll_events::*;
use tillroll_ledger::{AccountId, AccountType, Entry, Limit, Posting, Side, UnitId};

use crate::samples::{bytes, entry, record, unit};

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

/// Walks an event part by part; the parts, each as JSON.
fn parts(event: &Record) -> Vec<serde_json::Value> {
    let ledger = tillroll_ledger::Ledger::new();
    let mut shown = Vec::new();
    let mut first = 0;
    while let Some(part) = event.event.part_from(first) {
        let view = tillroll_events::RecordView {
            record: event,
            position: 17,
            source: "tillroll:book:1",
            names: &ledger,
            part: Some(part),
        };
        assert!(first < part.entries.end, "a part has an entry");
        assert_eq!(
            view.sequence(),
            format!("{:020}.{:010}", 17, part.entries.end)
        );
        shown.push(serde_json::to_value(view).unwrap());
        first = part.entries.end;
        if first == part.of {
            break;
        }
    }
    shown
}

#[test]
fn the_parts_of_an_event_are_the_whole_of_it_once_each_in_order() {
    // Entries by their postings => the places where parts begin, none where it comes whole.
    let wide = |postings: u32| {
        let leg = |account, side, amount| Posting {
            account: AccountId::new(account),
            unit: UnitId::new(0),
            side,
            amount,
        };
        let credits = (1..postings).map(|account| leg(account, Side::Credit, 1));
        let debit = leg(0, Side::Debit, u64::from(postings - 1));
        JournalEntry(Entry::new(credits.chain([debit]).collect::<Vec<_>>()).unwrap())
    };
    let table: &[(&[(u32, usize)], &[usize])] = &[
        (&[], &[]),
        (&[(2, 1)], &[]),
        (&[(2, 500)], &[]),
        (&[(2, 501)], &[0, 500]),
        (&[(2, 1000)], &[0, 500]),
        (&[(2, 1001)], &[0, 500, 1000]),
        (&[(2, 10_000)], &[0, 500, 1000, 1500]),
        (&[(4096, 1)], &[0]),
        (&[(4096, 3)], &[0, 1, 2]),
        (&[(3, 333), (2, 1), (3, 400)], &[0, 334, 668]),
        (&[(2, 499), (4096, 1), (2, 7)], &[0, 500]),
    ];
    for (sizes, begin) in table {
        let mut entries = PostedEntries::default();
        let all = sizes.iter().flat_map(|(postings, times)| {
            let entry = if *postings == 2 {
                entry(5)
            } else {
                wide(*postings)
            };
            std::iter::repeat_n(entry, *times)
        });
        for (index, entry) in (0_u128..).zip(all) {
            entries.push(EntryId::from_u128(index), entry.borrowed());
        }
        let count = entries.len();
        let event = record(EntriesPosted { entries }.into());
        let ledger = tillroll_ledger::Ledger::new();
        let whole = event.to_cloud_event(17, "tillroll:book:1", &ledger);
        let shown = parts(&event);
        let first: Vec<_> = shown
            .iter()
            .map(|part| part["firstentry"].as_u64().unwrap())
            .collect();
        let expected: Vec<_> = begin.iter().map(|at| *at as u64).collect();
        assert_eq!(first[..first.len().min(4)], expected, "{sizes:?}");
        let ids: std::collections::BTreeSet<_> = shown
            .iter()
            .map(|part| part["id"].as_str().unwrap())
            .collect();
        assert_eq!(ids.len(), shown.len(), "each part has an id of its own");
        if shown.is_empty() {
            continue;
        }
        let gathered: Vec<_> = shown
            .iter()
            .flat_map(|part| part["data"]["entries"].as_array().unwrap().clone())
            .collect();
        assert_eq!(
            whole["data"]["entries"],
            serde_json::Value::from(gathered),
            "{sizes:?}"
        );
        for part in &shown {
            assert_eq!(part["entrycount"], count);
            let mut part = part.clone();
            let (part, whole) = (part.as_object_mut().unwrap(), whole.as_object().unwrap());
            for own in ["entrycount", "firstentry"] {
                part.remove(own);
            }
            for same in whole
                .keys()
                .filter(|key| !["id", "sequence", "data"].contains(&key.as_str()))
            {
                assert_eq!(part[same], whole[same], "{same}");
            }
            assert!(part.keys().eq(whole.keys()));
        }
    }
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
}
