//! Entries as a client writes them: JSON for `POST /v1/entries` and `POST /v1/entries/bulk`.

use std::fmt::Write;

use tillroll_events::EntryId;

use super::Legs;

/// One entry of two postings, about 200 bytes.
#[must_use]
pub fn entry_body(legs: &Legs) -> String {
    let mut text = String::with_capacity(256);
    write_entry(&mut text, legs);
    text
}

/// Many of them, each standing on its own, as the peers' batches do.
pub fn bulk_body(entries: impl ExactSizeIterator<Item = Legs>) -> String {
    let mut text = String::with_capacity(64 + 210 * entries.len());
    text.push_str(r#"{"mode":"each","entries":["#);
    for (index, legs) in entries.enumerate() {
        if index > 0 {
            text.push(',');
        }
        write_entry(&mut text, &legs);
    }
    text.push_str("]}");
    text
}

fn write_entry(text: &mut String, legs: &Legs) {
    let Legs {
        id,
        from,
        to,
        amount,
    } = legs;
    let id = EntryId::from_u128(*id);
    let written = write!(
        text,
        r#"{{"id":"{id}","postings":[{{"account":"wallet:{from:07}","unit":"EUR","side":"debit","amount":{amount}}},{{"account":"wallet:{to:07}","unit":"EUR","side":"credit","amount":{amount}}}]}}"#
    );
    written.expect("memory takes text");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::Entries;

    #[test]
    fn bodies_are_what_the_interface_takes() {
        let mut entries = Entries::among(100, 1);
        let legs = entries.next_legs();
        let one: serde_json::Value = serde_json::from_str(&entry_body(&legs)).unwrap();
        assert_eq!(one["id"], EntryId::from_u128(legs.id).to_string());
        assert_eq!(one["postings"][0]["side"], "debit");
        assert_eq!(one["postings"][1]["amount"], legs.amount);
        let body = bulk_body((0..3).map(|_| entries.next_legs()));
        let many: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(many["entries"].as_array().unwrap().len(), 3);
    }
}
