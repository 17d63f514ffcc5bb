//! Identities: our own are 128-bit numbers with a prefix, others' are short texts.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use minicbor::{Decode, Encode};

/// Lower-case Crockford base 32: sorts as the number does, and has no letter that reads as
/// another.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const DIGITS: usize = 26;

/// What each byte stands for as a digit.
const VALUES: [Option<u8>; 256] = {
    let mut values = [None; 256];
    let mut value = 0_u8;
    while value < 32 {
        values[ALPHABET[value as usize] as usize] = Some(value);
        value += 1;
    }
    values
};

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an id of this kind: expected `{prefix}` and 26 base-32 digits")]
pub struct ParseIdError {
    pub text: String,
    pub prefix: &'static str,
}

fn base32(number: u128) -> [u8; DIGITS] {
    let mut digits = [0_u8; DIGITS];
    let mut rest = number;
    for digit in digits.iter_mut().rev() {
        *digit = ALPHABET[(rest & 31) as usize];
        rest >>= 5;
    }
    digits
}

fn as_text(digits: &[u8; DIGITS]) -> &str {
    std::str::from_utf8(digits).expect("the alphabet is ASCII")
}

fn write_base32(number: u128, f: &mut fmt::Formatter<'_>, prefix: &str) -> fmt::Result {
    f.write_str(prefix)?;
    f.write_str(as_text(&base32(number)))
}

fn read_base32(text: &str, prefix: &'static str) -> Result<u128, ParseIdError> {
    let refuse = || ParseIdError {
        text: text.chars().take(64).collect(),
        prefix,
    };
    let digits = text.strip_prefix(prefix).ok_or_else(refuse)?;
    // 26 digits hold 130 bits: the first may only be 0 to 7.
    if digits.len() != DIGITS || digits.as_bytes()[0] > b'7' {
        return Err(refuse());
    }
    digits.bytes().try_fold(0_u128, |number, byte| {
        let value = VALUES[usize::from(byte)].ok_or_else(refuse)?;
        Ok(number << 5 | u128::from(value))
    })
}

macro_rules! prefixed_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u128);

        impl $name {
            pub const PREFIX: &'static str = $prefix;

            #[must_use]
            pub const fn from_u128(number: u128) -> Self {
                Self(number)
            }

            #[must_use]
            pub const fn as_u128(self) -> u128 {
                self.0
            }

            /// Writes what `Display` does, without a formatter.
            pub fn append_to(self, text: &mut String) {
                text.push_str($prefix);
                text.push_str(as_text(&base32(self.0)));
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_base32(self.0, f, $prefix)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_base32(self.0, f, $prefix)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                read_base32(text, $prefix).map(Self)
            }
        }

        impl<C> Encode<C> for $name {
            fn encode<W: minicbor::encode::Write>(
                &self,
                e: &mut minicbor::Encoder<W>,
                _: &mut C,
            ) -> Result<(), minicbor::encode::Error<W::Error>> {
                e.bytes(&self.0.to_be_bytes())?.ok()
            }
        }

        impl<'b, C> Decode<'b, C> for $name {
            fn decode(
                d: &mut minicbor::Decoder<'b>,
                _: &mut C,
            ) -> Result<Self, minicbor::decode::Error> {
                let bytes: [u8; 16] = d
                    .bytes()?
                    .try_into()
                    .map_err(|_| minicbor::decode::Error::message("an id has 16 bytes"))?;
                Ok(Self(u128::from_be_bytes(bytes)))
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'_, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "type": "string",
                    "pattern": concat!("^", $prefix, "[0-7][0-9a-hjkmnp-tv-z]{25}$"),
                })
            }
        }
    };
}

prefixed_id!(
    /// An order of the merchant.
    OrderId, "ord_");
prefixed_id!(
    /// A journal entry posted by command.
    EntryId, "ent_");
prefixed_id!(
    /// A hold: a pending entry.
    HoldId, "hld_");
prefixed_id!(
    /// An event on the roll.
    EventId, "evt_");

/// An id that somebody else gave: Stripe's `ch_…`, `acct_…`. One to 255 visible ASCII
/// characters.
///
/// Clones share the text: an id stands in many rows.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExternalId(Arc<str>);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an id: one to 255 visible ASCII characters")]
pub struct ParseExternalIdError(String);

impl ExternalId {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ExternalId {
    type Err = ParseExternalIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if (1..=255).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic()) {
            Ok(Self(text.into()))
        } else {
            Err(ParseExternalIdError(text.chars().take(64).collect()))
        }
    }
}

impl<C> Encode<C> for ExternalId {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.str(&self.0)?.ok()
    }
}

impl serde::Serialize for ExternalId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl schemars::JsonSchema for ExternalId {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ExternalId".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "An id that somebody else gave: Stripe's `ch_…`, `acct_…`. One to 255 visible ASCII\ncharacters.",
            "type": "string",
        })
    }
}

impl<'b, C> Decode<'b, C> for ExternalId {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        d.str()?.parse().map_err(minicbor::decode::Error::custom)
    }
}

impl fmt::Display for ExternalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for ExternalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ids_read_back_and_sort_as_text(a: u128, b: u128) {
            let (left, right) = (OrderId::from_u128(a), OrderId::from_u128(b));
            prop_assert_eq!(left.to_string().parse::<OrderId>().unwrap(), left);
            prop_assert_eq!(left.cmp(&right), left.to_string().cmp(&right.to_string()));
        }

        #[test]
        fn reading_an_id_never_panics(text in ".{0,40}") {
            if let Ok(id) = text.parse::<OrderId>() {
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }

    #[test]
    fn ids_of_another_kind_are_refused() {
        for text in [
            "",
            "ord_",
            "ent_00000000000000000000000000",
            "ord_80000000000000000000000000",
            "ord_0000000000000000000000000u",
            "ord_0000000000000000000000000",
            "ord_ééééééééééééé",
        ] {
            assert!(text.parse::<OrderId>().is_err(), "{text}");
        }
    }
}
