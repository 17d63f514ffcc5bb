//! Stripe's minor units are not always ISO 4217's.
//!
//! Stripe counts the currencies of its own zero-decimal list whole, three others in
//! thousandths that end in 0, and everything else in hundredths, whatever ISO says. `money`
//! counts by ISO. Between them the króna and the Ugandan shilling (hundredths at Stripe, whole
//! in ISO) and the ariary (the reverse) change their number. Nothing is ever rounded.

use tillroll_money::Unit;

/// A currency that Stripe and ISO 4217 both know, and how to get from one's minor units to the
/// other's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Currency {
    unit: Unit,
    scale: Scale,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scale {
    Same,
    /// Thousandths, of which Stripe uses only the tens.
    Tens,
    /// Stripe's hundredths of what ISO has no part of.
    Hundredths,
    /// Whole at Stripe, hundredths in ISO.
    Whole,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a currency that can be counted here")]
pub struct UnsupportedCurrency(pub String);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MinorUnitError {
    #[error("{minor} is not a multiple of {step}, as amounts of {unit} are at Stripe")]
    Precision { minor: i64, step: i64, unit: Unit },
    #[error("{minor} of Stripe's minor units of {unit} is above what an amount can hold")]
    OutOfRange { minor: i64, unit: Unit },
}

impl Currency {
    /// Reads Stripe's code, which is lower case; capitals are as good.
    pub fn parse(code: &str) -> Result<Self, UnsupportedCurrency> {
        let unsupported = || UnsupportedCurrency(code.chars().take(8).collect());
        let letters: [u8; 3] = code.as_bytes().try_into().map_err(|_| unsupported())?;
        let letters = letters.map(|letter| letter.to_ascii_uppercase());
        let unit: Unit = std::str::from_utf8(&letters)
            .ok()
            .and_then(|code| code.parse().ok())
            .ok_or_else(unsupported)?;
        let (scale, exponent) = match &letters {
            b"BIF" | b"CLP" | b"DJF" | b"GNF" | b"JPY" | b"KMF" | b"KRW" | b"PYG" | b"RWF"
            | b"VND" | b"VUV" | b"XAF" | b"XOF" | b"XPF" => (Scale::Same, 0),
            b"BHD" | b"JOD" | b"KWD" | b"OMR" | b"TND" => (Scale::Tens, 3),
            b"ISK" | b"UGX" => (Scale::Hundredths, 0),
            b"MGA" => (Scale::Whole, 2),
            _ => (Scale::Same, 2),
        };
        // What Stripe does not list it does not take. Guessing its scale could be wrong by a
        // factor of ten.
        if unit.exponent() != exponent {
            return Err(unsupported());
        }
        Ok(Self { unit, scale })
    }

    #[must_use]
    pub fn unit(self) -> Unit {
        self.unit
    }

    /// Stripe's minor units in ISO 4217's.
    pub fn to_iso(self, minor: i64) -> Result<i64, MinorUnitError> {
        let unit = self.unit;
        let multiple_of = |step: i64| {
            if minor % step == 0 {
                Ok(minor)
            } else {
                Err(MinorUnitError::Precision { minor, step, unit })
            }
        };
        match self.scale {
            Scale::Same => Ok(minor),
            Scale::Tens => multiple_of(10),
            Scale::Hundredths => multiple_of(100).map(|minor| minor / 100),
            Scale::Whole => minor
                .checked_mul(100)
                .ok_or(MinorUnitError::OutOfRange { minor, unit }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn stripes_minor_units_become_isos() {
        //                          Stripe  ISO or what is wrong
        let table: &[(&str, i64, Result<i64, &str>)] = &[
            ("usd", 1999, Ok(1999)),
            ("EUR", 1999, Ok(1999)),
            ("Gbp", -30, Ok(-30)),
            ("eur", i64::MAX, Ok(i64::MAX)),
            ("eur", i64::MIN, Ok(i64::MIN)),
            // Ordinary in charges; only payouts come in hundreds.
            ("huf", 12345, Ok(12345)),
            ("twd", 12345, Ok(12345)),
            // Whole at both.
            ("bif", 7, Ok(7)),
            ("clp", 7, Ok(7)),
            ("djf", 7, Ok(7)),
            ("gnf", 7, Ok(7)),
            ("jpy", 500, Ok(500)),
            ("kmf", 7, Ok(7)),
            ("krw", 7, Ok(7)),
            ("pyg", 7, Ok(7)),
            ("rwf", 7, Ok(7)),
            ("vnd", 7, Ok(7)),
            ("vuv", 7, Ok(7)),
            ("xaf", 7, Ok(7)),
            ("xof", 7, Ok(7)),
            ("xpf", 7, Ok(7)),
            // Thousandths at both, in tens.
            ("bhd", 12340, Ok(12340)),
            ("jod", 10, Ok(10)),
            ("kwd", 12340, Ok(12340)),
            ("kwd", -12340, Ok(-12340)),
            ("omr", 0, Ok(0)),
            ("tnd", 10, Ok(10)),
            ("kwd", 12345, Err("multiple of 10")),
            ("kwd", -5, Err("multiple of 10")),
            // Hundredths at Stripe, whole in ISO.
            ("isk", 500, Ok(5)),
            ("ugx", 370_000, Ok(3700)),
            ("ugx", -100, Ok(-1)),
            ("isk", 550, Err("multiple of 100")),
            ("ugx", 1, Err("multiple of 100")),
            // Whole at Stripe, hundredths in ISO.
            ("mga", 5, Ok(500)),
            ("mga", -5, Ok(-500)),
            ("mga", i64::MAX, Err("above")),
            ("mga", i64::MIN, Err("above")),
        ];
        for (code, minor, expected) in table {
            let currency = Currency::parse(code).expect(code);
            match (currency.to_iso(*minor), expected) {
                (Ok(iso), Ok(wanted)) => assert_eq!(iso, *wanted, "{code} {minor}"),
                (Err(error), Err(part)) => {
                    assert!(error.to_string().contains(part), "{code} {minor}: {error}");
                }
                (seen, _) => panic!("{code} {minor}: {seen:?}, expected {expected:?}"),
            }
        }
    }

    #[test]
    fn what_stripe_does_not_take_is_unsupported() {
        // Stablecoins, lost currencies, others that ISO counts in thousandths or more, metals,
        // and no code at all.
        for code in [
            "usdc", "abc", "iqd", "lyd", "clf", "uyw", "xau", "xxx", "", "eu", "é", "e r", "poi",
        ] {
            assert!(Currency::parse(code).is_err(), "{code}");
        }
    }

    proptest! {
        #[test]
        fn no_code_and_no_amount_makes_it_panic(code in ".{0,5}", minor: i64) {
            if let Ok(currency) = Currency::parse(&code) {
                let _unused = currency.to_iso(minor);
            }
        }
    }
}
