//! Entries as a client writes them: JSON for `POST /v1/entries` and `POST /v1/entries/bulk`.

use tillroll_events::EntryId;

use super::Legs;

/// Appends one entry of two postings, about 200 bytes.
pub fn entry_body(legs: &Legs, body: &mut Vec<u8>) {
    Writing::default().entry(legs, body);
}

/// Appends many of them, each standing on its own, as the peers' batches do.
pub fn bulk_body(entries: impl ExactSizeIterator<Item = Legs>, body: &mut Vec<u8>) {
    let mut writing = Writing::default();
    body.reserve(64 + 210 * entries.len());
    body.extend_from_slice(br#"{"mode":"each","entries":["#);
    for (index, legs) in entries.enumerate() {
        if index > 0 {
            body.push(b',');
        }
        writing.entry(&legs, body);
    }
    body.extend_from_slice(b"]}");
}

/// By hand, because a load generator that formats takes a third of a batch's time, and would be
/// measured with it. What stands around names and numbers is copied in long pieces.
#[derive(Default)]
struct Writing {
    id: String,
}

impl Writing {
    fn entry(&mut self, legs: &Legs, body: &mut Vec<u8>) {
        self.id.clear();
        EntryId::from_u128(legs.id).append_to(&mut self.id);
        body.extend_from_slice(br#"{"id":""#);
        body.extend_from_slice(self.id.as_bytes());
        body.extend_from_slice(br#"","postings":[{"account":"wallet:"#);
        digits(legs.from as u64, 7, body);
        body.extend_from_slice(br#"","unit":"EUR","side":"debit","amount":"#);
        digits(legs.amount, 1, body);
        body.extend_from_slice(br#"},{"account":"wallet:"#);
        digits(legs.to as u64, 7, body);
        body.extend_from_slice(br#"","unit":"EUR","side":"credit","amount":"#);
        digits(legs.amount, 1, body);
        body.extend_from_slice(b"}]}");
    }
}

/// A number with at least so many digits.
fn digits(mut number: u64, least: usize, body: &mut Vec<u8>) {
    // More than any number has: a copy of a set length is a few instructions.
    let mut room = [b'0'; 24];
    let used = number.checked_ilog10().map_or(1, |last| last as usize + 1);
    let count = used.max(least);
    for place in room[count - used..count].iter_mut().rev() {
        *place = b"0123456789"[usize::try_from(number % 10).expect("below ten")];
        number /= 10;
    }
    let end = body.len() + count;
    body.extend_from_slice(&room);
    body.truncate(end);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::Entries;

    #[test]
    fn bodies_are_what_the_interface_takes() {
        let mut entries = Entries::among(100, 1);
        let legs = entries.next_legs();
        let mut body = Vec::new();
        entry_body(&legs, &mut body);
        let one: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(one["id"], EntryId::from_u128(legs.id).to_string());
        assert_eq!(one["postings"][0]["side"], "debit");
        assert_eq!(one["postings"][1]["amount"], legs.amount);
        body.clear();
        bulk_body((0..3).map(|_| entries.next_legs()), &mut body);
        assert_eq!(
            one["postings"][0]["account"],
            crate::workload::wallet(legs.from)
        );
        let many: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(many["entries"].as_array().unwrap().len(), 3);
    }
    #[test]
    fn numbers_are_written_with_all_their_digits() {
        for (number, least, expected) in [
            (0, 1, "0"),
            (0, 7, "0000000"),
            (9, 1, "9"),
            (10, 1, "10"),
            (1_234_567, 7, "1234567"),
            (12_345_678, 7, "12345678"),
            (u64::MAX, 1, "18446744073709551615"),
        ] {
            let mut body = b"x".to_vec();
            digits(number, least, &mut body);
            assert_eq!(body, format!("x{expected}").as_bytes());
        }
    }
}
