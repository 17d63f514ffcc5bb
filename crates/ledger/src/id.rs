//! Identities: 128-bit numbers that read as a prefix and 26 base-32 digits.
//!
//! The number is what the books compare and keep; the text is what people and other systems see.
//! How an id is written down in bytes or JSON is another crate's matter.

use std::fmt;

/// Lower-case Crockford base 32: sorts as the number does, and has no letter that reads as
/// another.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Digits of every id.
pub const DIGITS: usize = 26;

/// What each byte stands for as a digit; 255 for none.
const VALUES: [u8; 256] = {
    let mut values = [u8::MAX; 256];
    let mut value = 0_u8;
    while value < 32 {
        values[ALPHABET[value as usize] as usize] = value;
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

fn digits(number: u128) -> [u8; DIGITS] {
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

/// Appends the text of an id, without a formatter.
pub fn append(number: u128, prefix: &str, text: &mut String) {
    text.push_str(prefix);
    text.push_str(as_text(&digits(number)));
}

/// Writes the text of an id.
pub fn write(number: u128, prefix: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str(prefix)?;
    f.write_str(as_text(&digits(number)))
}

/// Reads the text of an id: exactly what [`write()`] writes.
pub fn read(text: &str, prefix: &'static str) -> Result<u128, ParseIdError> {
    let refuse = || ParseIdError {
        text: text.chars().take(64).collect(),
        prefix,
    };
    let digits = text.strip_prefix(prefix).ok_or_else(refuse)?;
    let digits = digits.as_bytes().try_into().map_err(|_| refuse())?;
    number(digits).ok_or_else(refuse)
}

/// The number that 26 digits stand for.
#[inline]
#[must_use]
pub fn number(digits: &[u8; DIGITS]) -> Option<u128> {
    // They hold 130 bits: the first may only be 0 to 7.
    if digits[0] > b'7' {
        return None;
    }
    // Values of digits are below 32, so that any other byte shows in the upper bits.
    let mut all = 0;
    let mut part = |range: std::ops::Range<usize>| {
        digits[range].iter().fold(0_u64, |number, byte| {
            let value = VALUES[usize::from(*byte)];
            all |= value;
            number << 5 | u64::from(value & 31)
        })
    };
    let (top, middle, low) = (part(0..2), part(2..14), part(14..26));
    (all < 32).then(|| u128::from(top) << 120 | u128::from(middle) << 60 | u128::from(low))
}

/// A type of id with its prefix: the number, its order and its text.
#[macro_export]
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

            /// How long the text of an id is.
            pub const TEXT_BYTES: usize = $prefix.len() + $crate::id::DIGITS;

            /// Reads the text of an id, for a parser of bytes.
            #[inline]
            #[must_use]
            pub fn from_bytes(text: &[u8; Self::TEXT_BYTES]) -> Option<Self> {
                let digits = text.strip_prefix($prefix.as_bytes())?;
                $crate::id::number(digits.try_into().ok()?).map(Self)
            }

            /// Writes what `Display` does, without a formatter.
            pub fn append_to(self, text: &mut String) {
                $crate::id::append(self.0, $prefix, text);
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                $crate::id::write(self.0, $prefix, f)
            }
        }

        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                $crate::id::write(self.0, $prefix, f)
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::id::ParseIdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $crate::id::read(text, $prefix).map(Self)
            }
        }
    };
}

prefixed_id!(
    /// A journal entry posted by command, unique over the whole history.
    EntryId, "ent_");
prefixed_id!(
    /// A hold: a pending entry. Unique over the whole history.
    HoldId, "hld_");

#[cfg(test)]
mod tests {
    use super::EntryId;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ids_read_back_and_sort_as_text(a: u128, b: u128) {
            let (left, right) = (EntryId::from_u128(a), EntryId::from_u128(b));
            prop_assert_eq!(left.to_string().parse::<EntryId>().unwrap(), left);
            prop_assert_eq!(left.cmp(&right), left.to_string().cmp(&right.to_string()));
        }

        #[test]
        fn reading_an_id_never_panics(text in ".{0,40}") {
            if let Ok(id) = text.parse::<EntryId>() {
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }

    #[test]
    fn ids_of_another_kind_are_refused() {
        for text in [
            "",
            "ent_",
            "hld_00000000000000000000000000",
            "ent_80000000000000000000000000",
            "ent_0000000000000000000000000u",
            "ent_0000000000000000000000000",
            "ent_ééééééééééééé",
        ] {
            assert!(text.parse::<EntryId>().is_err(), "{text}");
        }
    }
}
