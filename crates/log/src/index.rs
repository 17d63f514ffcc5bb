//! Where the frames of one segment are: a sparse index, at most one entry for
//! each stride of bytes, rebuilt at open and never stored.

/// Bytes of log between two entries. Reading one stride and hopping over its
/// headers costs microseconds; an entry costs eight bytes.
const STRIDE: u32 = 32 * 1024;

#[derive(Clone, Debug, Default)]
pub(crate) struct FrameIndex {
    /// Records before the frame in its segment, and the frame's byte offset.
    entries: Vec<(u32, u32)>,
}

impl FrameIndex {
    /// Notes the next frame. What does not fit in an entry is left out: a
    /// sparse index is still right, only slower.
    pub(crate) fn note(&mut self, records_before: u64, offset: u64) {
        let (Ok(records), Ok(offset)) = (u32::try_from(records_before), u32::try_from(offset))
        else {
            return;
        };
        let due = self
            .entries
            .last()
            .is_none_or(|(_, last)| offset - last >= STRIDE);
        if due {
            self.entries.push((records, offset));
        }
    }

    /// Byte offset of the last noted frame that starts at or before the record
    /// `record` (from 0) of the segment.
    pub(crate) fn seek(&self, record: u64) -> Option<u64> {
        let after = self
            .entries
            .partition_point(|(records, _)| u64::from(*records) <= record);
        let (_, offset) = self.entries.get(after.checked_sub(1)?)?;
        Some(u64::from(*offset))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_frame_at_or_before_a_record_is_found() {
        let mut index = FrameIndex::default();
        assert_eq!(index.seek(0), None);
        for frame in 0..1000u64 {
            index.note(frame * 3, 128 + frame * 1000);
        }
        assert_eq!(index.seek(0), Some(128));
        for record in 0..3000 {
            let holder = 128 + record / 3 * 1000;
            let offset = index.seek(record).unwrap();
            let near = offset <= holder && holder - offset < 34_000;
            assert!(
                near && offset % 1000 == 128,
                "record {record} at {holder}: {offset}"
            );
        }
        assert!(index.entries.len() < 40, "{} entries", index.entries.len());
    }
}
