//! A set made of ids that come in its own order, each part at once: nothing is searched, moved or
//! grown, so that it is as quick as memory is.

use super::{FULL_PERCENT, IdSet, IdSetPart, SPREAD, growth, part_of};

/// A set that is being made.
#[derive(Debug, Default)]
pub(crate) struct Build {
    set: IdSet,
    /// Spread ids of the part that is being filled.
    part: Vec<u128>,
}

impl Build {
    /// Adds the next id in the order of [`IdSet::iter`]; false when it is not the next one.
    pub(crate) fn push(&mut self, id: u128) -> bool {
        let spread = id.wrapping_mul(SPREAD);
        let Some(last) = self.part.last() else {
            let first = self.set.len == 0;
            match spread {
                0 => self.set.has_zero = first,
                _ => self.part.push(spread),
            }
            self.set.len += 1;
            return spread != 0 || first;
        };
        if spread <= *last {
            return false;
        }
        if part_of(spread) != part_of(*last) {
            self.flush();
        }
        self.part.push(spread);
        self.set.len += 1;
        true
    }

    pub(crate) fn finish(mut self) -> IdSet {
        self.flush();
        self.set
    }

    fn flush(&mut self) {
        if let Some(first) = self.part.first() {
            if self.set.parts.is_empty() {
                self.set.begin();
            }
            self.set.parts[part_of(*first)] = IdSetPart::of(&self.part);
            self.part.clear();
        }
    }
}

impl IdSetPart {
    /// A part with these ids, in order, and room for some more: for how many differs, as it does
    /// of parts that have grown.
    fn of(ids: &[u128]) -> Self {
        let odd = ids.last().copied().unwrap_or(0);
        let homes = (ids.len() * (100 + growth(odd) / 2) / FULL_PERCENT).max(8);
        let mut part = Self::default();
        part.lay(ids, homes);
        part
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_set_that_was_made_is_the_one_that_was_listed(
            ids in prop::collection::hash_set(prop_oneof![0..40_u128, any::<u128>()], 0..600),
            more in prop::collection::vec(any::<u128>(), 0..50),
        ) {
            let mut set = IdSet::default();
            for id in &ids {
                set.insert(*id);
            }
            let mut build = Build::default();
            for id in set.iter() {
                prop_assert!(build.push(id));
            }
            let mut made = build.finish();
            prop_assert_eq!(made.len(), set.len());
            for id in more.iter().chain(&ids) {
                prop_assert_eq!(made.contains(*id), set.contains(*id));
                prop_assert_eq!(made.insert(*id), set.insert(*id));
            }
            prop_assert!(made.iter().eq(set.iter()));
        }

        #[test]
        fn ids_out_of_order_are_refused(ids in prop::collection::hash_set(any::<u128>(), 2..50)) {
            let mut set = IdSet::default();
            for id in &ids {
                set.insert(*id);
            }
            let mut listed: Vec<u128> = set.iter().collect();
            let pushed = |ids: &[u128]| {
                let mut build = Build::default();
                ids.iter().all(|id| build.push(*id))
            };
            prop_assert!(pushed(&listed));
            listed.swap(0, 1);
            prop_assert!(!pushed(&listed));
            listed[0] = listed[1];
            prop_assert!(!pushed(&listed));
        }
    }

    #[test]
    fn zero_comes_first_and_once() {
        let mut build = Build::default();
        assert!(build.push(0));
        assert!(!build.push(0));
        let mut build = Build::default();
        assert!(build.push(1));
        assert!(!build.push(0));
    }
}
