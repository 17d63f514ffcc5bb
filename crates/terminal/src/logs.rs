//! The log, on standard error: what `RUST_LOG` says, otherwise what Tillroll has to say.

use std::io::IsTerminal;

use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Every crate of the workspace logs under a name with this beginning.
const DEFAULT: &str = "warn,tillroll=info";

/// Starts the log of this process. `quiet`: only what is wrong, unless `RUST_LOG` says more, in
/// pairs such as `warn,tillroll_engine=debug`.
pub fn start(quiet: bool) {
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal() && !no_color);
    let log = tracing_subscriber::registry()
        .with(targets(std::env::var("RUST_LOG").ok().as_deref(), quiet))
        .with(lines);
    // A second start in one process keeps the first log.
    drop(log.try_init());
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
}
