//! Stored records, as a reader of the log decodes them. Valid checksums say nothing about who wrote
//! the bytes.

use tillroll_events::{Event, Record};

/// No input makes the decoder panic. What it accepts is written and read again as the same
/// record, and every entry in it balances.
pub fn record(data: &[u8]) {
    let Ok(record) = Record::decode(data) else {
        return;
    };
    let mut bytes = Vec::new();
    record.encode(&mut bytes);
    let again = Record::decode(&bytes).expect("what was written reads back");
    assert_eq!(again, record);
    let mut entries = 0;
    record.event.for_each_posted(|entry| {
        entries += 1;
        assert!(tillroll_ledger::EntryRef::new(entry.postings()).is_ok());
    });
    assert_eq!(entries, record.event.posted_count());
    if let Event::EntriesPosted(posted) = &record.event {
        let postings: usize = posted
            .entries
            .to_vec()
            .iter()
            .map(|(_, entry)| entry.postings().len())
            .sum();
        assert_eq!(postings, posted.entries.postings());
    }
}
