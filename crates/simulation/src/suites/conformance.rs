//! The journal's own suite for backends, on segment files in memory.

use tillroll_journal::Journal;
use tillroll_journal::conformance::{self, Backend};
use tillroll_journal::testing::MemoryStorage;

use super::{Verdict, log};

#[derive(Default)]
struct SegmentFiles(MemoryStorage);

impl SegmentFiles {
    fn open(&self) -> Box<dyn Journal> {
        // Small segments, so that the suite crosses many.
        let opened = log::open(&self.0, 4096);
        Box::new(opened.expect("a log that was closed in good order opens").0)
    }
}

impl Backend for SegmentFiles {
    fn fresh(&mut self) -> Box<dyn Journal> {
        self.0 = MemoryStorage::new();
        self.open()
    }

    fn reopen(&mut self, journal: Box<dyn Journal>) -> Box<dyn Journal> {
        drop(journal);
        self.open()
    }
}

/// It panics at the first promise that is broken, which is a finding here.
pub(super) fn check() -> Verdict {
    conformance::check(&mut SegmentFiles::default());
    Ok(())
}
