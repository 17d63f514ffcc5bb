//! The search for card numbers in a tree: every name, every text and, where it is asked for,
//! every number; also what a later member of the same name hides.

use crate::card::contains_card_number;
use crate::{Json, pointer};

/// Twelve digits are no card number: the usual amount is not even printed.
const THIRTEEN_DIGITS: u64 = 1_000_000_000_000;

/// What numbers in a body are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbers {
    /// Kept as they are, so each is looked at. Of a body that is stored as it was received.
    Kept,
    /// Amounts and quantities by type: what is anything else is refused where it is read. One in
    /// fifty amounts of so many digits has the form of a card number, and a ledger has to take it.
    Amounts,
}

impl Json<'_> {
    /// The JSON Pointer to the first value that holds a card number; of a name that is one, to
    /// the object around it.
    #[must_use]
    pub fn find_card_number(&self, numbers: Numbers) -> Option<String> {
        // Nearly every body has none, and needs no place.
        if !self.holds_card_number(numbers) {
            return None;
        }
        let mut place = String::new();
        self.find(numbers, &mut place);
        Some(place)
    }

    fn holds_card_number(&self, numbers: Numbers) -> bool {
        match self {
            Self::Null | Self::Truth(_) => false,
            Self::Whole(_) | Self::Negative(_) | Self::Float(_) => {
                numbers == Numbers::Kept && self.is_card_number()
            }
            Self::Text(text) => contains_card_number(text),
            Self::List(items) => items.iter().any(|item| item.holds_card_number(numbers)),
            Self::Object(members) => members.iter().any(|(name, value)| {
                contains_card_number(name) || value.holds_card_number(numbers)
            }),
        }
    }

    /// Appends the way to the first value that holds one, of a value of which some part does.
    fn find(&self, numbers: Numbers, place: &mut String) {
        match self {
            Self::List(items) => {
                let mut items = items.iter().enumerate();
                if let Some((index, item)) = items.find(|(_, item)| item.holds_card_number(numbers))
                {
                    pointer::push_index(place, index);
                    item.find(numbers, place);
                }
            }
            Self::Object(members) => {
                let mut members = members.iter();
                let found = members.find(|(name, value)| {
                    contains_card_number(name) || value.holds_card_number(numbers)
                });
                if let Some((name, value)) = found
                    && !contains_card_number(name)
                {
                    pointer::push_key(place, name);
                    value.find(numbers, place);
                }
            }
            _ => {}
        }
    }

    /// Whether it is a number that has the digits of a card number.
    pub(crate) fn is_card_number(&self) -> bool {
        let is_card_number =
            |number: u64| number >= THIRTEEN_DIGITS && contains_card_number(&number.to_string());
        match self {
            Self::Whole(number) => is_card_number(*number),
            Self::Negative(number) => is_card_number(number.unsigned_abs()),
            Self::Float(number) => is_card_like(*number),
            _ => false,
        }
    }
}

/// A number of so many digits before its point is not exact any more and counts as a card number;
/// other digits may be one, wherever the point and whatever the exponent.
fn is_card_like(number: f64) -> bool {
    if number.abs() >= 1e12 {
        return true;
    }
    let written = format!("{number:e}");
    let digits: String = written
        .bytes()
        .take_while(|byte| *byte != b'e')
        .filter(u8::is_ascii_digit)
        .map(char::from)
        .collect();
    contains_card_number(&digits) || contains_card_number(&number.to_string())
}

