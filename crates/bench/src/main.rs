//! The binary: the process's arguments and streams, and its exit code.

use std::process::ExitCode;

use tillroll_terminal::Console;

fn main() -> ExitCode {
    let (mut stdout, mut stderr) = (std::io::stdout(), std::io::stderr());
    let mut console = Console::of_process(&mut stdout, &mut stderr);
    tillroll_bench::command::run_in(std::env::args_os(), &mut console).into()
}
