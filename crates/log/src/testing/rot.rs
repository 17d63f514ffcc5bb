//! Bytes that are not as they were written when they are read.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::storage::StorageFile;

/// What rots in the files that it was laid over, and how often rotten bytes were read.
/// Clones are the same rot.
#[derive(Clone, Debug, Default)]
pub struct Rot {
    state: Arc<Mutex<RotState>>,
}

#[derive(Debug, Default)]
struct RotState {
    place: Option<RotPlace>,
    /// Since the place was named.
    reads: u64,
    hits: u64,
}

#[derive(Clone, Copy, Debug)]
enum RotPlace {
    Byte { offset: u64, mask: u8 },
    Read { nth: u64, byte: usize, mask: u8 },
}

impl Rot {
    /// Nothing rots yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, RotState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, place: Option<RotPlace>) {
        *self.state() = RotState {
            place,
            ..RotState::default()
        };
    }

    /// From now on the byte at `offset` of a file has the bits of `mask` turned.
    pub fn in_byte(&self, offset: u64, mask: u8) {
        self.begin(Some(RotPlace::Byte { offset, mask }));
    }

    /// The `nth` read from now on, counted from 0, answers its byte number `byte` with the bits
    /// of `mask` turned; read again, it is sound.
    pub fn in_read(&self, nth: u64, byte: usize, mask: u8) {
        self.begin(Some(RotPlace::Read { nth, byte, mask }));
    }

    /// Nothing rots any more. The count of [`Rot::hits`] starts again.
    pub fn end(&self) {
        self.begin(None);
    }

    /// How often a rotten byte was read since a place was named.
    #[must_use]
    pub fn hits(&self) -> u64 {
        self.state().hits
    }

    /// The file with this rot in it.
    pub fn over<F: StorageFile>(&self, file: F) -> RottenFile<F> {
        RottenFile {
            file,
            rot: self.clone(),
        }
    }

    fn spoil(&self, offset: u64, bytes: &mut [u8]) {
        let mut state = self.state();
        let read = state.reads;
        state.reads += 1;
        let (place, mask) = match state.place {
            Some(RotPlace::Byte { offset: at, mask }) => {
                let place = at.checked_sub(offset);
                (place.and_then(|place| usize::try_from(place).ok()), mask)
            }
            Some(RotPlace::Read { nth, byte, mask }) => ((nth == read).then_some(byte), mask),
            None => return,
        };
        if let Some(byte) = place.and_then(|place| bytes.get_mut(place)) {
            *byte ^= mask;
            state.hits += 1;
        }
    }
}

/// A file with [`Rot`] in it. What is written is written as it is.
#[derive(Debug)]
pub struct RottenFile<F> {
    file: F,
    rot: Rot,
}

impl<F: StorageFile> StorageFile for RottenFile<F> {
    fn length(&self) -> io::Result<u64> {
        self.file.length()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(offset, buffer)?;
        self.rot.spoil(offset, &mut buffer[..read]);
        Ok(read)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.write_at(offset, bytes)
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync()
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        self.file.truncate(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::Storage;
    use crate::testing::MemoryStorage;

    #[test]
    fn a_byte_rots_for_good_and_a_read_once() {
        let rot = Rot::new();
        let file = rot.over(MemoryStorage::new().create("a").unwrap());
        file.write_at(0, b"bytes").unwrap();
        let read = |offset| {
            let mut buffer = [0; 3];
            let read = file.read_at(offset, &mut buffer).unwrap();
            String::from_utf8_lossy(&buffer[..read]).into_owned()
        };
        assert_eq!(read(1), "yte");
        rot.in_byte(2, 1);
        assert_eq!(
            (read(0), read(2), read(3)),
            ("byu".into(), "ues".into(), "es".into())
        );
        assert_eq!(rot.hits(), 2);
        rot.in_read(1, 2, 1);
        assert_eq!(
            (read(0), read(0), read(0)),
            ("byt".into(), "byu".into(), "byt".into())
        );
        assert_eq!(rot.hits(), 1);
        rot.end();
        assert_eq!((read(2), rot.hits()), ("tes".into(), 0));
    }
}
