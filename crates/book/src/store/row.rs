//! What every kind of row has: a number, a name, a key, and bytes.

use std::borrow::Borrow;
use std::fmt;
use std::hash::Hash;
use std::ops::{Deref, DerefMut};

use minicbor::decode::Error;
use minicbor::{Decode, Decoder, Encode, Encoder};

use super::legs::Legs;

/// Which table a row is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowKind {
    number: u8,
    name: &'static str,
}

impl RowKind {
    pub(super) const fn new(number: u8, name: &'static str) -> Self {
        Self { number, name }
    }

    /// From 1; never used again for another table.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.number
    }

    /// What its rows are, in messages: "orders".
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.name
    }
}

impl fmt::Display for RowKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name)
    }
}

/// A row of the state beside the ledger. Its codec is derived from its numbered fields.
pub trait StateRow: Clone + fmt::Debug + Encode<()> + for<'b> Decode<'b, ()> {
    const KIND: RowKind;
    /// Whether a row is put once and stays as it is, and there are ever more of them. Where such
    /// rows are, once they are not in memory, is not in memory either, and they are listed by a
    /// hash of their keys, because what does not fit into memory cannot be sorted there.
    const LASTING: bool;
    type Key: Borrow<Self::Ask>
        + Clone
        + Ord
        + fmt::Debug
        + fmt::Display
        + Encode<()>
        + for<'b> Decode<'b, ()>;
    /// What a row is asked for by.
    type Ask: Hash + Eq + ?Sized;
    /// How it is held while it is in memory.
    type Home: RowHome<Self>;

    /// What it has on the books, where such rows have anything there.
    fn booked(&self) -> Option<&Legs>;
}

/// Appends a row's bytes: its key and what is under it.
pub fn encode_row<V: StateRow>(key: &V::Key, row: &V, to: &mut Vec<u8>) {
    let written = Encoder::new(to)
        .encode(key)
        .and_then(|e| e.encode(row))
        .map(|_| ());
    written.expect("writing to memory cannot fail");
}

/// Reads the row at the start of `bytes`: its key, the row, its length. Nothing that the bytes
/// say may panic.
pub(super) fn decode_row<V: StateRow>(bytes: &[u8]) -> Result<(V::Key, V, usize), Error> {
    let mut decoder = Decoder::new(bytes);
    let (key, row) = (decoder.decode()?, decoder.decode()?);
    Ok((key, row, decoder.position()))
}

/// How a row is held. Most are long, and a table has room for twice as many as are in it: boxes
/// cost less.
pub trait RowHome<V>: DerefMut<Target = V> + fmt::Debug {
    fn of(value: V) -> Self;
    fn into_inner(self) -> V;
}

impl<V: fmt::Debug> RowHome<V> for Box<V> {
    fn of(value: V) -> Self {
        Self::new(value)
    }

    fn into_inner(self) -> V {
        *self
    }
}

/// For short rows, of which there are many.
#[derive(Debug)]
pub struct Inline<V>(V);

impl<V> Deref for Inline<V> {
    type Target = V;

    fn deref(&self) -> &V {
        &self.0
    }
}

impl<V> DerefMut for Inline<V> {
    fn deref_mut(&mut self) -> &mut V {
        &mut self.0
    }
}

impl<V: fmt::Debug> RowHome<V> for Inline<V> {
    fn of(value: V) -> Self {
        Self(value)
    }

    fn into_inner(self) -> V {
        self.0
    }
}
