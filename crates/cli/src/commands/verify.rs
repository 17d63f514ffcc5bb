//! `tillroll verify`: everything that can be checked, and the exact place of what does not
//! check.
//!
//! Each check trusts only those before it: the bytes of the roll (frames, checksums, hash chain,
//! positions), what the records say (entries, limits, ids, keys, time), then the snapshots against
//! a replay, the checkpoints that were signed here, and the rows of the read models against a
//! replay. Nothing is changed.
//!
//! With other arguments it checks what has left the directory: a proof file, a checkpoint that
//! kept elsewhere, a backup.

mod backup;
mod checkpoint;
mod finding;
mod pack;
mod proof;
mod snapshots;
mod trusted;

use std::fs::File;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};
use tillroll_book::Digest;
use tillroll_engine::{AuditError, audit};
use tillroll_log::{Damage, LogVerifyError, Position, VerifyReport};
use tillroll_projections::VerifyError as RowsError;
use tillroll_runtime::ReadOnlyLog;
use tillroll_terminal::{Console, Stop, cannot};

use crate::cli::{DataArgs, JsonArgs};
use crate::data_dir::DataDir;
use crate::output::{count, counted};
use checkpoint::KeptCheckpoint;
use finding::VerifyFinding;

/// Check every frame, hash, entry, limit and row; exit 1 and name the place when one is wrong
#[derive(Debug, Args)]
#[command(after_help = "Checks:
  roll         frames, checksums, the hash chain, positions
  books        entries balance, limits hold, ids and keys are used once, time runs forward
  snapshots    every byte equals what a replay makes of the roll
  read models  every row equals what a replay makes of the roll
  checkpoints  the roll holds what every checkpoint was signed for that is kept here
  checkpoint   the roll begins with what an old checkpoint was signed for (--checkpoint)

Examples:
  tillroll verify --data ./shop
  tillroll verify --data ./shop --checkpoint monday.note --key public-key.txt
  tillroll verify --proof sale.tlog-proof --key public-key.txt
  tillroll verify --proof ord_01J5K3Q8ZV6T4M2R9XWEYB7C0D.tar --key public-key.txt
  tillroll verify --backup /mnt/other-disk/shop

A proof is checked with the key alone: no data directory, no network. Of a pack of evidence every
file is compared with what the records that are proved in it say; what was changed is named. It takes
no lock and writes nothing into the data directory, so it may run beside a server or on a read-only
mount; the rows are compared in the temporary directory (TMPDIR), which needs room for another set of
read models.")]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    data: DataArgs,
    /// Check proof files and packs of evidence, and nothing else
    #[arg(long, value_name = "FILE|PACK", num_args = 1.., conflicts_with_all = ["backup", "checkpoint"])]
    proof: Vec<PathBuf>,
    /// Check a backup, and nothing else
    #[arg(long, value_name = "DIR", conflicts_with_all = ["checkpoint", "key"])]
    backup: Option<PathBuf>,
    /// Compare the roll with a checkpoint that was signed before
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    /// A verifier key, a file of them, or a statement about a new key; may be given several times
    #[arg(long, value_name = "KEY|FILE")]
    key: Vec<String>,
    #[command(flatten)]
    json: JsonArgs,
}

/// A check that found nothing wrong.
struct PassedCheck {
    check: &'static str,
    text: String,
    facts: Value,
}

/// What was found so far.
#[derive(Default)]
struct CheckReport {
    passed: Vec<PassedCheck>,
    notes: Vec<String>,
    /// In order of gravity.
    findings: Vec<VerifyFinding>,
    position: u64,
    digest: Option<Digest>,
}

pub(crate) fn run(args: &VerifyArgs, console: &mut Console<'_>) -> Result<(), Stop> {
    if !args.proof.is_empty() {
        return proof::run(&args.proof, &args.key, args.json.json, console);
    }
    if let Some(path) = &args.backup {
        return backup::run(path, args.json.json, console);
    }
    let data = args.data.dir();
    let kept = match &args.checkpoint {
        Some(path) => Some(KeptCheckpoint::read(path, &args.key, &data, console)?),
        None if args.key.is_empty() => None,
        None => {
            return Err(Stop::usage("a key checks a proof or a checkpoint")
                .next("--proof FILE, or --checkpoint FILE"));
        }
    };
    let mut report = CheckReport::default();
    if check_roll(&data, &mut report, console)?
        && let Some(roll) = check_books(&data, &mut report, console)?
    {
        if let Some(kept) = kept {
            kept.check(&roll, &mut report, console)?;
        }
        if report.findings.is_empty() {
            // A roll that lost its end is behind its snapshots, its checkpoints and its read
            // models: one finding.
            if snapshots::check(&data, &roll, &mut report, console)?
                && checkpoint::check_stored(&data, &roll, &mut report, console)?
            {
                check_rows(&data, roll, &mut report, console)?;
            }
        }
    }
    match args.json.json {
        true => console.json(&report.view())?,
        false => report.print(console)?,
    }
    match report.findings.is_empty() {
        true => Ok(()),
        false => Err(Stop::Said),
    }
}

