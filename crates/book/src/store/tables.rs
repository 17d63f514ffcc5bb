//! The state beside the ledger: a table for each kind of row.
//!
//! [`Tables`] may lie as a thin layer over others: deciding folds its own events into a layer
//! with the very code that later folds them into the book, and throws the layer away. Below the
//! tables of a book there may be a tier of rows that no record has touched for long; a reader
//! here cannot tell where a row was.

use std::borrow::{Borrow, Cow};

use tillroll_ledger::Ledger;

use super::cold::ColdTier;
use super::ids::ExternalIds;
use super::restore::{RestoreRowError, StateContradiction, read_row};
use super::row::{RowKind, StateRow};
use super::rows::*;
use super::table::{RowTable, hash_of};

pub use super::table::ListedRow;

/// A row of a book: it has a table there.
pub trait BookRow: StateRow {
    #[doc(hidden)]
    fn table<'t>(tables: &'t Tables<'_>) -> &'t RowTable<Self>;

    /// The table, and the tier below it.
    #[doc(hidden)]
    fn parts<'t>(tables: &'t mut Tables<'_>) -> (&'t mut RowTable<Self>, Option<&'t mut ColdTier>);
}

/// Is shown the rows of every table, one table after the other.
pub trait RowVisitor {
    type Error;

    fn rows<'b, V: StateRow + 'b>(
        &mut self,
        rows: impl Iterator<Item = ListedRow<'b, V>>,
    ) -> Result<(), Self::Error>;
}

macro_rules! tables {
    ($($number:literal $name:literal
        $table:ident $(lasting $lasting:literal)?: $row:ty, $key:ty, $ask:ty, $home:ty $(, $booked:ident)?;)*) => {
        #[derive(Debug, Default)]
        pub struct Tables<'a> {
            below: Option<&'a Tables<'a>>,
            /// Position of the record that is being folded.
            now: u64,
            cold: Option<Box<ColdTier>>,
            $($table: RowTable<$row>,)*
        }

        $(impl BookRow for $row {
            fn table<'t>(tables: &'t Tables<'_>) -> &'t RowTable<Self> {
                &tables.$table
            }

            fn parts<'t>(
                tables: &'t mut Tables<'_>,
            ) -> (&'t mut RowTable<Self>, Option<&'t mut ColdTier>) {
                (&mut tables.$table, tables.cold.as_deref_mut())
            }
        })*

        /// Every kind, in the order of their numbers.
        pub const ROW_KINDS: &[RowKind] = &[$(<$row>::KIND,)*];

        impl Tables<'_> {
            /// Tables that no others lie below.
            pub(crate) fn of_a_book() -> Self {
                Self {
                    $($table: RowTable::of_a_book(),)*
                    ..Self::default()
                }
            }

            fn cool(&mut self) {
                let Some(cold) = self.cold.as_deref_mut() else {
                    return;
                };
                $(self.$table.cool(self.now, cold);)*
            }

            /// Shows all rows of tables that lie on no others, kind by kind, each in the order of
            /// its keys.
            pub(crate) fn visit<V: RowVisitor>(&self, visitor: &mut V) -> Result<(), V::Error> {
                $(visitor.rows::<$row>(self.sorted())?;)*
                Ok(())
            }

            /// Adds the row of a kind at the start of `bytes`; answers its length.
            pub(crate) fn restore(
                &mut self,
                ledger: &Ledger,
                kind: RowKind,
                bytes: &[u8],
            ) -> Result<usize, RestoreRowError> {
                $(if kind == <$row>::KIND {
                    return self.restore_row::<$row>(ledger, bytes);
                })*
                unreachable!("{kind:?} is in the list")
            }
        }
    };
}

state_rows!(tables);

impl<'a> Tables<'a> {
    pub(crate) fn layer(&'a self) -> Self {
        Self {
            below: Some(self),
            now: self.now,
            ..Self::default()
        }
    }

    pub(crate) fn set_cold(&mut self, cold: ColdTier) {
        self.cold = Some(Box::new(cold));
    }

    pub(crate) fn cold(&self) -> Option<&ColdTier> {
        self.cold.as_deref()
    }

