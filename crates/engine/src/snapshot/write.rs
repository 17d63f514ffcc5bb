//! Writing: rows into blocks, blocks into a file or a comparison.

use super::format::{BLOCK_BYTES, BlockHeader};
use super::{Section, SnapshotError};

/// Where blocks go: a file, or a comparison.
pub(super) trait BlockSink {
    fn block(
        &mut self,
        section: Section,
        header: &[u8],
        payload: &[u8],
    ) -> Result<(), SnapshotError>;
}

/// Cuts sections into blocks of whole rows.
pub(super) struct BlockWriter<'a> {
    sink: &'a mut dyn BlockSink,
    payload: Vec<u8>,
    pub(super) blocks: u64,
}

impl<'a> BlockWriter<'a> {
    pub(super) fn new(sink: &'a mut dyn BlockSink) -> Self {
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
