//! The quick way through the bodies of journal entries: one pass over the text, nothing copied,
//! nothing allocated for an entry or a posting without free text.
//!
//! It knows only what a right body looks like. At anything else (an unknown field, an amount
//! with a point, a name that is not a path, a card number, a text that is not JSON at all) it
//! gives up without saying why, and the careful parser in [`crate::bodies`] reads the same text
//! again and says what is wrong.
//!
//! # Invariants
//! - What is accepted here, the careful parser accepts, as the same entries. The reverse need
//!   not hold: what is right and rare may be left to the careful parser. Both are compared on
//!   arbitrary and on broken bodies.
//! - No text that holds a card number gets past: every name and every free text is looked at.
//!
//! # It is not
//! It finds no fault and names no field, and it decides nothing that only the books can tell.

pub(crate) mod canonical;
mod document;
mod entry;

pub(crate) use document::document;
pub(crate) use entry::{OptionalField, ScannedEntry, ScannedPosting, line};

use std::borrow::Cow;

use tillroll_ledger::{EntryId, PathRef};
use tillroll_money::MAX_MINOR;

/// Digits below which no text holds a card number.
const CARD_DIGITS: usize = 13;
/// Digits of the largest amount.
const AMOUNT_DIGITS: usize = 19;

/// A place in a text.
#[derive(Debug)]
pub(crate) struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

/// A text that was read before and may come again. Where it is shorter than a word, as most are,
/// it is compared as one.
#[derive(Clone, Copy, Debug)]
struct RecentText<'a> {
    text: &'a str,
    word: u64,
    /// Which bits of the word are the text's; none of a longer one.
    mask: Option<u64>,
}

