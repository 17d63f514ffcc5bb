//! A body's meaning, whatever its white space and the order of its members: what a fingerprint
//! is taken of, so that a client may format the same request anew.

use std::collections::BTreeMap;

use serde_json::Value;

/// Feeds `value` to `hasher`, members in order of their keys, every length said.
pub(crate) fn hash(value: &Value, hasher: &mut blake3::Hasher) {
    match value {
        Value::Null => tagged(hasher, b'n', b""),
        Value::Bool(true) => tagged(hasher, b't', b""),
        Value::Bool(false) => tagged(hasher, b'f', b""),
        Value::Number(number) => tagged(hasher, b'#', number.to_string().as_bytes()),
        Value::String(text) => tagged(hasher, b'"', text.as_bytes()),
        Value::Array(items) => {
            tagged(hasher, b'[', &length(items.len()));
            items.iter().for_each(|item| hash(item, hasher));
        }
        Value::Object(members) => {
            tagged(hasher, b'{', &length(members.len()));
            let sorted: BTreeMap<&String, &Value> = members.iter().collect();
            for (key, member) in sorted {
                tagged(hasher, b':', key.as_bytes());
                hash(member, hasher);
            }
        }
    }
}

fn length(length: usize) -> [u8; 8] {
    u64::try_from(length)
        .expect("lengths fit 64 bits")
        .to_le_bytes()
}

fn tagged(hasher: &mut blake3::Hasher, tag: u8, bytes: &[u8]) {
    hasher.update(&[tag]);
    hasher.update(&length(bytes.len()));
    hasher.update(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(text: &str) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new();
        hash(&serde_json::from_str(text).unwrap(), &mut hasher);
        hasher.finalize()
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
