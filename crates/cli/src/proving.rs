//! What a data directory has for auditors: its keys, its signed checkpoints, and a prover.
//!
//! | name | content |
//! |---|---|
//! | `keys/` | all verifier keys, and the private key that checkpoints are signed with, unless it was put elsewhere |
//! | `proofs/checkpoints/` | every checkpoint that was signed |
//! | `proofs/leaves` | leaf hashes of the roll; can always be made anew |

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use tillroll_log::LogId;
use tillroll_proofs::{
    KeyFiles, KeyName, Keyring, KeyringError, LeafStoreError, Prover, ProverError, Rebuild,
    SignedCheckpoint, VerifierKey,
};
use tillroll_terminal::{Console, Stop};

use crate::data_dir::DataDir;
use crate::durable::DurableLog;

/// Where the system hands out randomness. On a machine that has booted it neither waits nor ends.
const RANDOM: &str = "/dev/urandom";

pub(crate) fn keys(data: &DataDir) -> PathBuf {
    data.layout().keys()
}

pub(crate) fn proofs(data: &DataDir) -> PathBuf {
    data.layout().proofs()
}

/// The keys of a data directory, wherever its private key is.
pub(crate) fn key_files(data: &DataDir) -> KeyFiles {
    match data.signing_key_elsewhere() {
        Some(signing) => KeyFiles::with_signing_key(keys(data), signing),
        None => keys(data).into(),
    }
}

/// The private key of a data directory.
pub(crate) fn signing_key(data: &DataDir) -> PathBuf {
    key_files(data).signing_key().to_owned()
}

/// 32 random bytes, unknown to others.
pub(crate) fn seed() -> Result<[u8; 32], Stop> {
    let mut seed = [0; 32];
    File::open(RANDOM)
        .and_then(|mut source| source.read_exact(&mut seed))
        .map_err(|error| Stop::failed(format!("no randomness from {RANDOM}: {error}")))?;
    Ok(seed)
}

/// The keys of a book, made at first use.
pub(crate) fn keyring(
    data: &DataDir,
    book: LogId,
    console: &mut Console<'_>,
) -> Result<Keyring, Stop> {
    let ring = match Keyring::open(key_files(data)) {
        Err(KeyringError::Missing { .. }) => {
            let name = KeyName::of_book(*book.as_bytes());
            let ring = Keyring::create(key_files(data), name, &seed()?)
                .map_err(|error| keyring_stop(data, error))?;
            console.note(format!(
                "a key was made in {}; publish its public half where this machine cannot change it",
                match data.signing_key_elsewhere() {
                    Some(signing) => signing.display().to_string(),
                    None => keys(data).display().to_string(),
                }
            ))?;
            ring
        }
        opened => opened.map_err(|error| keyring_stop(data, error))?,
    };
    let name = KeyName::of_book(*book.as_bytes());
    match *ring.name() == name {
        true => Ok(ring),
        false => Err(Stop::failed(format!(
            "the keys in {} are for {}, and the roll is {name}",
            keys(data).display(),
            ring.name()
        ))
        .next("move them elsewhere, then run the same command again")),
    }
}

pub(crate) fn keyring_stop(data: &DataDir, error: KeyringError) -> Stop {
    let next = keyring_advice(data, &error);
    Stop::failed(error).next(next)
}

/// What to do about keys that cannot be used.
pub(crate) fn keyring_advice(data: &DataDir, error: &KeyringError) -> String {
    match error {
        KeyringError::Exposed { path, .. } => format!(
            "chmod 600 {}; {} if it may have been read",
            path.display(),
            data.command("checkpoint --rotate")
        ),
        KeyringError::Missing { .. } => data.command("checkpoint"),
        KeyringError::NoPrivateKey { .. } => match data.signing_key_elsewhere() {
            Some(_) => format!(
                "mount its disk or put it back, or name the file that it is in: {}",
                data.clone()
                    .with_signing_key(None)
                    .command("checkpoint --signing-key FILE")
            ),
            None => format!(
                "{} if it lies elsewhere; or {}",
                data.command("checkpoint --signing-key FILE"),
                keys_back(data)
            ),
        },
        KeyringError::File(error) if error.is_missing() => format!(
            "make the directory of {} for this user alone (mkdir -m 700), or name another file \
             with --signing-key",
            signing_key(data).display()
        ),
        KeyringError::Stale { .. } => "run the same command again".into(),
        KeyringError::Exists { .. } => format!(
            "put {} back from `tillroll backup --with-keys`, or move {} elsewhere to start with \
             a new key",
            signing_key(data).display(),
            keys(data).display()
        ),
        _ => keys_back(data),
    }
}

/// What to do about keys that are not what they were.
pub(crate) fn keys_back(data: &DataDir) -> String {
    format!(
        "put {} back{}, or move it elsewhere to start with a new key",
        keys(data).display(),
        match data.signing_key_elsewhere() {
            Some(_) => "",
            None => " from `tillroll backup --with-keys`",
        }
    )
}

