//! Percentiles of latencies, from an HDR histogram: three digits, whatever the range.

use std::time::Duration;

use hdrhistogram::Histogram;

/// Three significant digits: a percentile is at most 0.1% above the call it stands for.
const DIGITS: u8 = 3;

/// Latencies in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Percentiles {
    pub p50: u64,
    pub p99: u64,
    pub p999: u64,
    pub max: u64,
}

impl Percentiles {
    /// Of none, all are zero.
    ///
    /// # Panics
    /// Never: the histogram grows with what it is given.
    #[must_use]
    pub fn of(nanos: &[u64]) -> Self {
        let mut histogram: Histogram<u64> =
            Histogram::new(DIGITS).expect("three digits are allowed");
        for latency in nanos {
            histogram
                .record(*latency)
                .expect("a histogram that grows takes everything");
        }
        Self {
            p50: histogram.value_at_quantile(0.5),
            p99: histogram.value_at_quantile(0.99),
            p999: histogram.value_at_quantile(0.999),
            max: histogram.max(),
        }
    }

    #[must_use]
    pub fn p50(&self) -> Duration {
        Duration::from_nanos(self.p50)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_within_a_thousandth() {
        let latencies: Vec<u64> = (1..=100_000).map(|number| number * 1_000).collect();
        let found = Percentiles::of(&latencies);
        for (name, found, exact) in [
            ("p50", found.p50, 50_000_000),
            ("p99", found.p99, 99_000_000),
            ("p99.9", found.p999, 99_900_000),
            ("max", found.max, 100_000_000),
        ] {
            assert!(found >= exact, "{name}: {found} is below {exact}");
            assert!(
                found - exact <= exact / 1_000,
                "{name}: {found} for {exact}"
            );
        }
    }

    #[test]
    fn of_none_there_is_nothing() {
        assert_eq!(Percentiles::of(&[]), Percentiles::default());
    }
}
