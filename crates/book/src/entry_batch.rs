//! Many entries in one command, laid out flat.
//!
//! A request of ten thousand entries as a tree of owned values would be sixty thousand
//! allocations. Here all paths lie in one text, all legs in one list. The code that reads a request
//! fills this directly, and hashes the names on the way, so that the single writer need not.

use tillroll_events::{CalendarDate, EntryId, Metadata};
use tillroll_ledger::{NameHash, PathRef, Side};
use tillroll_money::Unit;

use crate::{PostEntry, PostingRequest};

/// Entries to post, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntryBatch {
    text: String,
    /// Each unit that a leg names, once.
    units: Vec<Unit>,
    legs: Vec<BatchLeg>,
    heads: Vec<EntryHead>,
    words: Vec<Words>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct BatchLeg {
    hash: NameHash,
    amount: u64,
    /// Where its path starts in the text.
    start: u32,
    length: u8,
    side: Side,
    /// Index of its unit.
    unit: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct EntryHead {
    id: EntryId,
    /// Where its legs end; they start where those of the entry before it end.
    legs: u32,
    /// Index of its words plus one; zero when it has none.
    words: u32,
}

/// What an entry may say beside its postings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    pub description: Option<String>,
    pub metadata: Metadata,
    pub effective_date: Option<CalendarDate>,
}

impl Words {
    /// Whether they say nothing, so that the entry is plain.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self {
            description,
            metadata,
            effective_date,
        } = self;
        description.is_none() && metadata.is_empty() && effective_date.is_none()
    }
}

/// One of the entries, borrowed.
#[derive(Clone, Copy, Debug)]
pub struct EntryRequest<'a> {
    batch: &'a EntryBatch,
    pub id: EntryId,
    first: usize,
    end: usize,
    pub words: Option<&'a Words>,
}

/// One leg, borrowed.
#[derive(Clone, Copy, Debug)]
pub struct LegRequest<'a> {
    pub path: &'a str,
    pub hash: NameHash,
    pub unit: Unit,
    /// Its place among [`EntryBatch::units`].
    pub unit_index: usize,
    pub side: Side,
    pub amount: u64,
}

impl EntryBatch {
    #[must_use]
    pub fn with_capacity(entries: usize, legs: usize, text: usize) -> Self {
        Self {
            text: String::with_capacity(text),
            units: Vec::new(),
            legs: Vec::with_capacity(legs),
            heads: Vec::with_capacity(entries),
            words: Vec::new(),
        }
    }

    /// Makes room for so many entries like the last one.
    pub fn reserve(&mut self, entries: usize) {
        let Some(last) = self.heads.len().checked_sub(1) else {
            return;
        };
        let last = self.entry(last);
        let (legs, text) = (last.end - last.first, last.legs().map(|leg| leg.path.len()));
        let text = text.sum::<usize>();
        self.heads.reserve(entries);
        self.legs.reserve(entries * legs);
        self.text.reserve(entries * text);
    }

    /// Begins an entry; the legs that follow are its own.
    pub fn start(&mut self, id: EntryId) {
        let legs = count(self.legs.len());
        self.heads.push(EntryHead { id, legs, words: 0 });
    }

    /// Adds a leg to the entry that was started last.
    ///
    /// # Panics
    /// When none was started, or there are more units than 65,536.
    pub fn leg(&mut self, path: PathRef<'_>, unit: Unit, side: Side, amount: u64) {
        // Nearly always the unit of the leg before.
        let last = self.legs.last().map(|leg| usize::from(leg.unit));
        let known = last
            .filter(|last| self.units[*last] == unit)
            .or_else(|| self.units.iter().position(|known| *known == unit));
        let index = known.unwrap_or_else(|| {
            self.units.push(unit);
            self.units.len() - 1
        });
        let path = path.as_str();
        self.legs.push(BatchLeg {
            hash: NameHash::of(path, unit),
            amount,
            start: count(self.text.len()),
            length: u8::try_from(path.len()).expect("a path has at most 160 bytes"),
            side,
            unit: u16::try_from(index).expect("fewer units than 65,536"),
        });
        self.text.push_str(path);
        let head = self.heads.last_mut().expect("an entry was started");
        head.legs = count(self.legs.len());
    }

    /// Gives words to the entry that was started last.
    ///
    /// # Panics
    /// When none was started.
    pub fn say(&mut self, words: Words) {
        if words.is_empty() {
            return;
        }
        self.words.push(words);
        let head = self.heads.last_mut().expect("an entry was started");
        head.words = count(self.words.len());
    }

