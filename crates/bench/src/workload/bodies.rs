//! Entries as a client writes them: JSON for `POST /v1/entries` and `POST /v1/entries/bulk`.

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

/// By hand, because a load generator that formats takes a third of a batch's time, and would be
/// measured with it.
fn write_entry(text: &mut String, legs: &Legs) {
    let mut buffer = Digits::default();
    text.push_str(r#"{"id":""#);
    EntryId::from_u128(legs.id).append_to(text);
    text.push_str(r#"","postings":["#);
    for (account, side) in [(legs.from, "debit"), (legs.to, "credit")] {
        if side == "credit" {
            text.push(',');
        }
        text.push_str(r#"{"account":"wallet:"#);
        text.push_str(buffer.of(account as u64, 7));
        text.push_str(r#"","unit":"EUR","side":""#);
        text.push_str(side);
        text.push_str(r#"","amount":"#);
        text.push_str(buffer.of(legs.amount, 1));
        text.push('}');
    }
    text.push_str("]}");
}

/// Room for a number's digits.
#[derive(Default)]
struct Digits([u8; 20]);

impl Digits {
    /// At least so many of them.
    fn of(&mut self, mut number: u64, least: usize) -> &str {
        let mut start = self.0.len();
        while number > 0 || self.0.len() - start < least {
            start -= 1;
            self.0[start] = b"0123456789"[usize::try_from(number % 10).expect("below ten")];
            number /= 10;
        }
        std::str::from_utf8(&self.0[start..]).expect("digits are ASCII")
    }
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
        assert_eq!(
            one["postings"][0]["account"],
            crate::workload::wallet(legs.from)
        );
        let many: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(many["entries"].as_array().unwrap().len(), 3);
    }
}
