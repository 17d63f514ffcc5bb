//! What the writer and the readers share: which segments there are, where
//! their frames are, and how far the log is committed.
//!
//! The writer publishes a frame here only after its sync. Readers take every
//! bound from here, so that bytes that are not durable do not exist for them.

use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use crate::damage::{Damage, Fault};
use crate::deadline::Deadline;
use crate::error::{LogReadError, Operation, StorageError};
use crate::frame::{self, FrameHeader, FramePlace};
use crate::identity::{Head, Position};
use crate::index::FrameIndex;
use crate::segment;
use crate::signal::CommitSignal;
use crate::storage::Storage;
use crate::window::Window;

/// A segment that takes no more frames.
#[derive(Debug)]
pub(crate) struct SealedSegment {
    number: u64,
    first: Position,
    length: u64,
    /// Empty until the segment is first needed, when open did not read it.
    index: OnceLock<FrameIndex>,
}

impl SealedSegment {
    pub(crate) fn new(
        number: u64,
        first: Position,
        length: u64,
        index: Option<FrameIndex>,
    ) -> Self {
        Self {
            number,
            first,
            length,
            index: index.map(OnceLock::from).unwrap_or_default(),
        }
    }
}

impl SealedSegment {
    pub(crate) fn length(&self) -> u64 {
        self.length
    }
}

/// The segment that is appended to.
#[derive(Debug)]
pub(crate) struct Active {
    pub number: u64,
    pub first: Position,
    /// Committed bytes.
    pub length: u64,
    pub index: FrameIndex,
}

#[derive(Debug)]
struct CatalogState {
    sealed: Vec<Arc<SealedSegment>>,
    active: Active,
    head: Head,
}

#[derive(Debug)]
pub(crate) struct Catalog<S> {
    storage: S,
    state: RwLock<CatalogState>,
    grown: CommitSignal,
}

/// Where to start reading for a position.
#[derive(Debug)]
pub(crate) struct Located {
    pub number: u64,
    /// Name of the file.
    pub name: String,
    /// A frame at or before the one that is looked for.
    pub offset: u64,
    /// End of the committed bytes.
    pub limit: u64,
}

impl<S: Storage> Catalog<S> {
    pub(crate) fn new(storage: S, sealed: Vec<SealedSegment>, active: Active, head: Head) -> Self {
        let sealed = sealed.into_iter().map(Arc::new).collect();
        Self {
            storage,
            state: RwLock::new(CatalogState {
                sealed,
                active,
                head,
            }),
            grown: CommitSignal::default(),
        }
    }

    pub(crate) fn storage(&self) -> &S {
        &self.storage
    }

    // The state is only ever replaced field by field with values computed
    // before, so it is whole even when a thread panicked while holding it.
    fn read<T>(&self, look: impl FnOnce(&CatalogState) -> T) -> T {
        look(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write(&self, change: impl FnOnce(&mut CatalogState)) {
        change(&mut self.state.write().unwrap_or_else(PoisonError::into_inner));
    }

    pub(crate) fn head(&self) -> Head {
        self.read(|state| state.head)
    }

    /// A frame at the end of the active segment is durable: `length` is the
    /// segment's length with it.
    pub(crate) fn publish(&self, length: u64, head: Head) {
        self.write(|state| {
            let active = &mut state.active;
            let before = state.head.position.next().get() - active.first.get();
            active.index.note(before, active.length);
            active.length = length;
            state.head = head;
        });
        self.grown.notify();
    }

    /// The head once it is past `position`, or at the deadline.
    pub(crate) fn wait_past(&self, position: Position, deadline: Deadline) -> Head {
        self.grown.wait_past(position, deadline, || self.head())
    }

    /// A new segment is durable and takes the place of the active one.
    pub(crate) fn rotate(&self, number: u64, first: Position) {
        self.write(|state| {
            let fresh = Active {
                number,
                first,
                length: segment::HEADER_BYTES as u64,
                index: FrameIndex::default(),
            };
            let old = std::mem::replace(&mut state.active, fresh);
            let sealed = SealedSegment::new(old.number, old.first, old.length, Some(old.index));
            state.sealed.push(Arc::new(sealed));
        });
    }

    /// Where to look for a committed position.
    pub(crate) fn locate(&self, position: Position) -> Result<Located, LogReadError> {
        let found = self.read(|state| {
            let active = &state.active;
            if position >= active.first {
                let record = position.get() - active.first.get();
                let offset = start_of(&active.index, record);
                return Ok(Located {
                    number: active.number,
                    name: segment::file_name(active.first),
                    offset,
                    limit: active.length,
                });
            }
            let after = state
                .sealed
                .partition_point(|sealed| sealed.first <= position);
            // The first segment starts at position 1, and no smaller position
            // is asked for.
            Err(Arc::clone(&state.sealed[after.saturating_sub(1)]))
        });
        let sealed = match found {
            Ok(located) => return Ok(located),
            Err(sealed) => sealed,
        };
        let name = segment::file_name(sealed.first);
        let index = match sealed.index.get() {
            Some(index) => index,
            None => {
                let index = self.index(&sealed, &name)?;
                sealed.index.get_or_init(|| index)
            }
        };
        Ok(Located {
            number: sealed.number,
            name,
            offset: start_of(index, position.get() - sealed.first.get()),
            limit: sealed.length,
        })
    }

    /// Builds the index of a segment that open did not read, from the headers
    /// alone: what they point to is checked when it is read.
    fn index(&self, sealed: &SealedSegment, name: &str) -> Result<FrameIndex, LogReadError> {
        let file = self
            .storage
            .open(name)
            .map_err(|source| StorageError::new(Operation::Open, name, 0, source))?;
        let mut window = Window::default();
        let mut index = FrameIndex::default();
        let mut offset = segment::HEADER_BYTES as u64;
        let mut next = sealed.first;
        let mut frame = 0;
        while offset < sealed.length {
            let place = FramePlace {
                segment: sealed.number,
                offset,
            };
            let bytes = window.view(&file, name, offset, frame::HEADER_BYTES, sealed.length)?;
            let header = FrameHeader::decode(bytes)
                .and_then(|header| header.check_place(place).map(|()| header))
                .and_then(|header| match header.link.first == next {
                    true => Ok(header),
                    false => Err(Fault::Position {
                        found: header.link.first,
                        expected: next,
                    }),
                })
                .map_err(|fault| Damage {
                    file: name.to_owned(),
                    offset,
                    frame: Some(frame),
                    position: next,
                    fault,
                    followed_by: None,
                    torn_tail: false,
                })?;
            index.note(next.get() - sealed.first.get(), offset);
            offset += header.bytes() as u64;
            next = header.last().next();
            frame += 1;
        }
        Ok(index)
    }
}

fn start_of(index: &FrameIndex, record: u64) -> u64 {
    index.seek(record).unwrap_or(segment::HEADER_BYTES as u64)
}