/// Whether a number in a JSON text is spelled with the digits of a card number, which its value
/// may not show: `6304000000000000e-5`.
pub(crate) fn spells_card_number(json: &str) -> bool {
    let bytes = json.as_bytes();
    let mut at = 0;
    let mut digits = String::new();
    while at < bytes.len() {
        match bytes[at] {
            b'"' => at = pointer::end_of_string(bytes, at),
            b'0'..=b'9' => {
                digits.clear();
                while let Some(byte @ (b'0'..=b'9' | b'.')) = bytes.get(at).copied() {
                    if byte != b'.' {
                        digits.push(char::from(byte));
                    }
                    at += 1;
                }
                if contains_card_number(digits.trim_start_matches('0')) {
                    return true;
                }
                // The exponent is no part of the digits.
                if let Some(b'e' | b'E') = bytes.get(at) {
                    at += 1;
                    while let Some(b'0'..=b'9' | b'+' | b'-') = bytes.get(at) {
                        at += 1;
                    }
                }
            }
            _ => at += 1,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn card_numbers_are_found_wherever_they_stand() {
        // The place, and the place where numbers are amounts.
        let table: &[(&str, Option<&str>, Option<&str>)] = &[
            (r#"{"a":"4242424242424242"}"#, Some("/a"), Some("/a")),
            (r#"{"a":"4242 4242-4242 4242"}"#, Some("/a"), Some("/a")),
            (r#"{"a":"\u0034242424242424242"}"#, Some("/a"), Some("/a")),
            (
                r#"{"a":[{"b":"x"},{"c/d":"card 4242424242424242."}]}"#,
                Some("/a/1/c~1d"),
                Some("/a/1/c~1d"),
            ),
            (r#"{"m":{"4242424242424242":"x"}}"#, Some("/m"), Some("/m")),
            (r#"{"4242-4242-4242-4242":1}"#, Some(""), Some("")),
            (r#""4242424242424242""#, Some(""), Some("")),
            // What a later member hides.
            (r#"{"a":"4242424242424242","a":1}"#, Some("/a"), Some("/a")),
            (
                r#"{"a":{"b":["4242424242424242"]},"a":null}"#,
                Some("/a/b/0"),
                Some("/a/b/0"),
            ),
            (r#"{"a":4242424242424242,"a":"x"}"#, Some("/a"), None),
            // Numbers.
            (r#"{"a":4242424242424242}"#, Some("/a"), None),
            (r#"[0,[-4242424242424242]]"#, Some("/1/0"), None),
            (r#"[4222222222222]"#, Some("/0"), None),
            (r#"[4.242424242424242e15]"#, Some("/0"), None),
            (r#"[4242424242424242.0]"#, Some("/0"), None),
            (r#"[42424242424242420e-1]"#, Some("/0"), None),
            (r#"[42424242.42424242]"#, Some("/0"), None),
            (r#"[4242424242424242e-20]"#, Some("/0"), None),
            (r#"[-0.4242424242424242]"#, Some("/0"), None),
            (r#"[4000000000000000006]"#, Some("/0"), None),
            (r#"[18446744073709551616]"#, Some("/0"), None),
            (r#"[1e12]"#, Some("/0"), None),
            // No card numbers.
            (
                r#"{"a":"4242424242424241","b":4242424242424241}"#,
                None,
                None,
            ),
            (r#"{"a":"424242","b":"4242424242"}"#, None, None),
            (r#"[4242,4242,4242,4242]"#, None, None),
            (
                r#"[424242424242,99999999999.5,1e11,0.1,1.234,-1]"#,
                None,
                None,
            ),
            (
                r#"{"created":1648320032,"id":"ch_4242424242424242"}"#,
                None,
                None,
            ),
            (r#"{"id":"ch_000000000000000000000000"}"#, None, None),
            (r#"null"#, None, None),
        ];
        for (text, kept, amounts) in table {
            let json = Json::parse(text).expect(text);
            let found = |numbers| json.find_card_number(numbers);
            assert_eq!(found(Numbers::Kept).as_deref(), *kept, "{text}");
            assert_eq!(found(Numbers::Amounts).as_deref(), *amounts, "{text}");
        }
    }

    #[test]
    fn spelled_digits_are_found_and_texts_are_not_numbers() {
        for (text, found) in [
            ("6304000000000000e-5", true),
            ("[1,{\"a\":-6304000000000000E-5}]", true),
            ("0.004242424242424242", true),
            ("42424242.42424242", true),
            ("4242424242424241", false),
            ("1e4242424242424242", false),
            ("\"4242424242424242\"", false),
            ("[\"\\\"\",\"4242424242424242\"]", false),
            ("[4242,4242,4242,4242]", false),
            ("4242424242424242", true),
            ("", false),
        ] {
            assert_eq!(spells_card_number(text), found, "{text}");
        }
    }
}
