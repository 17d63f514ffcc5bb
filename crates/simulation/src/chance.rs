//! Chance, from the seed. Each part of the simulation has its own stream, so that one more
//! throw in one of them does not change what the others do.

use tillroll_log::testing::Random;

#[derive(Clone, Debug)]
pub(crate) struct Chance(Random);

impl Chance {
    pub(crate) fn of(seed: u64, stream: &str) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&seed.to_le_bytes());
        hasher.update(stream.as_bytes());
        let hash = hasher.finalize();
        let half = hash.as_bytes().first_chunk::<8>();
        Self(Random::new(u64::from_le_bytes(
            *half.expect("a hash has 32 bytes"),
        )))
    }

    pub(crate) fn number(&mut self) -> u64 {
        self.0.number()
    }

    /// From 0 up to `bound`, which is left out.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0.below(bound)
    }

    /// From `low` to `high`, both of them possible.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.number() % (high - low + 1)
    }

    pub(crate) fn coin(&mut self) -> bool {
        self.0.coin()
    }

    pub(crate) fn percent(&mut self, share: usize) -> bool {
        self.below(100) < share
    }

    /// # Panics
    /// When there is nothing to pick from.
    pub(crate) fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }

    /// One of the table's values, each as often as its weight says.
    pub(crate) fn weighted<T: Copy>(&mut self, table: &[(usize, T)]) -> T {
        let all: usize = table.iter().map(|(weight, _)| weight).sum();
        let mut left = self.below(all);
        for (weight, value) in table {
            match left.checked_sub(*weight) {
                Some(rest) => left = rest,
                None => return *value,
            }
        }
        unreachable!("what is left is below the sum of all weights")
    }

    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for place in (1..items.len()).rev() {
            items.swap(place, self.below(place + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_of_a_seed_differ_and_repeat() {
        let numbers = |seed, stream| {
            let mut chance = Chance::of(seed, stream);
            [chance.number(), chance.number()]
        };
        assert_eq!(numbers(1, "a"), numbers(1, "a"));
        assert_ne!(numbers(1, "a"), numbers(1, "b"));
        assert_ne!(numbers(1, "a"), numbers(2, "a"));
    }

    #[test]
    fn weights_are_kept() {
        let mut chance = Chance::of(7, "weights");
        let drawn: Vec<char> = (0..1000)
            .map(|_| chance.weighted(&[(1, 'a'), (0, 'b'), (9, 'c')]))
            .collect();
        let count = |letter| drawn.iter().filter(|drawn| **drawn == letter).count();
        assert_eq!(count('b'), 0);
        assert!((50..200).contains(&count('a')), "{}", count('a'));
    }
}
