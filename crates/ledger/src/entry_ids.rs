//! The ids of all entries that ever were: those that came in about ascending order in a list, all
//! others in a table. An id is in one of them.

use crate::ascending::Ascending;
use crate::id_set::IdSet;

#[derive(Clone, Debug, Default)]
pub(crate) struct EntryIds {
    ascending: Ascending,
    scattered: IdSet,
    /// No id is above it; it may be above all, once what it was has been taken back.
    ceiling: u128,
}

impl EntryIds {
    pub(crate) fn of(ascending: Ascending, scattered: IdSet) -> Self {
        let scattered_last = scattered.iter().max();
        Self {
            ceiling: ascending.last().max(scattered_last).unwrap_or(0),
            ascending,
            scattered,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.ascending.len() + self.scattered.len()
    }

    pub(crate) fn contains(&self, id: u128) -> bool {
        id <= self.ceiling && (self.ascending.contains(id) || self.scattered.contains(id))
    }

    /// Adds an id; false when it was there already.
    #[inline]
    pub(crate) fn insert(&mut self, id: u128) -> bool {
        if id > self.ceiling {
            self.ceiling = id;
            self.ascending.push(id);
            return true;
        }
        self.insert_below(id)
    }

    #[inline]
    fn insert_below(&mut self, id: u128) -> bool {
        if !self.ascending.takes(id) {
            return !self.ascending.contains(id) && self.scattered.insert(id);
        }
        self.insert_late(id)
    }

    #[cold]
    fn insert_late(&mut self, id: u128) -> bool {
        let is_new = !self.ascending.contains(id) && !self.scattered.contains(id);
        if is_new {
            self.ascending.insert_late(id);
        }
        is_new
    }

    /// Takes an id out; false when it was not there. Of ids that were just added, the last first.
    pub(crate) fn remove(&mut self, id: u128) -> bool {
        self.ascending.remove(id) || self.scattered.remove(id)
    }

    /// What is to be read for many ids before the first of them is searched: nothing for an id
    /// above all others.
    #[inline]
    pub(crate) fn lines(&self, id: u128) -> [Option<&u128>; 2] {
        match id > self.ceiling {
            true => [None; 2],
            false => self.scattered.lines(id),
        }
    }

    pub(crate) fn ascending(&self) -> impl Iterator<Item = u128> {
        self.ascending.iter()
    }

    /// All others, in an order that depends on which they are alone.
    pub(crate) fn scattered(&self) -> impl Iterator<Item = u128> {
        self.scattered.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[derive(Clone, Debug)]
    enum EntryIdsStep {
        Insert(u128),
        /// So many, each above the one before.
        Ascending(u16),
        /// Added, and taken back with the last first.
        Undone(Vec<u128>),
    }

    fn id() -> impl Strategy<Value = u128> {
        prop_oneof![4 => 0..4_000_u128, 1 => any::<u128>(), 1 => Just(0), 1 => Just(u128::MAX)]
    }

    fn step() -> impl Strategy<Value = EntryIdsStep> {
        prop_oneof![
            8 => id().prop_map(EntryIdsStep::Insert),
            1 => (0..600_u16).prop_map(EntryIdsStep::Ascending),
            1 => prop::collection::vec(id(), 0..200).prop_map(EntryIdsStep::Undone),
        ]
    }

    proptest! {
        #[test]
        fn they_are_the_set_that_they_say(steps in prop::collection::vec(step(), 0..120)) {
            let (mut ids, mut without) = (EntryIds::default(), EntryIds::default());
            let mut plain = BTreeSet::new();
            for step in steps {
                match step {
                    EntryIdsStep::Insert(id) => {
                        prop_assert_eq!(ids.insert(id), plain.insert(id));
                        without.insert(id);
                    }
                    EntryIdsStep::Ascending(count) => for _ in 0..count {
                        let above = plain.last().map_or(0, |last: &u128| last.saturating_add(2));
                        prop_assert_eq!(ids.insert(above), plain.insert(above));
                        without.insert(above);
                    },
                    EntryIdsStep::Undone(undone) => {
                        let added: Vec<u128> =
                            undone.into_iter().filter(|id| ids.insert(*id)).collect();
                        for id in added.iter().rev() {
                            prop_assert!(!plain.contains(id));
                            prop_assert!(ids.remove(*id));
                            prop_assert!(!ids.remove(*id));
                        }
                    }
                }
                prop_assert_eq!(ids.len(), plain.len());
            }
            for id in plain.iter().take(500) {
                prop_assert!(ids.contains(*id));
                prop_assert_eq!(ids.contains(id ^ 1), plain.contains(&(id ^ 1)));
            }
            let all: BTreeSet<u128> = ids.ascending().chain(ids.scattered()).collect();
            prop_assert_eq!(&all, &plain);
            // What was taken back has left no trace in which id is where.
            prop_assert!(ids.ascending().eq(without.ascending()));
            prop_assert!(ids.scattered().eq(without.scattered()));
        }
    }

    #[test]
    fn ids_in_order_take_sixteen_bytes() {
        let mut ids = EntryIds::default();
        for number in 0..100_000_u128 {
            // Every third is late by one.
            let late = if number % 3 == 1 {
                number + 1
            } else if number % 3 == 2 {
                number - 1
            } else {
                number
            };
            assert!(ids.insert(late << 64));
            assert!(!ids.insert(late << 64));
        }
        // Where there is no list yet to be late for.
        let scattered = ids.scattered().count();
        assert!(scattered < 64, "{scattered}");
        assert_eq!(ids.ascending().count(), 100_000 - scattered);
    }
}
