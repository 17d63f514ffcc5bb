//! Writing: rows into blocks, blocks to wherever they go.

use super::format::{BLOCK_BYTES, BlockHeader};
use super::{Moment, Section, SnapshotError, rows};

/// Where blocks go: a file, or a comparison.
pub(super) trait Sink {
    fn block(
        &mut self,
        section: Section,
        header: &[u8],
        payload: &[u8],
    ) -> Result<(), SnapshotError>;
}

/// Cuts sections into blocks of whole rows.
pub(super) struct Writer<'a> {
    sink: &'a mut dyn Sink,
    payload: Vec<u8>,
    pub(super) blocks: u64,
}

impl<'a> Writer<'a> {
    pub(super) fn new(sink: &'a mut dyn Sink) -> Self {
        Self {
            sink,
            payload: Vec::new(),
            blocks: 0,
        }
    }

    /// Writes the rows of a section. One without rows has an empty block.
    pub(super) fn section<T>(
        &mut self,
        section: Section,
        all: impl IntoIterator<Item = T>,
        mut write: impl FnMut(T, &mut Vec<u8>),
    ) -> Result<(), SnapshotError> {
        let (mut number, mut rows) = (0, 0);
        for row in all {
            if self.payload.len() >= BLOCK_BYTES {
                self.flush(section, &mut number, &mut rows, false)?;
            }
            write(row, &mut self.payload);
            rows += 1;
        }
        self.flush(section, &mut number, &mut rows, true)
    }

    fn flush(
        &mut self,
        section: Section,
        number: &mut u32,
        rows: &mut u32,
        last: bool,
    ) -> Result<(), SnapshotError> {
        let header = BlockHeader::of(section, *number, last, *rows, &self.payload);
        self.sink.block(section, &header.encode(), &self.payload)?;
        self.payload.clear();
        self.blocks += 1;
        *number += 1;
        *rows = 0;
        Ok(())
    }
}

/// Writes all sections; answers the number of blocks.
pub(super) fn write_book(moment: &Moment<'_>, sink: &mut dyn Sink) -> Result<u64, SnapshotError> {
    let mut writer = Writer::new(sink);
    rows::write(moment.book, &mut writer)?;
    Ok(writer.blocks)
}
