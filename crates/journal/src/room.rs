//! Room: noughts that the writer puts behind the last frame before anything is to be written
//! there, when nothing waits to be appended.
//!
//! A frame that is written over blocks which the disk has already is durable as soon as its
//! bytes are: the file's length and the map of its blocks stay as they are, so the file system
//! has nothing of its own to write down. That about halves what a sync of a short frame takes.
//! A long one gains less than making room for it costs.
//!
//! Nothing is decided by whether there is room: a frame that finds none makes the file longer.
//! It refuses to know what a frame is; recovery knows that noughts are none.

/// Written and synced at a time. Whoever comes in between waits for this much.
pub(crate) const STEP_BYTES: u64 = 512 * 1024;

/// Room is made while less is left than this, which is room for many short frames.
const ENOUGH_BYTES: u64 = 2 * STEP_BYTES;

/// Behind frames longer than this none is made.
const LONGEST_FRAME_BYTES: u64 = 64 * 1024;

/// How far the file of the active segment goes behind its frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Room {
    /// End of the file; at or behind the end of the last frame.
    end: u64,
    /// Whether to make any. Not after noughts could not be written: what is left of a full disk is
    /// for frames.
    wanted: bool,
}

impl Room {
    /// None, in a file that ends at `end`.
    pub(crate) fn none(end: u64) -> Self {
        Self { end, wanted: true }
    }

    /// Whether the file goes on behind the frames that end at `offset`.
    pub(crate) fn is_behind(self, offset: u64) -> bool {
        self.end > offset
    }

    /// A frame was written that ends at `offset`.
    pub(crate) fn frame_written(&mut self, offset: u64) {
        self.end = self.end.max(offset);
    }

    /// Where the next step goes, behind frames that end at `offset` and of which the last has
    /// `frame_bytes` (0: none has been written yet), in a segment of at most `segment_bytes`.
    pub(crate) fn next(
        self,
        offset: u64,
        frame_bytes: u64,
        segment_bytes: u64,
    ) -> Option<(u64, usize)> {
        let left = self.end - offset;
        let short = (1..=LONGEST_FRAME_BYTES).contains(&frame_bytes);
        if !self.wanted || !short || left >= ENOUGH_BYTES {
            return None;
        }
        let step = STEP_BYTES.min(segment_bytes.saturating_sub(self.end));
        let step = usize::try_from(step).unwrap_or(usize::MAX);
        (step > 0).then_some((self.end, step))
    }

    /// Noughts were written up to `end`.
    pub(crate) fn made(&mut self, end: u64) {
        self.end = end;
    }

    /// Noughts could not be written: what there is of a step that goes to `end` stays, and no more
    /// is made.
    pub(crate) fn give_up(&mut self, end: u64) {
        self.end = end;
        self.wanted = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_made_for_short_frames_up_to_the_end_of_the_segment() {
        let mut room = Room::none(1_000);
        let segment = 1_000 + STEP_BYTES + 7;
        assert_eq!(room.next(1_000, 300, segment), Some((1_000, 512 * 1024)));
        assert_eq!(
            room.next(1_000, 64 * 1024 + 1, segment),
            None,
            "long frames"
        );
        room.made(1_000 + STEP_BYTES);
        assert!(room.is_behind(1_000));
        assert_eq!(room.next(1_000, 0, segment), None, "no frames");
        let rest = Some((1_000 + STEP_BYTES, 7));
        assert_eq!(room.next(1_000, 300, segment), rest);
        room.made(segment);
        assert_eq!(room.next(1_000, 300, segment), None, "the segment is full");
        room.frame_written(segment + 5);
        assert!(!room.is_behind(segment + 5));
        assert_eq!(room.next(segment + 5, 300, segment), None);
    }

    #[test]
    fn enough_is_enough_and_a_full_disk_gets_no_more() {
        let segment = 100 * STEP_BYTES;
        let mut room = Room::none(0);
        let mut steps = 0;
        while let Some((at, bytes)) = room.next(0, 1, segment) {
            room.made(at + bytes as u64);
            steps += 1;
        }
        assert_eq!(steps, 2);
        let mut full = Room::none(0);
        full.give_up(10);
        assert_eq!(full.next(0, 1, segment), None);
        assert!(full.is_behind(0), "a part of it may be there");
    }
}
