//! The spellings that all the texts share. One value has one spelling: what parses prints the
//! same, so no byte of a file can change without changing what it says.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Base 64 of RFC 4648, section 4, with padding.
pub(crate) fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// A decimal number without sign or leading zeros.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    match plain && (text == "0" || !text.starts_with('0')) {
        true => text.parse().ok(),
        false => None,
    }
}

/// The beginning of a text from outside, for an error message.
pub(crate) fn excerpt(text: &str) -> String {
    let printable = text.chars().filter(|c| !c.is_control());
    printable.take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_has_one_spelling() {
        for (text, bytes) in [
            ("", Some(vec![])),
            ("AA==", Some(vec![0])),
            ("AB==", None),
            ("AA=", None),
            ("AA", None),
            ("AAA=", Some(vec![0, 0])),
            ("A A=", None),
            ("AA==\n", None),
            ("-_==", None),
        ] {
            assert_eq!(decode(text), bytes, "{text:?}");
        }
        for (text, number) in [
            ("0", Some(0)),
            ("10", Some(10)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("", None),
            ("00", None),
            ("01", None),
            ("+1", None),
            ("-1", None),
            ("1 ", None),
            ("١", None),
        ] {
            assert_eq!(decimal(text), number, "{text:?}");
        }
    }
}
