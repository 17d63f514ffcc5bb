//! Conversion of a charge's currency into the currency that it settles in.
//!
//! Rates are integers (billionths per major unit), drift by day within half a
//! per cent, and depend only on the seed, the pair and the day. What they say
//! is written as a JSON number from the digits: no float is ever computed.

use crate::currency::StripeCurrency;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

pub(crate) const DAY: i64 = 86_400;
const BILLION: u128 = 1_000_000_000;

/// Major units of the target per major unit of the source, in billionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExchangeRate {
    billionths: u64,
    from: StripeCurrency,
    to: StripeCurrency,
}

impl ExchangeRate {
    /// The rate of the day that `at` falls in, or `None` for a currency that
    /// this Stripe does not convert.
    pub(crate) fn of_day(
        seed: u64,
        from: StripeCurrency,
        to: StripeCurrency,
        at: i64,
    ) -> Option<Self> {
        let (from_euro, to_euro) = (euros(from)?, euros(to)?);
        let middle = u128::from(from_euro) * BILLION / u128::from(to_euro);
        let day = at.div_euclid(DAY).unsigned_abs();
        let mut random = ChaCha8Rng::seed_from_u64(mix(&[seed, code(from), code(to), day]));
        let parts_per_million = u128::from(random.random_range(995_000_u32..=1_005_000));
        let billionths = u64::try_from(middle * parts_per_million / 1_000_000).ok()?;
        Some(Self {
            billionths,
            from,
            to,
        })
    }

    /// Converts minor units, half up.
    #[must_use]
    pub fn convert(&self, amount: u64) -> u64 {
        let numerator =
            u128::from(amount) * u128::from(self.billionths) * 10_u128.pow(self.to.decimals());
        let denominator = BILLION * 10_u128.pow(self.from.decimals());
        u64::try_from((numerator + denominator / 2) / denominator)
            .expect("eight digits times a rate fit in 64 bits")
    }

    /// The rate as decimal digits, for example `0.005812`.
    #[must_use]
    pub fn digits(&self) -> String {
        let billion = 1_000_000_000_u64;
        let text = format!(
            "{}.{:09}",
            self.billionths / billion,
            self.billionths % billion
        );
        let trimmed = text.trim_end_matches('0');
        // A JSON number must not end in a point, and Stripe's is a float.
        trimmed
            .strip_suffix('.')
            .map_or_else(|| trimmed.to_owned(), |whole| format!("{whole}.0"))
    }
}

impl Serialize for ExchangeRate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.digits())
            .expect("digits are a JSON number")
            .serialize(serializer)
    }
}

/// Euros per major unit, in billionths, around which the days drift.
fn euros(currency: StripeCurrency) -> Option<u64> {
    Some(match currency.as_str() {
        "eur" => 1_000_000_000,
        "usd" => 861_200_000,
        "gbp" => 1_148_600_000,
        "jpy" => 5_713_400,
        "kwd" => 2_806_100_000,
        "chf" => 1_066_900_000,
        "sek" => 90_840_000,
        "dkk" => 133_950_000,
        "nok" => 85_330_000,
        "cad" => 614_800_000,
        "aud" => 563_700_000,
        "sgd" => 664_100_000,
        "aed" => 234_500_000,
        "huf" => 2_594_000,
        "isk" => 6_930_000,
        "ugx" => 241_700,
        "bhd" => 2_284_500_000,
        _ => return None,
    })
}

fn code(currency: StripeCurrency) -> u64 {
    currency
        .as_str()
        .bytes()
        .fold(0, |code, byte| code << 8 | u64::from(byte))
}

/// Mixes facts into one seed (SplitMix64 steps), so that what is drawn for one
/// of them does not depend on what was drawn before.
pub(crate) fn mix(facts: &[u64]) -> u64 {
    facts.iter().fold(0x9E37_79B9_7F4A_7C15, |state, fact| {
        let mut z = (state ^ fact).wrapping_add(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conversion_respects_both_exponents_and_rounds_half_up() {
        let rate = |billionths, from, to| ExchangeRate {
            billionths,
            from,
            to,
        };
        for (rate, amount, expected, digits) in [
            // 1,000 yen at 0.0058 is 5.80 euros.
            (
                rate(5_800_000, StripeCurrency::JPY, StripeCurrency::EUR),
                1000,
                580,
                "0.0058",
            ),
            // 12.340 dinars at 2.8 are 34.552 euros.
            (
                rate(2_800_000_000, StripeCurrency::KWD, StripeCurrency::EUR),
                12_340,
                3455,
                "2.8",
            ),
            // Half a cent goes up.
            (
                rate(500_000_000, StripeCurrency::USD, StripeCurrency::EUR),
                1,
                1,
                "0.5",
            ),
            (
                rate(1_000_000_000, StripeCurrency::EUR, StripeCurrency::EUR),
                77,
                77,
                "1.0",
            ),
        ] {
            assert_eq!(rate.convert(amount), expected, "{rate:?}");
            assert_eq!(rate.digits(), digits);
            assert_eq!(
                serde_json::to_string(&rate).expect("a rate serialises"),
                digits
            );
        }
    }

    #[test]
    fn rates_depend_on_seed_pair_and_day_only() {
        let at = |seed, second| {
            ExchangeRate::of_day(seed, StripeCurrency::JPY, StripeCurrency::EUR, second)
                .expect("a rate")
        };
        assert_eq!(at(1, 0), at(1, DAY - 1));
        assert_ne!(at(1, 0), at(1, DAY));
        assert_ne!(at(1, 0), at(2, 0));
        for day in 0..400 {
            let rate = at(3, day * DAY).billionths;
            assert!((5_684_000..5_743_000).contains(&rate), "{rate}");
        }
        let unknown = StripeCurrency::parse("xxx").expect("three letters");
        assert_eq!(
            ExchangeRate::of_day(1, unknown, StripeCurrency::EUR, 0),
            None
        );
    }
}
