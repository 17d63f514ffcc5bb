//! Which account: all alike, or a few of them most of the time.

use tillroll_log::testing::Random;

/// How accounts are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distribution {
    /// Each as likely as any other.
    Uniform,
    /// The nth most popular is drawn in proportion to 1/n: of 10,000 accounts the first is in
    /// every tenth draw. The popular ones lie scattered.
    Zipf,
}

impl Distribution {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::Zipf => "Zipf",
        }
    }
}

/// Draws accounts by a distribution.
#[derive(Clone, Debug)]
pub(super) struct Draw {
    accounts: usize,
    /// For Zipf: the summed weights of the ranks up to each.
    weights: Vec<u64>,
}

/// The weight of the most popular; sums of ten million ranks stay far below 2^64.
const FIRST: u64 = 1 << 48;

/// A prime, so that multiplying by it modulo the number of accounts scatters without collisions
/// (unless that number is a multiple of it).
const SCATTER: usize = 2_654_435_761;

impl Draw {
    pub(super) fn new(distribution: Distribution, accounts: usize) -> Self {
        let weights = match distribution {
            Distribution::Uniform => Vec::new(),
            Distribution::Zipf => {
                let weights = (1..=accounts as u64).map(|rank| FIRST / rank);
                let summed = weights.scan(0, |sum: &mut u64, weight| {
                    *sum += weight;
                    Some(*sum)
                });
                summed.collect()
            }
        };
        Self { accounts, weights }
    }

    pub(super) fn next(&self, random: &mut Random) -> usize {
        let Some(total) = self.weights.last() else {
            return random.below(self.accounts);
        };
        let at = random.number() % total;
        let rank = self.weights.partition_point(|sum| *sum <= at);
        rank.wrapping_mul(SCATTER) % self.accounts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often each of 1,000 accounts is drawn in 100,000.
    fn counts(distribution: Distribution) -> Vec<usize> {
        let draw = Draw::new(distribution, 1_000);
        let mut random = Random::new(7);
        let mut counts = vec![0; 1_000];
        for _ in 0..100_000 {
            counts[draw.next(&mut random)] += 1;
        }
        counts.sort_unstable_by(|left, right| right.cmp(left));
        counts
    }

    #[test]
    fn uniform_favours_no_account() {
        let counts = counts(Distribution::Uniform);
        assert!(counts[0] < 200, "{}", counts[0]);
        assert!(counts[999] > 20, "{}", counts[999]);
    }

    #[test]
    fn zipf_halves_from_the_first_to_the_second() {
        // The sum of 1/n up to 1,000 is 7.485: the first has 13.4% of the draws.
        let counts = counts(Distribution::Zipf);
        assert!((13_000..13_800).contains(&counts[0]), "{}", counts[0]);
        assert!((6_300..7_100).contains(&counts[1]), "{}", counts[1]);
        assert!((1_100..1_600).contains(&counts[9]), "{}", counts[9]);
    }

    #[test]
    fn every_account_has_a_rank_of_its_own() {
        for accounts in [2, 10_000, 1_000_000] {
            let mut seen = vec![false; accounts];
            for rank in 0..accounts {
                let place = rank.wrapping_mul(SCATTER) % accounts;
                assert!(!std::mem::replace(&mut seen[place], true), "{rank}");
            }
        }
    }
}
