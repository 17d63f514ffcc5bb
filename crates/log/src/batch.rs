//! The records of one append, encoded back to back in one buffer.
//!
//! The buffer has headroom in front of the records, so that a backend which
//! puts a header before them writes both at once, without copying a record. A
//! batch is reused: [`Batch::clear`] keeps its memory.

use crate::frame::{self, END_BYTES, FrameLink, HEADER_BYTES, RecordsOf};
use crate::identity::{FrameHash, Head, Position};
use crate::{MAX_FRAME_BYTES, MAX_RECORD_BYTES};

/// Bytes in front of each record: its length.
pub(crate) const PREFIX_BYTES: usize = 4;

/// What cannot be put into a batch. The batch is as it was before the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TooLarge {
    /// One record is longer than any frame may carry.
    #[error("a record of {bytes} bytes is larger than the {max} bytes that the log accepts")]
    Record {
        /// Length of the record.
        bytes: usize,
        /// [`MAX_RECORD_BYTES`].
        max: usize,
    },
    /// The batch is full: append it, and put the record into the next one.
    #[error("the batch would take {bytes} bytes as a frame, more than the {max} that fit in one")]
    Batch {
        /// Length that the frame would have.
        bytes: usize,
        /// [`MAX_FRAME_BYTES`].
        max: usize,
    },
}

/// Records to be appended together: all of them or none.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Headroom, then the records, each behind its length.
    frame: Vec<u8>,
    count: u32,
}

impl Default for Batch {
    fn default() -> Self {
        Self::new()
    }
}

impl Batch {
    /// An empty batch.
    #[must_use]
    pub fn new() -> Self {
        Self::with_capacity(0)
    }

    /// An empty batch with room for `bytes` bytes of records, their length
    /// prefixes (4 bytes each) included.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        let mut frame = Vec::with_capacity(HEADER_BYTES + bytes + END_BYTES);
        frame.resize(HEADER_BYTES, 0);
        Self { frame, count: 0 }
    }

    /// Adds one record. It may be empty.
    ///
    /// # Errors
    /// [`TooLarge`], and the batch is unchanged.
    pub fn push(&mut self, record: &[u8]) -> Result<(), TooLarge> {
        self.check(record.len())?;
        self.push_with(|buffer| buffer.extend_from_slice(record))
    }

    /// Adds one record that `write` appends to the end of the buffer, so that
    /// an encoder needs no buffer of its own.
    ///
    /// # Errors
    /// [`TooLarge`], and the batch is unchanged.
    ///
    /// # Panics
    /// When `write` takes away bytes that it did not write.
    pub fn push_with(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Result<(), TooLarge> {
        let prefix = self.frame.len();
        let start = prefix + PREFIX_BYTES;
        self.frame.extend_from_slice(&[0; PREFIX_BYTES]);
        write(&mut self.frame);
        let length = self
            .frame
            .len()
            .checked_sub(start)
            .expect("a record's encoder may only append");
        let refused = self.check_at(prefix, length).err();
        match (refused, u32::try_from(length)) {
            (None, Ok(bytes)) => {
                self.frame[prefix..start].copy_from_slice(&bytes.to_le_bytes());
                self.count += 1;
                Ok(())
            }
            (refused, _) => {
                self.frame.truncate(prefix);
                Err(refused.unwrap_or(TooLarge::Record {
                    bytes: length,
                    max: MAX_RECORD_BYTES,
                }))
            }
        }
    }

    fn check(&self, record: usize) -> Result<(), TooLarge> {
        self.check_at(self.frame.len(), record)
    }

    fn check_at(&self, prefix: usize, record: usize) -> Result<(), TooLarge> {
        if record > MAX_RECORD_BYTES {
            return Err(TooLarge::Record {
                bytes: record,
                max: MAX_RECORD_BYTES,
            });
        }
        let bytes = prefix + PREFIX_BYTES + record + END_BYTES;
        if bytes > MAX_FRAME_BYTES {
            return Err(TooLarge::Batch {
                bytes,
                max: MAX_FRAME_BYTES,
            });
        }
        Ok(())
    }

    /// Number of records.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count as usize
    }

    /// Whether there is nothing to append.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Forgets the records and keeps the memory.
    pub fn clear(&mut self) {
        self.frame.truncate(HEADER_BYTES);
        self.count = 0;
    }

    /// Bytes of the records with their length prefixes.
    #[must_use]
    pub fn byte_len(&self) -> usize {
        self.frame.len() - HEADER_BYTES
    }

    /// The records in order, numbered from `first`.
    #[must_use]
    pub fn records(&self, first: Position) -> RecordsOf<'_> {
        RecordsOf::new(first, self.count, &self.frame[HEADER_BYTES..])
    }

    /// The hash of the frame that this batch is when it is appended behind `after`. It is the same
    /// with every backend.
    pub fn hash_behind(&mut self, after: Head) -> FrameHash {
        let link = FrameLink {
            first: after.position.next(),
            previous: after.hash,
        };
        frame::put_hashed(self, link)
    }

    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    pub(crate) fn frame_mut(&mut self) -> &mut Vec<u8> {
        &mut self.frame
    }

    pub(crate) fn frame(&self) -> &[u8] {
        &self.frame
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_over_the_limit_leaves_the_batch_as_it_was() {
        let mut batch = Batch::new();
        batch.push(b"kept").unwrap();
        let before = batch.frame().to_vec();
        let refused = TooLarge::Record {
            bytes: MAX_RECORD_BYTES + 1,
            max: MAX_RECORD_BYTES,
        };
        assert_eq!(batch.push(&vec![0; MAX_RECORD_BYTES + 1]), Err(refused));
        let grown = batch.push_with(|buffer| buffer.resize(buffer.len() + MAX_RECORD_BYTES + 1, 7));
        assert_eq!(grown, Err(refused));
        assert_eq!((batch.len(), batch.frame()), (1, &before[..]));
    }

    #[test]
    fn a_batch_never_outgrows_a_frame() {
        let record = vec![1; MAX_RECORD_BYTES];
        let mut batch = Batch::with_capacity(MAX_FRAME_BYTES);
        let refused = loop {
            if let Err(refused) = batch.push(&record) {
                break refused;
            }
        };
        assert!(matches!(refused, TooLarge::Batch { .. }), "{refused}");
        assert!(HEADER_BYTES + batch.byte_len() + END_BYTES <= MAX_FRAME_BYTES);
        let room = MAX_FRAME_BYTES - HEADER_BYTES - batch.byte_len() - END_BYTES - PREFIX_BYTES;
        batch.push(&record[..room]).unwrap();
        assert_eq!(
            batch.frame().len() + END_BYTES,
            MAX_FRAME_BYTES,
            "a frame may be filled to its last byte"
        );
    }

    #[test]
    fn records_come_back_as_pushed() {
        let mut batch = Batch::new();
        batch.push(b"").unwrap();
        batch
            .push_with(|buffer| buffer.extend_from_slice(b"two"))
            .unwrap();
        let records: Vec<_> = batch.records(Position::new(9)).collect();
        assert_eq!(
            records,
            [(Position::new(9), &b""[..]), (Position::new(10), b"two")]
        );
        assert_eq!(batch.byte_len(), 4 + 4 + 3);
        batch.clear();
        assert!(batch.is_empty() && batch.byte_len() == 0);
    }
}
