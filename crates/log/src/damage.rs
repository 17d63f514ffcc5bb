//! What can be wrong with bytes in the log, and where.

use crate::identity::Position;

/// What is wrong with the bytes of one frame or segment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The file ends before the structure does.
    #[error("the file ends after {available} of {needed} bytes")]
    Truncated {
        /// Bytes that the structure takes.
        needed: u64,
        /// Bytes that are there.
        available: u64,
    },
    /// No frame or segment starts here.
    #[error("the magic number is not there")]
    Magic,
    /// The header does not match its CRC32C.
    #[error("the header does not match its checksum")]
    HeaderChecksum,
    /// The header is whole and of a format that this version cannot read.
    #[error("format version {version} with flags {flags:#06x} is not known to this program")]
    Unsupported {
        /// Format version found.
        version: u16,
        /// Flags found.
        flags: u16,
    },
    /// Bytes that this version leaves zero are not.
    #[error("reserved bytes of the header are in use: a newer version wrote them")]
    Reserved,
    /// The header is whole and its numbers cannot be.
    #[error("{count} records in {bytes} bytes cannot be")]
    Lengths {
        /// Record count found.
        count: u32,
        /// Payload length found.
        bytes: u32,
    },
    /// A whole frame that belongs elsewhere.
    #[error("the frame says that it belongs to segment {segment} at byte {offset}")]
    Misplaced {
        /// Segment number found.
        segment: u64,
        /// Offset found.
        offset: u64,
    },
    /// The payload does not match its CRC32C.
    #[error("the records do not match their checksum")]
    PayloadChecksum,
    /// The end mark is missing or another frame's.
    #[error("the end mark is not there")]
    EndMark,
    /// Lengths of the records do not add up to the payload.
    #[error("the lengths of the records do not fill the payload")]
    RecordLayout,
    /// Checksums hold and the BLAKE3 hash does not.
    #[error("the frame does not match its hash")]
    Hash,
    /// The frame or segment continues another history.
    #[error("the hash of the frame before is not the one named here")]
    Chain,
    /// Positions have a gap or overlap.
    #[error("the first position is {found}, and {expected} comes next")]
    Position {
        /// Position found.
        found: Position,
        /// Position that follows the record before.
        expected: Position,
    },
    /// The segment's number is not the next.
    #[error("segment number {found} stands where {expected} belongs: a segment is missing")]
    SegmentNumber {
        /// Number found.
        found: u64,
        /// Number that follows the segment before.
        expected: u64,
    },
    /// The segment belongs to another log.
    #[error("the segment belongs to another log")]
    Log,
    /// The log ends before a record that was durable.
    #[error("the log ends before position {expected}, which was durable")]
    Lost {
        /// Position that the caller knows to be durable.
        expected: Position,
    },
}

impl Fault {
    /// Whether an append that was cut short can leave this behind. Everything
    /// else needs bytes that were written as a whole and are now wrong.
    pub(crate) fn can_be_torn(&self) -> bool {
        match self {
            Self::Truncated { .. }
            | Self::Magic
            | Self::HeaderChecksum
            | Self::Misplaced { .. }
            | Self::PayloadChecksum
            | Self::EndMark => true,
            Self::Unsupported { .. }
            | Self::Reserved
            | Self::Lengths { .. }
            | Self::RecordLayout
            | Self::Hash
            | Self::Chain
            | Self::Position { .. }
            | Self::SegmentNumber { .. }
            | Self::Log
            | Self::Lost { .. } => false,
        }
    }
}

/// Damage in the log: where it is and what it is. Finding it changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}, byte {offset}{} (position {position}): {fault}{}", self.frame_named(), self.consequence())]
pub struct Damage {
    /// Name of the file.
    pub file: String,
    /// Where in the file the damaged structure starts.
    pub offset: u64,
    /// Index of the damaged frame in its file, from 0. `None` for the segment
    /// header, and for a reader that did not come from the file's start.
    pub frame: Option<u64>,
    /// Position of the first record that cannot be trusted.
    pub position: Position,
    /// What is wrong.
    pub fault: Fault,
    /// Where a whole frame follows the damage: proof that it is no torn tail.
    pub followed_by: Option<u64>,
    /// Whether this looks like an append that was cut short and never
    /// acknowledged: opening the log would cut it.
    pub torn_tail: bool,
}

impl Damage {
    fn frame_named(&self) -> String {
        self.frame
            .map_or_else(String::new, |frame| format!(", frame {frame}"))
    }

    fn consequence(&self) -> String {
        match (self.torn_tail, self.followed_by) {
            (true, _) => "; an append that was cut short and never acknowledged looks like this, and opening the log cuts it".into(),
            (false, Some(offset)) => format!(
                "; a whole frame follows at byte {offset}, so this is damage and not a torn append; nothing was changed: restore the file from a backup or a replica"
            ),
            (false, None) => "; nothing was changed: restore the file from a backup or a replica".into(),
        }
    }
}
