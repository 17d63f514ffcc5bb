//! `tillroll export`: what an auditor needs of one order, in one pack.

mod evidence;
pub(crate) mod tar;

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use tillroll_events::OrderId;
use tillroll_evidence::PackFiles;
use tillroll_terminal::{Console, Stop};

use crate::cli::{DataArgs, JsonArgs, KeyArgs};
use crate::output::{count, counted};
use evidence::Evidence;

/// Write an order's events, entries and proofs into one pack for an auditor
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tillroll export --evidence ord_01J5K3Q8ZV6T4M2R9XWEYB7C0D
  tillroll export --evidence ord_01J5K3Q8ZV6T4M2R9XWEYB7C0D --out ./for-the-auditor
  tillroll verify --proof ./for-the-auditor --key public-key.txt

In it: the order's records and those that its payments, refunds, disputes, transfers and fees lead
to, each with a proof; events and entries as they follow from them; what is there and why; the
signed checkpoint and the verifier key; and check.py, which checks all of it without this program.
The same roll and checkpoint give the same bytes. Nothing is written over: what is there already is
refused, unless it is empty.")]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    key: KeyArgs,
    /// The order: `ord_` and 26 digits
    #[arg(long, value_name = "ORDER")]
    evidence: OrderId,
    /// A file that ends in .tar, or a directory; neither may be there, unless it is empty
    /// [default: the order's id and .tar]
    #[arg(long, value_name = "FILE.tar|DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    json: JsonArgs,
}

pub(crate) fn run(args: &ExportArgs, console: &mut Console<'_>) -> Result<(), Stop> {
    let data = args.key.of(&args.data);
    let order = args.evidence;
    let out = args
        .out
        .clone()
        .unwrap_or_else(|| PathBuf::from(format!("{order}.tar")));
    let is_archive = out.extension().is_some_and(|extension| extension == "tar");
    // Said before the roll is searched.
    refuse_what_is_there(&out, is_archive)?;
    let evidence = Evidence::collect(order, &data, console)?;
    let bytes = match is_archive {
        true => {
            let archive = tar::archive(&order.to_string(), &evidence.files);
            write_whole(&out, |part| write_file(part, &archive))?;
            archive.len() as u64
        }
        false => {
            write_whole(&out, |part| write_directory(part, &evidence.files))?;
            evidence.files.values().map(|file| file.len() as u64).sum()
        }
    };
    if args.json.json {
        return console.json(&json!({
            "object": "evidence",
            "order": order,
            "out": out.display().to_string(),
            "bytes": bytes,
            "events": evidence.events,
            "size": evidence.size,
            "key": evidence.key,
            "files": evidence.files.keys().collect::<Vec<_>>(),
        }));
    }
    console.say(format!(
        "{}  {} bytes: {} with a proof each, by the checkpoint of position {}",
        out.display(),
        count(bytes),
        counted(evidence.events, "event"),
        evidence.size,
    ))?;
    console.note(format!(
        "hand the verifier key to the auditor in another way than the pack: {}",
        evidence.key
    ))
}

fn refuse_what_is_there(out: &Path, is_archive: bool) -> Result<(), Stop> {
    let is_empty = match fs::metadata(out) {
        Err(_) => true,
        Ok(there) if there.is_dir() => {
            !is_archive && fs::read_dir(out).is_ok_and(|mut entries| entries.next().is_none())
        }
        Ok(there) => is_archive && there.len() == 0,
    };
    match is_empty {
        true => Ok(()),
        false => Err(
            Stop::usage(format!("{} is there and not empty", out.display()))
                .next("--out with a directory or a file that ends in .tar, which is not there yet"),
        ),
    }
}

/// Writes a file or a directory beside its place, and puts it there when it is whole and durable: so
/// the place never holds a part of it.
fn write_whole(out: &Path, write: impl FnOnce(&Path) -> io::Result<()>) -> Result<(), Stop> {
    let parent = match out.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let Some(name) = out.file_name().map(|name| name.to_string_lossy()) else {
        return Err(Stop::usage(format!("{} names no new place", out.display()))
            .next("--out with a directory or a file that ends in .tar, which is not there yet"));
    };
    let part = parent.join(format!(".{name}.{}.part", std::process::id()));
    let written = fs::create_dir_all(parent)
        .and_then(|()| write(&part))
        .and_then(|()| fs::rename(&part, out))
        .and_then(|()| File::open(parent)?.sync_all());
    written.map_err(|error| {
        let removed = match part.is_dir() {
            true => fs::remove_dir_all(&part),
            false => fs::remove_file(&part),
        };
        let rest = match removed {
            Err(left) if left.kind() != io::ErrorKind::NotFound => {
                format!("; {} is left of it", part.display())
            }
            _ => String::new(),
        };
        Stop::failed(format!("cannot write {}: {error}{rest}", out.display()))
            .next("make room, or name another place with --out")
    })
}

fn write_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn write_directory(root: &Path, files: &PackFiles) -> io::Result<()> {
    fs::create_dir(root)?;
    let mut directories = vec![root.to_owned()];
    for (name, bytes) in files {
        let path = root.join(name);
        if let Some(directory) = path.parent()
            && !directories.iter().any(|made| made == directory)
        {
            fs::create_dir_all(directory)?;
            directories.push(directory.to_owned());
        }
        write_file(&path, bytes)?;
    }
    for directory in directories {
        File::open(directory)?.sync_all()?;
    }
    Ok(())
}
