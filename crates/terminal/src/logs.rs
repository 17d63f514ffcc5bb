//! The log, on standard error: what `RUST_LOG` says, otherwise what Tillroll has to say.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Every crate of the workspace logs under a name with this beginning.
const DEFAULT: &str = "warn,tillroll=info";

/// Starts the log of this process. `quiet`: only what is wrong, unless `RUST_LOG` says more.
pub fn start(quiet: bool) {
    let default = match quiet {
        true => "error",
        false => DEFAULT,
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal() && !no_color);
    // A second start in one process keeps the first log.
    drop(log.try_init());
}
