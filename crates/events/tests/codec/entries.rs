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
