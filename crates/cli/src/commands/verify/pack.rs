//! Checking a pack of evidence, in a directory or in an archive: every file of it against the records
//! that are proved in it.

use std::fs;
use std::io;
use std::path::Path;

use serde_json::{Value, json};
use tillroll_evidence::{PackFiles, PackFinding, PackReport};
use tillroll_proofs::VerifierKey;
use tillroll_terminal::{Console, Stop};

use crate::commands::export::tar;
use crate::output::counted;
use crate::proving::read_argument;

/// Whether a path names a pack, and not a proof.
pub(super) fn is_pack(path: &Path) -> bool {
    path.is_dir() || path.extension().is_some_and(|extension| extension == "tar")
}

pub(super) fn check(path: &Path, keys: &[VerifierKey]) -> Result<PackReport, Stop> {
    if !path.is_dir() {
        return Ok(match tar::files(&read_argument(path)?) {
            Ok(files) => tillroll_evidence::check(&files, keys),
            Err(what) => {
                let file = path.file_name().unwrap_or_default().display().to_string();
                PackReport {
                    findings: vec![PackFinding { file, what }],
                    ..PackReport::default()
                }
            }
        });
    }
    let mut files = PackFiles::new();
    read(path, "", &mut files).map_err(|error| {
        Stop::usage(format!("cannot read {}: {error}", path.display()))
            .next("name a directory that is there")
    })?;
    Ok(tillroll_evidence::check(&files, keys))
}

/// Every file below a directory. What is no file is none of a pack, and is found by its name.
fn read(directory: &Path, prefix: &str, files: &mut PackFiles) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        let kind = entry.file_type()?;
        if kind.is_dir() {
            read(&entry.path(), &format!("{name}/"), files)?;
        } else {
            let bytes = match kind.is_file() {
                true => fs::read(entry.path())?,
                false => Vec::new(),
            };
            files.insert(name, bytes);
        }
    }
    Ok(())
}

pub(super) fn print(
    path: &Path,
    report: &PackReport,
    console: &mut Console<'_>,
) -> Result<(), Stop> {
    let path = path.display();
    if !report.findings.is_empty() {
        console.say(format!("{path}  NOT AS PROVED"))?;
        for finding in &report.findings {
            console.say(format!("  {finding}"))?;
        }
        return Ok(());
    }
    console.say(format!("{path}  ok"))?;
    let (Some(order), Some(stated)) = (report.order, &report.checkpoint) else {
        return Ok(());
    };
    console.say(format!(
        "Every file says what {} of the log {} say, which lead to the root {} of its first {} \
         records. The pack is about order {order}.",
        counted(report.records as u64, "record"),
        stated.origin,
        stated.root,
        stated.size,
    ))?;
    for key in report.keys.iter().rev().take(1) {
        console.say(format!("key  {key}"))?;
    }
    Ok(())
}

pub(super) fn view(path: &Path, report: &PackReport) -> Value {
    let findings = report.findings.iter();
    let findings = findings.map(|found| json!({ "file": found.file, "what": found.what }));
    json!({
        "file": path.display().to_string(),
        "ok": report.findings.is_empty(),
        "proves": "evidence",
        "order": report.order,
        "origin": report.checkpoint.as_ref().map(|stated| stated.origin.as_str()),
        "size": report.checkpoint.as_ref().map(|stated| stated.size),
        "root": report.checkpoint.as_ref().map(|stated| stated.root.to_string()),
        "keys": report.keys.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "records": report.records,
        "findings": findings.collect::<Vec<_>>(),
    })
}
