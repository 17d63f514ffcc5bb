//! Reading committed frames from segment files while the writer appends.
//!
//! Every frame that is handed out was checked on this read: place, checksums,
//! position, and, from the second on, its link to the one before. The BLAKE3
//! hash itself is computed by open and by verification, not here.

use std::sync::Arc;

use crate::catalog::Catalog;
use crate::damage::{Damage, Fault};
use crate::deadline::Deadline;
use crate::error::{LogReadError, Operation, StorageError};
use crate::frame::{self, Depth, Frame, FrameHeader, FramePlace};
use crate::identity::{FrameHash, Head, Position};
use crate::log::{Frames, LogReader};
use crate::storage::Storage;
use crate::window::Window;

/// Reader of a [`crate::FileLog`]. Clones are cheap and independent.
#[derive(Debug)]
pub struct FileReader<S> {
    catalog: Arc<Catalog<S>>,
}

impl<S> Clone for FileReader<S> {
    fn clone(&self) -> Self {
        Self {
            catalog: Arc::clone(&self.catalog),
        }
    }
}

impl<S: Storage> FileReader<S> {
    pub(crate) fn new(catalog: Arc<Catalog<S>>) -> Self {
        Self { catalog }
    }
}

impl<S: Storage> LogReader for FileReader<S> {
    fn head(&self, _: Deadline) -> Result<Head, LogReadError> {
        Ok(self.catalog.head())
    }

    fn wait_past(&self, position: Position, deadline: Deadline) -> Result<Head, LogReadError> {
        Ok(self.catalog.wait_past(position, deadline))
    }

    fn frames(&self, from: Position, deadline: Deadline) -> Result<Box<dyn Frames>, LogReadError> {
        Ok(Box::new(FileFrames {
            catalog: Arc::clone(&self.catalog),
            next: from.max(Position::FIRST),
            end: self.catalog.head().position,
            previous: None,
            current: None,
            deadline,
            window: Window::default(),
        }))
    }
}

struct Current<F> {
    file: F,
    name: String,
    number: u64,
    offset: u64,
    limit: u64,
}

struct FileFrames<S: Storage> {
    catalog: Arc<Catalog<S>>,
    /// The position that the next frame must hold.
    next: Position,
    /// The last position to hand out.
    end: Position,
    /// Hash of the frame before, once one was read.
    previous: Option<FrameHash>,
    current: Option<Current<S::File>>,
    deadline: Deadline,
    window: Window,
}

impl<S: Storage> FileFrames<S> {
    /// Goes to the segment of the next position, when it is not this one.
    fn enter(&mut self) -> Result<(), LogReadError> {
        if self
            .current
            .as_ref()
            .is_some_and(|current| current.offset < current.limit)
        {
            return Ok(());
        }
        let located = self.catalog.locate(self.next)?;
        let file = self
            .catalog
            .storage()
            .open(&located.name)
            .map_err(|source| StorageError::new(Operation::Open, &located.name, 0, source))?;
        self.window.reset();
        self.current = Some(Current {
            file,
            name: located.name,
            number: located.number,
            offset: located.offset,
            limit: located.limit,
        });
        Ok(())
    }

    /// Hops over headers to the frame that holds the next position.
    fn seek(&mut self) -> Result<Option<FrameHeader>, LogReadError> {
        let Some(current) = &mut self.current else {
            return Ok(None);
        };
        loop {
            let place = FramePlace {
                segment: current.number,
                offset: current.offset,
            };
            let bytes = self.window.view(
                &current.file,
                &current.name,
                current.offset,
                frame::HEADER_BYTES,
                current.limit,
            )?;
            let header = FrameHeader::decode(bytes)
                .and_then(|header| header.check_place(place).map(|()| header))
                .and_then(|header| match self.previous {
                    Some(previous) if previous != header.link.previous => Err(Fault::Chain),
                    _ if header.link.first > self.next => Err(Fault::Position {
                        found: header.link.first,
                        expected: self.next,
                    }),
                    _ => Ok(header),
                })
                .map_err(|fault| damage(current, self.next, fault))?;
            if header.last() >= self.next {
                return Ok(Some(header));
            }
            current.offset += header.bytes() as u64;
        }
    }

    fn read(&mut self, end: Position) -> Result<Option<Frame<'_>>, LogReadError> {
        self.enter()?;
        let header = self.seek()?;
        let (Some(current), Some(header)) = (&mut self.current, header) else {
            return Ok(None);
        };
        let offset = current.offset;
        let bytes = self.window.view(
            &current.file,
            &current.name,
            offset,
            header.bytes(),
            current.limit,
        )?;
        let view = frame::check_body(&header, bytes, Depth::Checksums)
            .map_err(|fault| damage(current, self.next, fault))?;
        current.offset = offset + header.bytes() as u64;
        self.previous = Some(view.hash);
        self.next = view.last().next();
        self.end = end;
        Ok(Some(view))
    }
}

fn damage<F>(current: &Current<F>, position: Position, fault: Fault) -> Damage {
    Damage {
        file: current.name.clone(),
        offset: current.offset,
        frame: None,
        position,
        fault,
        followed_by: None,
        torn_tail: false,
    }
}

impl<S: Storage> Frames for FileFrames<S> {
    fn next_frame(&mut self) -> Result<Option<Frame<'_>>, LogReadError> {
        if self.next > self.end {
            return Ok(None);
        }
        if self.deadline.has_passed() {
            return Err(LogReadError::DeadlinePassed);
        }
        // Taken while reading, so that an error leaves nothing to hand out.
        let end = std::mem::replace(&mut self.end, Position::ZERO);
        self.read(end)
    }
}
