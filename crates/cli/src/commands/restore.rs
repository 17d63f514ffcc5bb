//! `tillroll restore`: a data directory from a backup.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use tillroll_log::{DirTree, RestoreBackupError, restore};
use tillroll_terminal::{Console, Stop};

use crate::cli::{DataArgs, JsonArgs};
use crate::data_dir::DataDir;
use crate::output::{count, counted};
use crate::stages::Stages;

/// Restore a backup into an empty data directory, and verify what was written
#[derive(Debug, Args)]
#[command(after_help = "Example:
  tillroll restore /mnt/other-disk/shop --data ./restored

Until all of it is there and verified, no server opens the directory. The read models are built
by the next `tillroll serve`.")]
pub(crate) struct RestoreArgs {
    /// The directory of the backup
    #[arg(value_name = "BACKUP")]
    backup: PathBuf,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    json: JsonArgs,
}

pub(crate) fn run(args: &RestoreArgs, console: &mut Console<'_>) -> Result<(), Stop> {
    let data = args.data.dir();
    let backup = DirTree::open(&args.backup)
        .map_err(|error| Stop::failed(error).next("name the directory of a backup"))?;
    let target = DirTree::create(data.root())
        .map_err(|error| Stop::failed(error).next("name a directory that can be written"))?;
    let mut stages = Stages::restore(console);
    let restored = restore(&backup, &target, |step| stages.set(step));
    drop(stages);
    let report = restored.map_err(|error| advise(&args.backup, &data, &error))?;
    let summary = &report.backup;
    if args.json.json {
        return console.json(&json!({
            "object": "restore",
            "data": data.root().display().to_string(),
            "book": summary.book.to_string(),
            "position": summary.head.position.get(),
            "head_hash": summary.head.hash.to_string(),
            "segments": summary.segments,
            "bytes": summary.bytes,
            "files": report.files,
        }));
    }
    console.say(format!(
        "{} holds the roll up to position {}",
        data.root().display(),
        summary.head.position
    ))?;
    console.say(format!(
        "{} and {} with {} bytes: frames, hash chain and positions hold",
        counted(summary.segments, "segment"),
        counted(summary.files, "file"),
        count(summary.bytes)
    ))?;
    console.note(format!("next: {}", data.command("verify")))
}

fn advise(backup: &Path, data: &DataDir, error: &RestoreBackupError) -> Stop {
    let next = match error {
        RestoreBackupError::NotEmpty { .. } => format!(
            "tillroll restore {} --data ANOTHER-DIRECTORY",
            backup.display()
        ),
        RestoreBackupError::Backup(_) => format!("tillroll verify --backup {}", backup.display()),
        RestoreBackupError::Restored(_) | RestoreBackupError::Target(_) => format!(
            "remove {}, look at its disk, and restore again",
            data.root().display()
        ),
    };
    Stop::failed(error).next(next)
}
