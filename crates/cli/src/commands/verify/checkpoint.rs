//! The roll against checkpoints: one kept elsewhere, which finds a roll that was written
//! anew, with checksums and hashes that hold; and those of the directory, which find it where
//! they were overlooked, and must themselves be as they were signed.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;
use tillroll_proofs::{
    HistoryError, KeyName, LogCheckpoint, SignedCheckpoint, VerifierKey, check_against, check_each,
};
use tillroll_runtime::ReadOnlyLog;
use tillroll_terminal::{Console, Stop};

use super::finding::VerifyFinding;
use super::{CheckReport, PassedCheck};
use crate::data_dir::DataDir;
use crate::output::counted;
use crate::proving;

/// A checkpoint whose signature was checked.
pub(super) struct KeptCheckpoint {
    path: PathBuf,
    signed: SignedCheckpoint,
    /// Checkpoints of this directory: they help to say where, and decide nothing.
    others: Vec<LogCheckpoint>,
}

impl KeptCheckpoint {
    /// Without keys, those of the directory are taken, which the author of a rewritten roll could have
    /// changed as well.
    pub(super) fn read(
        path: &Path,
        keys: &[String],
        data: &DataDir,
        console: &mut Console<'_>,
    ) -> Result<Self, Stop> {
        let note = proving::read_argument(path)?;
        let own = proving::verifiers(data)?;
        let trusted =
            match keys {
                [] if own.is_empty() => return Err(Stop::usage(
                    "a checkpoint is checked with the verifier key, and there is none in the data \
                 directory",
                )
                .next("--key KEY, or a file with it")),
                [] => {
                    console.note(
                    "the signature is checked with the key in the data directory: give --key to \
                     depend on nothing in it",
                )?;
                    own.clone()
                }
                given => super::trusted::keys(given)?,
            };
        let signed = SignedCheckpoint::open(&note, &trusted).map_err(|error| {
            Stop::failed(format!("{}: {error}", path.display()))
                .next("--key with the verifier key of the time, or another checkpoint")
        })?;
        let others = proving::stored_checkpoints(data, &own);
        Ok(Self {
            path: path.to_owned(),
            signed,
            others: others
                .iter()
                .map(|kept| kept.checkpoint().clone())
                .collect(),
        })
    }

    pub(super) fn check(
        &self,
        roll: &ReadOnlyLog,
        report: &mut CheckReport,
        console: &mut Console<'_>,
    ) -> Result<(), Stop> {
        let stated = self.signed.checkpoint();
        let name = KeyName::of_book(*roll.id().as_bytes());
        if stated.origin != name {
            return Err(Stop::failed(format!(
                "{} is a checkpoint of {}, and the roll is {name}",
                self.path.display(),
                stated.origin
            ))
            .next("name the data directory of that book, or a checkpoint of this one"));
        }
        let mut progress = console.progress("hashing", stated.size);
        let checked = check_against(&*roll.reader(), stated, &self.others, &mut |position| {
            progress.set(position.get(), || format!("position {position}"));
        });
        drop(progress);
        match checked {
            Ok(()) => report.passed.push(PassedCheck {
                check: "checkpoint",
                text: format!(
                    "the first {} are those that were signed for",
                    counted(stated.size, "record")
                ),
                facts: json!({ "size": stated.size, "root": stated.root.to_string() }),
            }),
            Err(HistoryError::Read(error)) => return Err(Stop::failed(error)),
            Err(error) => {
                let finding = VerifyFinding::rewritten("checkpoint", &self.path, &error);
                report.findings.push(finding);
            }
        }
        Ok(())
    }
}

/// The roll against every checkpoint that was signed here. Answers whether it contradicts none.
pub(super) fn check_stored(
    data: &DataDir,
    roll: &ReadOnlyLog,
    report: &mut CheckReport,
    console: &mut Console<'_>,
) -> Result<bool, Stop> {
    let mut signed = believed(data, roll, report);
    let head = roll.end().position.get();
    if data.layout().is_in_use() {
        // The server may have gone on since the roll was opened, and a checkpoint of that was signed.
        signed.retain(|(_, stated)| stated.size <= head);
    }
    let stated: Vec<LogCheckpoint> = signed.iter().map(|(_, stated)| stated.clone()).collect();
    let Some(last) = stated.iter().map(|stated| stated.size).max() else {
        return Ok(true);
    };
    let mut progress = console.progress("hashing", last);
    let checked = check_each(&*roll.reader(), &stated, &mut |position| {
        progress.set(position.get(), || format!("position {position}"));
    });
    drop(progress);
    let contradicted = match &checked {
        Ok(()) => None,
        Err(HistoryError::Shorter { size, .. } | HistoryError::Rewritten { size, .. }) => {
            signed.iter().find(|(_, stated)| stated.size == *size)
        }
        Err(HistoryError::Read(_)) => None,
    };
    match (checked, contradicted) {
        (Ok(()), _) => report.passed.push(PassedCheck {
            check: "checkpoints",
            text: format!(
                "{} signed here, the newest at position {last}: the roll holds what was signed",
                counted(stated.len() as u64, "checkpoint"),
            ),
            facts: json!({ "checkpoints": stated.len(), "position": last }),
        }),
        (Err(error), Some((path, _))) => {
            let finding = VerifyFinding::rewritten("checkpoints", path, &error);
            report.findings.push(finding);
            return Ok(false);
        }
        (Err(error), None) => return Err(Stop::failed(error)),
    }
    Ok(true)
}

/// The checkpoints of the directory that are what was signed, with their files.
fn believed(
    data: &DataDir,
    roll: &ReadOnlyLog,
    report: &mut CheckReport,
) -> Vec<(PathBuf, LogCheckpoint)> {
    let files = proving::checkpoint_files(data);
    if files.is_empty() {
        return Vec::new();
    }
    let keys = match proving::read_verifiers(data) {
        Ok(keys) => keys,
        Err(why) => {
            let path = proving::keys(data).join("verifiers");
            report.findings.push(VerifyFinding::unbelieved(&path, why));
            return Vec::new();
        }
    };
    if keys.is_empty() {
        let many = counted(files.len() as u64, "checkpoint");
        report
            .notes
            .push(format!("there is no key to check {many} with"));
        return Vec::new();
    }
    let book = KeyName::of_book(*roll.id().as_bytes());
    let mut signed = Vec::new();
    for path in files {
        match stated(&path, &book, &keys) {
            Ok(checkpoint) => signed.push((path, checkpoint)),
            Err(why) => report.findings.push(VerifyFinding::unbelieved(&path, why)),
        }
    }
    signed
}

/// What a file states, when it is what was signed under its name. An error says why it is not.
fn stated(path: &Path, book: &KeyName, keys: &[VerifierKey]) -> Result<LogCheckpoint, String> {
    let note = fs::read(path).map_err(|error| format!("it cannot be read: {error}"))?;
    let signed = SignedCheckpoint::open(&note, keys).map_err(|error| error.to_string())?;
    let stated = signed.checkpoint().clone();
    let named = path
        .file_stem()
        .and_then(|stem| stem.to_str()?.parse().ok());
    if stated.origin != *book {
        return Err(format!("it is a checkpoint of {}", stated.origin));
    }
    match named == Some(stated.size) {
        true => Ok(stated),
        false => Err(format!("it is the checkpoint of position {}", stated.size)),
    }
}
