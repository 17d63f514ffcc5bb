//! The log, on standard error: what `RUST_LOG` says, otherwise what Tillroll has to say.

use std::fmt;
use std::io::{self, IsTerminal, Write};

use tracing::field::Field;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::{Writer, debug_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::escape::{line, log_line};

/// Every crate of the workspace logs under a name with this beginning.
const DEFAULT: &str = "warn,tillroll=info";

/// Starts the log of this process. `quiet`: only what is wrong, unless `RUST_LOG` says more, in
/// pairs such as `warn,tillroll_engine=debug`.
pub fn start(quiet: bool) {
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let lines = tracing_subscriber::fmt::layer()
        .fmt_fields(fields())
        .with_writer(|| LogWriter(std::io::stderr()))
        .with_ansi(std::io::stderr().is_terminal() && !no_color);
    let log = tracing_subscriber::registry()
        .with(targets(std::env::var("RUST_LOG").ok().as_deref(), quiet))
        .with(lines);
    // A second start in one process keeps the first log.
    drop(log.try_init());
}

/// Values are escaped before the log adds its own colours.
fn fields() -> impl for<'w> FormatFields<'w> {
    let field = |writer: &mut Writer<'_>, field: &Field, value: &dyn fmt::Debug| {
        let value = format!("{value:?}");
        match field.name() {
            "message" => write!(writer, "{}", line(&value)),
            name => write!(writer, "{name}={}", line(&value)),
        }
    };
    debug_fn(field).delimited(" ")
}

/// Where an event of the log is written, with one call for each.
struct LogWriter<W>(W);

impl<W: Write> Write for LogWriter<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let shown = log_line(&String::from_utf8_lossy(event));
        self.0.write_all(shown.as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// What is not understood is as if it were not there.
fn targets(asked: Option<&str>, quiet: bool) -> Targets {
    let asked = asked.filter(|text| !text.is_empty());
    let default = || match quiet {
        true => "error",
        false => DEFAULT,
    };
    let parsed = asked.and_then(|text| text.parse().ok());
    parsed.unwrap_or_else(|| default().parse().expect("the default is a filter"))
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing::Level;

    use super::*;

    #[test]
    fn the_environment_decides_what_is_logged() {
        let levels = [
            Level::ERROR,
            Level::WARN,
            Level::INFO,
            Level::DEBUG,
            Level::TRACE,
        ];
        for (asked, quiet, target, expected) in [
            (None, false, "tillroll_engine", Level::INFO),
            (None, false, "hyper", Level::WARN),
            (None, true, "tillroll_engine", Level::ERROR),
            (Some(""), true, "hyper", Level::ERROR),
            (Some("debug"), true, "hyper", Level::DEBUG),
            (
                Some("warn,tillroll_log=trace"),
                true,
                "tillroll_log",
                Level::TRACE,
            ),
            (
                Some("warn,tillroll_log=trace"),
                true,
                "tillroll_engine",
                Level::WARN,
            ),
            (Some("tillroll=loud"), false, "tillroll_engine", Level::INFO),
        ] {
            let targets = targets(asked, quiet);
            for level in levels {
                let enabled = targets.would_enable(target, &level);
                assert_eq!(enabled, level <= expected, "{asked:?}, {target}, {level}");
            }
        }
    }

    /// In colour, as on a terminal: only the log's own colours reach it, however a value is shown.
    #[test]
    fn what_is_logged_does_not_act() {
        #[derive(Clone, Default)]
        struct Shared(Arc<Mutex<Vec<u8>>>);
        impl Write for Shared {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0.lock().unwrap().extend_from_slice(bytes);
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let shared = Shared::default();
        let stream = shared.clone();
        let layer = tracing_subscriber::fmt::layer()
            .fmt_fields(fields())
            .with_writer(move || LogWriter(stream.clone()))
            .with_ansi(true)
            .without_time();
        let nasty = "\u{1b}[31mred\u{1b}]0;t\u{7}\u{9b}2J\u{202e}\r\nERROR faked";
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            tracing::error!(shown = %nasty, debugged = ?nasty, text = nasty, "said {nasty}");
            tracing::error!(nasty);
        });
        let said = String::from_utf8(shared.0.lock().unwrap().clone()).unwrap();
        assert_eq!(
            said.matches('\n').count(),
            2,
            "an event is a line: {said:?}"
        );
        for acts in [
            "\u{1b}[31mred",
            "\u{1b}]",
            "\u{7}",
            "\u{9b}",
            "\u{202e}",
            "\r",
        ] {
            assert!(!said.contains(acts), "{acts:?} in {said:?}");
        }
    }
}
