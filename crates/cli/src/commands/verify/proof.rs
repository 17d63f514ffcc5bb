//! Checking proof files and packs of evidence: with keys alone, without a data directory or a
//! connection.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tillroll_events::{AccountNames, Record};
use tillroll_ledger::AccountId;
use tillroll_money::Unit;
use tillroll_proofs::{BundleError, VerifiedBundle, VerifierKey, verify_bundle};
use tillroll_terminal::{Console, Stop};

use super::pack;
use crate::proving::read_argument;

/// A proof has one record, so the names of accounts are not known: they stay numbers.
struct Nameless;

impl AccountNames for Nameless {
    fn name(&self, _: AccountId) -> Option<(String, Unit)> {
        None
    }
}

pub(super) fn run(
    files: &[PathBuf],
    keys: &[String],
    json: bool,
    console: &mut Console<'_>,
) -> Result<(), Stop> {
    let (packs, files): (Vec<&PathBuf>, Vec<&PathBuf>) =
        files.iter().partition(|path| pack::is_pack(path));
    // A pack has keys of its own; a proof needs one.
    let keys = match (files.is_empty(), keys) {
        (true, []) => Vec::new(),
        _ => super::trusted::keys(keys)?,
    };
    let mut views = Vec::new();
    let mut failed = 0_u64;
    for path in packs {
        let report = pack::check(path, &keys)?;
        failed += u64::from(!report.findings.is_empty());
        match json {
            true => views.push(pack::view(path, &report)),
            false => pack::print(path, &report, console)?,
        }
        if keys.is_empty() {
            console.note(
                "the key is the one in the pack, which shows that the pack agrees with itself: ask \
                 for the key in another way, and give it with --key",
            )?;
        }
    }
    for path in files {
        let bytes = read_argument(path)?;
        let verified = verify_bundle(&bytes, &keys);
        failed += u64::from(verified.is_err());
        match json {
            true => views.push(view(path, &verified)),
            false => print(path, &verified, console)?,
        }
    }
    if json {
        console.json(&json!({ "object": "verification", "ok": failed == 0, "proofs": views }))?;
    }
    match failed {
        0 => Ok(()),
        _ => {
            if let [key, ..] = keys.as_slice() {
                console.note(format!(
                    "checked with {}: ask for the file and the key again, from a source that you \
                     trust",
                    key.name()
                ))?;
            }
            Err(Stop::Said)
        }
    }
}

fn print(
    path: &Path,
    verified: &Result<VerifiedBundle, BundleError>,
    console: &mut Console<'_>,
) -> Result<(), Stop> {
    let path = path.display();
    match verified {
        Ok(verified) => {
            console.say(format!("{path}  ok"))?;
            console.say(verified)?;
            match event(verified) {
                Some(Ok(event)) => console.json(&event),
                Some(Err(error)) => console.note(format!("it cannot be shown: {error}")),
                None => Ok(()),
            }
        }
        Err(error) => {
            console.say(format!("{path}  NOT PROVED"))?;
            console.say(format!("  reason  {error}"))?;
            console.say(format!("  code    {}", error.code()))
        }
    }
}

fn view(path: &Path, verified: &Result<VerifiedBundle, BundleError>) -> Value {
    let file = path.display().to_string();
    match verified {
        Ok(proof) => {
            let signers = |keys: &[VerifierKey]| -> Vec<String> {
                keys.iter().map(ToString::to_string).collect()
            };
            let (proves, newest) = match proof {
                VerifiedBundle::Inclusion(proof) => ("inclusion", &proof.checkpoint),
                VerifiedBundle::Consistency(proof) => ("consistency", &proof.newer),
            };
            let stated = newest.checkpoint();
            let mut view = json!({
                "file": file,
                "ok": true,
                "proves": proves,
                "says": proof.to_string(),
                "origin": stated.origin.as_str(),
                "size": stated.size,
                "root": stated.root.to_string(),
                "signers": signers(newest.signers()),
            });
            match proof {
                VerifiedBundle::Inclusion(proof) => view["position"] = json!(proof.position),
                VerifiedBundle::Consistency(proof) => {
                    view["from_size"] = json!(proof.older.checkpoint().size);
                }
            }
            if let Some(Ok(event)) = event(proof) {
                view["event"] = event;
            }
            view
        }
        Err(error) => json!({
            "file": file,
            "ok": false,
            "code": error.code(),
            "reason": error.to_string(),
        }),
    }
}

/// What the record says, when there is one.
fn event(verified: &VerifiedBundle) -> Option<Result<Value, tillroll_events::DecodeError>> {
    let VerifiedBundle::Inclusion(proof) = verified else {
        return None;
    };
    // As every other command names the book.
    let origin = proof.checkpoint.checkpoint().origin.as_str();
    let source = origin.replacen("tillroll/", "tillroll:book:", 1);
    let record = Record::decode(&proof.record);
    Some(record.map(|record| record.to_cloud_event(proof.position, &source, &Nameless)))
}
