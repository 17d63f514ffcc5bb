//! A body's meaning, whatever its white space and the order of its members: what a fingerprint
//! is taken of, so that a client may format the same request anew.

use std::collections::BTreeMap;

use serde_json::Value;

/// Appends `value`: members in order of their keys, every length said. It is stored as a part of
/// fingerprints, so it never changes.
pub(crate) fn write(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => null(out),
        Value::Bool(true) => tagged(out, b't', b""),
        Value::Bool(false) => tagged(out, b'f', b""),
        Value::Number(number) => digits(out, &number.to_string()),
        Value::String(text) => self::text(out, text),
        Value::Array(items) => {
            array(out, items.len());
            items.iter().for_each(|item| write(item, out));
        }
        Value::Object(members) => {
            object(out, members.len());
            let sorted: BTreeMap<&String, &Value> = members.iter().collect();
            for (name, member) in sorted {
                key(out, name);
                write(member, out);
            }
        }
    }
}

pub(crate) fn null(out: &mut Vec<u8>) {
    tagged(out, b'n', b"");
}

/// A number as it is written.
pub(crate) fn digits(out: &mut Vec<u8>, digits: &str) {
    tagged(out, b'#', digits.as_bytes());
}

pub(crate) fn text(out: &mut Vec<u8>, text: &str) {
    tagged(out, b'"', text.as_bytes());
}

/// The start of an array; its items follow.
pub(crate) fn array(out: &mut Vec<u8>, items: usize) {
    tagged(out, b'[', &length(items));
}

/// The start of an object; its members follow, in order of their keys.
pub(crate) fn object(out: &mut Vec<u8>, members: usize) {
    tagged(out, b'{', &length(members));
}

/// A member's key; its value follows.
pub(crate) fn key(out: &mut Vec<u8>, key: &str) {
    tagged(out, b':', key.as_bytes());
}

/// As it stands before a text.
pub(crate) fn length(length: usize) -> [u8; 8] {
    u64::try_from(length)
        .expect("lengths fit 64 bits")
        .to_le_bytes()
}

fn tagged(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    out.push(tag);
    out.extend_from_slice(&length(bytes.len()));
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(text: &str) -> Vec<u8> {
        let mut out = Vec::new();
        write(&serde_json::from_str(text).unwrap(), &mut out);
        out
    }

    #[test]
    fn only_what_a_body_means_counts() {
        for (left, right, same) in [
            (r#"{"a":1,"b":[2]}"#, "{ \"b\" : [ 2 ],\n\"a\":1 }", true),
            (r#"{"a":"\u0041"}"#, r#"{"a":"A"}"#, true),
            (r#"{"a":1}"#, r#"{"a":"1"}"#, false),
            (r#"{"a":[1,2]}"#, r#"{"a":[2,1]}"#, false),
            (r#"{"a":[[1],2]}"#, r#"{"a":[[1,2]]}"#, false),
            (r#"{"a":null}"#, "{}", false),
        ] {
            assert_eq!(digest(left) == digest(right), same, "{left} and {right}");
        }
    }
}
