//! `tillroll backup`: copies what a backup does not have yet, beside a running server.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use tillroll_log::{BackupError, BackupReport, BackupSource, DirTree, backup};
use tillroll_runtime::{BookClock, SystemClock};
use tillroll_terminal::{Console, Stop};

use crate::cli::{DataArgs, JsonArgs, KeyArgs};
use crate::data_dir::DataDir;
use crate::last_backup::LastBackup;
use crate::output::{count, counted};
use crate::proving;
use crate::stages::Stages;

/// Copy the roll to another directory, adding what is new to the backup that is there
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tillroll backup /mnt/other-disk/shop
  tillroll verify --backup /mnt/other-disk/shop
  tillroll restore /mnt/other-disk/shop --data ./restored

It takes no lock, and may run beside a server. In the backup are log/, BOOK and chart.toml. The
read models and the snapshots are left out because they can be made anew. The private key of
checkpoints is left out too, because whoever has it can sign in this book's name: with --with-keys
the whole of keys/ and the checkpoints that were signed are in the backup, which must then be kept
as the key is. A private key that is kept elsewhere (--signing-key) is in no backup.")]
pub(crate) struct BackupArgs {
    /// The directory of the backup, which is made when it is missing
    #[arg(value_name = "TARGET")]
    target: PathBuf,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    key: KeyArgs,
    /// Copy the private key as well, and the signed checkpoints
    #[arg(long)]
    with_keys: bool,
    #[command(flatten)]
    json: JsonArgs,
}

pub(crate) fn run(args: &BackupArgs, console: &mut Console<'_>) -> Result<(), Stop> {
    let data = args.key.of(&args.data);
    let log = data.storage()?;
    let root = DirTree::open(data.root()).map_err(Stop::failed)?;
    let target = DirTree::create(&args.target)
        .map_err(|error| Stop::failed(error).next("name a directory that can be written"))?;
    let files = files(&data, args.with_keys);
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let source = BackupSource {
        log: &log,
        data: &root,
        files: &files,
    };
    let mut stages = Stages::backup(console);
    let made = backup(&source, &target, |step| stages.set(step));
    drop(stages);
    let report = made.map_err(|error| advise(&data, &error))?;
    let marker = LastBackup {
        target: args
            .target
            .canonicalize()
            .unwrap_or_else(|_| args.target.clone()),
        position: report.head.position.get(),
        at: SystemClock.now(),
    };
    if let Err(error) = marker.write(&data) {
        console.note(format!(
            "the backup is complete; LAST_BACKUP in the data directory, for `tillroll doctor`, \
             cannot be written: {error}"
        ))?;
    }
    match args.json.json {
        true => console.json(&view(&args.target, &report)),
        false => print(
            args,
            &report,
            data.signing_key_elsewhere().is_some(),
            console,
        ),
    }
}

/// Small files that are nowhere else.
fn files(data: &DataDir, with_keys: bool) -> Vec<String> {
    let mut files = vec!["BOOK".to_owned(), "chart.toml".to_owned()];
    if with_keys {
        files.push("keys/verifiers".to_owned());
        // One that was put elsewhere is not in the backup either.
        if data.signing_key_elsewhere().is_none() {
            files.push("keys/signing.key".to_owned());
        }
        for (directory, below) in [
            (proving::keys(data).join("rotations"), "keys/rotations"),
            (
                proving::proofs(data).join("checkpoints"),
                "proofs/checkpoints",
            ),
        ] {
            let names = proving::files_with(&directory, ".note").into_iter();
            files.extend(names.map(|name| format!("{below}/{name}")));
        }
    }
    files
}

fn print(
    args: &BackupArgs,
    report: &BackupReport,
    has_key_elsewhere: bool,
    console: &mut Console<'_>,
) -> Result<(), Stop> {
    console.say(format!(
        "{} holds the roll up to position {}{}",
        args.target.display(),
        report.head.position,
        match report.before {
            Some(before) => format!(" (before: {})", before.position),
            None => String::new(),
        }
    ))?;
    console.say(format!(
        "segments  {}, {} of them copied: {} bytes written, {} kept",
        counted(report.segments, "segment"),
        report.segments_copied,
        count(report.segment_bytes_copied),
        count(report.segment_bytes_kept),
    ))?;
    console.say(format!(
        "files     {}, {} of them copied; {}",
        counted(report.files, "file"),
        report.files_copied,
        match args.with_keys {
            true if has_key_elsewhere => {
                "the private key is not among them: it is outside of the data directory, and needs a \
                 copy of its own"
            }
            true => "the private key is among them: keep the backup as you keep the key",
            false => "no keys (--with-keys)",
        }
    ))?;
    if report.bytes_left_out > 0 {
        console.note(format!(
            "{} bytes behind the last whole frame were left out: an append that is under way, or \
             that was cut short",
            report.bytes_left_out
        ))?;
    }
    Ok(())
}

fn view(target: &Path, report: &BackupReport) -> serde_json::Value {
    json!({
        "object": "backup",
        "target": target.display().to_string(),
        "book": report.book.to_string(),
        "position": report.head.position.get(),
        "head_hash": report.head.hash.to_string(),
        "position_before": report.before.map(|head| head.position.get()),
        "segments": report.segments,
        "segments_copied": report.segments_copied,
        "bytes_copied": report.segment_bytes_copied,
        "bytes_kept": report.segment_bytes_kept,
        "bytes_left_out": report.bytes_left_out,
        "files": report.files,
        "files_copied": report.files_copied,
        "files_absent": report.files_absent,
    })
}

fn advise(data: &DataDir, error: &BackupError) -> Stop {
    let next = match error {
        BackupError::NoLog => data.command("demo"),
        BackupError::Damaged(_) | BackupError::StrayFile { .. } | BackupError::Log(_) => {
            data.command("verify")
        }
        BackupError::InUse => "run the same command again when the other backup has ended".into(),
        BackupError::Target(_) => {
            "make room, or mend the target; the backup that was there before is usable".into()
        }
        BackupError::Data(_) => data.command("doctor"),
        _ => data.command("backup ANOTHER-DIRECTORY"),
    };
    Stop::failed(error).next(next)
}
