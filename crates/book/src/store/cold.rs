//! Rows that no record has touched for long: the seam to wherever they are kept instead of in
//! memory.
//!
//! The book decides which rows go, and finds them again by itself; what stores them knows only
//! bytes and addresses. So no definition of a closed order can be wrong: a row goes because no
//! event has touched it for many records, and it comes back when one does, a refund after a year
//! like any other.
//!
//! A store that fails is a failure and no refusal: the book remembers it, says so
//! ([`Book::fault`](crate::Book::fault)), and from then on nothing that it decides may be
//! believed.

use std::borrow::Borrow;
use std::error::Error;
use std::fmt;
use std::sync::{Arc, OnceLock};

use super::row::{StateRow, decode_row, encode_row};

/// Where a store has put a row: less than 2^40.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowAddress(u64);

impl RowAddress {
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
    /// Keeps the bytes of a row. The address of a row that is no longer wanted is never asked for
    /// again, without notice.
    ///
    /// # Errors
    /// When they cannot be kept.
    fn put(&mut self, row: &[u8]) -> Result<RowAddress, ColdFault>;

    /// The bytes that were put at an address.
    ///
    /// # Errors
    /// When they cannot be read, or are not what was put there.
    fn get(&self, address: RowAddress) -> Result<Vec<u8>, ColdFault>;
}

/// Keeps rows in memory: for tests, which need the second tier and no files.
#[derive(Debug, Default)]
pub struct MemoryColdStore(Vec<Box<[u8]>>);

impl ColdStore for MemoryColdStore {
    fn put(&mut self, row: &[u8]) -> Result<RowAddress, ColdFault> {
        let address = RowAddress::new(self.0.len() as u64);
        self.0.push(row.into());
        Ok(address.expect("memory ends before 2^40 rows"))
    }

    fn get(&self, address: RowAddress) -> Result<Vec<u8>, ColdFault> {
        let index = usize::try_from(address.get()).expect("it was an index");
        Ok(self.0[index].to_vec())
    }
}

const STRIDE: u64 = 16;

/// The second tier of a book: the store, and when a row goes there.
#[derive(Debug)]
pub struct ColdTier {
    store: Box<dyn ColdStore>,
    /// Records for which nothing has touched a row that goes.
    after: u64,
    /// The same for rows that never change.
    lasting_after: u64,
    /// The first; nothing is read or kept after it.
    fault: OnceLock<ColdFault>,
    /// Of the row that goes.
    bytes: Vec<u8>,
}

impl ColdTier {
    pub(crate) fn new(store: Box<dyn ColdStore>, after: u64, lasting_after: u64) -> Self {
        Self {
            store,
            after,
            lasting_after,
            fault: OnceLock::new(),
            bytes: Vec::new(),
        }
    }

    pub(crate) fn fault(&self) -> Option<&ColdFault> {
        self.fault.get()
    }

    /// Records for which nothing has touched a row that goes.
    pub(super) fn after(&self, is_lasting: bool) -> u64 {
        match is_lasting {
            true => self.lasting_after,
            false => self.after,
        }
    }

    /// Every so many records the next rows are looked at, so that no record pays for many.
    pub(super) fn stride(&self) -> u64 {
        match self.after.min(self.lasting_after) < 2 * STRIDE {
            true => 1,
            false => STRIDE,
        }
    }

    pub(super) fn is_sound(&self) -> bool {
        self.fault.get().is_none()
    }

    fn checked<T>(&self, result: Result<T, ColdFault>) -> Option<T> {
        result
            .map_err(|fault| self.fault.get_or_init(|| fault).clone())
            .ok()
    }

    /// Keeps a row; none when it cannot, and then the row is lost with the book.
    pub(super) fn put_row<V: StateRow>(&mut self, key: &V::Key, row: &V) -> Option<RowAddress> {
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.clear();
        encode_row(key, row, &mut bytes);
        let address = self.put(&bytes);
        self.bytes = bytes;
        address
    }

    /// The same for a row that is in bytes already.
    pub(super) fn put(&mut self, bytes: &[u8]) -> Option<RowAddress> {
        let put = self.is_sound().then(|| self.store.put(bytes))?;
        self.checked(put)
    }

    /// The bytes at an address; none after a fault.
    pub(super) fn get_bytes(&self, address: RowAddress) -> Option<Vec<u8>> {
        let bytes = self.is_sound().then(|| self.store.get(address))?;
        self.checked(bytes)
    }

    /// The row at an address; none after a fault.
    pub(super) fn get<V: StateRow>(&self, address: RowAddress) -> Option<(V::Key, V)> {
        let bytes = self.get_bytes(address)?;
        self.checked(match decode_row::<V>(&bytes) {
            Ok((key, row, used)) if used == bytes.len() => Ok((key, row)),
            Ok(_) => Err(ColdFault::new(ColdRowError::LeftOver)),
            Err(error) => Err(ColdFault::new(ColdRowError::Malformed(error))),
        })
    }

    /// The row at an address, when it has this key. Two keys may have one hash.
    pub(super) fn get_of<V: StateRow>(&self, address: RowAddress, ask: &V::Ask) -> Option<V> {
        let (key, row) = self.get::<V>(address)?;
        (key.borrow() == ask).then_some(row)
    }
}

/// What a store gave back is not the row that it was given.
#[derive(Debug, thiserror::Error)]
enum ColdRowError {
    #[error("a row that was put away does not read back")]
    Malformed(#[source] minicbor::decode::Error),
    #[error("bytes are left over behind a row that was put away")]
    LeftOver,
}
