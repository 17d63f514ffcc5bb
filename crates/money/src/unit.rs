//! A unit is what an amount counts: a currency, a stock-keeping unit, or points.

use std::fmt;
use std::str::FromStr;

use iso_currency::Currency;

/// Longest unit in bytes: the code is stored in place, so that a unit is `Copy`.
const MAX_LEN: usize = 47;

/// What an amount counts: `EUR`, `sku:TEE-M`, `points` or `points:airline`.
///
/// Currencies are ISO 4217 codes in capitals. The rest are namespaced, so that no article
/// can ever be mistaken for money.
#[derive(Clone, Copy, Eq, PartialOrd, Ord, Hash)]
#[expect(
    clippy::derived_hash_with_manual_eq,
    reason = "equal is what it would be by derivation, only sooner known"
)]
pub struct Unit {
    // Zero-padded, so that the derived order is that of the text.
    code: [u8; MAX_LEN],
    len: u8,
}

/// The three families of unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnitKind {
    Currency,
    Sku,
    Points,
}

/// Why a text is not a unit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseUnitError {
    #[error("`{0}` is not an ISO 4217 currency (such as EUR), `sku:CODE` or `points`")]
    Unknown(String),
    #[error("a unit has at most {MAX_LEN} bytes, this one has {0}")]
    TooLong(usize),
    #[error("`{0}`: a code holds only letters, digits, `.`, `_` and `-`")]
    BadCharacter(String),
}

impl PartialEq for Unit {
    /// Nearly every unit is a currency, and shorter than a word: comparing all bytes of all
    /// units is a call that shows among ten thousands of entries.
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        const WORD: usize = 8;
        self.len == other.len
            && self.code[..WORD] == other.code[..WORD]
            && (usize::from(self.len) <= WORD || self.code[WORD..] == other.code[WORD..])
    }
}

impl Unit {
    /// The unit of a stock-keeping unit: `sku:` and the code.
    pub fn sku(code: &str) -> Result<Self, ParseUnitError> {
        Self::from_str(&format!("sku:{code}"))
    }

    /// The code as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.code[..usize::from(self.len)]).expect("units are ASCII")
    }

    #[must_use]
    pub fn kind(&self) -> UnitKind {
        match self.as_str() {
            code if code.starts_with("sku:") => UnitKind::Sku,
            code if code == "points" || code.starts_with("points:") => UnitKind::Points,
            _ => UnitKind::Currency,
        }
    }

    /// The stock-keeping code without its prefix, when the unit is one.
    #[must_use]
    pub fn sku_code(&self) -> Option<&str> {
        self.as_str().strip_prefix("sku:")
    }

    /// Decimal places of the minor unit: ISO 4217's for a currency (EUR 2, JPY 0, KWD 3),
    /// none for articles and points.
    #[must_use]
    pub fn exponent(&self) -> u32 {
        match self.kind() {
            UnitKind::Currency => Currency::from_code(self.as_str())
                .and_then(Currency::exponent)
                .map_or(0, u32::from),
            UnitKind::Sku | UnitKind::Points => 0,
        }
    }
}

impl FromStr for Unit {
    type Err = ParseUnitError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > MAX_LEN {
            return Err(ParseUnitError::TooLong(text.len()));
        }
        let code_is_plain = |code: &str| {
            !code.is_empty()
                && code
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
        };
        match text.split_once(':') {
            Some(("sku" | "points", code)) if code_is_plain(code) => {}
            Some(("sku" | "points", _)) => return Err(ParseUnitError::BadCharacter(text.into())),
            None if text == "points" => {}
            None if text.len() == 3
                && text.bytes().all(|b| b.is_ascii_uppercase())
                && Currency::from_code(text).is_some() => {}
            _ => return Err(ParseUnitError::Unknown(text.into())),
        }
        let mut code = [0; MAX_LEN];
        code[..text.len()].copy_from_slice(text.as_bytes());
        let len = u8::try_from(text.len()).expect("checked against MAX_LEN above");
        Ok(Self { code, len })
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_parse_or_say_why_not() {
        let table: &[(&str, Result<(UnitKind, u32), ()>)] = &[
            ("EUR", Ok((UnitKind::Currency, 2))),
            ("JPY", Ok((UnitKind::Currency, 0))),
            ("KWD", Ok((UnitKind::Currency, 3))),
            ("MGA", Ok((UnitKind::Currency, 2))),
            ("sku:TEE-M", Ok((UnitKind::Sku, 0))),
            ("points", Ok((UnitKind::Points, 0))),
            ("points:airline", Ok((UnitKind::Points, 0))),
            ("eur", Err(())),
            ("ABC", Err(())),
            ("EURO", Err(())),
            ("", Err(())),
            ("sku:", Err(())),
            ("sku:A B", Err(())),
            ("shares:ACME", Err(())),
        ];
        for (text, expected) in table {
            let parsed = text.parse::<Unit>();
            let seen = parsed
                .as_ref()
                .map(|unit| (unit.kind(), unit.exponent()))
                .map_err(|_| ());
            assert_eq!(&seen, expected, "{text}: {parsed:?}");
            if let Ok(unit) = parsed {
                assert_eq!(unit.to_string(), *text);
            }
        }
        assert!(
            matches!("sku:".to_owned() + &"x".repeat(60), text if text.parse::<Unit>().is_err())
        );
    }

    #[test]
    fn units_are_equal_when_all_their_bytes_are() {
        let unit = |text: &str| text.parse::<Unit>().unwrap();
        // The first eight bytes are compared as one word.
        assert_eq!(unit("sku:TEE-M"), unit("sku:TEE-M"));
        assert_ne!(unit("sku:TEE-M"), unit("sku:TEE-L"));
        assert_ne!(unit("sku:TEE-M"), unit("sku:TEE-"));
        assert_eq!(unit("EUR"), unit("EUR"));
        assert_ne!(unit("EUR"), unit("JPY"));
        assert_eq!(unit("sku:TEE-M").sku_code(), Some("TEE-M"));
        assert_eq!(unit("EUR").sku_code(), None);
        assert_eq!(format!("{:?}", unit("EUR")), "EUR");
    }

    #[test]
    fn a_unit_has_at_most_so_many_bytes_and_only_plain_ones() {
        let longest = format!("sku:{}", "x".repeat(MAX_LEN - 4));
        assert_eq!(longest.parse::<Unit>().unwrap().as_str(), longest);
        let longer = longest + "x";
        assert_eq!(
            longer.parse::<Unit>(),
            Err(ParseUnitError::TooLong(MAX_LEN + 1))
        );
        let spaced = "sku:A B".parse::<Unit>();
        assert_eq!(spaced, Err(ParseUnitError::BadCharacter("sku:A B".into())));
    }
}
