//! Rates and ratios in whole numbers: a count in a time, a part of a whole.

use std::time::Duration;

const NANOS: u128 = 1_000_000_000;

/// So many in that time, per second, rounded down.
#[must_use]
pub fn per_second(count: u64, time: Duration) -> u64 {
    let rate = u128::from(count) * NANOS / time.as_nanos().max(1);
    u64::try_from(rate).unwrap_or(u64::MAX)
}

/// A part of a whole, in thousandths. Nothing of nothing has no ratio.
#[must_use]
pub fn permille(part: u64, whole: u64) -> Option<u64> {
    let ratio = (u128::from(part) * 1000).checked_div(u128::from(whole))?;
    Some(u64::try_from(ratio).unwrap_or(u64::MAX))
}

/// The time as whole nanoseconds; a run of 500 years is not foreseen.
#[must_use]
pub fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// The middle one, the lower of two in the middle. Zero of none.
#[must_use]
pub fn median(mut numbers: Vec<u64>) -> u64 {
    numbers.sort_unstable();
    let middle = numbers.len().saturating_sub(1) / 2;
    numbers.get(middle).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_exact() {
        for (count, nanos, expected) in [
            (0, 1_000, 0),
            (1, 1, 1_000_000_000),
            (10_000_000, 3_000_000_000, 3_333_333),
            (u64::MAX, 1, u64::MAX),
            // No time at all is counted as the least there is.
            (5, 0, 5_000_000_000),
        ] {
            let time = Duration::from_nanos(nanos);
            assert_eq!(per_second(count, time), expected, "{count} in {nanos} ns");
        }
    }

    #[test]
    fn ratios_are_thousandths() {
        for (part, whole, expected) in [
            (1, 2, Some(500)),
            (3, 2, Some(1_500)),
            (0, 7, Some(0)),
            (1, 0, None),
            (u64::MAX, u64::MAX, Some(1_000)),
        ] {
            assert_eq!(permille(part, whole), expected, "{part} of {whole}");
        }
    }

    #[test]
    fn a_median_needs_no_order() {
        for (numbers, expected) in [
            (vec![], 0),
            (vec![7], 7),
            (vec![9, 1], 1),
            (vec![3, 9, 1], 3),
            (vec![4, 2, 8, 6], 4),
        ] {
            assert_eq!(median(numbers.clone()), expected, "{numbers:?}");
        }
    }
}
