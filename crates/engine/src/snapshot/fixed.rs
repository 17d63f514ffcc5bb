//! Fixed layouts: for what there is most of, a codec would take longer.

use minicbor::decode::Error;

/// Reads values of fixed width, and notes how far it is.
pub(super) struct FixedReader<'a> {
    bytes: &'a [u8],
    used: usize,
}

impl<'a> FixedReader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, used: 0 }
    }

    pub(super) fn used(&self) -> usize {
        self.used
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Error> {
        let end = self.used.checked_add(length);
        let taken = end.and_then(|end| self.bytes.get(self.used..end));
        self.used = self.used.saturating_add(length);
        taken.ok_or_else(|| Error::message("the row ends too early"))
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    pub(super) fn text(&mut self, length: usize) -> Result<&'a str, Error> {
        std::str::from_utf8(self.take(length)?).map_err(Error::custom)
    }

    pub(super) fn short_text(&mut self) -> Result<&'a str, Error> {
        let [length] = self.array()?;
        self.text(usize::from(length))
    }

    pub(super) fn total(&mut self) -> Result<u64, Error> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// A total of 16 bytes where it is wide, else of 8.
    pub(super) fn posted(&mut self, is_wide: bool) -> Result<u128, Error> {
        match is_wide {
            true => Ok(u128::from_le_bytes(self.array()?)),
            false => Ok(self.total()?.into()),
        }
    }
}
