//! How much goes into one frame.

use tillroll_log::MAX_FRAME_BYTES;

/// How much goes into one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameLimits {
    /// No further command is added to a frame that has this many records. A bound on how long
    /// the first of a batch waits for the last.
    pub batch_records: usize,
    /// The same in bytes.
    pub batch_bytes: usize,
    /// The most that the log takes in one frame, in bytes of records with four bytes before
    /// each. A command that alone needs more is refused.
    pub frame_bytes: usize,
}

impl Default for FrameLimits {
    fn default() -> Self {
        Self {
            batch_records: 16_384,
            batch_bytes: 4 * 1024 * 1024,
            frame_bytes: MAX_FRAME_BYTES,
        }
    }
}
