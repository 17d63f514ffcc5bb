//! Tables and amounts for people. Amounts are in major units with their unit beside them; `--json`
//! has integers of minor units instead.

use tillroll_money::{Amount, Unit};

pub(crate) use tillroll_terminal::{Column, Rows, count, counted};

/// `19.99`, `1200`, `-3.500`: a signed number of minor units in major ones.
pub(crate) fn major(minor: impl Into<i128>, unit: Unit) -> String {
    Amount::major_of(minor.into(), unit)
}

/// The same, and nothing for zero: most cells of a wide table are.
pub(crate) fn major_or_blank(minor: impl Into<i128>, unit: Unit) -> String {
    match minor.into() {
        0 => String::new(),
        minor => major(minor, unit),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_in_major_units() {
        for (minor, unit, expected) in [
            (1999_i64, "EUR", "19.99"),
            (-5, "EUR", "-0.05"),
            (1200, "JPY", "1200"),
            (4500, "KWD", "4.500"),
            (3, "sku:TEE", "3"),
        ] {
            assert_eq!(major(minor, unit.parse().unwrap()), expected);
        }
        assert_eq!(major_or_blank(0_i64, "EUR".parse().unwrap()), "");
    }
}
