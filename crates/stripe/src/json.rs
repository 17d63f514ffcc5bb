//! A JSON value that borrows its texts from the body.
//!
//! One pass over the body serves everything that is asked of it: the envelope, the facts, the
//! fingerprint and the search for card numbers. Members are sorted by name, so that two
//! writings of one value are equal. Nesting is bounded by the parser (127 levels), and so is
//! every recursion here.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use crate::card;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json<'a> {
    Null,
    Truth(bool),
    Whole(u64),
    Negative(i64),
    /// Anything that is not a 64-bit integer. Kept only so that it can be told apart.
    Float(f64),
    Text(Cow<'a, str>),
    List(Vec<Json<'a>>),
    Object(Vec<Member<'a>>),
}

pub(crate) type Member<'a> = (Cow<'a, str>, Json<'a>);

impl<'a> Json<'a> {
    pub(crate) fn parse(text: &'a str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// Appends what tells this value from any other: a tag, then a length or the value. Where
    /// the value stood in the text, how it was spaced and how its texts were escaped leave no
    /// trace. Fingerprints are stored: this encoding never changes.
    pub(crate) fn write_canonical(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.push(b'n'),
            Self::Truth(true) => out.push(b't'),
            Self::Truth(false) => out.push(b'f'),
            Self::Whole(number) => {
                out.push(b'u');
                out.extend_from_slice(&number.to_le_bytes());
            }
            Self::Negative(number) => {
                out.push(b'i');
                out.extend_from_slice(&number.to_le_bytes());
            }
            Self::Float(number) => {
                out.push(b'd');
                out.extend_from_slice(&number.to_bits().to_le_bytes());
            }
            Self::Text(text) => {
                out.push(b's');
                write_text(text, out);
            }
            Self::List(items) => {
                out.push(b'l');
                write_length(items.len(), out);
                items.iter().for_each(|item| item.write_canonical(out));
            }
            Self::Object(members) => {
                out.push(b'o');
                write_length(members.len(), out);
                for (name, value) in members {
                    write_text(name, out);
                    value.write_canonical(out);
                }
            }
        }
    }

    /// Whether any text, name or number in it is a card number. A float of so many digits before
    /// its point is not exact any more and counts as one; the digits behind it may be one too.
    pub(crate) fn holds_card_number(&self) -> bool {
        // Twelve digits are no card number: the usual amount is not even printed.
        let is_card_number = |number: u64| {
            number >= 1_000_000_000_000 && card::contains_card_number(&number.to_string())
        };
        match self {
            Self::Null | Self::Truth(_) => false,
            Self::Whole(number) => is_card_number(*number),
            Self::Negative(number) => is_card_number(number.unsigned_abs()),
            Self::Float(number) => {
                number.abs() >= 1e12
                    || serde_json::to_string(number)
                        .is_ok_and(|written| card::contains_card_number(&written))
            }
            Self::Text(text) => card::contains_card_number(text),
            Self::List(items) => items.iter().any(Self::holds_card_number),
            Self::Object(members) => members
                .iter()
                .any(|(name, value)| card::contains_card_number(name) || value.holds_card_number()),
        }
    }
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    write_length(text.len(), out);
    out.extend_from_slice(text.as_bytes());
}

fn write_length(length: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(&(length as u64).to_le_bytes());
}

/// Writes a value as JSON with every card number in it replaced.
#[derive(Debug)]
pub(crate) struct Redacted<'t, 'a>(pub(crate) &'t Json<'a>);

impl Serialize for Redacted<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Json::Null => serializer.serialize_unit(),
            Json::Truth(truth) => serializer.serialize_bool(*truth),
            number @ (Json::Whole(_) | Json::Negative(_) | Json::Float(_))
                if number.holds_card_number() =>
            {
                serializer.serialize_str(card::REDACTED)
            }
            Json::Whole(number) => serializer.serialize_u64(*number),
            Json::Negative(number) => serializer.serialize_i64(*number),
            Json::Float(number) => serializer.serialize_f64(*number),
            Json::Text(text) => serializer.serialize_str(&card::redact(text)),
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
                    object.serialize_entry(&card::redact(name), &Redacted(value))?;
                }
                object.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Json<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Self::Value, E> {
        Ok(Json::Truth(truth))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Json::Whole(number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(u64::try_from(number).map_or(Json::Negative(number), Json::Whole))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Json::Float(number))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Json::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Json::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_string<E>(self, text: String) -> Result<Self::Value, E> {
        Ok(Json::Text(Cow::Owned(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Json::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let mut members: Vec<Member<'de>> = Vec::new();
        while let Some(Name(name)) = object.next_key()? {
            members.push((name, object.next_value()?));
        }
        // Stable, so that of two members with one name the later stays the later.
        members.sort_by(|(left, _), (right, _)| left.cmp(right));
        Ok(Json::Object(members))
    }
}

/// A member's name: borrowed, unless it was escaped.
struct Name<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameVisitor;

        impl<'de> Visitor<'de> for NameVisitor {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Owned(text.to_owned())))
            }
        }

        deserializer.deserialize_str(NameVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(text: &str) -> Vec<u8> {
        let mut out = Vec::new();
        Json::parse(text).expect(text).write_canonical(&mut out);
        out
    }

    #[test]
    fn numbers_are_told_apart() {
        let table = [
            ("0", Json::Whole(0)),
            ("18446744073709551615", Json::Whole(u64::MAX)),
            ("-1", Json::Negative(-1)),
            ("-9223372036854775808", Json::Negative(i64::MIN)),
        ];
        for (text, expected) in table {
            assert_eq!(Json::parse(text).expect(text), expected, "{text}");
        }
        for text in [
            "1.0",
            "1e3",
            "18446744073709551616",
            "-9223372036854775809",
            "-0",
        ] {
            let parsed = Json::parse(text).expect(text);
            assert!(matches!(parsed, Json::Float(_)), "{text}: {parsed:?}");
        }
    }

    #[test]
    fn spacing_order_and_escapes_leave_no_trace() {
        let one = canonical(r#"{"b":[1,"é/"],"a":{"x":null}}"#);
        for same in [
            r#"{"a":{"x":null},"b":[1,"é/"]}"#,
            " {\n \"b\" : [ 1 , \"\\u00e9\\/\" ] ,\t\"a\":{\"\\u0078\":null}}",
        ] {
            assert_eq!(canonical(same), one, "{same}");
        }
        for other in [
            r#"{"b":[1,"é"],"a":{"x":null}}"#,
            r#"{"b":["é/",1],"a":{"x":null}}"#,
            r#"{"b":[1,"é/"],"a":{}}"#,
            r#"{"b":[1,"é/"],"a":{"x":false}}"#,
            r#"{"b":["1","é/"],"a":{"x":null}}"#,
            r#"{"b":[1,"é/",[]],"a":{"x":null}}"#,
        ] {
            assert_ne!(canonical(other), one, "{other}");
        }
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
            (r#"{"a":1.5868014875735426}"#, r#"{"a":"[redacted]"}"#),
            (
                r#"{"4242424242424242":[1.5,true,null]}"#,
                r#"{"[redacted]":[1.5,true,null]}"#,
            ),
            (r#"["\u0034242424242424242"]"#, r#"["[redacted]"]"#),
        ];
        for (text, expected) in table {
            let parsed = Json::parse(text).expect(text);
            assert!(parsed.holds_card_number(), "{text}");
            let redacted = serde_json::to_string(&Redacted(&parsed)).expect(text);
            assert_eq!(redacted, expected);
        }
        let clean =
            Json::parse(r#"{"created":1648320032,"rate":1.234,"x":-1,"id":"ch_4242424242424242"}"#);
        assert!(!clean.expect("JSON").holds_card_number());
    }

    #[test]
    fn a_body_nested_too_deeply_is_refused_and_not_a_stack_overflow() {
        let deep = "[".repeat(100_000);
        assert!(Json::parse(&deep).is_err());
    }
}
