//! Negative controls: bugs that can be planted in our own code, one at a time, each with the
//! suite that must find it.
//!
//! # Purpose
//! A suite that passes says little until it is known to fail. [`Bug`] is the table: what goes
//! wrong, in which file, and who has to notice. The file has one guarded statement that asks
//! [`planted`]; `tillroll-simulation planted-bugs` plants every bug in turn and runs its suite.
//!
//! # Invariants
//! - Without the feature `armed`, [`planted`] is the constant `false`, which this crate proves
//!   while it compiles: the guarded statements are gone from the program, and so is the switch.
//! - With it, one bug at most is planted, for the whole process: the writer of a book has a
//!   thread of its own, so whoever arms runs one suite at a time.
//!
//! # It is not
//! A way to inject faults: what the world does wrong (a disk that lies, a crash) is the matter
//! of the journal's storage for tests and of the simulation. It depends on nothing, and knows
//! neither what its names mean nor how suites work.

mod bug;

pub use bug::Bug;

/// Whether this bug is planted: never, in this build.
#[cfg(not(feature = "armed"))]
#[inline]
#[must_use]
pub const fn planted(_: Bug) -> bool {
    false
}

#[cfg(not(feature = "armed"))]
const _: () = {
    let mut number = 0;
    while number < Bug::ALL.len() {
        assert!(!planted(Bug::ALL[number]), "a bug would be shipped");
        number += 1;
    }
};

#[cfg(feature = "armed")]
mod switch {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use crate::Bug;

    /// The number of the bug that is planted, `NONE` when none is.
    static PLANTED: AtomicUsize = AtomicUsize::new(NONE);
    const NONE: usize = usize::MAX;

    /// Whether this bug is planted.
    #[inline]
    #[must_use]
    pub fn planted(bug: Bug) -> bool {
        PLANTED.load(Ordering::Relaxed) == bug as usize
    }

    /// Plants a bug in place of the one before, or none, for the whole process.
    pub fn arm(bug: Option<Bug>) {
        PLANTED.store(bug.map_or(NONE, |bug| bug as usize), Ordering::SeqCst);
    }
}

#[cfg(feature = "armed")]
pub use switch::{arm, planted};

#[cfg(all(test, feature = "armed"))]
mod tests {
    use super::*;

    #[test]
    fn one_bug_is_planted_at_a_time() {
        for bug in Bug::ALL {
            arm(Some(bug));
            let planted: Vec<Bug> = Bug::ALL.into_iter().filter(|bug| planted(*bug)).collect();
            assert_eq!(planted, [bug]);
        }
        arm(None);
        assert!(!Bug::ALL.into_iter().any(planted));
    }
}
