//! Card numbers: found, so that none is ever stored.
//!
//! A card number is a run of digits, spaces and dashes between them not counted, of a length
//! and a beginning that a card network uses, with a right check digit (Luhn), that is not a
//! part of a longer identifier: no letter, digit or underscore touches it, and it is not inside
//! a UUID.
//!
//! A shop has other long numbers, and one in ten of them has the same check digit by chance.
//! Two things keep goods and orders from being taken for cards: the lengths are those of each
//! network (13 digits can only be an early Visa card), and 13 digits that are a valid EAN are
//! an EAN. The price is that one in ten of those early cards, which were last issued in the
//! 1990s, is not found.
//!
//! It refuses to know: where texts come from and what happens to a request with a card number.

use std::ops::Range;

/// What stands in the place of a card number.
pub const REDACTED: &str = "[redacted]";

const SHORTEST: usize = 13;
const LONGEST: usize = 19;

/// Whether there is a card number anywhere in `text`.
#[must_use]
#[inline]
pub fn contains_card_number(text: &str) -> bool {
    text.len() >= SHORTEST && find(text).next().is_some()
}

/// `text` with every card number replaced by [`REDACTED`], and there is none in what is left.
#[must_use]
pub fn redact(text: &str) -> String {
    let mut clean = redact_found(text);
    // What looked like a part of a UUID may be none once the part before it is gone.
    while contains_card_number(&clean) {
        clean = redact_found(&clean);
    }
    clean
}

fn redact_found(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = 0;
    for found in find(text) {
        clean.push_str(&text[rest..found.start]);
        clean.push_str(REDACTED);
        rest = found.end;
    }
    clean.push_str(&text[rest..]);
    clean
}

/// Every card number, from left to right, none overlapping another.
fn find(text: &str) -> impl Iterator<Item = Range<usize>> {
    // Nearly every text has too few digits, and is read once.
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let groups = if digits < SHORTEST {
        Vec::new()
    } else {
        groups(text)
    };
    let mut next = 0;
    std::iter::from_fn(move || {
        while next < groups.len() {
            match longest_from(text, &groups[next..]) {
                Some(count) => {
                    let found = groups[next].place.start..groups[next + count - 1].place.end;
                    next += count;
                    return Some(found);
                }
                None => next += 1,
            }
        }
        None
    })
}

/// Digits with no other between them.
struct Group {
    place: Range<usize>,
    /// A letter or an underscore touches it on this side.
    joined_before: bool,
    joined_after: bool,
    /// Only spaces and dashes lie between the group before and this one.
    follows: bool,
}

fn groups(text: &str) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut open: Option<(usize, bool)> = None;
    let mut before = None;
    let mut only_separators = false;
    for (place, letter) in text.char_indices().chain([(text.len(), '\0')]) {
        if letter.is_ascii_digit() {
            open.get_or_insert((place, before.is_some_and(joins)));
        } else {
            if let Some((start, joined_before)) = open.take() {
                groups.push(Group {
                    place: start..place,
                    joined_before,
                    joined_after: joins(letter),
                    follows: only_separators,
                });
                only_separators = true;
            }
            only_separators &= separates(letter);
        }
        before = Some(letter);
    }
    groups
}

