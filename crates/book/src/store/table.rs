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
    cold: ColdIndex,
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
            cold: ColdIndex::default(),
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
        self.cold.find(hash, |address| {
            found = cold.get_of::<V>(address, ask);
            found.is_some()
        });
        found
    }

    /// Takes the row that is not in memory out of the tier below.
    pub(super) fn take_cold(&mut self, hash: u64, ask: &V::Ask, cold: &ColdTier) -> Option<V> {
        let mut found = None;
        self.cold.take(hash, |address| {
            found = cold.get_of::<V>(address, ask);
            found.is_some()
        });
        found
    }

    /// Puts the bytes of a row that is nowhere into the tier below.
    pub(super) fn put_cold(&mut self, hash: u64, bytes: &[u8], cold: &mut ColdTier) {
        if let Some(address) = cold.put(bytes) {
            self.cold.insert(hash, address);
        }
    }

    /// Looks at the next few rows, so many that all are looked at in `steps` steps, and moves
    /// those that no record has touched for long to the tier below.
    pub(super) fn cool(&mut self, now: u64, steps: u64, cold: &mut ColdTier) {
        let steps = usize::try_from(steps).unwrap_or(usize::MAX).max(1);
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
            if now.saturating_sub(entry.get().touched) < cold.after || !cold.is_sound() {
                continue;
            }
            let (WarmRow { key, home, .. }, _) = entry.remove();
            self.held -= 1;
            if let Some(address) = cold.put_row(&key, &home.into_inner()) {
                self.cold.insert(hash_of(key.borrow()), address);
            }
        }
    }

    /// All rows by key. Of those that are not in memory only the keys are, until they are asked
    /// for one by one.
    pub(super) fn sorted<'t>(
        &'t self,
        cold: Option<&'t ColdTier>,
    ) -> impl Iterator<Item = ListedRow<'t, V>> {
        let held = self.rows.iter().map(|held| {
            let row: &V = &held.home;
            (Cow::Borrowed(&held.key), RowSource::Memory(row))
        });
        let mut rows: Vec<(Cow<'t, V::Key>, RowSource<'t, V>)> = held.collect();
        if let Some(cold) = cold {
            rows.extend(self.cold.addresses().into_iter().filter_map(|address| {
                let (key, _) = cold.get::<V>(address)?;
                Some((Cow::Owned(key), RowSource::Tier(cold, address)))
            }));
        }
        rows.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        rows.into_iter().filter_map(|(key, whereabouts)| {
            let row = match whereabouts {
                RowSource::Memory(row) => Cow::Borrowed(row),
                RowSource::Tier(cold, address) => Cow::Owned(cold.get::<V>(address)?.1),
            };
            Some((key, row))
        })
    }
}

enum RowSource<'t, V> {
    Memory(&'t V),
    Tier(&'t ColdTier, RowAddress),
}
