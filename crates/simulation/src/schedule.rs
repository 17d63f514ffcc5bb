//! What happened so far, one line each: the first thing to look at after a failure.

use std::fmt::Display;

#[derive(Debug, Default)]
pub(crate) struct Schedule {
    pub(crate) step: u64,
    lines: Vec<String>,
    /// Lines go to standard error as they come.
    live: bool,
}

impl Schedule {
    pub(crate) fn new(live: bool) -> Self {
        Self {
            live,
            ..Self::default()
        }
    }

    pub(crate) fn note(&mut self, line: impl Display) {
        let line = format!("{:>4}  {line}", self.step);
        if self.live {
            eprintln!("{line}");
        }
        self.lines.push(line);
    }

    /// A line for a reader who watches the run, not for a report.
    pub(crate) fn detail(&self, line: impl FnOnce() -> String) {
        if self.live {
            eprintln!("        {}", line());
        }
    }

    pub(crate) fn into_lines(self) -> Vec<String> {
        self.lines
    }
}
