//! A table in parts: one that has to grow moves all of its rows at once, and a command
//! at that moment would wait for as long as a million rows take. A part has few.
//!
//! A part is made when it gets its first row, because most of a small book's tables have a row
//! or two. It knows nothing of what is in a part.

use std::fmt;

/// How many there may be.
pub(super) const PARTS: usize = 256;

/// Parts by number, below [`PARTS`].
pub(super) struct Parts<T> {
    /// Where each is among those that were begun, counted from 1; none is before the first.
    places: Option<Box<[u16; PARTS]>>,
    /// In the order in which they were begun.
    begun: Vec<T>,
}

impl<T> Default for Parts<T> {
    fn default() -> Self {
        Self {
            places: None,
            begun: Vec::new(),
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Parts<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.begun).finish()
    }
}

impl<T> Parts<T> {
    fn index(&self, number: usize) -> Option<usize> {
        let place = self.places.as_ref()?[number];
        usize::from(place).checked_sub(1)
    }

    pub(super) fn get(&self, number: usize) -> Option<&T> {
        self.begun.get(self.index(number)?)
    }

    pub(super) fn get_mut(&mut self, number: usize) -> Option<&mut T> {
        let index = self.index(number)?;
        self.begun.get_mut(index)
    }

    /// The part, as `new` makes it if it was not begun.
    pub(super) fn begin(&mut self, number: usize, new: impl FnOnce() -> T) -> &mut T {
        let index = self.index(number).unwrap_or_else(|| {
            self.begun.push(new());
            let count = u16::try_from(self.begun.len()).expect("there are few");
            let places = self.places.get_or_insert_with(|| Box::new([0; PARTS]));
            places[number] = count;
            self.begun.len() - 1
        });
        &mut self.begun[index]
    }

    /// Those that were begun, in the order in which they were.
    pub(super) fn begun(&self) -> &[T] {
        &self.begun
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_made_when_it_is_begun_and_found_by_its_number() {
        let mut parts = Parts::default();
        assert_eq!(parts.get(7), None::<&usize>);
        // Every number once, far from its neighbours.
        for number in (0..PARTS).map(|n| n * 37 % PARTS) {
            assert_eq!(parts.get(number), None);
            assert_eq!(*parts.begin(number, || number), number);
        }
        for number in 0..PARTS {
            assert_eq!(parts.get(number), Some(&number));
            assert_eq!(*parts.begin(number, || usize::MAX), number);
            assert_eq!(parts.get_mut(number).copied(), Some(number));
        }
        assert_eq!(parts.begun().len(), PARTS);
    }
}
