//! What may be stored of a body: all of it but card numbers.

use std::borrow::Cow;

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use crate::search::spells_card_number;
use crate::{Json, Numbers, REDACTED, contains_card_number, redact};

/// `text` as it may be stored; `json` is what was parsed from it. Without a card number it is left
/// as it is. Otherwise it is written anew, so that what is left is JSON whatever was replaced.
#[must_use]
pub fn without_card_numbers<'a>(text: &'a str, json: &Json<'_>) -> Cow<'a, str> {
    let found = json.find_card_number(Numbers::Kept).is_some()
        || contains_card_number(text)
        || spells_card_number(text);
    if found {
        let written = serde_json::to_string(&Redacted(json));
        Cow::Owned(written.expect("a tree is plain data"))
    } else {
        Cow::Borrowed(text)
    }
}

/// Writes a value as JSON with every card number in it replaced.
#[derive(Debug)]
struct Redacted<'t, 'a>(&'t Json<'a>);

impl Serialize for Redacted<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_card_number() {
            return serializer.serialize_str(REDACTED);
        }
        match self.0 {
            Json::Null => serializer.serialize_unit(),
            Json::Truth(truth) => serializer.serialize_bool(*truth),
            Json::Whole(number) => serializer.serialize_u64(*number),
            Json::Negative(number) => serializer.serialize_i64(*number),
            Json::Float(number) => serializer.serialize_f64(*number),
            Json::Text(text) => serializer.serialize_str(&redact(text)),
            Json::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(&Redacted(item))?;
                }
                list.end()
            }
            Json::Object(members) => {
                let mut object = serializer.serialize_map(Some(members.len()))?;
                for (name, value) in members {
                    object.serialize_entry(&redact(name), &Redacted(value))?;
                }
                object.end()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(text: &str) -> String {
        without_card_numbers(text, &Json::parse(text).expect(text)).into_owned()
    }

    #[test]
    fn redaction_leaves_json_behind() {
        let table = [
            (
                r#"{"a":"pay 4242 4242 4242 4242 now"}"#,
                r#"{"a":"pay [redacted] now"}"#,
            ),
            (
                r#"{"a":4242424242424242,"b":-4242424242424242}"#,
                r#"{"a":"[redacted]","b":"[redacted]"}"#,
            ),
            (r#"{"a":4242424242424242.0}"#, r#"{"a":"[redacted]"}"#),
            (r#"{"a":4.242424242424242e15}"#, r#"{"a":"[redacted]"}"#),
            (r#"{"a":1.5868014875735426}"#, r#"{"a":"[redacted]"}"#),
            (r#"{"a":42424242.42424242}"#, r#"{"a":"[redacted]"}"#),
            // Its value does not have the digits that it was spelled with.
            (r#"{"a":6304000000000000e-5}"#, r#"{"a":63040000000.0}"#),
            (
                r#"{"4242424242424242":[1.5,true,null]}"#,
                r#"{"[redacted]":[1.5,true,null]}"#,
            ),
            (
                r#"{"a":4242424242424242,"a":"4242424242424242","a":1}"#,
                r#"{"a":"[redacted]","a":"[redacted]","a":1}"#,
            ),
            (
                r#"[{"a":{"b":[[4242424242424242]]}}]"#,
                r#"[{"a":{"b":[["[redacted]"]]}}]"#,
            ),
            (r#"["\u0034242424242424242"]"#, r#"["[redacted]"]"#),
        ];
        for (text, expected) in table {
            assert_eq!(stored(text), expected, "{text}");
            assert_eq!(stored(expected), expected);
        }
    }

    #[test]
    fn a_body_without_card_numbers_is_stored_as_it_came() {
        for text in [
            "{ \"b\" : 1.50,\r\n\"a\":[1e3 , \"\\u00e9\"], \"a\":{} }",
            r#"{"id":"ch_000000000000000000000000","created":1648320032,"n":4242424242424241}"#,
        ] {
            assert_eq!(stored(text), text);
        }
    }
}
