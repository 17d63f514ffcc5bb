//! The stretches of the roll by which orders are found.

/// Bits of a position that are the same for all positions of a block, by level: blocks of 256
/// positions, and each time 32 of them in one of the next level.
pub(crate) const SHIFTS: [u32; 4] = [8, 13, 18, 23];