impl<'a> RecentText<'a> {
    fn new(text: &'a str) -> Self {
        let mut word = [0; 8];
        let is_short = text.len() < word.len();
        if is_short {
            word[..text.len()].copy_from_slice(text.as_bytes());
        }
        Self {
            text,
            word: u64::from_le_bytes(word),
            mask: is_short.then(|| (1 << (8 * text.len())) - 1),
        }
    }
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    #[inline]
    fn rest(&self) -> &'a [u8] {
        &self.text.as_bytes()[self.at..]
    }

    /// Steps over `literal`, where it stands here.
    #[inline]
    fn eat(&mut self, literal: &[u8]) -> bool {
        let found = self.rest().starts_with(literal);
        if found {
            self.at += literal.len();
        }
        found
    }

    /// Like [`Cursor::eat`], but fails the parse.
    #[inline]
    fn step(&mut self, literal: &[u8]) -> Option<()> {
        self.eat(literal).then_some(())
    }

    /// Like [`Cursor::eat`], for a text that was read before.
    #[inline]
    fn eat_known(&mut self, known: &RecentText<'_>) -> bool {
        let (Some(mask), Some(ahead)) = (known.mask, self.rest().first_chunk()) else {
            return self.eat(known.text.as_bytes());
        };
        let found = u64::from_le_bytes(*ahead) & mask == known.word;
        if found {
            self.at += known.text.len();
        }
        found
    }

    #[inline]
    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    #[inline]
    fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    /// The colon after a member's name, and the space around it.
    #[inline]
    fn colon(&mut self) -> Option<()> {
        self.space();
        self.expect(b':')?;
        self.space();
        Some(())
    }

    /// Steps over a comma (`Some(true)`) or `close` (`Some(false)`).
    #[inline]
    fn goes_on(&mut self, close: u8) -> Option<bool> {
        self.space();
        let byte = self.peek()?;
        self.at += 1;
        if byte == b',' {
            self.space();
            return Some(true);
        }
        (byte == close).then_some(false)
    }

    /// Nothing but space is left.
    fn end(&mut self) -> Option<()> {
        self.space();
        (self.at == self.text.len()).then_some(())
    }

    #[inline]
    fn null(&mut self) -> bool {
        self.eat(b"null")
    }

    /// A number without sign, point and exponent that fits an amount, not zero.
    #[inline]
    fn amount(&mut self) -> Option<u64> {
        let start = self.at;
        let mut units = 0_u64;
        // So many digits fit 64 bits, whatever they are.
        for &byte in self.rest().iter().take(AMOUNT_DIGITS) {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                break;
            }
            units = units * 10 + u64::from(digit);
            self.at += 1;
        }
        let is_plain = self.text.as_bytes().get(start) != Some(&b'0');
        (is_plain && (1..=MAX_MINOR).contains(&units)).then_some(units)
    }

    /// What stands in quotes, up to the next quote: a name, should it turn out to have no
    /// escapes. It holds no card number.
    #[inline]
    fn quoted(&mut self) -> Option<&'a str> {
        self.expect(b'"')?;
        let start = self.at;
        let length = self.rest().iter().position(|byte| *byte == b'"')?;
        self.at += length + 1;
        let text = self.text.get(start..start + length)?;
        is_no_card(text).then_some(text)
    }

    /// An account's path in quotes. It holds no card number.
    #[inline]
    fn path(&mut self) -> Option<PathRef<'a>> {
        self.expect(b'"')?;
        let (path, digits) = PathRef::at_start(self.text.get(self.at..)?)?;
        self.at += path.as_str().len();
        self.expect(b'"')?;
        (digits < CARD_DIGITS || is_no_card(path.as_str())).then_some(path)
    }

    /// The id of an entry in quotes, and its text.
    #[inline]
    fn entry_id(&mut self) -> Option<(&'a str, EntryId)> {
        const QUOTED: usize = "\"".len() + EntryId::TEXT_BYTES + "\"".len();
        let quoted: &[u8; QUOTED] = self.rest().first_chunk()?;
        if quoted[0] != b'"' || quoted[QUOTED - 1] != b'"' {
            return None;
        }
        let id = EntryId::from_bytes(quoted[1..].first_chunk()?)?;
        let text = &self.text[self.at + 1..self.at + QUOTED - 1];
        self.at += QUOTED;
        Some((text, id))
    }

    /// Any text without a card number of up to `longest` characters, and how many it has.
    fn text(&mut self, longest: usize) -> Option<(Cow<'a, str>, usize)> {
        let quoted = self.at;
        self.expect(b'"')?;
        let mut escaped = false;
        loop {
            match self.peek()? {
                b'"' => break,
                b'\\' => {
                    escaped = true;
                    self.at += 2;
                }
                0..0x20 => return None,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        let text = match escaped {
            // A backslash may have stepped over a part of a longer character.
            true => Cow::Owned(serde_json::from_str(self.text.get(quoted..self.at)?).ok()?),
            false => Cow::Borrowed(&self.text[quoted + 1..self.at - 1]),
        };
        let length = text.chars().count();
        (length <= longest && is_no_card(&text)).then_some((text, length))
    }
}

/// Nearly every text is too short.
#[inline]
fn is_no_card(text: &str) -> bool {
    text.len() < CARD_DIGITS || !tillroll_json::contains_card_number(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_found_again_and_nothing_else_is() {
        for known in [
            "\"EUR\"",
            "\"\"",
            "\"points\"",
            "\"abcd\"",
            "\"abcde\"",
            "\"sku:TEE-M\"",
        ] {
            for (text, found) in [
                (format!("{known},\"side\":\"debit\""), true),
                (known.to_owned(), true),
                (format!("{known}}}"), true),
                (known[..known.len() - 1].to_owned(), false),
                (format!("{}x\",\"side\"", &known[..known.len() - 1]), false),
                (format!(" {known}, and more of it"), false),
            ] {
                let mut cursor = Cursor::new(&text);
                assert_eq!(
                    cursor.eat_known(&RecentText::new(known)),
                    found,
                    "{known} in {text}"
                );
                assert_eq!(cursor.at, if found { known.len() } else { 0 });
            }
        }
    }
}
