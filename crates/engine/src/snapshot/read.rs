//! Reading: every byte is checked before the book that was made of it is handed out.
//!
//! Of a long file, one thread reads and checks, and another makes rows of what the first has
//! found good.

use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use tillroll_log::{Operation, StorageFile};

use super::error::failed;
use super::format::{
    BLOCK_HEADER_BYTES, BlockHeader, END_BYTES, END_HASHED_BYTES, HEADER_BYTES, end_mark,
};
use super::rows::SnapshotRestore;
use super::{Section, SnapshotError, SnapshotFault, SnapshotHeader};
use crate::{BookOptions, Replay};

/// Blocks that may wait to be made rows of.
const AHEAD: usize = 8;
/// A file of fewer bytes is read sooner than a thread is started for it.
const FEW_BYTES: u64 = 64 * 1024;

/// A block whose checksums hold.
pub(super) struct Block {
    pub(super) section: Section,
    /// Where it starts in the file.
    offset: u64,
    pub(super) header: [u8; BLOCK_HEADER_BYTES],
    rows: u32,
    pub(super) payload: Vec<u8>,
}

struct Input<'a, F> {
    file: &'a F,
    name: &'a str,
    /// What is left of the file is from here on.
    offset: u64,
    length: u64,
    hasher: blake3::Hasher,
}

impl<'a, F: StorageFile> Input<'a, F> {
    fn open(file: &'a F, name: &'a str) -> Result<Self, SnapshotError> {
        let length = file.length().map_err(failed(Operation::Length, name, 0))?;
        Ok(Self {
            file,
            name,
            offset: 0,
            length,
            hasher: blake3::Hasher::new(),
        })
    }

    fn damaged(&self, section: Option<Section>, fault: SnapshotFault) -> SnapshotError {
        damaged(self.name, section, self.offset, fault)
    }

    /// Fills the buffer from the file, and goes on behind it.
    fn fill(&mut self, section: Option<Section>, buffer: &mut [u8]) -> Result<(), SnapshotError> {
        let needed = buffer.len() as u64;
        let truncated = |available| SnapshotFault::Truncated { needed, available };
        let available = self.length.saturating_sub(self.offset);
        if available < needed {
            return Err(self.damaged(section, truncated(available)));
        }
        let mut filled = 0;
        while filled < buffer.len() {
            let at = self.offset + filled as u64;
            let read = self.file.read_at(at, &mut buffer[filled..]);
            match read.map_err(failed(Operation::Read, self.name, at))? {
                0 => return Err(self.damaged(section, truncated(filled as u64))),
                read => filled += read,
            }
        }
        self.offset += buffer.len() as u64;
        Ok(())
    }

    fn header(&mut self) -> Result<SnapshotHeader, SnapshotError> {
        let mut bytes = [0; HEADER_BYTES];
        self.fill(None, &mut bytes)?;
        self.hasher.update(&bytes);
        SnapshotHeader::decode(&bytes).map_err(|fault| damaged(self.name, None, 0, fault))
    }

    fn block(&mut self, section: Section, number: u32) -> Result<(Block, bool), SnapshotError> {
        let (offset, name) = (self.offset, self.name);
        let wrong = |fault| damaged(name, Some(section), offset, fault);
        let mut bytes = [0; BLOCK_HEADER_BYTES];
        self.fill(Some(section), &mut bytes)?;
        let header = BlockHeader::decode(&bytes, section, number).map_err(wrong)?;
        let available = self.length.saturating_sub(self.offset);
        if u64::from(header.length) > available {
            return Err(wrong(SnapshotFault::Truncated {
                needed: u64::from(header.length),
                available,
            }));
        }
        let mut payload = vec![0; usize::try_from(header.length).unwrap_or(usize::MAX)];
        self.fill(Some(section), &mut payload)?;
        header.check(&payload).map_err(wrong)?;
        self.hasher.update(&bytes).update(&payload);
        let block = Block {
            section,
            offset,
            header: bytes,
            rows: header.rows,
            payload,
        };
        Ok((block, header.last))
    }

    fn end(&mut self, blocks: u64) -> Result<(), SnapshotError> {
        let offset = self.offset;
        let wrong = |name, fault| damaged(name, None, offset, fault);
        let mut bytes = [0; END_BYTES];
        self.fill(None, &mut bytes)?;
        let (mark, hash) = bytes.split_at(END_HASHED_BYTES);
        if mark != end_mark(blocks, offset + END_BYTES as u64) {
            return Err(wrong(self.name, SnapshotFault::End));
        }
        self.hasher.update(mark);
        let computed = self.hasher.finalize();
        if computed.as_bytes() != hash {
            return Err(wrong(self.name, SnapshotFault::Hash));
        }
        match self.length - self.offset {
            0 => Ok(()),
            left => Err(self.damaged(None, SnapshotFault::Trailing(left))),
        }
    }
}

