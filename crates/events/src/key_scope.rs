//! Whose idempotency key it is.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use minicbor::data::Type;
use minicbor::decode::Error as DecodeError;
use minicbor::encode::{Error as EncodeError, Write};
use minicbor::{Decode, Decoder, Encode, Encoder};

/// Within what an idempotency key is one of its kind: what stays the same while keys are rotated
/// and people change places, so an integration or a device, and never a credential or a person.
///
/// Which keys match which is said once, in `tillroll_book::key`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum KeyScope {
    /// Common to all: of keys from before there were scopes, and of callers that say
    /// nothing about themselves.
    #[default]
    Shared,
    /// Of everything that comes from Stripe: webhooks, what is polled, and what is read again.
    Stripe,
    /// Of an integration or a device.
    Named(ScopeName),
}

/// Left out for [`KeyScope::Shared`], a number for Stripe's, text for others. Numbers are stable:
/// never reuse, never renumber.
const STRIPE: u8 = 1;

impl<C> Encode<C> for KeyScope {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), EncodeError<W::Error>> {
        match self {
            Self::Shared => e.null()?.ok(),
            Self::Stripe => e.u8(STRIPE)?.ok(),
            Self::Named(name) => e.str(name.as_str())?.ok(),
        }
    }

    fn is_nil(&self) -> bool {
        *self == Self::Shared
    }
}

impl<'b, C> Decode<'b, C> for KeyScope {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, DecodeError> {
        match d.datatype()? {
            Type::Null => d.null().map(|()| Self::Shared),
            Type::String => {
                let name = d.str()?.parse();
                name.map(Self::Named).map_err(DecodeError::custom)
            }
            _ if d.u8()? == STRIPE => Ok(Self::Stripe),
            _ => Err(DecodeError::message("unknown scope of a key")),
        }
    }

    fn nil() -> Option<Self> {
        Some(Self::Shared)
    }
}

/// The id of an integration or a device: 1 to 64 visible ASCII characters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScopeName(Arc<str>);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no scope of keys: 1 to 64 visible ASCII characters")]
pub struct ParseScopeNameError(String);

impl ScopeName {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ScopeName {
    type Err = ParseScopeNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            true => Ok(Self(text.into())),
            false => Err(ParseScopeNameError(text.chars().take(64).collect())),
        }
    }
}

impl fmt::Debug for ScopeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_bytes() {
        let named = |name: &str| KeyScope::Named(name.parse().unwrap());
        let table = [
            (KeyScope::Shared, &b"\xf6"[..]),
            (KeyScope::Stripe, b"\x01"),
            (named("int_1"), b"\x65int_1"),
            (named("stripe"), b"\x66stripe"),
        ];
        for (scope, bytes) in table {
            assert_eq!(minicbor::to_vec(&scope).unwrap(), bytes, "{scope:?}");
            assert_eq!(minicbor::decode::<KeyScope>(bytes).unwrap(), scope);
        }
        for bytes in [&b"\x02"[..], b"\x60", b"\x41a", b"\x63a b"] {
            assert!(minicbor::decode::<KeyScope>(bytes).is_err(), "{bytes:02x?}");
        }
    }
}
