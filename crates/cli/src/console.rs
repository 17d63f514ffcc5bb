//! Where a command writes: data to standard output, everything else to standard error.
//!
//! Both are handed in, so that a test reads what a person would have seen. Only
//! [`Console::of_process`] knows of terminals.

use std::fmt;
use std::io::{self, IsTerminal, Write};

use crate::exit::Stop;
use crate::progress::Progress;

/// A terminal that says that it has fewer columns does not know: no table fits into them.
const NARROWEST: u16 = 40;

/// The two streams of a command, and what is known about who reads them.
pub struct Console<'a> {
    out: &'a mut dyn Write,
    err: &'a mut dyn Write,
    /// Columns of the terminal that standard output is.
    width: Option<u16>,
    /// Standard error is a terminal: progress may be drawn over and over.
    live: bool,
    /// Errors of the command line may be coloured.
    color: bool,
    /// This is the process's own console, so the log belongs to it.
    process: bool,
}

impl fmt::Debug for Console<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Console")
            .field("width", &self.width)
            .field("live", &self.live)
            .finish_non_exhaustive()
    }
}

impl<'a> Console<'a> {
    /// No terminal: plain lines, tables as wide as they need.
    pub fn plain(out: &'a mut dyn Write, err: &'a mut dyn Write) -> Self {
        Self {
            out,
            err,
            width: None,
            live: false,
            color: false,
            process: false,
        }
    }

    /// What the process was started with.
    pub fn of_process(out: &'a mut dyn Write, err: &'a mut dyn Write) -> Self {
        let live = io::stderr().is_terminal();
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            out,
            err,
            width: comfy_table::Table::new()
                .width()
                .filter(|width| *width >= NARROWEST),
            live,
            color: live && !no_color,
            process: true,
        }
    }

    /// The same console, with tables that fit this many columns.
    #[must_use]
    pub fn with_width(mut self, columns: u16) -> Self {
        self.width = Some(columns);
        self
    }

    pub(crate) fn width(&self) -> Option<u16> {
        self.width
    }

    pub(crate) fn color(&self) -> bool {
        self.color
    }

    pub(crate) fn is_process(&self) -> bool {
        self.process
    }

    /// Data, on standard output.
    pub(crate) fn out(&mut self) -> &mut dyn Write {
        self.out
    }

    /// A line of data.
    pub(crate) fn say(&mut self, line: impl fmt::Display) -> Result<(), Stop> {
        Ok(writeln!(self.out, "{line}")?)
    }

    /// A document of data.
    pub(crate) fn json(&mut self, document: &serde_json::Value) -> Result<(), Stop> {
        serde_json::to_writer_pretty(&mut *self.out, document).map_err(io::Error::from)?;
        Ok(writeln!(self.out)?)
    }

    /// A line for people, on standard error.
    pub(crate) fn note(&mut self, line: impl fmt::Display) -> Result<(), Stop> {
        // On a terminal both streams meet, and lines stand in the order of saying.
        self.out.flush()?;
        Ok(writeln!(self.err, "{line}")?)
    }

    pub(crate) fn flush(&mut self) -> Result<(), Stop> {
        self.out.flush()?;
        Ok(self.err.flush()?)
    }

    /// Progress of long work, on standard error. `total` in whatever the work counts, 0 when it is
    /// not known.
    pub(crate) fn progress(&mut self, label: &'static str, total: u64) -> Progress<'_> {
        // A failure shows with the next line of data.
        self.out.flush().unwrap_or_default();
        Progress::new(self.err, self.live, label, total)
    }
}
