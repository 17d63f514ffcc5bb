//! Fixed layouts: what there is most of is not worth a codec.

use minicbor::decode::Error;

/// Reads them, and notes how far.
pub(crate) struct Fixed<'a> {
    bytes: &'a [u8],
    used: usize,
}

impl<'a> Fixed<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, used: 0 }
    }

    pub(crate) fn used(&self) -> usize {
        self.used
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Error> {
        let end = self.used.checked_add(length);
        let taken = end.and_then(|end| self.bytes.get(self.used..end));
        self.used = self.used.saturating_add(length);
        taken.ok_or_else(|| Error::message("the row ends too early"))
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    pub(crate) fn text(&mut self, length: usize) -> Result<&'a str, Error> {
        std::str::from_utf8(self.take(length)?).map_err(Error::custom)
    }

    pub(crate) fn short_text(&mut self) -> Result<&'a str, Error> {
        let [length] = self.array()?;
        self.text(usize::from(length))
    }

    pub(crate) fn total(&mut self) -> Result<u64, Error> {
        Ok(u64::from_le_bytes(self.array()?))
    }
}
