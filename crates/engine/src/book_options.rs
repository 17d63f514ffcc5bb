//! A book before its first record: what a fold begins with.

use tillroll_book::{Book, Chart};

use crate::ScratchFiles;
use crate::cold_file::ColdFile;

/// The chart that accounts will be opened by, and where rows go that
/// no record has touched for long. With a chart alone all rows stay in memory.
#[derive(Clone, Debug, Default)]
pub struct BookOptions {
    chart: Chart,
    scratch: Option<ScratchFiles>,
}

impl From<Chart> for BookOptions {
    fn from(chart: Chart) -> Self {
        let scratch = None;
        Self { chart, scratch }
    }
}

impl BookOptions {
    #[must_use]
    pub fn with_scratch(self, scratch: ScratchFiles) -> Self {
        Self {
            scratch: Some(scratch),
            ..self
        }
    }

    /// A book without a record.
    #[must_use]
    pub fn book(&self) -> Book {
        let book = Book::new(self.chart.clone());
        match &self.scratch {
            None => book,
            Some(scratch) => {
                let file = Box::new(ColdFile::new(scratch.clone()));
                book.with_cold(file, scratch.after, scratch.keys_after)
            }
        }
    }
}