    /// Takes the entry back that was started last.
    pub fn abandon(&mut self) {
        let Some(head) = self.heads.pop() else { return };
        let first = self.heads.last().map_or(0, |before| before.legs);
        let first = usize::try_from(first).expect("a 32-bit number fits the address space");
        if let Some(leg) = self.legs.get(first) {
            let start = usize::try_from(leg.start).expect("a 32-bit number fits");
            self.text.truncate(start);
        }
        self.legs.truncate(first);
        if head.words != 0 {
            self.words.pop();
        }
    }

    pub fn push(&mut self, entry: &PostEntry) {
        self.start(entry.id);
        for posting in &entry.postings {
            let PostingRequest {
                account,
                unit,
                side,
                amount,
            } = posting;
            self.leg(account.borrowed(), *unit, *side, *amount);
        }
        self.say(Words {
            description: entry.description.clone(),
            metadata: entry.metadata.clone(),
            effective_date: entry.effective_date,
        });
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.heads.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.heads.is_empty()
    }

    /// How many legs, of all entries together.
    #[must_use]
    pub fn legs(&self) -> usize {
        self.legs.len()
    }

    /// Each unit that a leg names, once.
    #[must_use]
    pub fn units(&self) -> &[Unit] {
        &self.units
    }

    /// The entries in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = EntryRequest<'_>> {
        (0..self.heads.len()).map(|index| self.entry(index))
    }

    fn entry(&self, index: usize) -> EntryRequest<'_> {
        let at = |head: &EntryHead| usize::try_from(head.legs).expect("a 32-bit number fits");
        let head = &self.heads[index];
        let before = index.checked_sub(1).map(|before| &self.heads[before]);
        let words = usize::try_from(head.words).expect("a 32-bit number fits");
        EntryRequest {
            batch: self,
            id: head.id,
            first: before.map_or(0, at),
            end: at(head),
            words: words.checked_sub(1).map(|index| &self.words[index]),
        }
    }
}

impl<'a> EntryRequest<'a> {
    pub fn legs(self) -> impl ExactSizeIterator<Item = LegRequest<'a>> {
        let Self { batch, .. } = self;
        batch.legs[self.first..self.end].iter().map(move |leg| {
            let start = usize::try_from(leg.start).expect("a 32-bit number fits");
            let unit_index = usize::from(leg.unit);
            LegRequest {
                path: &batch.text[start..start + usize::from(leg.length)],
                hash: leg.hash,
                unit: batch.units[unit_index],
                unit_index,
                side: leg.side,
                amount: leg.amount,
            }
        })
    }
}

impl FromIterator<PostEntry> for EntryBatch {
    fn from_iter<T: IntoIterator<Item = PostEntry>>(entries: T) -> Self {
        let mut batch = Self::default();
        entries.into_iter().for_each(|entry| batch.push(&entry));
        batch
    }
}

fn count(length: usize) -> u32 {
    u32::try_from(length).expect("a request is smaller than 4 GiB")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> PathRef<'_> {
        PathRef::parse(text).unwrap()
    }

    #[test]
    fn what_is_abandoned_leaves_no_trace() {
        let unit = |code: &str| code.parse().unwrap();
        let mut batch = EntryBatch::default();
        batch.start(EntryId::from_u128(1));
        batch.leg(path("till"), unit("EUR"), Side::Debit, 5);
        batch.leg(path("sales:web"), unit("EUR"), Side::Credit, 5);
        let before = batch.clone();
        batch.start(EntryId::from_u128(2));
        batch.leg(path("bank"), unit("EUR"), Side::Debit, 5);
        batch.say(Words {
            description: Some("no".into()),
            ..Words::default()
        });
        batch.abandon();
        assert_eq!(batch, before);
        batch.start(EntryId::from_u128(3));
        batch.leg(path("points"), unit("points"), Side::Debit, 7);
        let seen: Vec<_> = batch
            .iter()
            .map(|entry| {
                let legs = entry.legs();
                let legs: Vec<_> = legs.map(|leg| (leg.path, leg.unit, leg.amount)).collect();
                (entry.id.as_u128(), legs, entry.words.is_some())
            })
            .collect();
        let (euro, points) = (unit("EUR"), unit("points"));
        assert_eq!(
            seen,
            [
                (1, vec![("till", euro, 5), ("sales:web", euro, 5)], false),
                (3, vec![("points", points, 7)], false),
            ]
        );
    }
}
