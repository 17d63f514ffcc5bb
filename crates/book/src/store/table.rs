//! One table of rows: those in memory, and where the others are.
//!
//! A row is in memory or cold, never both. It knows nothing of what is in a row.

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::hash::{BuildHasher, Hash};

use foldhash::quality::FixedState;
use hashbrown::HashTable;

use super::cold::{ColdTier, RowAddress};
use super::cold_index::ColdIndex;
use super::parts::{PARTS, Parts};
use super::row::{RowHome, StateRow};
use super::run_index::RunIndex;

/// A row as the state lists it: its key and what is under it.
pub type ListedRow<'a, V> = (Cow<'a, <V as StateRow>::Key>, Cow<'a, V>);

/// A row in memory.
#[derive(Debug)]
struct WarmRow<V: StateRow> {
    key: V::Key,
    /// Position of the last record that changed it.
    touched: u64,
    home: V::Home,
}

pub struct RowTable<V: StateRow> {
    /// One in a layer, which has few rows and is thrown away.
    rows: TableParts<V>,
    /// A bit for each part that has ever had a row: most of a small book's have not, and a
    /// search through all rows passes those over.
    begun: [u64; PARTS / 64],
    /// Of all parts.
    buckets: usize,
    /// Rows in memory.
    held: usize,
    /// How far the search for rows that have become cold has come: a part, and a bucket of it.
    swept: (usize, usize),
    cold: ColdPlaces,
}

/// Where the rows are that are not in memory.
#[derive(Debug)]
enum ColdPlaces {
    /// A place of each, which is taken out when the row comes back.
    Changing(ColdIndex),
    /// Places of rows that last.
    Lasting(RunIndex),
}

enum TableParts<V: StateRow> {
    One(HashTable<WarmRow<V>>),
    Many(Parts<HashTable<WarmRow<V>>>),
}

impl<V: StateRow> TableParts<V> {
    fn iter(&self) -> impl Iterator<Item = &WarmRow<V>> {
        let parts = match self {
            Self::One(part) => std::slice::from_ref(part),
            Self::Many(parts) => parts.begun(),
        };
        parts.iter().flat_map(HashTable::iter)
    }

    /// Of a book, the rows of a part.
    fn of_part(&self, number: usize) -> impl Iterator<Item = &WarmRow<V>> {
        let part = match self {
            Self::One(_) => None,
            Self::Many(parts) => parts.get(number),
        };
        part.into_iter().flat_map(HashTable::iter)
    }

    fn number(&self, hash: u64) -> usize {
        match self {
            Self::One(_) => 0,
            Self::Many(_) => number(hash),
        }
    }

    fn of(&self, hash: u64) -> Option<&HashTable<WarmRow<V>>> {
        match self {
            Self::One(part) => Some(part),
            Self::Many(parts) => parts.get(number(hash)),
        }
    }

    fn part_mut(&mut self, number: usize) -> Option<&mut HashTable<WarmRow<V>>> {
        match self {
            Self::One(part) => Some(part),
            Self::Many(parts) => parts.get_mut(number),
        }
    }

    /// The part, which is there from now on.
    fn begin(&mut self, number: usize) -> &mut HashTable<WarmRow<V>> {
        match self {
            Self::One(part) => part,
            Self::Many(parts) => parts.begin(number, HashTable::new),
        }
    }
}

/// The first part from `from` on that has ever had a row.
fn next_begun(begun: &[u64; PARTS / 64], from: usize) -> Option<usize> {
    let first = from / 64;
    let rest = begun.get(first)? & (u64::MAX << (from % 64));
    let later = begun[first + 1..].iter().copied();
    let mut words = (first..).zip(std::iter::once(rest).chain(later));
    let (word, bits) = words.find(|(_, bits)| *bits != 0)?;
    let bit = usize::try_from(bits.trailing_zeros()).expect("there are 64 bits");
    Some(word * 64 + bit)
}

/// The part of a hash, and the rest of it.
fn split(hash: u64) -> (usize, u64) {
    let rest = hash & 0xff_ffff_ffff | (hash >> 48) << 40;
    (number(hash), rest)
}

/// The part of a hash. Within a part, a table finds its place by the lowest bits and the seven
/// highest, so it is by others.
fn number(hash: u64) -> usize {
    usize::from(hash.to_le_bytes()[5]) % PARTS
}

