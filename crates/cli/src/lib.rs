//! The commands of the binary `tillroll`, callable in process.
//!
//! Purpose: wire the other crates to a command line. [`run`] takes the arguments and two
//! streams, so that a test sees what a person would see.
//!
//! Invariants: data goes to standard output and everything else to standard error; commands
//! that read never change a data directory and never show numbers that are older than the roll;
//! what is said on failure ends with the next command to try; no secret is printed.
//!
//! It is not: a client of the HTTP interface (it reads the directory itself), and it posts
//! nothing: commands go to the book through the server.

mod as_of;
mod chart_file;
mod cli;
mod commands;
mod data_dir;
mod durable;
mod fold;
mod last_backup;
mod models;
mod output;
mod proving;
mod stages;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

pub use data_dir::DataDir;
pub use tillroll_terminal::{Console, Exit};

use tillroll_terminal::{Stop, logs};

use cli::{Cli, CliCommand};

/// Runs a command line, of which the first argument is the program's name, without a terminal.
pub fn run(
    args: impl IntoIterator<Item = impl Into<OsString> + Clone>,
    stdout: &mut dyn Write,
    stderr: &mut dyn Write,
) -> ExitCode {
    run_in(args, &mut Console::plain(stdout, stderr)).into()
}

/// Runs a command line in a console.
pub fn run_in(
    args: impl IntoIterator<Item = impl Into<OsString> + Clone>,
    console: &mut Console<'_>,
) -> Exit {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => return console.explain(&error),
    };
    if console.is_process() {
        logs::start(matches!(cli.command, CliCommand::Demo(_)));
    }
    let ended = dispatch(cli.command, console);
    console.end(ended)
}

fn dispatch(command: CliCommand, console: &mut Console<'_>) -> Result<(), Stop> {
    match command {
        CliCommand::Demo(args) => commands::demo::run(&args, console),
        CliCommand::Serve(args) => commands::serve::run(args, console),
        CliCommand::Balances(args) => commands::balances::run(&args, console),
        CliCommand::TrialBalance(args) => commands::trial_balance::run(&args, console),
        CliCommand::Orders(args) => commands::orders::run(&args, console),
        CliCommand::Order(args) => commands::order::run(&args, console),
        CliCommand::Entry(args) => commands::entry::run(&args, console),
        CliCommand::Events(args) => commands::events::run(&args, console),
        CliCommand::Verify(args) => commands::verify::run(&args, console),
        CliCommand::Replay(args) => commands::replay::run(&args, console),
        CliCommand::Digest(args) => commands::digest::run(&args, console),
        CliCommand::Projections(args) => commands::projections::run(&args, console),
        CliCommand::Checkpoint(args) => commands::checkpoint::run(&args, console),
        CliCommand::Prove(args) => commands::prove::run(&args, console),
        CliCommand::Export(args) => commands::export::run(&args, console),
        CliCommand::Backup(args) => commands::backup::run(&args, console),
        CliCommand::Restore(args) => commands::restore::run(&args, console),
        CliCommand::Doctor(args) => commands::doctor::run(&args, console),
    }
}