/// Whether the records can be looked at.
fn check_roll(
    data: &DataDir,
    report: &mut CheckReport,
    console: &mut Console<'_>,
) -> Result<bool, Stop> {
    let storage = data.storage()?;
    let mut progress = console.progress("checking frames", data.layout().log_bytes());
    let (mut segment, mut before, mut length) = (0, 0, 0);
    let verified = tillroll_log::verify(&storage, |step| {
        if step.segment != segment {
            segment = step.segment;
            before += length;
        }
        length = step.length;
        progress.set(before + step.bytes, || {
            format!("segment {} of {}", step.segment, step.segments)
        });
    });
    drop(progress);
    match verified {
        Ok(verified) => {
            report.passed.push(roll_passed(&verified));
            Ok(true)
        }
        Err(LogVerifyError::Damaged(damage)) if damage.torn_tail => {
            torn_tail(data, &damage, report);
            Ok(true)
        }
        Err(LogVerifyError::Damaged(damage)) => {
            report.findings.push(VerifyFinding::damage(data, &damage));
            Ok(false)
        }
        Err(error @ LogVerifyError::StrayFile { .. }) => {
            report.findings.push(VerifyFinding::new("roll", error));
            Ok(false)
        }
        Err(LogVerifyError::Storage(error)) => Err(Stop::failed(error)),
    }
}

fn roll_passed(verified: &VerifyReport) -> PassedCheck {
    PassedCheck {
        check: "roll",
        text: format!(
            "{} with {} and {} in {} bytes: checksums, hash chain and positions hold",
            counted(verified.segments, "segment"),
            counted(verified.frames, "frame"),
            counted(verified.records, "record"),
            count(verified.bytes),
        ),
        facts: json!({
            "segments": verified.segments,
            "frames": verified.frames,
            "records": verified.records,
            "bytes": verified.bytes,
            "head": verified.head.position.get(),
            "head_hash": verified.head.hash.to_string(),
        }),
    }
}

/// Bytes at the end that are no frame. Beside a server they are an append that is under way.
fn torn_tail(data: &DataDir, damage: &Damage, report: &mut CheckReport) {
    if data.layout().is_in_use() {
        report.notes.push(format!(
            "{} ends at byte {} with an append that is under way",
            damage.file, damage.offset
        ));
        return;
    }
    let seen = tillroll_projections::ReadModels::open(&data.read_models())
        .and_then(|models| models.checkpoint())
        .unwrap_or(0)
        .max(snapshots::seen(data));
    let acknowledged = seen >= damage.position.get();
    report.findings.push(match acknowledged {
        true => VerifyFinding::lost_end(data, damage, seen),
        false => VerifyFinding::cut_short(data, damage),
    });
}

/// The roll, when what it says holds.
fn check_books(
    data: &DataDir,
    report: &mut CheckReport,
    console: &mut Console<'_>,
) -> Result<Option<ReadOnlyLog>, Stop> {
    let roll = open(data)?;
    let head = roll.end().position.get();
    let mut progress = console.progress("checking entries", head);
    let audited = audit(&*roll.reader(), data.chart()?, None, |position| {
        progress.set(position.get(), || format!("position {position}"));
    });
    drop(progress);
    match audited {
        Ok(audited) => {
            report.position = audited.position.get();
            report.digest = Some(audited.digest);
            report.passed.push(PassedCheck {
                check: "books",
                text: format!(
                    "{} balance in every unit; {} keep their limits; {} were applied once",
                    counted(audited.entries, "entry"),
                    counted(audited.accounts as u64, "account"),
                    counted(audited.commands, "command"),
                ),
                facts: json!({
                    "records": audited.records,
                    "entries": audited.entries,
                    "accounts": audited.accounts,
                    "commands": audited.commands,
                }),
            });
            Ok(Some(roll))
        }
        Err(AuditError::Broken(finding)) => {
            report.findings.push(VerifyFinding::law(data, &finding));
            Ok(None)
        }
        Err(AuditError::Read(tillroll_log::LogReadError::Damaged(damage))) => {
            report.findings.push(VerifyFinding::damage(data, &damage));
            Ok(None)
        }
        Err(AuditError::Read(error)) => Err(Stop::failed(error)),
    }
}

