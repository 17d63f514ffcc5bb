//! Currencies as Stripe counts them, which is not always as ISO 4217 does.
//!
//! Amounts are integers in Stripe's minor units. This module knows how many
//! decimals those have, which multiples Stripe accepts, and the smallest
//! charge. It does not know any book's units.

use crate::error::StripeError;
use serde::{Serialize, Serializer};
use std::fmt;

/// The largest amount of one object, in minor units: eight digits.
pub const MAXIMUM_AMOUNT: u64 = 99_999_999;

/// A three-letter currency code, lower case as Stripe writes it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StripeCurrency([u8; 3]);

impl StripeCurrency {
    /// Euro.
    pub const EUR: Self = Self(*b"eur");
    /// Pound sterling.
    pub const GBP: Self = Self(*b"gbp");
    /// United States dollar.
    pub const USD: Self = Self(*b"usd");
    /// Yen: no decimals.
    pub const JPY: Self = Self(*b"jpy");
    /// Kuwaiti dinar: three decimals, of which Stripe wants the last to be 0.
    pub const KWD: Self = Self(*b"kwd");

    /// Reads a code in either case; `None` unless it is three ASCII letters.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        let bytes: [u8; 3] = code.as_bytes().try_into().ok()?;
        bytes
            .iter()
            .all(u8::is_ascii_alphabetic)
            .then(|| Self(bytes.map(|byte| byte.to_ascii_lowercase())))
    }

    /// The code in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a currency code is ASCII")
    }

    /// Decimals of Stripe's minor unit.
    #[must_use]
    pub fn decimals(self) -> u32 {
        match self.as_str() {
            "bif" | "clp" | "djf" | "gnf" | "jpy" | "kmf" | "krw" | "mga" | "pyg" | "rwf"
            | "vnd" | "vuv" | "xaf" | "xof" | "xpf" => 0,
            "bhd" | "jod" | "kwd" | "omr" | "tnd" => 3,
            _ => 2,
        }
    }

    /// Amounts of charges and refunds must be a multiple of this.
    #[must_use]
    pub fn charge_step(self) -> u64 {
        match self.as_str() {
            "bhd" | "jod" | "kwd" | "omr" | "tnd" => 10,
            "isk" | "ugx" => 100,
            _ => 1,
        }
    }

    /// Amounts of payouts must be a multiple of this.
    #[must_use]
    pub fn payout_step(self) -> u64 {
        match self.as_str() {
            "huf" | "twd" => 100,
            _ => self.charge_step(),
        }
    }

    /// The smallest amount that can be charged.
    #[must_use]
    pub fn minimum_charge(self) -> u64 {
        match self.as_str() {
            "gbp" => 30,
            "kwd" => 200,
            _ if self.decimals() == 2 => 50,
            _ if self.decimals() == 0 => 50,
            _ => 500,
        }
    }

    /// Checks an amount that moves money to or from a customer.
    pub(crate) fn check_amount(self, amount: u64) -> Result<(), StripeError> {
        if amount == 0 {
            return Err(StripeError::invalid_integer("amount"));
        }
        if amount > MAXIMUM_AMOUNT {
            return Err(StripeError::amount_too_large());
        }
        if !amount.is_multiple_of(self.charge_step()) {
            return Err(StripeError::not_a_multiple(self, self.charge_step()));
        }
        Ok(())
    }

    /// Checks an amount that is to be charged.
    pub(crate) fn check_charge(self, amount: u64) -> Result<(), StripeError> {
        self.check_amount(amount)?;
        if amount < self.minimum_charge() {
            return Err(StripeError::amount_too_small(self));
        }
        Ok(())
    }
}

impl fmt::Display for StripeCurrency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for StripeCurrency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for StripeCurrency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// An object's amount as the signed number that balance transactions use.
pub(crate) fn signed(amount: u64) -> i64 {
    i64::try_from(amount).expect("amounts were checked to fit")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stripes_minor_units_and_steps() {
        for (code, decimals, charge_step, payout_step) in [
            ("EUR", 2, 1, 1),
            ("jpy", 0, 1, 1),
            ("mga", 0, 1, 1),
            ("KWD", 3, 10, 10),
            ("ugx", 2, 100, 100),
            ("isk", 2, 100, 100),
            ("huf", 2, 1, 100),
            ("twd", 2, 1, 100),
        ] {
            let currency = StripeCurrency::parse(code).expect(code);
            assert_eq!(currency.decimals(), decimals, "{code}");
            assert_eq!(currency.charge_step(), charge_step, "{code}");
            assert_eq!(currency.payout_step(), payout_step, "{code}");
        }
        for code in ["", "eu", "euro", "e1r", "é"] {
            assert_eq!(StripeCurrency::parse(code), None, "{code}");
        }
    }

    #[test]
    fn amounts_that_stripe_refuses() {
        for (currency, amount, code) in [
            (StripeCurrency::EUR, 0, Some("parameter_invalid_integer")),
            (StripeCurrency::EUR, 49, Some("amount_too_small")),
            (StripeCurrency::EUR, 50, None),
            (StripeCurrency::EUR, 100_000_000, Some("amount_too_large")),
            (StripeCurrency::GBP, 30, None),
            (StripeCurrency::JPY, 49, Some("amount_too_small")),
            (
                StripeCurrency::KWD,
                12_345,
                Some("parameter_invalid_integer"),
            ),
            (StripeCurrency::KWD, 12_340, None),
        ] {
            let refused = currency.check_charge(amount).err().and_then(|e| e.code);
            assert_eq!(refused, code, "{currency} {amount}");
        }
    }
}
