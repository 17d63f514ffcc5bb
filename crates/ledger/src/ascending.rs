//! Ids in ascending order, in little more memory than they are long.
//!
//! Ids that begin with the time come in about this order. One that is above all others is new
//! without a search and goes to the end of a list, so neither what that costs nor the memory that
//! it touches grows with history. One that is a little late is put where it belongs, as long as
//! that is near the end. What is full is sealed and never moved.
//!
//! An id far above all others takes a place at the end for ever. With more than [`LATE`] of them,
//! ids that come in order belong too far from the end, and the caller keeps them elsewhere.
//!
//! What the list takes depends on the ids that came before and their order alone, never on where
//! pieces ended: the same history makes the same list.

use crate::id_set::SPREAD;

/// Ids in a sealed piece: 64 KiB of them, which are copied once.
const PIECE: usize = 4_096;
/// How many ids an id may be late.
const LATE: usize = 64;
/// From so many ids on, the open end is cut.
const FULL: usize = PIECE + 2 * LATE;

#[derive(Clone, Debug, Default)]
pub(crate) struct Ascending {
    /// Whole pieces, each above the one before.
    sealed: Vec<Box<[u128]>>,
    /// Above all of them: at least the last two times [`LATE`] ids, unless there are fewer in all,
    /// so that where an id belongs is seen here alone.
    open: Vec<u128>,
    /// As long as nothing is sealed: a bit for each id. Ids in no order leave a few in the list,
    /// far apart, and are as often as not between them.
    sketch: [u64; 16],
}

impl Ascending {
    pub(crate) fn len(&self) -> usize {
        self.sealed.len() * PIECE + self.open.len()
    }

    pub(crate) fn last(&self) -> Option<u128> {
        // What is sealed leaves some behind.
        self.open.last().copied()
    }

    #[inline]
    pub(crate) fn contains(&self, id: u128) -> bool {
        let may_be = match self.sealed.first() {
            None => self.is_sketched(id),
            Some(lowest) => id >= lowest[0],
        };
        may_be && self.search(id)
    }

    #[inline]
    fn is_sketched(&self, id: u128) -> bool {
        let (word, bit) = sketched(id);
        self.sketch[word] & bit != 0
    }

    fn sketch(&mut self, id: u128) {
        if self.sealed.is_empty() {
            let (word, bit) = sketched(id);
            self.sketch[word] |= bit;
        }
    }

    #[cold]
    fn search(&self, id: u128) -> bool {
        if self.open.first().is_some_and(|first| *first <= id) {
            return self.open.binary_search(&id).is_ok();
        }
        let piece = self.sealed.partition_point(|piece| piece[PIECE - 1] < id);
        let piece = self.sealed.get(piece);
        piece.is_some_and(|piece| piece.binary_search(&id).is_ok())
    }

    /// Adds an id above all others.
    #[inline]
    pub(crate) fn push(&mut self, id: u128) {
        if self.open.len() >= FULL {
            self.seal();
        }
        self.sketch(id);
        self.open.push(id);
    }

    /// Whether an id belongs at the end, or, in a list that is longer than that, no further from it
    /// than ids are late. Of ids in no order at all the list takes next to none.
    #[inline]
    pub(crate) fn takes(&self, id: u128) -> bool {
        let before = self.open.len().checked_sub(LATE + 1);
        before.is_some_and(|before| id > self.open[before])
            || self.last().is_none_or(|last| id > last)
    }

    /// Adds an id that it [takes](Self::takes) and that is not in the list.
    pub(crate) fn insert_late(&mut self, id: u128) {
        if self.open.len() >= FULL {
            self.seal();
        }
        self.sketch(id);
        let at = self.open.partition_point(|other| *other < id);
        self.open.insert(at, id);
    }

    /// Takes an id out; false when it is not in the list. It should be near the end.
    pub(crate) fn remove(&mut self, id: u128) -> bool {
        if self.open.last() == Some(&id) {
            self.open.pop();
        } else if self.contains(id) {
            while self.open.first().is_none_or(|first| id < *first) {
                self.unseal();
            }
            let at = self.open.binary_search(&id).expect("it is in the list");
            self.open.remove(at);
        } else {
            return false;
        }
        if self.open.len() < 2 * LATE {
            self.unseal();
        }
        true
    }

