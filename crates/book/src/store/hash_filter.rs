//! Whether a hash may be in a set: twelve bits for each, no for certain, and yes wrongly about once
//! in two hundred.
//!
//! A Bloom filter in blocks: all that is asked about one hash is in one line of the processor's
//! cache.

/// Bits for each hash.
const BITS: usize = 12;

/// A line of the cache; a hash has one bit in each word.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct FilterBlock([u64; 8]);

const BLOCK_BITS: usize = 512;

#[derive(Debug)]
pub(super) struct HashFilter(Box<[FilterBlock]>);

impl HashFilter {
    /// Of hashes whose upper bits are as good as any.
    pub(super) fn of(hashes: impl ExactSizeIterator<Item = u64>) -> Self {
        let blocks = (hashes.len() * BITS).div_ceil(BLOCK_BITS).max(1);
        let mut filter = Self(vec![FilterBlock([0; 8]); blocks].into());
        for hash in hashes {
            let at = filter.place(hash);
            for (word, bit) in filter.0[at].0.iter_mut().zip(bits(hash)) {
                *word |= bit;
            }
        }
        filter
    }

    #[inline]
    pub(super) fn may_have(&self, hash: u64) -> bool {
        let block = &self.0[self.place(hash)];
        let missing = block.0.iter().zip(bits(hash));
        missing.fold(0, |missing, (word, bit)| missing | (!word & bit)) == 0
    }

    fn place(&self, hash: u64) -> usize {
        let place = (u128::from(hash) * self.0.len() as u128) >> 64;
        // Below the number of blocks, which was a usize.
        usize::try_from(place).unwrap_or(0)
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        size_of_val(&*self.0)
    }
}

/// A bit of each word, chosen by other bits of the hash than the block is.
#[inline]
fn bits(hash: u64) -> [u64; 8] {
    let mixed = hash.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    std::array::from_fn(|word| 1 << ((mixed >> (16 + 6 * word)) & 63))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(number: u64) -> u64 {
        let mixed = (number ^ 0x5bd1).wrapping_mul(0xd6e8_feb8_6659_fd93);
        (mixed ^ (mixed >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93)
    }

    #[test]
    fn what_is_in_it_is_found_and_hardly_anything_else() {
        for count in [1, 100, 1_792, 50_000] {
            let filter = HashFilter::of((0..count).map(|n: usize| hash(n as u64)));
            assert!(
                (0..count).all(|n| filter.may_have(hash(n as u64))),
                "{count}"
            );
            let wrong = (0..100_000).filter(|n| filter.may_have(hash(1 << 40 | n)));
            let wrong = wrong.count();
            assert!(wrong < 800, "{wrong} of 100,000 with {count}");
            let most = count * BITS / 8 + 64;
            assert!(
                filter.bytes() <= most,
                "{} bytes for {count}",
                filter.bytes()
            );
        }
    }

    #[test]
    fn an_empty_one_has_nothing() {
        let filter = HashFilter::of(std::iter::empty::<u64>().collect::<Vec<_>>().into_iter());
        assert!(!(0..1_000).any(|n| filter.may_have(hash(n))));
    }
}
