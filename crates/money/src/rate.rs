//! A rate: a commission or a tax, exact to one part in a million.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

const SCALE: u128 = 1_000_000;

/// Parts per million, from 0 to 10 (1000 %): `0.0825` is 82 500. Kept as an integer so that
/// what the book computes from it is the same on every machine and for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rate(u32);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseRateError {
    #[error("`{0}` is not a decimal number such as 0.0825")]
    NotANumber(String),
    #[error("a rate lies between 0 and 10, `{0}` does not")]
    OutOfRange(String),
    #[error("a rate has at most six decimal places, `{0}` has more")]
    TooPrecise(String),
}

impl Rate {
    pub const ZERO: Self = Self(0);
    const MAX: u32 = 10_000_000;

    /// From parts per million; none above 10 000 000.
    #[must_use]
    pub fn from_ppm(ppm: u32) -> Option<Self> {
        (ppm <= Self::MAX).then_some(Self(ppm))
    }

    #[must_use]
    pub fn ppm(self) -> u32 {
        self.0
    }

    /// This rate of `minor`, rounded half up: a commission on a net price, a tax put on top.
    #[must_use]
    pub fn of(self, minor: u64) -> u64 {
        round_half_up(u128::from(minor) * u128::from(self.0), SCALE)
    }

    /// The part of a price that already includes this rate: of 120 at 0.2 it is 20.
    #[must_use]
    pub fn included_in(self, minor: u64) -> u64 {
        round_half_up(
            u128::from(minor) * u128::from(self.0),
            SCALE + u128::from(self.0),
        )
    }
}

/// Saturates: only a price near the largest amount at a rate above one gets there, and the
/// amount built from it is refused as out of range.
fn round_half_up(numerator: u128, denominator: u128) -> u64 {
    u64::try_from((numerator * 2 + denominator) / (denominator * 2)).unwrap_or(u64::MAX)
}

impl FromStr for Rate {
    type Err = ParseRateError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let decimal =
            Decimal::from_str_exact(text).map_err(|_| ParseRateError::NotANumber(text.into()))?;
        if (decimal.is_sign_negative() && !decimal.is_zero()) || decimal > Decimal::TEN {
            return Err(ParseRateError::OutOfRange(text.into()));
        }
        let ppm = (decimal * Decimal::from(1_000_000)).normalize();
        if ppm.scale() != 0 {
            return Err(ParseRateError::TooPrecise(text.into()));
        }
        ppm.to_u32()
            .and_then(Self::from_ppm)
            .ok_or_else(|| ParseRateError::OutOfRange(text.into()))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Decimal::new(i64::from(self.0), 6).normalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_of_prices() {
        //       rate      price  on top  included
        let table: &[(&str, u64, u64, u64)] = &[
            ("0.2", 12000, 2400, 2000),
            ("0.20", 1999, 400, 333),
            ("0.0825", 1000, 83, 76),
            ("0.1", 5, 1, 0),
            ("0", 5000, 0, 0),
            ("1", 5, 5, 3),
        ];
        for (text, price, on_top, included) in table {
            let rate: Rate = text.parse().unwrap();
            assert_eq!(
                (rate.of(*price), rate.included_in(*price)),
                (*on_top, *included),
                "{text} of {price}"
            );
        }
    }

    #[test]
    fn bad_rates_say_why() {
        for (text, part) in [
            ("-0.1", "between"),
            ("11", "between"),
            ("0.00000001", "decimal places"),
            ("x", "not a decimal"),
            ("", "not a decimal"),
        ] {
            let error = text.parse::<Rate>().unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
        let huge = "79228162514264337593543950335".parse::<Rate>();
        assert!(matches!(huge, Err(ParseRateError::OutOfRange(_))));
    }

    #[test]
    fn rates_are_kept_in_millionths() {
        for (text, ppm) in [("0.0825", 82_500), ("-0", 0), ("10", 10_000_000)] {
            assert_eq!(text.parse::<Rate>().unwrap().ppm(), ppm, "{text}");
        }
        assert_eq!("0.0825".parse::<Rate>().unwrap().to_string(), "0.0825");
    }
}