impl<V: StateRow> Default for RowTable<V> {
    fn default() -> Self {
        Self {
            rows: TableParts::One(HashTable::new()),
            begun: [0; PARTS / 64],
            buckets: 0,
            held: 0,
            swept: (0, 0),
            cold: match V::LASTING {
                true => ColdPlaces::Lasting(RunIndex::default()),
                false => ColdPlaces::Changing(ColdIndex::default()),
            },
        }
    }
}

impl<V: StateRow> fmt::Debug for RowTable<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.rows.iter()).finish()
    }
}

/// The hash of a key. It does not resist keys that were chosen to collide: such a book gets slow,
/// not wrong.
pub(super) fn hash_of<Q: Hash + ?Sized>(ask: &Q) -> u64 {
    FixedState::default().hash_one(ask)
}

impl<V: StateRow> RowTable<V> {
    /// A table for as many rows as there may be.
    pub(super) fn of_a_book() -> Self {
        Self {
            rows: TableParts::Many(Parts::default()),
            ..Self::default()
        }
    }

    /// The row in memory.
    pub(super) fn in_memory(&self, hash: u64, ask: &V::Ask) -> Option<&V> {
        let part = self.rows.of(hash)?;
        let held = part.find(hash, |held| held.key.borrow() == ask)?;
        Some(&held.home)
    }

    /// The row in memory, to be changed by the record at `now`.
    pub(super) fn touch(&mut self, hash: u64, ask: &V::Ask, now: u64) -> Option<&mut V> {
        let number = self.rows.number(hash);
        let part = self.rows.part_mut(number)?;
        let held = part.find_mut(hash, |held| held.key.borrow() == ask)?;
        held.touched = now;
        Some(&mut held.home)
    }

    /// Puts a row in memory that is not there.
    pub(super) fn hold(&mut self, hash: u64, key: V::Key, value: V, now: u64) -> &mut V {
        let row = WarmRow {
            key,
            touched: now,
            home: V::Home::of(value),
        };
        let hasher = |held: &WarmRow<V>| hash_of(held.key.borrow());
        let number = self.rows.number(hash);
        let part = self.rows.begin(number);
        if part.len() == part.capacity() {
            // One that has never had a row says that it has a bucket.
            let before = if part.capacity() == 0 {
                0
            } else {
                part.num_buckets()
            };
            part.reserve(1, hasher);
            self.begun[number / 64] |= 1 << (number % 64);
            self.buckets += part.num_buckets().saturating_sub(before);
        }
        self.held += 1;
        let entry = part.insert_unique(hash, row, hasher);
        &mut entry.into_mut().home
    }

    /// A copy of the row that is not in memory.
    pub(super) fn cold(&self, hash: u64, ask: &V::Ask, cold: &ColdTier) -> Option<V> {
        let mut found = None;
        let is_it = |address| {
            found = cold.get_of::<V>(address, ask);
            found.is_some()
        };
        match &self.cold {
            ColdPlaces::Changing(index) => index.find(hash, is_it),
            ColdPlaces::Lasting(index) => index.find(split(hash), cold, is_it),
        };
        found
    }

    /// Takes the row that is not in memory out of the tier below. One that lasts stays there.
    pub(super) fn take_cold(&mut self, hash: u64, ask: &V::Ask, cold: &ColdTier) -> Option<V> {
        let mut found = None;
        if let ColdPlaces::Changing(index) = &mut self.cold {
            index.take(hash, |address| {
                found = cold.get_of::<V>(address, ask);
                found.is_some()
            });
        }
        found
    }

    /// Puts the bytes of a row that is nowhere into the tier below.
    pub(super) fn put_cold(&mut self, hash: u64, bytes: &[u8], cold: &mut ColdTier) {
        if let Some(address) = cold.put(bytes) {
            self.cold.insert(hash, address, cold);
        }
    }

    /// Looks at the next few rows, so many that all are looked at twice in the time after which
    /// they go, and moves those that no record has touched for long to the tier below.
    pub(super) fn cool(&mut self, now: u64, cold: &mut ColdTier) {
        let after = cold.after(V::LASTING);
        let steps = usize::try_from(after / 2 / cold.stride())
            .unwrap_or(usize::MAX)
            .max(1);
        let mut left = self.buckets.div_ceil(steps);
        if self.held == 0 && left == self.buckets {
            // It would end where it begins.
            return;
        }
        while left > 0 {
            // Where there is no such part or bucket, it goes on at the start of the next. A part
            // that has grown has another order; what is missed has its turn later.
            let (from, bucket) = self.swept;
            let Some(number) = next_begun(&self.begun, from) else {
                self.swept = (0, 0);
                continue;
            };
            let bucket = if number == from { bucket } else { 0 };
            let part = self.rows.part_mut(number).expect("it has begun");
            if part.capacity() == 0 || bucket >= part.num_buckets() {
                self.swept = (number + 1, 0);
                continue;
            }
            if part.is_empty() {
                let passed = left.min(part.num_buckets() - bucket);
                self.swept = (number, bucket + passed);
                left -= passed;
                continue;
            }
            self.swept = (number, bucket + 1);
            left -= 1;
            let Ok(entry) = part.get_bucket_entry(bucket) else {
                continue;
            };
            if now.saturating_sub(entry.get().touched) < after || !cold.is_sound() {
                continue;
            }
            let (WarmRow { key, home, .. }, _) = entry.remove();
            self.held -= 1;
            if let Some(address) = cold.put_row(&key, &home.into_inner()) {
                self.cold.insert(hash_of(key.borrow()), address, cold);
            }
        }
    }

