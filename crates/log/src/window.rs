//! A reusable buffer over one file, read ahead, so that small frames do not
//! cost a system call each.

use crate::error::{Operation, StorageError};
use crate::storage::StorageFile;

/// Bytes read at once, when a frame is shorter: few at first, for a reader that
/// wants one record, and twice as many each time, for one that wants them all.
const FIRST_READ: u64 = 32 * 1024;
const LONGEST_READ: u64 = 256 * 1024;

#[derive(Debug)]
pub(crate) struct Window {
    bytes: Vec<u8>,
    /// Offset in the file of the first byte.
    base: u64,
    read_ahead: u64,
}

impl Default for Window {
    fn default() -> Self {
        Self {
            bytes: Vec::new(),
            base: 0,
            read_ahead: FIRST_READ,
        }
    }
}

impl Window {
    /// Forgets everything: the next view belongs to another file.
    pub(crate) fn reset(&mut self) {
        self.bytes.clear();
        self.base = 0;
    }

    /// The bytes of `file` from `offset`: `wanted` of them, or as many as
    /// there are before `limit` or the end of the file.
    pub(crate) fn view(
        &mut self,
        file: &impl StorageFile,
        name: &str,
        offset: u64,
        wanted: usize,
        limit: u64,
    ) -> Result<&[u8], StorageError> {
        let wanted = (wanted as u64).min(limit.saturating_sub(offset));
        let end = self.base + self.bytes.len() as u64;
        if offset < self.base || offset + wanted > end {
            self.load(file, name, offset, wanted, limit)?;
        }
        let start = index(offset - self.base);
        let stop = self.bytes.len().min(start + index(wanted));
        Ok(&self.bytes[start..stop])
    }

    fn load(
        &mut self,
        file: &impl StorageFile,
        name: &str,
        offset: u64,
        wanted: u64,
        limit: u64,
    ) -> Result<(), StorageError> {
        let end = self.base + self.bytes.len() as u64;
        if (self.base..end).contains(&offset) {
            self.bytes.drain(..index(offset - self.base));
        } else {
            self.bytes.clear();
        }
        self.base = offset;
        let target = index(
            wanted
                .max(self.read_ahead)
                .min(limit.saturating_sub(offset)),
        );
        self.read_ahead = (self.read_ahead * 2).min(LONGEST_READ);
        let mut filled = self.bytes.len();
        self.bytes.resize(target.max(filled), 0);
        while filled < target {
            let at = offset + filled as u64;
            match file.read_at(at, &mut self.bytes[filled..]) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(source) => {
                    self.bytes.truncate(filled);
                    return Err(StorageError::new(Operation::Read, name, at, source));
                }
            }
        }
        self.bytes.truncate(filled);
        Ok(())
    }
}

/// A length inside the window. It never outgrows what memory holds, because a
/// frame is at most 64 MiB.
fn index(length: u64) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}
