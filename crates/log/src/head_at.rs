//! The head of a log as it was at a position: for a caller that has kept one, and asks whether
//! the log still says so. It reads headers of one segment and checks one frame, and changes nothing.

use crate::error::StorageError;
use crate::frame::{self, Depth, FrameHeader, FramePlace};
use crate::identity::{Head, LogId, Position};
use crate::scan::{ListingError, OpenSegment, list_segments};
use crate::segment;
use crate::storage::Storage;
use crate::window::Window;

/// The id of the log and its head when `position` was its last record; `None` when no whole
/// frame ends there, for whatever reason: the log is shorter, a frame goes on past the position,
/// or bytes on the way to it are damaged, which opening will find.
///
/// # Errors
/// What the system says.
pub(crate) fn head_at<S: Storage>(
    storage: &S,
    position: Position,
) -> Result<Option<(LogId, Head)>, StorageError> {
    let firsts = match list_segments(storage) {
        Ok(firsts) => firsts,
        Err(ListingError::Storage(error)) => return Err(error),
        Err(ListingError::Stray(_)) => return Ok(None),
    };
    let after = firsts.partition_point(|first| *first <= position);
    let Some(first) = after.checked_sub(1).map(|index| firsts[index]) else {
        return Ok(None);
    };
    let opened = OpenSegment::open(storage, first)?;
    let Ok(header) = opened.header else {
        return Ok(None);
    };
    let mut window = Window::default();
    let mut offset = segment::HEADER_BYTES as u64;
    let mut next = header.first;
    while offset < opened.length {
        let place = FramePlace {
            segment: header.number,
            offset,
        };
        let (file, name, limit) = (&opened.file, &opened.name, opened.length);
        let bytes = window.view(file, name, offset, frame::HEADER_BYTES, limit)?;
        let Ok(frame) = FrameHeader::decode(bytes) else {
            return Ok(None);
        };
        if frame.check_place(place).is_err() || frame.link.first != next || frame.last() > position
        {
            return Ok(None);
        }
        if frame.last() == position {
            let bytes = window.view(file, name, offset, frame.bytes(), limit)?;
            let whole = frame::check_body(&frame, bytes, Depth::Hash);
            return Ok(whole.ok().map(|view| {
                let hash = view.hash;
                (header.log, Head { position, hash })
            }));
        }
        offset += frame.bytes() as u64;
        next = frame.last().next();
    }
    Ok(None)
}