/// Every frame was checked a moment ago, so that only the last segment is read again.
fn open(data: &DataDir) -> Result<ReadOnlyLog, Stop> {
    let (roll, _) = data.open_log(Position::new(u64::MAX), |_, _| {})?;
    Ok(roll)
}

/// How often a server may run ahead between two looks.
const ATTEMPTS: u32 = 10;

fn check_rows(
    data: &DataDir,
    mut roll: ReadOnlyLog,
    report: &mut CheckReport,
    console: &mut Console<'_>,
) -> Result<(), Stop> {
    let path = data.read_models();
    if !path.exists() {
        report
            .notes
            .push("there are no read models yet: a server builds them".into());
        return Ok(());
    }
    // What may not be read is not damaged.
    if let Err(error) = File::open(&path) {
        let failed = |error| cannot(&format!("read {}", path.display()), &error);
        return Err(data.denied(&error).unwrap_or_else(|| failed(error)));
    }
    let was_in_use = tillroll_projections::is_in_use(&path);
    if let Some(finding) = finding::sqlite_damage(data, &path) {
        report.rows_finding(finding, was_in_use, &path);
        return Ok(());
    }
    let mut attempt = 1;
    let verified = loop {
        let mut progress = console.progress("checking rows", roll.end().position.get());
        let verified = tillroll_projections::verify(&path, &*roll.reader(), &mut |step| {
            progress.set(step.position, || format!("position {}", step.position));
        });
        match verified {
            // A server may have written both since the roll was opened.
            Err(RowsError::Beyond { checkpoint, .. }) if attempt < ATTEMPTS => {
                let again = open(data)?;
                if again.end().position.get() < checkpoint {
                    break verified;
                }
                roll = again;
                attempt += 1;
            }
            verified => break verified,
        }
    };
    match verified {
        Ok(verified) => report.passed.push(PassedCheck {
            check: "read models",
            text: format!(
                "{} equal a replay up to position {}",
                counted(verified.rows, "row"),
                verified.position
            ),
            facts: json!({ "rows": verified.rows, "position": verified.position }),
        }),
        Err(error) => report.rows_finding(VerifyFinding::rows(data, error), was_in_use, &path),
    }
    Ok(())
}

impl CheckReport {
    /// Read models at rest are read without a lock, which says nothing once a server has begun to
    /// write to them.
    fn rows_finding(&mut self, finding: VerifyFinding, was_in_use: bool, path: &Path) {
        match !was_in_use && tillroll_projections::is_in_use(path) {
            true => self.notes.push(
                "a server was started meanwhile: the read models were not checked, verify again"
                    .into(),
            ),
            false => self.findings.push(finding),
        }
    }

    fn print(&self, console: &mut Console<'_>) -> Result<(), Stop> {
        for passed in &self.passed {
            console.say(format!("{:<13}ok       {}", passed.check, passed.text))?;
        }
        for finding in &self.findings {
            finding.print(console)?;
        }
        for note in &self.notes {
            console.note(note)?;
        }
        if let Some(digest) = &self.digest {
            console.say(format!("position  {}", self.position))?;
            console.say(format!("digest  {digest}"))?;
        }
        Ok(())
    }

    fn view(&self) -> Value {
        let checks = self.passed.iter().map(|passed| {
            let mut check = passed.facts.clone();
            check["check"] = json!(passed.check);
            check["ok"] = json!(true);
            check
        });
        json!({
            "object": "verification",
            "ok": self.findings.is_empty(),
            "position": self.position,
            "digest": self.digest.map(|digest| digest.to_string()),
            "checks": checks.collect::<Vec<_>>(),
            "findings": self.findings.iter().map(VerifyFinding::view).collect::<Vec<_>>(),
            "notes": self.notes,
        })
    }
}
