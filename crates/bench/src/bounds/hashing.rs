//! Hash and checksum of a frame, over and over: bytes a second of one core.

use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::per_second;

pub(super) fn blake3(bytes: usize, time: Duration) -> u64 {
    over_and_over(bytes, time, |frame| {
        black_box(blake3::hash(black_box(frame)));
    })
}

pub(super) fn crc32c(bytes: usize, time: Duration) -> u64 {
    over_and_over(bytes, time, |frame| {
        black_box(crc32c::crc32c(black_box(frame)));
    })
}

fn over_and_over(bytes: usize, time: Duration, mut pass: impl FnMut(&[u8])) -> u64 {
    let frame: Vec<u8> = (0..bytes).map(|byte| byte.to_le_bytes()[0]).collect();
    pass(&frame);
    let mut done = 0;
    let started = Instant::now();
    let mut elapsed = Duration::ZERO;
    while elapsed < time {
        pass(&frame);
        done += frame.len() as u64;
        elapsed = started.elapsed();
    }
    per_second(done, elapsed)
}