    #[cold]
    fn seal(&mut self) {
        while self.open.len() >= FULL {
            self.sealed.push(self.open.drain(..PIECE).collect());
        }
        self.open.reserve_exact(FULL - self.open.len());
    }

    #[cold]
    fn unseal(&mut self) {
        if let Some(piece) = self.sealed.pop() {
            self.open.splice(..0, piece);
            // Not kept while something was sealed.
            self.sketch = [u64::MAX; 16];
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = u128> {
        let sealed = self.sealed.iter().flat_map(|piece| piece.iter());
        sealed.chain(&self.open).copied()
    }
}

/// The word of an id's bit, and the bit.
fn sketched(id: u128) -> (usize, u64) {
    let spread = id.wrapping_mul(SPREAD);
    let word = usize::try_from(spread >> 124).expect("four bits");
    (word, 1 << (spread >> 118 & 63))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A list, and the plain one that it stands for.
    #[derive(Default)]
    struct Both {
        list: Ascending,
        plain: Vec<u128>,
    }

    impl Both {
        fn push(&mut self, id: u128) {
            self.list.push(id);
            self.plain.push(id);
        }

        /// By the rule alone: no further from the end than ids are late.
        fn insert(&mut self, id: u128) -> bool {
            let at = self.plain.partition_point(|other| *other < id);
            let behind = self.plain.len() - at;
            let taken = behind == 0 || behind <= LATE && self.plain.len() > LATE;
            if taken {
                self.plain.insert(at, id);
            }
            assert_eq!(self.list.takes(id), taken, "{id}");
            if taken {
                self.list.insert_late(id);
            }
            taken
        }

        fn remove(&mut self, id: u128) {
            let at = self.plain.binary_search(&id);
            assert_eq!(self.list.remove(id), at.is_ok(), "{id}");
            if let Ok(at) = at {
                self.plain.remove(at);
            }
        }

        fn check(&self) {
            assert_eq!(self.list.len(), self.plain.len());
            assert_eq!(self.list.last(), self.plain.last().copied());
            assert!(self.list.iter().eq(self.plain.iter().copied()));
        }
    }

    #[test]
    fn what_it_takes_depends_on_the_ids_and_not_on_where_pieces_end() {
        let mut both = Both::default();
        for number in 1_000..4 * FULL as u128 {
            let last = number * 1_000;
            both.push(last);
            // Late by nothing, by a little, by as much as may be, by too much.
            for late in [1, 7, 63, 64, 65, 500] {
                if number % 97 == late % 97 {
                    let taken = both.insert(last - late * 1_000 + late);
                    assert!(taken || late >= 60, "{number} {late}");
                }
            }
        }
        both.check();
        assert!(both.list.sealed.len() > 2);
        for id in both.plain.iter().step_by(331) {
            assert!(both.list.contains(*id));
            let below = both.plain.binary_search(&(id - 1)).is_ok();
            assert_eq!(both.list.contains(id - 1), below);
        }
        assert!(!both.list.contains(u128::MAX));
    }

    #[test]
    fn what_was_taken_back_leaves_the_list_that_was() {
        let mut both = Both::default();
        // Around every place where a piece is sealed.
        for ids in [10, LATE, PIECE, FULL - 1, FULL, FULL + 1, PIECE + FULL + 5] {
            for number in 0..ids as u128 {
                both.push((number + 1) << 32);
            }
            let kept = both.plain.clone();
            let top = kept.last().copied().unwrap_or(0);
            for back in [1, LATE, 2 * LATE, 10_000] {
                let more: Vec<u128> = (1..=back as u128).map(|number| top + number).collect();
                more.iter().for_each(|id| both.push(*id));
                more.iter().rev().for_each(|id| both.remove(*id));
                both.check();
                // Late as before, and no later.
                for late in [LATE - 1, LATE, LATE + 1] {
                    let Some(at) = kept.len().checked_sub(late) else {
                        continue;
                    };
                    let id = kept[at] - 1;
                    if both.insert(id) {
                        both.remove(id);
                    }
                }
            }
            both = Both::default();
        }
    }

    #[test]
    fn any_id_can_be_taken_out() {
        let mut both = Both::default();
        for number in 1..=2 * FULL as u128 {
            both.push(number * 10);
        }
        for id in [50_000, 40_960, 40_970, 10, 20, 15, 70_000, 99_999_999] {
            both.remove(id);
            both.check();
        }
    }
}
