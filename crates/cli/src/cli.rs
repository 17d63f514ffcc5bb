//! The command line: names, defaults, and what `--help` says.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::commands::{
    backup, balances, checkpoint, demo, digest, doctor, entry, events, export, order, orders,
    projections, prove, replay, restore, serve, trial_balance, verify,
};
use crate::data_dir::DataDir;

/// One roll for app, web and point of sale: every payment action is an immutable event, and
/// everything else is computed from the roll.
#[derive(Debug, Parser)]
#[command(
    name = "tillroll",
    version,
    max_term_width = 100,
    after_help = "Examples:
  tillroll demo                        a shop with two months of orders, to look around in
  tillroll serve --data ./shop         the HTTP interface on 127.0.0.1:7878
  tillroll balances --data ./shop --prefix seller: --unit EUR
  tillroll orders --data ./shop --status disputed --json
  tillroll trial-balance --data ./shop --as-of 2026-08-31T23:59:59Z
  tillroll verify --data ./shop        every frame, hash, entry, limit and row
  tillroll checkpoint --data ./shop    a signed statement of what the roll is now
  tillroll backup /mnt/disk/shop --data ./shop
  tillroll doctor --data ./shop        what to do next

Data goes to standard output, everything else to standard error.
Exit codes: 0 done, 1 damage or failure, 2 wrong usage."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: CliCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CliCommand {
    Demo(demo::DemoArgs),
    Serve(serve::ServeArgs),
    Balances(balances::BalancesArgs),
    TrialBalance(trial_balance::TrialBalanceArgs),
    Orders(orders::OrdersArgs),
    Order(order::OrderArgs),
    Entry(entry::EntryArgs),
    Events(events::EventsArgs),
    Verify(verify::VerifyArgs),
    Replay(replay::ReplayArgs),
    Digest(digest::DigestArgs),
    Projections(projections::ProjectionsArgs),
    Checkpoint(checkpoint::CheckpointArgs),
    Prove(prove::ProveArgs),
    Export(export::ExportArgs),
    Backup(backup::BackupArgs),
    Restore(restore::RestoreArgs),
    Doctor(doctor::DoctorArgs),
}

/// Which data directory.
#[derive(Clone, Debug, Args)]
pub(crate) struct DataArgs {
    /// The data directory
    #[arg(
        long,
        value_name = "DIR",
        env = "TILLROLL_DATA",
        default_value = "./tillroll-data"
    )]
    data: PathBuf,
}

impl DataArgs {
    pub(crate) fn dir(&self) -> DataDir {
        DataDir::at(&self.data)
    }
}

/// Where the private key of checkpoints is.
#[derive(Clone, Debug, Args)]
pub(crate) struct KeyArgs {
    /// The file with the private key that checkpoints are signed with, to keep it outside of the
    /// data directory [default: keys/signing.key in it]
    #[arg(long, value_name = "FILE", env = "TILLROLL_SIGNING_KEY")]
    signing_key: Option<PathBuf>,
}

impl KeyArgs {
    /// The data directory, with its key.
    pub(crate) fn of(&self, data: &DataArgs) -> DataDir {
        let given = self.signing_key.clone();
        // An empty variable is none.
        let given = given.filter(|path| !path.as_os_str().is_empty());
        data.dir().with_signing_key(given)
    }
}

/// For programs.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct JsonArgs {
    /// Print JSON, with amounts as integers of minor units
    #[arg(long)]
    pub(crate) json: bool,
}
