//! An amount: minor units and the unit that they are of.

use std::fmt;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::Unit;

/// The largest amount, and the largest total of an account: what a signed 64-bit column of
/// any database holds, about 92 quadrillion euros.
pub const MAX_MINOR: u64 = i64::MAX as u64;

/// An unsigned number of minor units of one unit. Direction is never a sign: postings have a
/// side.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Amount {
    minor: u64,
    unit: Unit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    #[error("the amount is above {MAX_MINOR} minor units")]
    OutOfRange,
    #[error("{left} and {right} are different units")]
    UnitMismatch { left: Unit, right: Unit },
    #[error("the result would be below zero")]
    Negative,
}

/// Why a decimal text is not an amount of its unit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseAmountError {
    #[error("`{0}` is not a decimal number")]
    NotANumber(String),
    #[error("an amount is never negative: say the side instead")]
    Negative,
    #[error("{unit} has {exponent} decimal places, `{text}` has more")]
    TooPrecise {
        text: String,
        unit: Unit,
        exponent: u32,
    },
    #[error("`{0}` is above {MAX_MINOR} minor units")]
    OutOfRange(String),
}

impl Amount {
    /// `minor` minor units of `unit`: 1999 EUR is 19.99 €.
    pub fn new(minor: u64, unit: Unit) -> Result<Self, AmountError> {
        if minor > MAX_MINOR {
            return Err(AmountError::OutOfRange);
        }
        Ok(Self { minor, unit })
    }

    #[must_use]
    pub fn minor(self) -> u64 {
        self.minor
    }

    #[must_use]
    pub fn unit(self) -> Unit {
        self.unit
    }

    pub fn checked_add(self, other: Self) -> Result<Self, AmountError> {
        self.same_unit(other)?;
        let minor = self
            .minor
            .checked_add(other.minor)
            .ok_or(AmountError::OutOfRange)?;
        Self::new(minor, self.unit)
    }

    pub fn checked_sub(self, other: Self) -> Result<Self, AmountError> {
        self.same_unit(other)?;
        let minor = self
            .minor
            .checked_sub(other.minor)
            .ok_or(AmountError::Negative)?;
        Ok(Self {
            minor,
            unit: self.unit,
        })
    }

    fn same_unit(self, other: Self) -> Result<(), AmountError> {
        if self.unit == other.unit {
            Ok(())
        } else {
            Err(AmountError::UnitMismatch {
                left: self.unit,
                right: other.unit,
            })
        }
    }

    /// Reads a decimal of major units: `19.99` EUR is 1999 minor units. Digits that the unit
    /// does not have are refused, never rounded.
    pub fn parse_major(text: &str, unit: Unit) -> Result<Self, ParseAmountError> {
        let decimal =
            Decimal::from_str_exact(text).map_err(|_| ParseAmountError::NotANumber(text.into()))?;
        if decimal.is_sign_negative() && !decimal.is_zero() {
            return Err(ParseAmountError::Negative);
        }
        let exponent = unit.exponent();
        let scale = Decimal::from(10_u64.pow(exponent));
        let minor = decimal
            .checked_mul(scale)
            .ok_or_else(|| ParseAmountError::OutOfRange(text.into()))?
            .normalize();
        if minor.scale() != 0 {
            return Err(ParseAmountError::TooPrecise {
                text: text.into(),
                unit,
                exponent,
            });
        }
        minor
            .to_u64()
            .and_then(|minor| Self::new(minor, unit).ok())
            .ok_or_else(|| ParseAmountError::OutOfRange(text.into()))
    }

    /// The amount in major units, with all the unit's decimals: `19.99`, `1200`, `4.500`.
    #[must_use]
    pub fn to_major(self) -> String {
        major(i128::from(self.minor), self.unit)
    }

    /// A signed total in major units, for reports whose columns may be negative.
    #[must_use]
    pub fn major_of(minor: i128, unit: Unit) -> String {
        major(minor, unit)
    }
}

