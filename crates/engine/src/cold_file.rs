//! Rows that no record has touched for long, in a file: each with its length and a checksum, one
//! behind the other in the order in which they went.
//!
//! The file is of this process alone and has no name, so it ends with the process. It is never
//! synced, is no evidence and belongs to no backup: the roll has everything that is in it. A row
//! that came back to memory leaves its bytes behind; a row has to be changed by a record to come
//! back, so the file is never longer than what the state takes at the start, and the rows that
//! the records since then have touched. Where idempotency keys are is in it, too: twelve bytes of
//! each, written again whenever four runs of them become one, so some forty or fifty in ten million.
//!
//! What is read is believed only when its checksum holds, which covers its address as well.

use tillroll_book::{ColdFault, ColdStore, RowAddress};
use tillroll_log::{Operation, StorageError, StorageFile};

use crate::ScratchFiles;
use crate::snapshot::failed;

/// Before each row: its length and the checksum.
const HEAD: usize = 8;
/// Most rows are shorter, so one read gets them whole.
const FIRST_READ: usize = 512;
/// How the file is called in messages; it has no name of its own.
pub(crate) const FILE: &str = "the file of rows that no record has touched";

#[derive(Debug, thiserror::Error)]
enum ColdFileError {
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error("{FILE} is damaged at byte {offset}: {what}")]
    Damaged { offset: u64, what: String },
    #[error("{FILE} is full: it has {0} bytes")]
    Full(u64),
}

impl From<ColdFileError> for ColdFault {
    fn from(error: ColdFileError) -> Self {
        Self::new(error)
    }
}

/// Opened when the first row goes there: most books never have one.
pub(crate) struct ColdFile {
    scratch: ScratchFiles,
    file: Option<Box<dyn StorageFile>>,
    /// Bytes in the file; what follows is in the buffer.
    flushed: u64,
    buffer: Vec<u8>,
}

impl std::fmt::Debug for ColdFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ColdFile")
            .field("bytes", &(self.flushed + self.buffer.len() as u64))
            .finish_non_exhaustive()
    }
}

impl ColdFile {
    pub(crate) fn new(scratch: ScratchFiles) -> Self {
        Self {
            scratch,
            file: None,
            flushed: 0,
            buffer: Vec::new(),
        }
    }

    fn append(&mut self, row: &[u8]) -> Result<RowAddress, ColdFileError> {
        let offset = self.flushed + self.buffer.len() as u64;
        let address = RowAddress::new(offset).ok_or(ColdFileError::Full(offset))?;
        let length = u32::try_from(row.len()).expect("a row fits into a few records");
        let length = length.to_le_bytes();
        self.buffer.extend_from_slice(&length);
        let checksum = checksum(offset, length, row);
        self.buffer.extend_from_slice(&checksum.to_le_bytes());
        self.buffer.extend_from_slice(row);
        if self.buffer.len() > self.scratch.buffer_bytes {
            self.flush()?;
        }
        Ok(address)
    }

    fn flush(&mut self) -> Result<(), ColdFileError> {
        let file = match self.file.take() {
            Some(file) => file,
            None => self.scratch.open()?,
        };
        let file = self.file.insert(file);
        let written = file.write_at(self.flushed, &self.buffer);
        written.map_err(failed(Operation::Write, FILE, self.flushed))?;
        self.flushed += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    fn read(&self, offset: u64) -> Result<Vec<u8>, ColdFileError> {
        if let Some(ahead) = offset.checked_sub(self.flushed) {
            let start = usize::try_from(ahead).unwrap_or(usize::MAX);
            let framed = self.buffer.get(start..).unwrap_or_default();
            return Ok(row(offset, framed)?.to_vec());
        }
        let left = usize::try_from(self.flushed - offset).unwrap_or(usize::MAX);
        let mut framed = vec![0; left.min(FIRST_READ)];
        self.fill(offset, &mut framed)?;
        let whole = row_length(&framed).map_or(left, |row| (HEAD + row).min(left));
        if whole > framed.len() {
            framed.resize(whole, 0);
            self.fill(offset, &mut framed)?;
        }
        let length = row(offset, &framed)?.len();
        framed.truncate(HEAD + length);
        framed.drain(..HEAD);
        Ok(framed)
    }

    fn fill(&self, offset: u64, buffer: &mut [u8]) -> Result<(), ColdFileError> {
        let ends = |what: &str| damaged(offset, what);
        let file = self.file.as_ref().ok_or_else(|| ends("it is not there"))?;
        let mut filled = 0;
        while filled < buffer.len() {
            let at = offset + filled as u64;
            let read = file.read_at(at, &mut buffer[filled..]);
            match read.map_err(failed(Operation::Read, FILE, at))? {
                0 => return Err(ends("it ends too early")),
                read => filled += read,
            }
        }
        Ok(())
    }
}

impl ColdStore for ColdFile {
    fn put(&mut self, row: &[u8]) -> Result<RowAddress, ColdFault> {
        Ok(self.append(row)?)
    }

    fn get(&self, address: RowAddress) -> Result<Vec<u8>, ColdFault> {
        Ok(self.read(address.get())?)
    }
}

/// Covers the address, the length and the row: all but itself.
fn checksum(offset: u64, length: [u8; 4], row: &[u8]) -> u32 {
    let address = crc32c::crc32c(&offset.to_le_bytes());
    let length = crc32c::crc32c_append(address, &length);
    crc32c::crc32c_append(length, row)
}

/// Length of the row behind a head.
fn row_length(framed: &[u8]) -> Option<usize> {
    let length = u32::from_le_bytes(*framed.first_chunk()?);
    usize::try_from(length).ok()
}

fn damaged(offset: u64, what: impl Into<String>) -> ColdFileError {
    let what = what.into();
    ColdFileError::Damaged { offset, what }
}

/// The row behind a head, when its checksum holds.
fn row(offset: u64, framed: &[u8]) -> Result<&[u8], ColdFileError> {
    let ends = || damaged(offset, "a row ends beyond it");
    let (head, rest) = framed.split_first_chunk::<HEAD>().ok_or_else(ends)?;
    let row = row_length(framed).and_then(|length| rest.get(..length));
    let row = row.ok_or_else(ends)?;
    let [a, b, c, d, stored @ ..] = *head;
    match u32::from_le_bytes(stored) == checksum(offset, [a, b, c, d], row) {
        true => Ok(row),
        false => Err(damaged(offset, "a checksum does not match")),
    }
}
