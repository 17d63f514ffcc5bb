//! Checking a backup: every file against its hash, and the log in it.

use std::path::Path;

use serde_json::json;
use tillroll_log::{DirTree, VerifyBackupError, verify_backup};
use tillroll_terminal::{Console, Stop};

use crate::output::{count, counted};
use crate::stages::Stages;

pub(super) fn run(path: &Path, json: bool, console: &mut Console<'_>) -> Result<(), Stop> {
    let tree = DirTree::open(path).map_err(|error| {
        Stop::failed(error).next(format!("tillroll backup {} --data DIR", path.display()))
    })?;
    let mut stages = Stages::checking(console);
    let checked = verify_backup(&tree, |step| stages.set(step));
    drop(stages);
    let summary = checked.map_err(|error| advise(path, &error))?;
    if json {
        return console.json(&json!({
            "object": "backup_verification",
            "ok": true,
            "book": summary.book.to_string(),
            "position": summary.head.position.get(),
            "head_hash": summary.head.hash.to_string(),
            "segments": summary.segments,
            "files": summary.files,
            "bytes": summary.bytes,
        }));
    }
    console.say(format!(
        "backup       ok       {} and {} in {} bytes, as they were written; frames, hash chain and \
         positions hold",
        counted(summary.segments, "segment"),
        counted(summary.files, "file"),
        count(summary.bytes),
    ))?;
    console.say(format!("book      {}", summary.book))?;
    console.say(format!("position  {}", summary.head.position))
}

fn advise(path: &Path, error: &VerifyBackupError) -> Stop {
    let next = match error {
        VerifyBackupError::Storage(_) => "run the same command again, or look at the disk".into(),
        VerifyBackupError::NoManifest { .. } => {
            format!("tillroll backup {} --data DIR", path.display())
        }
        _ => "back up into another directory, and trust this one no more: \
              tillroll backup NEW --data DIR"
            .into(),
    };
    Stop::failed(format!("{}: {error}", path.display())).next(next)
}
