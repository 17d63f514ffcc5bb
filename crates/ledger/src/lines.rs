//! Waiting for many lines of memory at once.
//!
//! A processor goes on past a read that it waits for, but only for so many instructions. So where
//! things are is found out for a whole group first; reading them is then a few instructions each,
//! and the waits for all of them overlap.

use std::hint::black_box;

/// How many lines are waited for together. More do not fit the nearest cache.
const GROUP: usize = 64;

/// Reads something in each of these lines of memory. `read` should do nothing else.
pub(crate) fn read_all<'a, T: 'a>(
    lines: impl IntoIterator<Item = &'a T>,
    read: impl Fn(&T) -> u64,
) {
    let mut lines = lines.into_iter();
    loop {
        let mut group = [None; GROUP];
        let mut found = 0;
        for (slot, line) in group.iter_mut().zip(lines.by_ref()) {
            *slot = Some(line);
            found += 1;
        }
        // Without it the compiler may read each as soon as it is found.
        let group = black_box(&group[..found]);
        let sum = group
            .iter()
            .flatten()
            .fold(0, |sum: u64, line| sum.wrapping_add(read(line)));
        black_box(sum);
        if found < GROUP {
            return;
        }
    }
}
