//! The roll against a checkpoint that somebody has kept: what finds a roll that was written
//! anew, with checksums and hashes that hold.

use std::path::{Path, PathBuf};

use serde_json::json;
use tillroll_journal::Journal;
use tillroll_proofs::{Checkpoint, HistoryError, KeyName, SignedCheckpoint, check_against};

use super::finding::Finding;
use super::{Passed, Report};
use crate::console::Console;
use crate::data_dir::{DataDir, Roll};
use crate::exit::Stop;
use crate::output::counted;
use crate::proving;

/// A checkpoint whose signature was checked.
pub(super) struct Kept {
    path: PathBuf,
    signed: SignedCheckpoint,
    /// Checkpoints of this directory: they help to say where, and decide nothing.
    others: Vec<Checkpoint>,
}

impl Kept {
    /// Without keys, those of the directory are taken, which whoever wrote it anew could have
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
        roll: &Roll,
        report: &mut Report,
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
            Ok(()) => report.passed.push(Passed {
                check: "checkpoint",
                text: format!(
                    "the first {} are those that were signed for",
                    counted(stated.size, "record")
                ),
                facts: json!({ "size": stated.size, "root": stated.root.to_string() }),
            }),
            Err(HistoryError::Read(error)) => return Err(Stop::failed(error)),
            Err(error) => report.findings.push(Finding::rewritten(&self.path, &error)),
        }
        Ok(())
    }
}
