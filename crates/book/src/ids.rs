//! A few ids, in order: what hangs on one payment. Nearly all such sets have one id or none, for
//! which a tree would take ten times the memory.

use tillroll_events::ExternalId;

/// A small set of ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ids(Vec<ExternalId>);

impl Ids {
    /// Adds an id; false when it was there.
    pub fn insert(&mut self, id: ExternalId) -> bool {
        let Err(place) = self.0.binary_search(&id) else {
            return false;
        };
        // No room for ids that will hardly ever come.
        if self.0.len() < 4 {
            self.0.reserve_exact(1);
        }
        self.0.insert(place, id);
        true
    }

    pub fn iter(&self) -> std::slice::Iter<'_, ExternalId> {
        self.0.iter()
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'a> IntoIterator for &'a Ids {
    type Item = &'a ExternalId;
    type IntoIter = std::slice::Iter<'a, ExternalId>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_in_order_and_there_once() {
        let mut ids = Ids::default();
        let added = ["b", "a", "b", "d", "c", "a"].map(|id| ids.insert(id.parse().unwrap()));
        assert_eq!(added, [true, true, false, true, true, false]);
        let listed: Vec<&str> = ids.iter().map(ExternalId::as_str).collect();
        assert_eq!(listed, ["a", "b", "c", "d"]);
    }
}
