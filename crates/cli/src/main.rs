//! The binary: the process's arguments and streams, and its exit code.

use std::io::BufWriter;
use std::process::ExitCode;

use tillroll_cli::Console;

fn main() -> ExitCode {
    // A hundred thousand events are as many lines. The console flushes where it matters.
    let (mut stdout, mut stderr) = (BufWriter::new(std::io::stdout()), std::io::stderr());
    let mut console = Console::of_process(&mut stdout, &mut stderr);
    tillroll_cli::run_in(std::env::args_os(), &mut console).into()
}
