//! Rows that nobody has touched for long, in a file: each with its length and a checksum, one
//! behind the other in the order in which they went.
//!
//! The file is of this process alone and has no name, so it ends with the process. It is never
//! synced, is no evidence and belongs to no backup: the roll has everything that is in it. A row
//! that came back to memory leaves its bytes behind; a row has to be changed by a record to come
//! back, so the file is never longer than what the state takes at the start, and the rows that
//! the records since then have touched.
//!
//! What is read is believed only when its checksum holds, which covers its place as well.

use tillroll_book::{ColdFault, ColdStore, Place, Row};
use tillroll_log::{Operation, StorageError, StorageFile};

use crate::failure::in_full;
use crate::snapshot::failed;
use crate::{ScratchFiles, Section, row};

/// Before each row: its length, the checksum, the number of its section.
const HEAD: usize = 9;
/// Most rows are shorter, so one read gets them whole.
const FIRST_READ: usize = 512;
/// How the file is called in messages; it has no name of its own.
pub(crate) const FILE: &str = "the file of rows that nobody has touched";

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

    fn append(&mut self, row: &Row) -> Result<Place, ColdFileError> {
        let offset = self.flushed + self.buffer.len() as u64;
        let place = Place::new(offset).ok_or(ColdFileError::Full(offset))?;
        let start = self.buffer.len();
        self.buffer.extend_from_slice(&[0; HEAD]);
        let section = row::write(row, &mut self.buffer);
        let framed = &mut self.buffer[start..];
        let length = u32::try_from(framed.len() - HEAD).expect("a row fits into a few records");
        framed[HEAD - 1] = u8::try_from(section.number()).expect("there are few sections");
        framed[..4].copy_from_slice(&length.to_le_bytes());
        let checksum = checksum(offset, framed);
        framed[4..HEAD - 1].copy_from_slice(&checksum.to_le_bytes());
        if self.buffer.len() > self.scratch.buffer_bytes {
            self.flush()?;
        }
        Ok(place)
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

    fn read(&self, offset: u64) -> Result<Row, ColdFileError> {
        if let Some(ahead) = offset.checked_sub(self.flushed) {
            let start = usize::try_from(ahead).unwrap_or(usize::MAX);
            let framed = self.buffer.get(start..).unwrap_or_default();
            return decode(offset, framed);
        }
        let left = usize::try_from(self.flushed - offset).unwrap_or(usize::MAX);
        let mut framed = vec![0; left.min(FIRST_READ)];
        self.fill(offset, &mut framed)?;
        let whole = row_bytes(&framed).map_or(left, |row| (HEAD + row).min(left));
        if whole > framed.len() {
            framed.resize(whole, 0);
            self.fill(offset, &mut framed)?;
        }
        decode(offset, &framed)
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
    fn put(&mut self, row: &Row) -> Result<Place, ColdFault> {
        Ok(self.append(row)?)
    }

    fn get(&self, place: Place) -> Result<Row, ColdFault> {
        Ok(self.read(place.get())?)
    }
}

/// Covers the place, the length, the section and the row: all but itself.
fn checksum(offset: u64, framed: &[u8]) -> u32 {
    let place = crc32c::crc32c(&offset.to_le_bytes());
    let length = crc32c::crc32c_append(place, &framed[..4]);
    crc32c::crc32c_append(length, &framed[HEAD - 1..])
}

/// Length of the row behind a head.
fn row_bytes(framed: &[u8]) -> Option<usize> {
    let length = u32::from_le_bytes(*framed.first_chunk()?);
    usize::try_from(length).ok()
}

fn damaged(offset: u64, what: impl Into<String>) -> ColdFileError {
    let what = what.into();
    ColdFileError::Damaged { offset, what }
}

fn decode(offset: u64, bytes: &[u8]) -> Result<Row, ColdFileError> {
    let whole = row_bytes(bytes).and_then(|row| bytes.get(..HEAD.checked_add(row)?));
    let framed = whole.ok_or_else(|| damaged(offset, "a row ends beyond it"))?;
    let kept = framed[4..HEAD - 1].first_chunk();
    let kept = u32::from_le_bytes(*kept.expect("the head has four bytes of it"));
    if kept != checksum(offset, framed) {
        return Err(damaged(offset, "a checksum does not match"));
    }
    let number = u16::from(framed[HEAD - 1]);
    let section = Section::ALL.into_iter().find(|all| all.number() == number);
    let section = section.ok_or_else(|| damaged(offset, "no table has such rows"))?;
    match row::read(section, &framed[HEAD..]) {
        Ok((row, used)) if used == framed.len() - HEAD => Ok(row),
        Ok(_) => Err(damaged(offset, "bytes are left over")),
        Err(error) => Err(damaged(offset, in_full(&error))),
    }
}
