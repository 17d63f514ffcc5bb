//! `tillroll export`: what an auditor needs of one order, in one archive.

mod evidence;
mod table;
mod tar;

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use tillroll_events::OrderId;
use tillroll_terminal::{Console, Stop};

use crate::cli::{DataArgs, JsonArgs};
use crate::output::{count, counted};
use crate::proving;
use evidence::Evidence;

/// Write an order's events, entries and proofs into one archive for an auditor
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tillroll export --evidence ord_01J5K3Q8ZV6T4M2R9XWEYB7C0D
  tillroll export --evidence ord_01J5K3Q8ZV6T4M2R9XWEYB7C0D --out ./for-the-auditor

In it: the events as CloudEvents, the entries as a table, a proof of each event, the signed
checkpoint, the verifier key, and a README that says how to check it without this program. The
same roll and checkpoint give the same bytes.")]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    data: DataArgs,
    /// The order: `ord_` and 26 digits
    #[arg(long, value_name = "ORDER")]
    evidence: OrderId,
    /// A file that ends in .tar, or a directory that is empty or not there yet [default: the
    /// order's id and .tar]
    #[arg(long, value_name = "FILE.tar|DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    json: JsonArgs,
}

pub(crate) fn run(args: &ExportArgs, console: &mut Console<'_>) -> Result<(), Stop> {
    let data = args.data.dir();
    let order = args.evidence;
    let out = args
        .out
        .clone()
        .unwrap_or_else(|| PathBuf::from(format!("{order}.tar")));
    let evidence = Evidence::collect(order, &data, console)?;
    let bytes = match out.extension().is_some_and(|extension| extension == "tar") {
        true => {
            let archive = tar::archive(&order.to_string(), &evidence.files);
            proving::write_result(&out, &archive)?;
            archive.len() as u64
        }
        false => {
            write_directory(&out, &evidence)?;
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
            "accounts": evidence.accounts,
            "size": evidence.size,
            "key": evidence.key,
            "files": evidence.files.keys().collect::<Vec<_>>(),
        }));
    }
    console.say(format!(
        "{}  {} bytes: {} and {} with a proof each, by the checkpoint of position {}",
        out.display(),
        count(bytes),
        counted(evidence.events, "event"),
        counted(evidence.accounts, "account"),
        evidence.size,
    ))?;
    console.note(format!(
        "hand the verifier key to the auditor in another way than the archive: {}",
        evidence.key
    ))
}

fn write_directory(root: &Path, evidence: &Evidence) -> Result<(), Stop> {
    let failed = |path: &Path| {
        let path = path.display().to_string();
        move |error| Stop::failed(format!("cannot write {path}: {error}"))
    };
    if fs::read_dir(root).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(Stop::usage(format!("{} is not empty", root.display()))
            .next("--out with an empty directory, or with a file that ends in .tar"));
    }
    for (name, bytes) in &evidence.files {
        let path = root.join(name);
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory).map_err(failed(directory))?;
        }
        fs::write(&path, bytes).map_err(failed(&path))?;
    }
    Ok(())
}