fn major(minor: i128, unit: Unit) -> String {
    let exponent = unit.exponent();
    let scale = 10_u128.pow(exponent);
    let sign = if minor < 0 { "-" } else { "" };
    let (whole, rest) = (minor.unsigned_abs() / scale, minor.unsigned_abs() % scale);
    match usize::try_from(exponent).expect("exponents are single digits") {
        0 => format!("{sign}{whole}"),
        width => format!("{sign}{whole}.{rest:0width$}"),
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.to_major(), self.unit)
    }
}

impl fmt::Debug for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.minor, self.unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn unit(code: &str) -> Unit {
        code.parse().expect("a unit of the test")
    }

    #[test]
    fn decimals_are_read_exactly_or_refused() {
        let table: &[(&str, &str, Result<u64, &str>)] = &[
            ("19.99", "EUR", Ok(1999)),
            ("19.9", "EUR", Ok(1990)),
            ("19.990", "EUR", Ok(1999)),
            ("0", "EUR", Ok(0)),
            ("-0", "EUR", Ok(0)),
            ("1200", "JPY", Ok(1200)),
            ("4.5", "KWD", Ok(4500)),
            ("3", "sku:TEE-M", Ok(3)),
            ("92233720368547758.07", "EUR", Ok(MAX_MINOR)),
            ("92233720368547758.08", "EUR", Err("above")),
            ("19.999", "EUR", Err("decimal places")),
            ("1.5", "JPY", Err("decimal places")),
            ("-1", "EUR", Err("never negative")),
            ("1e3", "EUR", Err("not a decimal")),
            ("", "EUR", Err("not a decimal")),
            ("1,5", "EUR", Err("not a decimal")),
            ("79228162514264337593543950335", "EUR", Err("above")),
        ];
        for (text, code, expected) in table {
            let parsed = Amount::parse_major(text, unit(code));
            match (parsed, expected) {
                (Ok(amount), Ok(minor)) => assert_eq!(amount.minor(), *minor, "{text} {code}"),
                (Err(error), Err(part)) => {
                    assert!(error.to_string().contains(part), "{text} {code}: {error}");
                }
                (parsed, expected) => panic!("{text} {code}: {parsed:?}, expected {expected:?}"),
            }
        }
    }

    #[test]
    fn totals_are_written_in_major_units() {
        for (minor, code, expected) in [
            (1999, "EUR", "19.99"),
            (-5, "EUR", "-0.05"),
            (0, "EUR", "0.00"),
            (-1200, "JPY", "-1200"),
            (4500, "KWD", "4.500"),
            (3, "points", "3"),
        ] {
            assert_eq!(Amount::major_of(minor, unit(code)), expected);
        }
        let amount = Amount::new(1999, unit("EUR")).unwrap();
        assert_eq!(amount.to_string(), "19.99 EUR");
        assert_eq!(format!("{amount:?}"), "1999 EUR");
    }

    #[test]
    fn different_units_never_add_up() {
        let euros = Amount::new(1, unit("EUR")).unwrap();
        let yen = Amount::new(1, unit("JPY")).unwrap();
        assert!(matches!(
            euros.checked_add(yen),
            Err(AmountError::UnitMismatch { .. })
        ));
        assert!(matches!(
            Amount::new(MAX_MINOR, unit("EUR"))
                .unwrap()
                .checked_add(euros),
            Err(AmountError::OutOfRange)
        ));
        assert!(Amount::new(MAX_MINOR + 1, unit("EUR")).is_err());
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back(minor in 0..=MAX_MINOR, code in prop_oneof![Just("EUR"), Just("JPY"), Just("KWD"), Just("points")]) {
            let amount = Amount::new(minor, unit(code)).unwrap();
            prop_assert_eq!(Amount::parse_major(&amount.to_major(), amount.unit()).unwrap(), amount);
        }

        #[test]
        fn the_parser_never_panics(text in ".{0,40}") {
            if let Ok(amount) = Amount::parse_major(&text, unit("EUR")) {
                prop_assert!(amount.minor() <= MAX_MINOR);
            }
        }
    }
}