pub(crate) fn prover_stop(data: &DataDir, error: ProverError) -> Stop {
    let next = match &error {
        ProverError::History(_) | ProverError::Changed { .. } => {
            "compare the roll with a checkpoint that was kept elsewhere: \
             tillroll verify --checkpoint FILE"
                .into()
        }
        ProverError::Leaves(LeafStoreError::Locked { .. }) => {
            "run the same command again when the other one has ended".into()
        }
        ProverError::Unsound(_) => format!(
            "remove {}, which is made anew, and run the same command again",
            proofs(data).join("leaves").display()
        ),
        ProverError::Checkpoint(_) | ProverError::OtherLog { .. } => data.command("checkpoint"),
        ProverError::NotRecorded { .. } => data.command("events"),
        _ => data.command("verify"),
    };
    Stop::failed(error).next(next)
}

/// A prover that has followed the roll to its durable end.
pub(crate) fn prover(
    data: &DataDir,
    durable: &DurableLog,
    console: &mut Console<'_>,
) -> Result<Prover, Stop> {
    let ring = keyring(data, durable.book, console)?;
    let mut progress = console.progress("hashing", durable.head().position.get());
    let opened = Prover::open(
        proofs(data),
        *durable.book.as_bytes(),
        ring,
        durable.reader.clone(),
        &mut |position| progress.set(position.get(), || format!("position {position}")),
    );
    drop(progress);
    let (prover, rebuild) = opened.map_err(|error| prover_stop(data, error))?;
    match rebuild {
        None | Some(Rebuild::Missing) => {}
        Some(Rebuild::AnotherHistory {
            size,
            first_difference,
        }) => console.note(format!(
            "warning: the roll is not the one that its {size} leaf hashes were made from: it \
             differs from position {first_difference} on. Unless a backup was restored, it \
             has been rewritten"
        ))?,
        Some(_) => console.note("the leaf hashes were damaged and have been made anew")?,
    }
    Ok(prover)
}

/// The public half of a directory's keys, the newest last, without touching the private one.
pub(crate) fn verifiers(data: &DataDir) -> Result<Vec<VerifierKey>, Stop> {
    read_verifiers(data).map_err(Stop::failed)
}

/// The same, for a caller that can do without them. An error says why they cannot be had.
pub(crate) fn read_verifiers(data: &DataDir) -> Result<Vec<VerifierKey>, String> {
    let path = keys(data).join("verifiers");
    match fs::read_to_string(&path) {
        Ok(text) => verifiers_in(&text, &path),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(format!("cannot read {}: {error}", path.display())),
    }
}

pub(crate) fn parse_verifiers(text: &str, path: &Path) -> Result<Vec<VerifierKey>, Stop> {
    verifiers_in(text, path).map_err(Stop::failed)
}

fn verifiers_in(text: &str, path: &Path) -> Result<Vec<VerifierKey>, String> {
    VerifierKey::parse_lines(text).map_err(|(line, error)| {
        format!(
            "line {line} of {} is no verifier key: {error}",
            path.display()
        )
    })
}

/// The files of the checkpoints that were signed here, the smallest first.
pub(crate) fn checkpoint_files(data: &DataDir) -> Vec<PathBuf> {
    let directory = proofs(data).join("checkpoints");
    let names = files_with(&directory, ".note").into_iter();
    names.map(|name| directory.join(name)).collect()
}

/// The checkpoints that were signed here and can be believed, the smallest first.
pub(crate) fn stored_checkpoints(data: &DataDir, keys: &[VerifierKey]) -> Vec<SignedCheckpoint> {
    let notes = checkpoint_files(data)
        .into_iter()
        .filter_map(|path| fs::read(path).ok());
    let mut signed: Vec<_> = notes
        .filter_map(|note| SignedCheckpoint::open(&note, keys).ok())
        .collect();
    signed.sort_by_key(|signed| signed.checkpoint().size);
    signed
}

/// Names in a directory that end like this, in order. None where there is no directory.
pub(crate) fn files_with(directory: &Path, suffix: &str) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut names: Vec<_> = names.filter(|name| name.ends_with(suffix)).collect();
    names.sort_unstable();
    names
}

/// The file that an argument names, which the user has from elsewhere.
pub(crate) fn read_argument(path: &Path) -> Result<Vec<u8>, Stop> {
    fs::read(path).map_err(|error| {
        Stop::usage(format!("cannot read {}: {error}", path.display()))
            .next("name a file that is there")
    })
}

/// Writes a result to a file, in place of what is there, which stays until the new one is whole.
pub(crate) fn write_result(path: &Path, bytes: &[u8]) -> Result<(), Stop> {
    let mut part = path.as_os_str().to_owned();
    part.push(format!(".{}.part", std::process::id()));
    let part = Path::new(&part);
    let written = File::create_new(part)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(part, path));
    written.map_err(|error| {
        // What cannot be removed is named by the error that comes first.
        drop(fs::remove_file(part));
        Stop::failed(format!("cannot write {}: {error}", path.display()))
    })
}
