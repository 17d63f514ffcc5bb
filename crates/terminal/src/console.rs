//! Where a command writes: data to standard output, everything else to standard error.
//!
//! Both are handed in, so that a test reads what a person would have seen. Only
//! [`Console::of_process`] knows of terminals.
//!
//! Both are screens: what a terminal would obey is escaped on the way, whatever a command prints
//! ([`crate::line`]). Only data for programs ([`Console::out`]) is exact, and that only where
//! standard output is no terminal.

use std::fmt;
use std::io::{self, IsTerminal, Write};

use serde::Serialize;

use crate::escape::{self, Screen};
use crate::{Exit, Progress, Stop};

/// A terminal that says that it has fewer columns does not know: no table fits into them.
const NARROWEST: u16 = 40;

/// The two streams of a command, and what is known about who reads them.
pub struct Console<'a> {
    out: Screen<&'a mut dyn Write>,
    err: Screen<&'a mut dyn Write>,
    /// Standard output is a terminal: not even data for programs is written as it is.
    looked_at: bool,
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
            out: Screen::new(out),
            err: Screen::new(err),
            looked_at: false,
            width: None,
            live: false,
            color: false,
            process: false,
        }
    }

    /// The console of this process.
    pub fn of_process(out: &'a mut dyn Write, err: &'a mut dyn Write) -> Self {
        let live = io::stderr().is_terminal();
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            out: Screen::new(out),
            err: Screen::new(err),
            looked_at: io::stdout().is_terminal(),
            width: terminal_size::terminal_size_of(io::stdout())
                .map(|(columns, _)| columns.0)
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

    /// Columns of the terminal, if there is one.
    #[must_use]
    pub fn width(&self) -> Option<u16> {
        self.width
    }

    /// Whether errors of the command line may be coloured.
    #[must_use]
    pub fn color(&self) -> bool {
        self.color
    }

    /// Whether this is the process's own console, so that the log and signals belong to the command.
    #[must_use]
    pub fn is_process(&self) -> bool {
        self.process
    }

    /// The same console, as if standard output were a terminal.
    #[must_use]
    pub fn as_terminal(mut self) -> Self {
        self.looked_at = true;
        self
    }

    /// Data for programs, on standard output.
    pub fn out(&mut self) -> &mut dyn Write {
        match self.looked_at {
            true => &mut self.out,
            false => self.out.exact(),
        }
    }

    /// A line of data.
    ///
    /// # Errors
    /// When the stream cannot be written.
    pub fn say(&mut self, line: impl fmt::Display) -> Result<(), Stop> {
        Ok(writeln!(self.out, "{line}")?)
    }

    /// A document of data. Escapes are JSON's own, so that it says exactly what it said.
    ///
    /// # Errors
    /// When the stream cannot be written.
    pub fn json(&mut self, document: &serde_json::Value) -> Result<(), Stop> {
        serde_json::to_writer_pretty(&mut self.out, document).map_err(io::Error::from)?;
        Ok(writeln!(self.out)?)
    }

    /// A document of data on a line of its own.
    ///
    /// # Errors
    /// When the stream cannot be written.
    pub fn json_line(&mut self, document: &impl Serialize) -> Result<(), Stop> {
        serde_json::to_writer(&mut self.out, document).map_err(io::Error::from)?;
        Ok(writeln!(self.out)?)
    }

    /// A line for people, on standard error.
    ///
    /// # Errors
    /// When the stream cannot be written.
    pub fn note(&mut self, line: impl fmt::Display) -> Result<(), Stop> {
        // On a terminal both streams meet, and lines stand in the order of saying.
        self.out.flush()?;
        Ok(writeln!(self.err, "{line}")?)
    }

    /// # Errors
    /// When either stream cannot be written.
    pub fn flush(&mut self) -> Result<(), Stop> {
        self.out.flush()?;
        Ok(self.err.flush()?)
    }

    /// Progress of long work, on standard error. `total` in whatever the work counts, 0 when it is
    /// not known.
    pub fn progress(&mut self, label: &'static str, total: u64) -> Progress<'_> {
        // A failure shows with the next line of data.
        self.out.flush().unwrap_or_default();
        Progress::new(&mut self.err, self.live, label, total)
    }

    /// Ends a command: what it says on the way out, and its exit code.
    pub fn end(&mut self, ended: Result<(), Stop>) -> Exit {
        let Err(stop) = ended.and_then(|()| self.flush()) else {
            return Exit::Done;
        };
        let text = stop.to_string();
        if !text.is_empty() {
            // Where standard error is gone, the exit code still says it.
            drop(self.note(text));
        }
        drop(self.flush());
        stop.exit()
    }

    /// Prints what the parser of the command line has to say: help and version are data, a command
    /// line that cannot be understood is not.
    pub fn explain(&mut self, error: &clap::Error) -> Exit {
        let plain = error.render().to_string();
        let is_harmless = escape::lines(&plain) == plain;
        let text = match self.color() && is_harmless {
            // What was typed is in it, and would not act.
            true => error.render().ansi().to_string(),
            false => escape::lines(&plain).into_owned(),
        };
        let text = text.trim_end();
        let mut explain = || -> io::Result<()> {
            match error.use_stderr() {
                true => {
                    self.out.flush()?;
                    writeln!(self.err.exact(), "{text}")
                }
                false => writeln!(self.out.exact(), "{text}"),
            }
        };
        match (explain(), error.use_stderr()) {
            (Err(error), _) => Stop::from(error).exit(),
            (Ok(()), true) => Exit::Usage,
            (Ok(()), false) => Exit::Done,
        }
    }
}
