//! `tillroll checkpoint`: a signed statement of what the roll is now.

use clap::Args;
use serde_json::json;
use tillroll_proofs::{Keyring, KeyringError, VerifierKey};
use tillroll_terminal::{Console, Stop};

use crate::cli::{DataArgs, JsonArgs, KeyArgs};
use crate::data_dir::DataDir;
use crate::durable::DurableLog;
use crate::proving;

/// Sign what the roll is now, for others to keep
///
/// The keeper of the note can tell later whether anything up to its position was changed. It says
/// how many records there are and what they hash to, and nothing of what is in them.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tillroll checkpoint > monday.note
  tillroll checkpoint --public-key > public-key.txt
  tillroll checkpoint --signing-key /mnt/token/shop.key > monday.note
  tillroll verify --checkpoint monday.note --key public-key.txt

The private key is made at first use, in keys/ of the data directory, for its owner only. Whoever
has the directory can then sign in its name: --signing-key, or TILLROLL_SIGNING_KEY, keeps the key
in a file elsewhere. To move one that is there, move keys/signing.key to that file. Beside a running
server the last frame may be left out, when it is not known to be on the disk yet.")]
pub(crate) struct CheckpointArgs {
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    key: KeyArgs,
    /// Print the verifier key, which checks what is signed
    #[arg(long, conflicts_with = "rotate")]
    public_key: bool,
    /// Change the key, and print the statement by which the old one vouches for the new
    #[arg(long)]
    rotate: bool,
    #[command(flatten)]
    json: JsonArgs,
}

pub(crate) fn run(args: &CheckpointArgs, console: &mut Console<'_>) -> Result<(), Stop> {
    let (data, json) = (args.key.of(&args.data), args.json.json);
    if args.rotate {
        return rotate(&data, json, console);
    }
    let durable = DurableLog::open(&data)?;
    if args.public_key {
        let ring = proving::keyring(&data, durable.book, console)?;
        return public_key(&ring, json, console);
    }
    let mut prover = proving::prover(&data, &durable, console)?;
    let signed = prover
        .checkpoint()
        .map_err(|error| proving::prover_stop(&data, error))?;
    let stated = signed.checkpoint();
    match json {
        true => console.json(&json!({
            "object": "checkpoint",
            "origin": stated.origin.as_str(),
            "size": stated.size,
            "root": stated.root.to_string(),
            "signers": signed.signers().iter().map(ToString::to_string).collect::<Vec<_>>(),
            "note": signed.note().to_string(),
        })),
        false => Ok(write!(console.out(), "{}", signed.note())?),
    }
}

fn newest(ring: &Keyring) -> &VerifierKey {
    ring.signing_key().verifier()
}

fn public_key(ring: &Keyring, json: bool, console: &mut Console<'_>) -> Result<(), Stop> {
    match json {
        true => console.json(&json!({
            "object": "public_key",
            "key": newest(ring).to_string(),
            "all": ring.verifiers().iter().map(ToString::to_string).collect::<Vec<_>>(),
        })),
        false => console.say(newest(ring)),
    }
}

fn rotate(data: &DataDir, json: bool, console: &mut Console<'_>) -> Result<(), Stop> {
    data.storage()?;
    let mut ring = match Keyring::open(proving::key_files(data)) {
        Err(error @ KeyringError::Missing { .. }) => {
            return Err(Stop::usage(error).next(data.command("checkpoint")));
        }
        opened => opened.map_err(|error| proving::keyring_stop(data, error))?,
    };
    let old = newest(&ring).clone();
    let statement = ring
        .rotate(&proving::seed()?)
        .map_err(|error| proving::keyring_stop(data, error))?;
    match json {
        true => console.json(&json!({
            "object": "key_rotation",
            "old": old.to_string(),
            "new": newest(&ring).to_string(),
            "statement": statement.to_string(),
        }))?,
        false => write!(console.out(), "{statement}")?,
    }
    console.note(format!(
        "{} signs from now on, and {} no longer does: hand the statement to whoever has the old \
         key. It is worth nothing if the old private key has leaked",
        newest(&ring).id(),
        old.id()
    ))
}
