//! Room: zeros that the writer puts behind the last frame before anything is to be written
//! there: a little when nothing waits to be appended, and a lot with a frame that finds none.
//!
//! A frame that is written over blocks which the disk has already is durable as soon as its
//! bytes are: the file's length and the map of its blocks stay as they are, so the file system
//! has nothing of its own to write down. That about halves what a sync of a short frame takes.
//! A long one gains less than making room for it costs.
//!
//! Nothing is decided by whether there is room: a frame that finds none makes the file longer.
//! It refuses to know what a frame is; recovery knows that zeros are none.

/// Written and synced at a time, when nothing waits. An append that comes in between waits for this much.
const STEP_BYTES: u64 = 512 * 1024;

/// For so many more frames, room is written with one that found too little of it, when there is no
/// time in between: what it costs the one is little for each.
const BUSY_FRAMES: u64 = 64;

/// Room is made while less is left than this, which is room for many short frames.
const ENOUGH_BYTES: u64 = 2 * STEP_BYTES;

/// Behind frames longer than this none is made.
const LONGEST_FRAME_BYTES: u64 = 64 * 1024;

/// Zeros to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RoomStep {
    pub(crate) at: u64,
    pub(crate) bytes: usize,
}

impl RoomStep {
    pub(crate) fn end(self) -> u64 {
        self.at + self.bytes as u64
    }
}

/// How far the file of the active segment goes behind its frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Room {
    /// End of the file; at or behind the end of the last frame.
    end: u64,
    /// Whether to make any. Not after zeros could not be written: what is left of a full disk is
    /// for frames.
    wanted: bool,
    /// Whether frames follow each other without a time in which room could be made.
    busy: bool,
}

impl Room {
    /// None, in a file that ends at `end`.
    pub(crate) fn none(end: u64, wanted: bool) -> Self {
        Self {
            end,
            wanted,
            busy: false,
        }
    }

    /// Whether any is made.
    pub(crate) fn is_wanted(self) -> bool {
        self.wanted
    }

    /// Whether the file goes on behind the frames that end at `offset`.
    pub(crate) fn is_behind(self, offset: u64) -> bool {
        self.end > offset
    }

    /// A frame was written that ends at `offset`.
    pub(crate) fn frame_written(&mut self, offset: u64) {
        self.end = self.end.max(offset);
        self.busy = true;
    }

    /// Nothing waits to be appended.
    pub(crate) fn idle(&mut self) {
        self.busy = false;
    }

    /// The next step while nothing waits, behind frames that end at `offset` and of which the last
    /// has `frame_bytes` (0: none has been written yet), in a segment of at most `segment_bytes`.
    pub(crate) fn next(
        self,
        offset: u64,
        frame_bytes: u64,
        segment_bytes: u64,
    ) -> Option<RoomStep> {
        let enough = self.end - offset >= ENOUGH_BYTES;
        let step = self.step(self.end, STEP_BYTES, frame_bytes, segment_bytes);
        step.filter(|_| !enough)
    }

    /// The step that goes with a frame of `frame_bytes` that ends at `end`, where it found too
    /// little room.
    pub(crate) fn next_behind(
        self,
        end: u64,
        frame_bytes: u64,
        segment_bytes: u64,
    ) -> Option<RoomStep> {
        let step = self.step(end, BUSY_FRAMES * frame_bytes, frame_bytes, segment_bytes);
        step.filter(|_| self.busy && end > self.end)
    }

    fn step(self, at: u64, bytes: u64, frame_bytes: u64, segment_bytes: u64) -> Option<RoomStep> {
        let short = (1..=LONGEST_FRAME_BYTES).contains(&frame_bytes);
        let bytes = usize::try_from(bytes.min(segment_bytes.saturating_sub(at)));
        let step = RoomStep {
            at,
            bytes: bytes.ok()?,
        };
        (self.wanted && short && step.bytes > 0).then_some(step)
    }

    /// Zeros were written up to `end`.
    pub(crate) fn made(&mut self, end: u64) {
        self.end = end;
    }

    /// Zeros could not be written: what there is of a step that goes to `end` stays, and no more
    /// is made.
    pub(crate) fn give_up(&mut self, end: u64) {
        self.end = end;
        self.wanted = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(at: u64, bytes: u64) -> Option<RoomStep> {
        let bytes = usize::try_from(bytes).expect("a step is small");
        Some(RoomStep { at, bytes })
    }

    #[test]
    fn room_is_made_for_short_frames_up_to_the_end_of_the_segment() {
        let mut room = Room::none(1_000, true);
        let segment = 1_000 + STEP_BYTES + 7;
        assert_eq!(room.next(1_000, 300, segment), step(1_000, STEP_BYTES));
        assert_eq!(
            room.next(1_000, 64 * 1024 + 1, segment),
            None,
            "long frames"
        );
        room.made(1_000 + STEP_BYTES);
        assert!(room.is_behind(1_000));
        assert_eq!(room.next(1_000, 0, segment), None, "no frames");
        assert_eq!(room.next(1_000, 300, segment), step(1_000 + STEP_BYTES, 7));
        room.made(segment);
        assert_eq!(room.next(1_000, 300, segment), None, "the segment is full");
        room.frame_written(segment + 5);
        assert!(!room.is_behind(segment + 5));
        assert_eq!(room.next(segment + 5, 300, segment), None);
    }

    #[test]
    fn a_frame_that_finds_too_little_room_brings_more_when_there_is_no_time() {
        let mut room = Room::none(1_000, true);
        room.made(2_000);
        let segment = 1 << 30;
        let long = 64 * 1024 + 1;
        assert_eq!(room.next_behind(2_001, 501, segment), None, "there is time");
        room.frame_written(1_500);
        assert_eq!(room.next_behind(2_000, 500, segment), None, "it fits");
        let more = step(2_001, 64 * 501);
        assert_eq!(room.next_behind(2_001, 501, segment), more);
        assert_eq!(room.next_behind(2_001, 501, 2_011), step(2_001, 10));
        assert_eq!(room.next_behind(2_001, 501, 2_001), None, "it is full");
        assert_eq!(room.next_behind(90_000, long, segment), None, "long");
        room.idle();
        assert_eq!(room.next_behind(2_001, 501, segment), None);
        room.frame_written(2_000);
        room.give_up(2_000);
        assert_eq!(room.next_behind(2_001, 501, segment), None);
    }

    #[test]
    fn enough_is_enough_and_a_full_disk_gets_no_more() {
        let segment = 100 * STEP_BYTES;
        let mut room = Room::none(0, true);
        let mut steps = 0;
        while let Some(step) = room.next(0, 1, segment) {
            room.made(step.end());
            steps += 1;
        }
        assert_eq!(steps, 2);
        let mut full = Room::none(0, true);
        full.give_up(10);
        assert_eq!(full.next(0, 1, segment), None);
        assert!(full.is_behind(0), "a part of it may be there");
        assert_eq!(Room::none(0, false).next(0, 1, segment), None);
    }
}