    /// All rows, by key, or by its hash where they last.
    pub(super) fn sorted<'t>(
        &'t self,
        cold: Option<&'t ColdTier>,
    ) -> Box<dyn Iterator<Item = ListedRow<'t, V>> + 't> {
        match (&self.cold, cold) {
            (ColdPlaces::Lasting(index), _) => Box::new(self.by_hash(index, cold)),
            (ColdPlaces::Changing(index), Some(cold)) => {
                let addresses = index.addresses().into_iter();
                let below = addresses.filter_map(|address| {
                    let (key, _) = cold.get::<V>(address)?;
                    Some((Cow::Owned(key), RowSource::Tier(cold, address)))
                });
                Box::new(self.by_key(below))
            }
            (ColdPlaces::Changing(_), None) => Box::new(self.by_key(std::iter::empty())),
        }
    }

    /// By key, with others from below. Of those only the keys are in memory, until they are asked
    /// for one by one.
    fn by_key<'t>(
        &'t self,
        below: impl Iterator<Item = (Cow<'t, V::Key>, RowSource<'t, V>)>,
    ) -> impl Iterator<Item = ListedRow<'t, V>> {
        let held = self.rows.iter().map(|held| {
            let row: &V = &held.home;
            (Cow::Borrowed(&held.key), RowSource::Memory(&held.key, row))
        });
        let mut rows: Vec<(Cow<'t, V::Key>, RowSource<'t, V>)> = held.chain(below).collect();
        rows.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        rows.into_iter().filter_map(|(_, source)| source.read())
    }

    /// By a hash of the key: part by part, so that of a part no more than the places are in
    /// memory.
    fn by_hash<'t>(
        &'t self,
        index: &'t RunIndex,
        cold: Option<&'t ColdTier>,
    ) -> impl Iterator<Item = ListedRow<'t, V>> {
        (0..PARTS).flat_map(move |part| {
            let held = self.rows.of_part(part).map(|held| {
                let (_, rest) = split(hash_of(held.key.borrow()));
                (rest, RowSource::Memory(&held.key, &*held.home))
            });
            let below = cold.into_iter().flat_map(|cold| {
                let places = index.places(part, cold).into_iter();
                places.map(move |(rest, address)| (rest, RowSource::Tier(cold, address)))
            });
            let mut rows: Vec<(u64, RowSource<'t, V>)> = held.chain(below).collect();
            rows.sort_by_key(|(rest, _)| *rest);
            for same in rows.chunk_by_mut(|a, b| a.0 == b.0) {
                if same.len() > 1 {
                    same.sort_by_cached_key(|(_, source)| source.read().map(|(key, _)| key));
                }
            }
            rows.into_iter().filter_map(|(_, source)| source.read())
        })
    }
}

enum RowSource<'t, V: StateRow> {
    Memory(&'t V::Key, &'t V),
    Tier(&'t ColdTier, RowAddress),
}

impl<'t, V: StateRow> RowSource<'t, V> {
    /// None after a fault.
    fn read(&self) -> Option<ListedRow<'t, V>> {
        match *self {
            Self::Memory(key, row) => Some((Cow::Borrowed(key), Cow::Borrowed(row))),
            Self::Tier(cold, address) => {
                let (key, row) = cold.get::<V>(address)?;
                Some((Cow::Owned(key), Cow::Owned(row)))
            }
        }
    }
}

impl ColdPlaces {
    fn insert(&mut self, hash: u64, address: RowAddress, cold: &mut ColdTier) {
        match self {
            Self::Changing(index) => index.insert(hash, address),
            Self::Lasting(index) => index.insert(split(hash), address, cold),
        }
    }
}
