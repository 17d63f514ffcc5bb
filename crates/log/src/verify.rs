//! Reading the whole log with every check, changing nothing.
//!
//! Stricter than opening: a torn tail and a segment that a rotation left
//! unfinished are reported too, as damage that opening would mend.

use crate::damage::Damage;
use crate::error::StorageError;
use crate::identity::{Head, LogId};
use crate::scan::{
    ExpectedHeader, ListingError, OpenSegment, Scan, ScanStop, SegmentEnd, list_segments,
};
use crate::segment;
use crate::storage::Storage;
use crate::window::Window;

/// How far a verification is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyProgress {
    /// The segment, from 1.
    pub segment: u64,
    /// Segments in all.
    pub segments: u64,
    /// Bytes of the segment that were read.
    pub bytes: u64,
    /// Length of the segment.
    pub length: u64,
}

/// A log in which everything checks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyReport {
    /// The log's id, `None` when there is no segment.
    pub log: Option<LogId>,
    /// Segments read.
    pub segments: u64,
    /// Frames read.
    pub frames: u64,
    /// Records read.
    pub records: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Where the log ends.
    pub head: Head,
}

/// Why a log was not found whole.
#[derive(Debug, thiserror::Error)]
pub enum LogVerifyError {
    /// Something does not check.
    #[error(transparent)]
    Damaged(#[from] Damage),
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A file has the suffix of segments and no segment's name.
    #[error("{}", crate::error::stray_file(file))]
    StrayFile {
        /// Name of the file.
        file: String,
    },
}

impl From<ListingError> for LogVerifyError {
    fn from(error: ListingError) -> Self {
        match error {
            ListingError::Storage(error) => Self::Storage(error),
            ListingError::Stray(file) => Self::StrayFile { file },
        }
    }
}

/// Reads every segment and checks headers, checksums, hashes, the chain and
/// the positions. `progress` is called after each frame.
///
/// # Errors
/// The first [`Damage`], or the storage's failure.
pub fn verify<S: Storage>(
    storage: &S,
    mut progress: impl FnMut(&VerifyProgress),
) -> Result<VerifyReport, LogVerifyError> {
    let firsts = list_segments(storage)?;
    let mut window = Window::default();
    let mut report = VerifyReport {
        log: None,
        segments: firsts.len() as u64,
        frames: 0,
        records: 0,
        bytes: 0,
        head: Head::EMPTY,
    };
    for (number, first) in (1..).zip(&firsts) {
        let last = number == report.segments;
        let segment = OpenSegment::open(storage, *first)?;
        let header = segment
            .check(&ExpectedHeader {
                log: report.log,
                number,
                named_first: *first,
                after: Some(report.head),
            })
            .map_err(|damage| Damage {
                torn_tail: last && segment.is_unfinished(),
                ..damage
            })?;
        report.log = Some(header.log);
        let mut scan = Scan::new(&segment, &header, &mut window);
        let mut step = VerifyProgress {
            segment: number,
            segments: report.segments,
            bytes: segment::HEADER_BYTES as u64,
            length: segment.length,
        };
        loop {
            match scan.next_frame() {
                Ok(None) => break,
                Ok(Some(_)) => {
                    step.bytes = scan.offset;
                    progress(&step);
                }
                Err(ScanStop::Storage(error)) => return Err(error.into()),
                Err(ScanStop::Bad(bad)) if last => match scan.end(bad)? {
                    SegmentEnd::Room => break,
                    SegmentEnd::Torn(damage, _) | SegmentEnd::Damaged(damage) => {
                        return Err(damage.into());
                    }
                    SegmentEnd::Grown => {}
                },
                Err(ScanStop::Bad(bad)) => {
                    return Err(bad.damage(&segment.name, None, false).into());
                }
            }
        }
        report.frames += scan.frames;
        report.records = scan.head.position.get();
        report.bytes += scan.offset;
        report.head = scan.head;
    }
    Ok(report)
}