fn joins(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

fn separates(letter: char) -> bool {
    matches!(
        letter,
        ' ' | '-' | '\u{a0}' | '\u{2007}' | '\u{2009}' | '\u{2010}'
            ..='\u{2015}' | '\u{202f}' | '\u{2212}'
    )
}

/// How many of `groups`, from the first on, make up the longest card number, if any do.
fn longest_from(text: &str, groups: &[Group]) -> Option<usize> {
    if groups[0].joined_before {
        return None;
    }
    let mut digits = [0_u8; LONGEST];
    let mut length = 0;
    let mut longest = None;
    for (index, group) in groups.iter().enumerate() {
        let part = &text.as_bytes()[group.place.clone()];
        if (index > 0 && !group.follows) || length + part.len() > LONGEST {
            break;
        }
        digits[length..length + part.len()].copy_from_slice(part);
        length += part.len();
        let whole = groups[0].place.start..group.place.end;
        if !group.joined_after
            && is_card_number(&digits[..length])
            && !inside_uuid(text.as_bytes(), &whole)
        {
            longest = Some(index + 1);
        }
    }
    longest
}

/// `digits` are ASCII digits.
fn is_card_number(digits: &[u8]) -> bool {
    digits.len() >= SHORTEST
        && network_issues(digits)
        && check_digit_is_right(digits)
        && !is_ean(digits)
}

fn network_issues(digits: &[u8]) -> bool {
    let first = |count: usize| {
        digits[..count]
            .iter()
            .fold(0_u32, |number, digit| number * 10 + u32::from(digit - b'0'))
    };
    let length = digits.len();
    let visa = digits[0] == b'4' && matches!(length, 13 | 16 | 19);
    let mastercard = matches!(first(4), 2221..=2720 | 5100..=5599) && length == 16;
    let amex = matches!(first(2), 34 | 37) && length == 15;
    let diners = matches!(first(3), 300..=305 | 309 | 360..=369 | 380..=399) && length >= 14;
    let jcb = matches!(first(4), 3528..=3589) && length >= 16;
    // Discover (6011, 644 to 659), UnionPay (62), RuPay (60, 65) and Maestro share the sixes.
    let sixes = digits[0] == b'6' && length >= 16;
    let maestro = matches!(first(2), 50 | 56..=58) && length >= 16;
    visa || mastercard || amex || diners || jcb || sixes || maestro
}

fn check_digit_is_right(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(
            |(place, digit)| match (u32::from(digit - b'0'), place % 2) {
                (digit, 0) => digit,
                (digit @ 0..=4, _) => digit * 2,
                (digit, _) => digit * 2 - 9,
            },
        )
        .sum();
    sum.is_multiple_of(10)
}

/// The number on a product's bar code: weights 1 and 3 in turn.
fn is_ean(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .enumerate()
        .map(|(place, digit)| u32::from(digit - b'0') * if place.is_multiple_of(2) { 1 } else { 3 })
        .sum();
    digits.len() == 13 && sum.is_multiple_of(10)
}

/// Whether `place` lies in a UUID: 8-4-4-4-12 hexadecimal digits. Random ones do hold groups
/// that are all decimal.
fn inside_uuid(text: &[u8], place: &Range<usize>) -> bool {
    [0, 9, 14, 19, 24].into_iter().any(|offset| {
        place
            .start
            .checked_sub(offset)
            .and_then(|start| text.get(start..start + 36))
            .is_some_and(|uuid| offset + place.len() <= 36 && is_uuid(uuid))
    })
}

fn is_uuid(text: &[u8]) -> bool {
    text.iter().enumerate().all(|(place, byte)| match place {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn card_numbers_are_found() {
        // The networks' published test numbers.
        for number in [
            "4242424242424242",
            "4000000000000002",
            "4222222222222",
            "4000000000000000006",
            "5555555555554444",
            "5105105105105100",
            "2223003122003222",
            "2720990000000007",
            "378282246310005",
            "341111111111111",
            "6011111111111117",
            "6500000000000002",
            "6445644564456445",
            "30569309025904",
            "36227206271667",
            "38520000023237",
            "3530111333300000",
            "3566002020360505",
            "6200000000000005",
            "6205500000000000004",
            "6759649826438453",
            "6304000000000000",
            "5018000000000009",
            "5641820000000005",
        ] {
            assert!(contains_card_number(number), "{number}");
            for text in [
                format!("card {number}."),
                format!("({number})"),
                format!("visa-{number}"),
                format!("\"{number}\",next"),
                format!("é {number} é"),
                format!("no. 17 {number}"),
                format!("{number} 12/29 123"),
            ] {
                assert!(contains_card_number(&text), "{text}");
                assert!(!contains_card_number(&redact(&text)), "{text}");
            }
        }
    }

    #[test]
    fn texts_lose_their_card_numbers_and_nothing_else() {
        let table = [
            ("4242 4242 4242 4242", "[redacted]"),
            ("4242-4242-4242-4242", "[redacted]"),
            ("4242\u{a0}4242\u{2013}4242 - 4242", "[redacted]"),
            ("3782 822463 10005", "[redacted]"),
            (
                "a 4242424242424242 b 5555555555554444 c",
                "a [redacted] b [redacted] c",
            ),
            ("2 x 4242424242424242", "2 x [redacted]"),
            ("2 4242 4242 4242 4242", "2 [redacted]"),
            ("4242 4242 4242 4242 4242", "[redacted] 4242"),
            ("4242424242424242.", "[redacted]."),
            // The second is in a UUID, of which the first takes a part away.
            (
                "60100070002-5566-7046-5566-708020753888;",
                "[redacted]-[redacted];",
            ),
        ];
        for (text, expected) in table {
            assert_eq!(redact(text), expected);
        }
    }

    #[test]
    fn other_numbers_are_left_alone() {
        for text in [
            "",
            "4242424242424241",
            "424242424242",
            "42424242424242424242",
            "0000000000000000",
            "ch_000000000000000000000000",
            "pi_4242424242424242",
            "4242424242424242_secret",
            "x4242424242424242",
            "4242424242424242x",
            "é4242424242424242",
            "evt_1 4242424242424242abc",
            "1648320032",
            "1700000000000",
            "00000000000000 00000000",
            // Thirteen digits with a right check digit: an EAN, a shop platform's order.
            "4006381333931",
            "5012345678900",
            "5123456789015",
            "6123456789011",
            // A random UUID whose groups are decimal; without its dashes a card number.
            "42424242-4242-4242-9a3c-0e02b2c3d479",
            "2026-01-02 2026-03-04",
            "+1 212 555 0100, +1 212 555 0199",
        ] {
            assert!(!contains_card_number(text), "{text}");
            assert_eq!(redact(text), text);
        }
    }

    fn with_check_digit(digits: &str) -> String {
        ('0'..='9')
            .map(|last| format!("{digits}{last}"))
            .find(|number| check_digit_is_right(number.as_bytes()))
            .expect("one of ten check digits is right")
    }

    fn card_number() -> impl Strategy<Value = String> {
        let digits = |prefix: &'static str, length: usize| {
            let missing = length - 1 - prefix.len();
            prop::collection::vec(0..10_u8, missing).prop_map(move |rest| {
                let rest: String = rest.iter().map(u8::to_string).collect();
                with_check_digit(&format!("{prefix}{rest}"))
            })
        };
        prop_oneof![
            digits("4", 16),
            digits("4", 19),
            digits("51", 16),
            digits("2221", 16),
            digits("34", 15),
            digits("6011", 16),
            digits("305", 14),
            digits("3528", 16),
            digits("62", 19),
            digits("58", 18),
        ]
    }

    proptest! {
        #[test]
        fn a_card_number_is_found_however_it_is_grouped(
            number in card_number(),
            breaks in prop::collection::vec(prop_oneof![Just(""), Just(" "), Just("-")], 19),
            before in "[a-z ,.:]{0,5}[ ,.:]",
            after in "[ ,.:][a-z ,.:]{0,5}",
        ) {
            let mut text = before;
            for (digit, gap) in number.chars().zip(&breaks) {
                text.push(digit);
                text.push_str(gap);
            }
            let text = text.trim_end_matches([' ', '-']).to_owned() + &after;
            prop_assert!(contains_card_number(&text), "{}", text);
            prop_assert!(!redact(&text).contains(|c: char| c.is_ascii_digit()), "{}", redact(&text));
        }

        #[test]
        fn a_changed_digit_is_no_card_number(number in card_number(), place: prop::sample::Index, by in 1..10_u8) {
            let mut digits = number.into_bytes();
            let place = place.index(digits.len());
            digits[place] = b'0' + (digits[place] - b'0' + by) % 10;
            let text = String::from_utf8(digits).expect("digits");
            prop_assert!(!contains_card_number(&text), "{}", text);
        }

        #[test]
        fn nothing_is_left_after_redaction(text in "([0-9]{0,8}[ -]?|[4-6][0-9 -]{12,40}|[a-zé_ ]){0,12}") {
            prop_assert!(!contains_card_number(&redact(&text)), "{} -> {}", text, redact(&text));
        }

        #[test]
        fn no_text_makes_it_panic(text: String) {
            prop_assert_eq!(redact(&text) == text, !contains_card_number(&text));
        }

        #[test]
        fn an_identifier_is_left_alone(number in card_number(), prefix in "[a-z]{2,4}_") {
            let text = prefix + &number;
            prop_assert!(!contains_card_number(&text));
        }
    }
}
