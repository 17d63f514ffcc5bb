//! Every id that was ever used, exactly, in little memory and without pauses.
//!
//! An id is spread over all bits by a multiplication that can be undone, and the product is what
//! is stored: kept in order within its part of the table, so that a search ends at the first
//! larger one. The table is in parts that grow one at a time and by a third, so that no single
//! id ever waits for all of history to be moved, and little room is left unused. By how much
//! exactly differs from part to part: the ids come to all of them alike, and would otherwise
//! fill all of them at the same time.
//!
//! It does not resist ids that are chosen to collide: such a book gets slow, not wrong.

mod build;

pub(crate) use build::Build;

/// Odd, so that multiplying by it is a permutation of the 128-bit numbers; its upper half is the
/// golden ratio's, its lower half that of the square root of two.
pub(crate) const SPREAD: u128 = 0x9e37_79b9_7f4a_7c15_6a09_e667_f3bc_c909;
const GATHER: u128 = inverse(SPREAD);
/// Bits of a spread id that choose its part. So many parts that one of a hundred million ids is
/// moved within the nearer caches, and so few that their heads stay there.
const PART_BITS: u32 = 11;
const PARTS: usize = 1 << PART_BITS;
/// Cells behind the last home, for those that found theirs taken.
const SLACK: usize = 8;
/// Of a hundred homes, how many ids there may be before a part grows.
const FULL_PERCENT: usize = 85;
/// A part with as many cells gets addresses for [`AHEAD`] times as many.
const LARGE: usize = 2_048;
const AHEAD: usize = 16;
/// How far behind its home an id may be expected, in cells: two to the next line of memory.
const NEAR: usize = 4;

/// A set of 128-bit ids.
#[derive(Clone, Debug, Default)]
pub(crate) struct IdSet {
    /// None at all before the first id.
    parts: Box<[IdSetPart]>,
    len: usize,
    /// Zero marks an empty cell, so it is kept apart.
    has_zero: bool,
    /// The ids of a part while it grows.
    moving: Vec<u128>,
}

#[derive(Clone, Debug, Default)]
struct IdSetPart {
    /// Spread ids in ascending order, with gaps.
    cells: Vec<u128>,
    homes: u64,
    len: usize,
}

impl IdSet {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn contains(&self, id: u128) -> bool {
        match id.wrapping_mul(SPREAD) {
            0 => self.has_zero,
            spread => {
                let part = self.parts.get(part_of(spread));
                part.is_some_and(|part| part.find(spread).is_ok())
            }
        }
    }

    /// Adds an id; false when it was there already.
    pub(crate) fn insert(&mut self, id: u128) -> bool {
        let added = match id.wrapping_mul(SPREAD) {
            0 => !std::mem::replace(&mut self.has_zero, true),
            spread => {
                if self.parts.is_empty() {
                    self.begin();
                }
                self.parts[part_of(spread)].insert(spread, &mut self.moving)
            }
        };
        self.len += usize::from(added);
        added
    }

    /// Takes an id out; false when it was not there.
    pub(crate) fn remove(&mut self, id: u128) -> bool {
        let removed = match id.wrapping_mul(SPREAD) {
            0 => std::mem::replace(&mut self.has_zero, false),
            spread => {
                let part = self.parts.get_mut(part_of(spread));
                part.is_some_and(|part| part.remove(spread))
            }
        };
        self.len -= usize::from(removed);
        removed
    }

    /// Where this id would be, and where it would be if others are in its place: what is to be
    /// read for many ids before the first of them is searched.
    pub(crate) fn lines(&self, id: u128) -> [Option<&u128>; 2] {
        let spread = id.wrapping_mul(SPREAD);
        let Some(part) = self.parts.get(part_of(spread)) else {
            return [None; 2];
        };
        let home = part.home(spread);
        [part.cells.get(home), part.cells.get(home + NEAR)]
    }

    #[cold]
    fn begin(&mut self) {
        self.parts = (0..PARTS).map(|_| IdSetPart::default()).collect();
    }

    /// All ids, in an order that depends on the set alone.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u128> {
        let zero = self.has_zero.then_some(0);
        let cells = self.parts.iter().flat_map(|part| &part.cells);
        let spread = cells.copied().filter(|cell| *cell != 0);
        zero.into_iter()
            .chain(spread.map(|spread| spread.wrapping_mul(GATHER)))
    }
}

impl IdSetPart {
    fn home(&self, spread: u128) -> usize {
        home_of(spread, self.homes)
    }

    /// Where it is, or where it belongs.
    fn find(&self, spread: u128) -> Result<usize, usize> {
        let start = self.home(spread);
        let rest = self.cells.get(start..).unwrap_or(&[]);
        let steps = rest.iter().position(|cell| *cell == 0 || *cell >= spread);
        let at = start + steps.unwrap_or(rest.len());
        match self.cells.get(at) {
            Some(cell) if *cell == spread => Ok(at),
            _ => Err(at),
        }
    }

    fn insert(&mut self, spread: u128, moving: &mut Vec<u128>) -> bool {
        let Err(mut at) = self.find(spread) else {
            return false;
        };
        if self.len * 100 >= self.homes_usize() * FULL_PERCENT {
            self.grow(spread, moving);
            at = self.find(spread).unwrap_or_else(|at| at);
        }
        let rest = self.cells.get(at..).unwrap_or(&[]);
        let (gap, room) = (rest.iter().position(|cell| *cell == 0), rest.len());
        let gap = gap.unwrap_or(room);
        if gap == room {
            // Those that crowd the last home get more room behind it: a larger part would leave
            // them where they are.
            self.cells.resize(at + gap + SLACK, 0);
        }
        self.cells.copy_within(at..at + gap, at + 1);
        self.cells[at] = spread;
        self.len += 1;
        true
    }

