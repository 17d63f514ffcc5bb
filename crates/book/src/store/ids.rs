//! A few ids, in order: what hangs on one payment. Nearly all such sets have one id or none, for
//! which a tree would take ten times the memory.

use minicbor::decode::Error;
use minicbor::encode::{Error as EncodeError, Write};
use minicbor::{Decode, Decoder, Encode, Encoder};
use tillroll_events::ExternalId;

/// A small set of ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExternalIds(Vec<ExternalId>);

impl ExternalIds {
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

impl<'a> IntoIterator for &'a ExternalIds {
    type Item = &'a ExternalId;
    type IntoIter = std::slice::Iter<'a, ExternalId>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<C> Encode<C> for ExternalIds {
    fn encode<W: Write>(
        &self,
        e: &mut Encoder<W>,
        context: &mut C,
    ) -> Result<(), EncodeError<W::Error>> {
        self.0.encode(e, context)
    }
}

impl<'b, C> Decode<'b, C> for ExternalIds {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, Error> {
        let mut ids = Self::default();
        for id in d.array_iter::<ExternalId>()? {
            if !ids.insert(id?) {
                return Err(Error::message("an id is there twice"));
            }
        }
        Ok(ids)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_in_order_and_there_once() {
        let mut ids = ExternalIds::default();
        let added = ["b", "a", "b", "d", "c", "a"].map(|id| ids.insert(id.parse().unwrap()));
        assert_eq!(added, [true, true, false, true, true, false]);
        let listed: Vec<&str> = ids.iter().map(ExternalId::as_str).collect();
        assert_eq!(listed, ["a", "b", "c", "d"]);
    }

    #[test]
    fn sets_read_back_and_an_id_that_is_there_twice_is_refused() {
        let ids: Vec<ExternalId> = ["b", "a"].map(|id| id.parse().unwrap()).into();
        let mut set = ExternalIds::default();
        for id in &ids {
            set.insert(id.clone());
        }
        let bytes = minicbor::to_vec(&set).unwrap();
        assert_eq!(minicbor::decode::<ExternalIds>(&bytes).unwrap(), set);
        let twice = minicbor::to_vec(vec![&ids[0], &ids[0]]).unwrap();
        assert!(minicbor::decode::<ExternalIds>(&twice).is_err());
    }
}
