//! Entries as a client writes them: JSON for `POST /v1/entries` and `POST /v1/entries/bulk`.

use std::ops::Range;

use super::PlannedTransfer;

/// Appends one entry of two postings, about 200 bytes.
pub fn entry_body(legs: &PlannedTransfer, body: &mut Vec<u8>) {
    write_entry(legs, body);
}

/// Appends many of them, each standing on its own, as the peers' batches do.
pub fn bulk_body(entries: impl ExactSizeIterator<Item = PlannedTransfer>, body: &mut Vec<u8>) {
    body.reserve(64 + 210 * entries.len());
    body.extend_from_slice(br#"{"mode":"each","entries":["#);
    for (index, legs) in entries.enumerate() {
        if index > 0 {
            body.push(b',');
        }
        write_entry(&legs, body);
    }
    body.extend_from_slice(b"]}");
}

/// Appends many of them as a stream of lines (NDJSON).
pub fn lines_body(entries: impl ExactSizeIterator<Item = PlannedTransfer>, body: &mut Vec<u8>) {
    body.reserve(210 * entries.len());
    for legs in entries {
        write_entry(&legs, body);
        body.push(b'\n');
    }
}

/// Up to an entry's first amount, and from there to its second, with zeros where ids and the
/// accounts' numbers belong.
const FIRST: [u8; 116] = *br#"{"id":"ent_00000000000000000000000000","postings":[{"account":"wallet:0000000","unit":"EUR","side":"debit","amount":"#;
const SECOND: [u8; 68] =
    *br#"},{"account":"wallet:0000000","unit":"EUR","side":"credit","amount":"#;
/// Where those zeros are.
const ID: Range<usize> = 11..37;
const PAYER: Range<usize> = 70..77;
const PAYEE: Range<usize> = 21..28;
/// Above them an account's number is longer.
const LAST_PLAIN: usize = 9_999_999;

/// By hand, because a load generator that formats takes a third of a batch's time, and would be
/// measured with it: numbers are written over what stands there in every entry.
fn write_entry(legs: &PlannedTransfer, body: &mut Vec<u8>) {
    let (mut first, mut second) = (FIRST, SECOND);
    base_32(legs.id, &mut first[ID]);
    if legs.from.max(legs.to) <= LAST_PLAIN {
        decimal(legs.from as u64, &mut first[PAYER]);
        decimal(legs.to as u64, &mut second[PAYEE]);
        body.extend_from_slice(&first);
        digits(legs.amount, body);
        body.extend_from_slice(&second);
    } else {
        body.extend_from_slice(&first[..PAYER.start]);
        body.extend_from_slice(format!("{:07}", legs.from).as_bytes());
        body.extend_from_slice(&first[PAYER.end..]);
        digits(legs.amount, body);
        body.extend_from_slice(&second[..PAYEE.start]);
        body.extend_from_slice(format!("{:07}", legs.to).as_bytes());
        body.extend_from_slice(&second[PAYEE.end..]);
    }
    digits(legs.amount, body);
    body.extend_from_slice(b"}]}");
}

/// An id's digits, as its text has them.
fn base_32(id: u128, places: &mut [u8]) {
    const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    // In pieces of twelve digits: dividing 128 bits takes longer.
    let mut left = id;
    for piece in places.rchunks_mut(12) {
        let mut number = low_64(left);
        for place in piece.iter_mut().rev() {
            *place = ALPHABET[usize::try_from(number % 32).expect("below 32")];
            number /= 32;
        }
        left >>= 60;
    }
}

fn low_64(number: u128) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = number.to_le_bytes();
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

fn decimal(mut number: u64, places: &mut [u8]) {
    for place in places.iter_mut().rev() {
        *place = b"0123456789"[usize::try_from(number % 10).expect("below ten")];
        number /= 10;
    }
}

/// A number with as many digits as it has.
fn digits(number: u64, body: &mut Vec<u8>) {
    // More than any number has: a copy of a set length is a few instructions.
    let mut room = [0; 24];
    let count = number.checked_ilog10().map_or(1, |last| last as usize + 1);
    decimal(number, &mut room[..count]);
    let end = body.len() + count;
    body.extend_from_slice(&room);
    body.truncate(end);
}

#[cfg(test)]
mod tests {
    use tillroll_events::EntryId;

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
        body.clear();
        lines_body((0..3).map(|_| entries.next_legs()), &mut body);
        let lines = str::from_utf8(&body).unwrap();
        assert_eq!(lines.lines().count(), 3);
        for line in lines.lines() {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(line["postings"].as_array().unwrap().len(), 2);
        }
    }

    #[test]
    fn numbers_are_written_with_all_their_digits() {
        for number in [0, 9, 10, 12_345_678, u64::MAX] {
            let mut body = b"x".to_vec();
            digits(number, &mut body);
            assert_eq!(body, format!("x{number}").as_bytes());
        }
        for (id, from, to, amount) in [
            (0, 0, 1, 1),
            (u128::MAX, LAST_PLAIN, 0, 1000),
            (1 << 60 | 7, 0, LAST_PLAIN + 1, u64::MAX),
            (u128::MAX / 3, 123_456_789, 1_234_567, 42),
        ] {
            let mut body = Vec::new();
            let legs = PlannedTransfer {
                id,
                from,
                to,
                amount,
            };
            entry_body(&legs, &mut body);
            let posting = |account, side| {
                serde_json::json!({
                    "account": crate::workload::wallet(account), "unit": "EUR", "side": side,
                    "amount": amount,
                })
            };
            assert_eq!(
                serde_json::from_slice::<serde_json::Value>(&body).unwrap(),
                serde_json::json!({
                    "id": EntryId::from_u128(id).to_string(),
                    "postings": [posting(from, "debit"), posting(to, "credit")],
                })
            );
        }
    }
}
