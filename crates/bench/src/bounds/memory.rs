//! Random access to memory: read a cache line, change it, write it back.

use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::per_second;

use super::{Access, LINE};

/// A cache line of its own.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct CacheLine([u64; 8]);

/// Accesses between two looks at the clock.
const STEP: u64 = 100_000;

/// Parts of a measurement, of which the quickest counts: what others do on the machine meanwhile
/// only ever makes memory slower, and a bound is what it can give.
const PARTS: u32 = 4;

/// How many accesses can be made in a second. The table is touched before the clock starts.
pub(super) fn accesses(bytes: usize, access: Access, time: Duration) -> u64 {
    let lines = (bytes / LINE).max(1);
    let mut table: Vec<CacheLine> = (0..lines as u64).map(|line| CacheLine([line; 8])).collect();
    let mut at = 1;
    let mut quickest = 0;
    for _ in 0..PARTS {
        let mut count = 0;
        let started = Instant::now();
        let mut elapsed = Duration::ZERO;
        while elapsed < time / PARTS {
            for _ in 0..STEP {
                let line = &mut table[place(at, lines)];
                line.0[0] = line.0[0].wrapping_add(at);
                at = match access {
                    Access::Independent => mixed(at.wrapping_add(1)),
                    Access::Dependent => mixed(at ^ line.0[0]),
                };
            }
            count += STEP;
            elapsed = started.elapsed();
        }
        quickest = per_second(count, elapsed).max(quickest);
    }
    black_box(&table);
    quickest
}

/// Where a number falls among so many lines.
fn place(number: u64, lines: usize) -> usize {
    let place = (u128::from(number) * lines as u128) >> 64;
    // Below the number of lines, which was a usize.
    usize::try_from(place).unwrap_or(0)
}

fn mixed(number: u64) -> u64 {
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ (mixed >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_spread_over_all_lines() {
        let mut counts = [0; 16];
        let mut number = 1;
        for _ in 0..16_000 {
            number = mixed(number + 1);
            counts[place(number, 16)] += 1;
        }
        assert!(
            counts.iter().all(|count| (800..1_200).contains(count)),
            "{counts:?}"
        );
        assert_eq!(place(u64::MAX, 7), 6);
    }
}
