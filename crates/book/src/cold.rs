//! Rows that nobody has touched for long: the seam to wherever they are kept instead of in
//! memory.
//!
//! The book decides which rows go, and finds them again by itself; what stores them knows only
//! places. So no definition of a closed order can be wrong: a row goes because no event has
//! touched it for many records, and it comes back when one does, a refund after a year like any
//! other.
//!
//! A store that fails is a failure and no refusal: the book remembers it, says so
//! ([`Book::fault`](crate::Book::fault)), and from then on nothing that it decides may be
//! believed. This module refuses to know bytes and files.

use std::borrow::{Borrow, Cow};
use std::error::Error;
use std::fmt;
use std::sync::{Arc, OnceLock};

use tillroll_events::{ExternalId, OrderId};

use crate::book::Applied;
use crate::ids::Ids;
use crate::order::Order;
use crate::rows::{
    BalanceTransaction, Charge, Dispute, Intent, OrderLinks, Payout, Refund, Transfer,
};
use crate::table::Stored;

/// A row of any table beside the ledger, with its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    /// An idempotency key, and what was applied under it.
    Key(Box<str>, Applied),
    Order(OrderId, Order),
    Links(OrderId, OrderLinks),
    Intent(ExternalId, Intent),
    Charge(ExternalId, Charge),
    Refund(ExternalId, Refund),
    Dispute(ExternalId, Dispute),
    Transfer(ExternalId, Transfer),
    Payout(ExternalId, Payout),
    BalanceTransaction(ExternalId, BalanceTransaction),
    /// Balance transactions by what they are about.
    Source(ExternalId, Ids),
}

/// Where a store has put a row: less than 2^40.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place(u64);

impl Place {
    /// There are 2^40 of them, so that the book remembers one in five bytes.
    #[must_use]
    pub const fn new(number: u64) -> Option<Self> {
        match number >> 40 {
            0 => Some(Self(number)),
            _ => None,
        }
    }

    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// Why a row could not be kept or read. Cheap to clone, because every later question is answered
/// with it.
#[derive(Clone, Debug)]
pub struct ColdFault(Arc<dyn Error + Send + Sync>);

impl ColdFault {
    pub fn new(source: impl Error + Send + Sync + 'static) -> Self {
        Self(Arc::new(source))
    }
}

impl fmt::Display for ColdFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for ColdFault {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}

/// Keeps rows outside of the book's own memory, for as long as the book lives and no longer.
/// What it gives back has to be what it was given, or a fault.
pub trait ColdStore: fmt::Debug + Send + Sync {
    /// Keeps a row. The place of a row that is no longer wanted is never asked for again, and
    /// nobody says so.
    ///
    /// # Errors
    /// When it cannot be kept.
    fn put(&mut self, row: &Row) -> Result<Place, ColdFault>;

    /// The row that was put at a place.
    ///
    /// # Errors
    /// When it cannot be read, or is not what was put there.
    fn get(&self, place: Place) -> Result<Row, ColdFault>;
}

/// Keeps rows in memory: for tests, which need the second tier and no files.
#[derive(Debug, Default)]
pub struct MemoryColdStore(Vec<Row>);

impl ColdStore for MemoryColdStore {
    fn put(&mut self, row: &Row) -> Result<Place, ColdFault> {
        let place = Place::new(self.0.len() as u64).expect("memory ends before 2^40 rows");
        self.0.push(row.clone());
        Ok(place)
    }

    fn get(&self, place: Place) -> Result<Row, ColdFault> {
        let index = usize::try_from(place.get()).expect("it was an index");
        Ok(self.0[index].clone())
    }
}

/// The second tier of a book: the store, and when a row goes there.
#[derive(Debug)]
pub(crate) struct Cold {
    store: Box<dyn ColdStore>,
    /// Records for which nobody has touched a row that goes.
    pub(crate) after: u64,
    /// The first; nothing is read or kept after it.
    fault: OnceLock<ColdFault>,
}

impl Cold {
    pub(crate) fn new(store: Box<dyn ColdStore>, after: u64) -> Self {
        Self {
            store,
            after,
            fault: OnceLock::new(),
        }
    }

    pub(crate) fn fault(&self) -> Option<&ColdFault> {
        self.fault.get()
    }

    pub(crate) fn is_sound(&self) -> bool {
        self.fault.get().is_none()
    }

    /// Keeps a row; none when it cannot, and then the row is lost with the book.
    pub(crate) fn keep<V: Stored>(&mut self, key: V::Key, value: V) -> Option<Place> {
        let row = value.into_row(key);
        let put = self.is_sound().then(|| self.store.put(&row))?;
        put.map_err(|fault| self.fault.get_or_init(|| fault).clone())
            .ok()
    }

    /// The row at a place; none when it is of another table, or after a fault.
    pub(crate) fn read<V: Stored>(&self, place: Place) -> Option<(V::Key, V)> {
        let row = self.is_sound().then(|| self.store.get(place))?;
        let row = row.map_err(|fault| self.fault.get_or_init(|| fault).clone());
        V::from_row(row.ok()?)
    }

    /// The row at a place, when it has this key. Two keys may have one hash.
    pub(crate) fn read_of<V: Stored>(&self, place: Place, ask: &V::Ask) -> Option<V> {
        let (key, value) = self.read::<V>(place)?;
        (key.borrow() == ask).then_some(value)
    }
}

/// A row as the state lists it: its key and what is under it.
pub type Listed<'a, K, V> = (Cow<'a, K>, Cow<'a, V>);