    pub(crate) fn get<V: BookRow>(&self, ask: &V::Ask) -> Option<Cow<'_, V>> {
        self.find(hash_of(ask), ask)
    }

    fn find<V: BookRow>(&self, hash: u64, ask: &V::Ask) -> Option<Cow<'_, V>> {
        let table = V::table(self);
        match (table.in_memory(hash, ask), self.below, self.cold()) {
            (Some(row), ..) => Some(Cow::Borrowed(row)),
            (None, Some(below), _) => below.find(hash, ask),
            (None, None, Some(cold)) => table.cold(hash, ask, cold).map(Cow::Owned),
            (None, None, None) => None,
        }
    }

    /// Brings a row to where it can be changed; false when there is none.
    fn warm<V: BookRow>(&mut self, hash: u64, key: &V::Key) -> bool {
        let (ask, now) = (key.borrow(), self.now);
        if V::table(self).in_memory(hash, ask).is_some() {
            return true;
        }
        let value = match self.below {
            Some(below) => below.find::<V>(hash, ask).map(Cow::into_owned),
            None => {
                let (table, cold) = V::parts(self);
                cold.and_then(|cold| table.take_cold(hash, ask, cold))
            }
        };
        value
            .map(|value| V::parts(self).0.hold(hash, key.clone(), value, now))
            .is_some()
    }

    /// The row to change, if there is one.
    pub(crate) fn change<V: BookRow>(&mut self, key: &V::Key) -> Option<&mut V> {
        let (hash, now) = (hash_of(key.borrow()), self.now);
        match self.warm::<V>(hash, key) {
            true => V::parts(self).0.touch(hash, key.borrow(), now),
            false => None,
        }
    }

    /// The row to change, an empty one when there is none yet.
    pub(crate) fn edit<V: BookRow + Default>(&mut self, key: &V::Key) -> &mut V {
        let (hash, now) = (hash_of(key.borrow()), self.now);
        let is_there = self.warm::<V>(hash, key);
        let (table, _) = V::parts(self);
        match is_there {
            true => table.touch(hash, key.borrow(), now).expect("it is there"),
            false => table.hold(hash, key.clone(), V::default(), now),
        }
    }

    /// Puts a row there, in place of one that may be there. One that lasts is never put twice.
    pub(crate) fn put<V: BookRow>(&mut self, key: V::Key, value: V) {
        let (hash, now) = (hash_of(key.borrow()), self.now);
        let is_there = match V::LASTING {
            true => V::table(self).in_memory(hash, key.borrow()).is_some(),
            false => self.warm::<V>(hash, &key),
        };
        let (table, _) = V::parts(self);
        match is_there {
            true => *table.touch(hash, key.borrow(), now).expect("it is there") = value,
            false => {
                table.hold(hash, key, value, now);
            }
        }
    }

    /// Adds a row of a state that was kept. Where there is a tier for rows that no record has
    /// touched, it begins there.
    fn restore_row<V: BookRow>(
        &mut self,
        ledger: &Ledger,
        bytes: &[u8],
    ) -> Result<usize, RestoreRowError> {
        let (key, row, used) = read_row::<V>(ledger, bytes)?;
        let (hash, now) = (hash_of(key.borrow()), self.now);
        if self.find::<V>(hash, key.borrow()).is_some() {
            let (kind, key) = (V::KIND, key.to_string());
            return Err(StateContradiction::Twice { kind, key }.into());
        }
        match V::parts(self) {
            (table, Some(cold)) => table.put_cold(hash, &bytes[..used], cold),
            (table, None) => {
                table.hold(hash, key, row, now);
            }
        }
        Ok(used)
    }

    /// All rows of a table that lies on no other, by key, or by its hash where they last.
    pub(crate) fn sorted<'t, V: BookRow + 't>(&'t self) -> impl Iterator<Item = ListedRow<'t, V>> {
        debug_assert!(self.below.is_none(), "only the book itself is listed");
        V::table(self).sorted(self.cold())
    }

    /// The record at `position` is about to be folded.
    pub(crate) fn advance(&mut self, position: u64) {
        self.now = position;
        let is_due = |cold: &ColdTier| position.is_multiple_of(cold.stride());
        if self.cold().is_some_and(is_due) {
            self.cool();
        }
    }
}