pub(super) fn damaged(
    file: &str,
    section: Option<Section>,
    offset: u64,
    fault: SnapshotFault,
) -> SnapshotError {
    SnapshotError::Damaged {
        file: file.to_owned(),
        section,
        offset,
        fault,
    }
}

/// Reads the header alone.
pub(super) fn header<F: StorageFile>(
    file: &F,
    name: &str,
) -> Result<SnapshotHeader, SnapshotError> {
    Input::open(file, name)?.header()
}

/// Reads and checks a whole file. What `visit` has made of blocks counts only when this returns
/// `Ok`: the hash is at the end.
pub(super) fn blocks<F: StorageFile>(
    file: &F,
    name: &str,
    visit: impl FnMut(Block) -> Result<(), SnapshotError>,
) -> Result<SnapshotHeader, SnapshotError> {
    let mut input = Input::open(file, name)?;
    let header = input.header()?;
    all_blocks(input, visit)?;
    Ok(header)
}

fn all_blocks<F: StorageFile>(
    mut input: Input<'_, F>,
    mut visit: impl FnMut(Block) -> Result<(), SnapshotError>,
) -> Result<(), SnapshotError> {
    let mut count = 0;
    for section in Section::all() {
        for number in 0.. {
            let (block, last) = input.block(section, number)?;
            visit(block)?;
            count += 1;
            if last {
                break;
            }
        }
    }
    input.end(count)
}

/// Reads a snapshot: the fold of the roll up to its position.
pub(super) fn replay<F: StorageFile>(
    file: &F,
    name: &str,
    book_options: &BookOptions,
) -> Result<(SnapshotHeader, Replay), SnapshotError> {
    let mut input = Input::open(file, name)?;
    let header = input.header()?;
    let empty = SnapshotRestore::new(header.accounts, input.length, book_options.book());
    let rebuild = match input.length < FEW_BYTES {
        true => rebuild_here(input, empty)?,
        false => rebuild_beside(input, empty)?,
    };
    let book = rebuild
        .finish()
        .map_err(|fault| damaged(name, None, 0, fault))?;
    if let Some(fault) = book.fault() {
        return Err(fault.clone().into());
    }
    let (said, found) = (header.accounts, book.ledger().account_count() as u64);
    if said != found {
        let fault = SnapshotFault::Accounts { said, found };
        return Err(damaged(name, None, 0, fault));
    }
    let SnapshotHeader {
        head, recorded_at, ..
    } = header;
    let replay = Replay::folded(book_options.clone(), book, head.position, Some(recorded_at));
    Ok((header, replay))
}

fn rebuild_here<F: StorageFile>(
    input: Input<'_, F>,
    mut rebuild: SnapshotRestore,
) -> Result<SnapshotRestore, SnapshotError> {
    let name = input.name;
    all_blocks(input, |block| add(name, &mut rebuild, &block))?;
    Ok(rebuild)
}

/// The same, while another thread reads and checks.
fn rebuild_beside<F: StorageFile>(
    input: Input<'_, F>,
    mut rebuild: SnapshotRestore,
) -> Result<SnapshotRestore, SnapshotError> {
    let name = input.name;
    let (sender, receiver) = sync_channel(AHEAD);
    let (read, rebuilt) = thread::scope(|scope| {
        let reader = scope.spawn(move || read_ahead(input, &sender));
        let mut blocks = receiver.iter();
        let rebuilt = blocks.try_for_each(|block| add(name, &mut rebuild, &block));
        // The reader must not wait for a caller that has given up.
        drop(receiver);
        let read = reader.join();
        (
            read.unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            rebuilt,
        )
    });
    rebuilt?;
    read?;
    Ok(rebuild)
}

fn read_ahead<F: StorageFile>(
    input: Input<'_, F>,
    sender: &SyncSender<Block>,
) -> Result<(), SnapshotError> {
    all_blocks(input, |block| {
        sender.send(block).map_err(|_| SnapshotError::Abandoned)
    })
}

/// Makes rows of a block whose checksums hold.
fn add(name: &str, rebuild: &mut SnapshotRestore, block: &Block) -> Result<(), SnapshotError> {
    rebuild
        .block(block.section, block.rows, &block.payload)
        .map_err(|fault| damaged(name, Some(block.section), block.offset, fault))
}
