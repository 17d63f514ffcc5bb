//! Progress of long work, for people: a bar on a terminal, now and then a line elsewhere.
//!
//! Work that ends within a second shows nothing. It never goes to standard output.

use std::fmt;
use std::io::Write;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::line;

/// Work that is done by then needs no bar.
const PATIENCE: Duration = Duration::from_secs(1);

/// Between two lines where there is no terminal.
const LINES: Duration = Duration::from_secs(5);

/// Long work that is under way.
pub struct Progress<'a> {
    label: &'static str,
    total: u64,
    done: u64,
    started: Instant,
    said: Instant,
    live: bool,
    bar: Option<ProgressBar>,
    lines: &'a mut dyn Write,
}

impl fmt::Debug for Progress<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Progress")
            .field("label", &self.label)
            .field("done", &self.done)
            .field("total", &self.total)
            .finish_non_exhaustive()
    }
}

impl<'a> Progress<'a> {
    pub(crate) fn new(
        lines: &'a mut dyn Write,
        live: bool,
        label: &'static str,
        total: u64,
    ) -> Self {
        let now = Instant::now();
        Self {
            label,
            total,
            done: 0,
            started: now,
            said: now,
            live,
            bar: None,
            lines,
        }
    }

    /// So much is done, of what was said at the start. `detail` is only asked for when it is
    /// shown.
    pub fn set<D: fmt::Display>(&mut self, done: u64, detail: impl FnOnce() -> D) {
        self.done = match self.total {
            0 => done,
            total => done.min(total),
        };
        if let Some(bar) = &self.bar {
            bar.set_position(self.done);
            bar.set_message(line(&detail().to_string()).into_owned());
            return;
        }
        let now = Instant::now();
        if self.live {
            if now - self.started >= PATIENCE {
                self.bar = Some(self.draw());
            }
        } else if now - self.said >= LINES {
            self.said = now;
            let percent = match self.total {
                0 => String::new(),
                total => format!(" {}%", self.done.saturating_mul(100) / total),
            };
            // Standard error may be closed; the work goes on all the same.
            drop(writeln!(self.lines, "{}{percent} {}", self.label, detail()));
        }
    }

    fn draw(&self) -> ProgressBar {
        let (template, total) = match self.total {
            0 => ("{prefix} {elapsed_precise} {msg}", None),
            total => (
                "{prefix} [{bar:30}] {percent:>3}% {elapsed_precise} {msg}",
                Some(total),
            ),
        };
        let style = ProgressStyle::with_template(template)
            .expect("the template is fixed")
            .progress_chars("=> ");
        let target = ProgressDrawTarget::stderr();
        let bar = ProgressBar::with_draw_target(total, target)
            .with_style(style)
            .with_elapsed(self.started.elapsed());
        bar.set_prefix(self.label);
        bar.set_position(self.done);
        bar
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