    fn remove(&mut self, spread: u128) -> bool {
        let Ok(mut at) = self.find(spread) else {
            return false;
        };
        // Those behind move up as long as that brings them no further than home.
        while let Some(&next) = self.cells.get(at + 1)
            && next != 0
            && self.home(next) <= at
        {
            self.cells[at] = next;
            at += 1;
        }
        self.cells[at] = 0;
        self.len -= 1;
        true
    }

    fn homes_usize(&self) -> usize {
        usize::try_from(self.homes).expect("fewer homes than memory has bytes")
    }

    #[cold]
    fn grow(&mut self, odd: u128, moving: &mut Vec<u128>) {
        moving.clear();
        moving.resize(self.cells.len() + 1, 0);
        let mut count = 0;
        for cell in &self.cells {
            // Written in any case, and over again where it was zero: no branch to predict.
            moving[count] = *cell;
            count += usize::from(*cell != 0);
        }
        let homes = self.homes_usize();
        self.lay(&moving[..count], (homes + homes * growth(odd) / 100).max(8));
    }

    /// These ids, in order, and no others, at so many homes.
    fn lay(&mut self, ids: &[u128], homes: usize) {
        self.homes = homes as u64;
        self.len = ids.len();
        self.empty(homes + SLACK);
        let homes = self.homes;
        let mut next = 0;
        for spread in ids {
            let at = home_of(*spread, homes).max(next);
            if at >= self.cells.len() {
                self.cells.resize(at + SLACK, 0);
            }
            self.cells[at] = *spread;
            next = at + 1;
        }
    }

    /// So many empty cells and no others. A large part has addresses for many more, which take
    /// no memory until something is written there: then growing neither asks for memory nor
    /// gives any back, and what it writes to is near.
    fn empty(&mut self, count: usize) {
        self.cells.clear();
        if count > self.cells.capacity() {
            self.cells = Vec::new();
            let ahead = if count < LARGE { count } else { count * AHEAD };
            // A system may want to have memory for all addresses, and not have it.
            if self.cells.try_reserve_exact(ahead).is_err() {
                self.cells.reserve_exact(count);
            }
        }
        self.cells.resize(count, 0);
    }
}

/// By how many percent: a third on average.
fn growth(odd: u128) -> usize {
    usize::try_from((odd >> 64) % 32).expect("less than 32") + 17
}

/// Ascending in `spread`, which is what keeps the cells in order.
fn home_of(spread: u128, homes: u64) -> usize {
    let fraction = (spread << PART_BITS) >> 64;
    let home = (fraction * u128::from(homes)) >> 64;
    usize::try_from(home).expect("fewer homes than memory has bytes")
}

fn part_of(spread: u128) -> usize {
    usize::try_from(spread >> (128 - PART_BITS)).expect("eleven bits")
}

/// The number that undoes a multiplication by `odd`, by Newton's iteration: each step doubles
/// the bits that are right, and three are right at the start.
const fn inverse(odd: u128) -> u128 {
    let mut inverse = odd;
    let mut step = 0;
    while step < 6 {
        inverse = inverse.wrapping_mul(2u128.wrapping_sub(odd.wrapping_mul(inverse)));
        step += 1;
    }
    inverse
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn spreading_can_be_undone() {
        for id in [1, 2, 0xdead_beef, u128::MAX, 1 << 127] {
            assert_eq!(id.wrapping_mul(SPREAD).wrapping_mul(GATHER), id);
        }
    }

    #[test]
    fn memory_stays_close_to_the_ids_themselves() {
        let mut set = IdSet::default();
        for number in 0..200_000_u128 {
            assert!(set.insert(number << 64 | number.wrapping_mul(0x5851_f42d_4c95_7f2d)));
        }
        let cells: usize = set.parts.iter().map(|part| part.cells.len()).sum();
        assert!(
            cells * 16 <= set.len() * 26,
            "{cells} cells for {}",
            set.len()
        );
    }

    #[derive(Clone, Debug)]
    enum IdSetStep {
        Insert(u128),
        Remove(u128),
    }

    /// Few values, some that share a part and crowd its end.
    fn id() -> impl Strategy<Value = u128> {
        prop_oneof![
            0..40_u128,
            (0..400_u128).prop_map(|low| (u128::MAX - low).wrapping_mul(GATHER)),
            (0..400_u128).prop_map(|low| (1 << 118 | low << 40).wrapping_mul(GATHER)),
            any::<u128>(),
        ]
    }

    proptest! {
        #[test]
        fn it_is_the_set_that_it_says(steps in prop::collection::vec(
            prop_oneof![3 => id().prop_map(IdSetStep::Insert), 1 => id().prop_map(IdSetStep::Remove)],
            0..1500,
        )) {
            let mut set = IdSet::default();
            let mut plain = BTreeSet::new();
            for step in steps {
                match step {
                    IdSetStep::Insert(id) => prop_assert_eq!(set.insert(id), plain.insert(id)),
                    IdSetStep::Remove(id) => prop_assert_eq!(set.remove(id), plain.remove(&id)),
                }
                prop_assert_eq!(set.len(), plain.len());
            }
            let found: BTreeSet<u128> = set.iter().collect();
            prop_assert_eq!(set.iter().count(), plain.len());
            prop_assert_eq!(&found, &plain);
            for id in &plain {
                prop_assert!(set.contains(*id));
                prop_assert!(!set.contains(id ^ 1) || plain.contains(&(id ^ 1)));
            }
        }
    }
}
