//! Which segments the log has, seen from outside while a writer goes on.

use std::io;

use super::error::BackupError;
use crate::error::StorageError;
use crate::identity::{Head, LogId, Position};
use crate::scan::{ExpectedHeader, OpenSegment, list_segments};
use crate::segment::SegmentHeader;
use crate::storage::Storage;

/// A segment with a whole header.
pub(super) struct Planned {
    pub header: SegmentHeader,
    pub length: u64,
}

impl Planned {
    /// Whether it starts where the log, as far as `head`, ends.
    pub(super) fn continues(&self, head: Head) -> bool {
        head.position.checked_add(1) == Some(self.header.first) && self.header.previous == head.hash
    }
}

/// The segments that there were at one moment, at least one.
pub(super) struct BackupPlan {
    pub log: LogId,
    pub segments: Vec<Planned>,
    /// A segment was begun behind the last of these: all of them are sealed.
    pub rotation_begun: bool,
}

impl BackupPlan {
    pub(super) fn of<S: Storage>(log: &S) -> Result<Self, BackupError> {
        let firsts = firsts(log)?;
        let mut plan: Option<Self> = None;
        for (number, first) in (1..).zip(&firsts) {
            let last = number == firsts.len() as u64;
            let opened = match OpenSegment::open(log, *first) {
                Ok(opened) if last && opened.is_unfinished() => None,
                Ok(opened) => Some(opened),
                // A starting writer removes a segment that is unfinished.
                Err(error) if last && is_absent(&error) => None,
                Err(error) => return Err(BackupError::Log(error)),
            };
            let Some(segment) = opened else {
                if let Some(plan) = &mut plan {
                    plan.rotation_begun = true;
                }
                break;
            };
            let header = segment.check(&ExpectedHeader {
                log: plan.as_ref().map(|plan| plan.log),
                number,
                named_first: *first,
                after: (number == 1).then_some(Head::EMPTY),
            })?;
            let plan = plan.get_or_insert(Self {
                log: header.log,
                segments: Vec::new(),
                rotation_begun: false,
            });
            plan.segments.push(Planned {
                header,
                length: segment.length,
            });
        }
        plan.ok_or(BackupError::NoLog)
    }
}

/// A listing may miss a file that was created while it was made, and show the
/// next. Segments are created in order, so all up to the last of one listing
/// are in a second one.
fn firsts<S: Storage>(log: &S) -> Result<Vec<Position>, BackupError> {
    let seen = list_segments(log)?;
    let Some(last) = seen.last() else {
        return Err(BackupError::NoLog);
    };
    let mut firsts = list_segments(log)?;
    firsts.retain(|first| first <= last);
    Ok(firsts)
}

fn is_absent(error: &StorageError) -> bool {
    error.source.kind() == io::ErrorKind::NotFound
}
