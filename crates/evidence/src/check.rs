//! Checking a pack, with keys and nothing else. `check.py` goes the same way.

use std::collections::{BTreeMap, BTreeSet};

use tillroll_events::{OrderId, Record};
use tillroll_proofs::{InclusionBundle, LogCheckpoint, Note, SignedCheckpoint, VerifierKey};

use crate::compare::{compare, excerpt};
use crate::pack::{
    EARLIER_TEXTS, EvidencePack, FORMAT, PackFiles, ProvedRecord, README, checker, sha256_hex,
};
use crate::seal::{self, Seal, joins};

/// Something in a pack that is not what the records or the seal say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackFinding {
    /// Which file.
    pub file: String,
    /// What is wrong with it, and where.
    pub what: String,
}

impl std::fmt::Display for PackFinding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { file, what } = self;
        write!(f, "{file}: {what}")
    }
}

/// What a check came to.
#[derive(Clone, Debug, Default)]
pub struct PackReport {
    /// What is wrong, in order. None: every byte is as the records and the seal have it.
    pub findings: Vec<PackFinding>,
    /// The order that the pack says it is about.
    pub order: Option<OrderId>,
    /// What its checkpoint states.
    pub checkpoint: Option<LogCheckpoint>,
    /// The keys in it, the newest last.
    pub keys: Vec<VerifierKey>,
    /// Records whose proofs hold.
    pub records: usize,
}

impl PackReport {
    fn say(&mut self, file: &str, what: impl std::fmt::Display) {
        self.findings.push(PackFinding {
            file: excerpt(file),
            what: what.to_string(),
        });
    }
}

/// Files that are in every pack.
const ALWAYS: [&str; 11] = [
    "README.md",
    "about.txt",
    "accounts.csv",
    "check.py",
    "checkpoint.note",
    "contents.csv",
    "entries.csv",
    "events.json",
    "manifest.txt",
    "public-key.txt",
    "seal.note",
];

/// Checks the files of a pack against the proved records in it. `trusted` are the keys that the
/// reader has in another way; without any the pack is checked with its own, which shows only that it
/// agrees with itself.
#[must_use]
pub fn check(files: &PackFiles, trusted: &[VerifierKey]) -> PackReport {
    let mut report = PackReport::default();
    let get = |name: &str| files.get(name).map(Vec::as_slice).unwrap_or_default();
    report.keys = keys(files, &mut report);
    if !trusted.is_empty() && !trusted.iter().any(|key| report.keys.contains(key)) {
        report.say("public-key.txt", "the key that was given is not in it");
    }
    let keys = report.keys.clone();

    let Some(checkpoint) = checkpoint(get("checkpoint.note"), &keys, &mut report) else {
        return report;
    };
    report.checkpoint = Some(checkpoint.clone());
    let sealed = text_of(seal::FILE, get(seal::FILE), &keys, &mut report);
    let Some(sealed) = sealed.as_deref().and_then(Seal::parse) else {
        report.say(seal::FILE, "it is no seal of evidence");
        return report;
    };
    report.order = Some(sealed.order);
    if sealed.size != checkpoint.size {
        let (sealed, stated) = (sealed.size, checkpoint.size);
        let what =
            format!("it is by a checkpoint of {sealed} records, and checkpoint.note of {stated}");
        report.say(seal::FILE, what);
    }

    let records = records(files, &checkpoint, &mut report);
    report.records = records.len();
    let pack = EvidencePack::new(sealed.order, &records, &checkpoint, &keys);
    for (file, what) in pack.missing() {
        report.say(&file, what);
    }
    for (name, expected) in pack.readable() {
        if let Some(found) = files.get(&name) {
            for what in compare(&name, found, &expected) {
                report.say(&name, what);
            }
        }
    }
    texts(files, &mut report);
    listed(files, &sealed, keys.len(), &mut report);
    report
}

/// The keys of the pack: one to a line, each vouched for by the one before.
fn keys(files: &PackFiles, report: &mut PackReport) -> Vec<VerifierKey> {
    const FILE: &str = "public-key.txt";
    let bytes = files.get(FILE).map(Vec::as_slice).unwrap_or_default();
    let text = String::from_utf8_lossy(bytes);
    let mut keys: Vec<VerifierKey> = Vec::new();
    for (number, line) in (1..)
        .zip(text.split('\n'))
        .filter(|(_, line)| !line.is_empty())
    {
        match line.parse() {
            Ok(key) => keys.push(key),
            Err(error) => report.say(FILE, format!("line {number}: {error}")),
        }
    }
    let lines: String = keys.iter().map(|key| format!("{key}\n")).collect();
    if files.contains_key(FILE) && lines.as_bytes() != bytes {
        report.say(FILE, "it is not one key to a line");
    }
    for (number, pair) in (1..).zip(keys.windows(2)) {
        let name = format!("rotations/{number}.note");
        let statement = files.get(&name).map(Vec::as_slice).unwrap_or_default();
        let only_two = signers(statement, pair).is_some_and(|signers| signers == 2);
        if !only_two || !joins(statement, &pair[0], &pair[1]) {
            report.say(
                &name,
                "it does not say, signed by both, that the next key follows this one",
            );
        }
    }
    keys
}

/// How many of these keys have signed a note, if no other key has.
fn signers(note: &[u8], keys: &[VerifierKey]) -> Option<usize> {
    let note = Note::parse(note).ok()?;
    let by_known = |name, id| keys.iter().any(|key| key.name() == name && key.id() == id);
    let mut signatures = note.signatures().iter();
    let all_known = signatures.all(|signature| by_known(&signature.name, signature.id));
    let signers = note.verify(keys).ok()?;
    all_known.then_some(signers.len())
}

/// The text of a note, and a finding when it is not signed by a key of the pack and by no other.
fn text_of(
    file: &str,
    bytes: &[u8],
    keys: &[VerifierKey],
    report: &mut PackReport,
) -> Option<String> {
    let note = match Note::parse(bytes) {
        Ok(note) => note,
        Err(error) => {
            report.say(file, error);
            return None;
        }
    };
    if let Err(error) = note.verify(keys) {
        report.say(file, error);
    } else if signers(bytes, keys).is_none() {
        report.say(
            file,
            "it has a signature by another key than those in public-key.txt",
        );
    }
    Some(note.text().to_owned())
}

fn checkpoint(
    bytes: &[u8],
    keys: &[VerifierKey],
    report: &mut PackReport,
) -> Option<LogCheckpoint> {
    const FILE: &str = "checkpoint.note";
    let text = text_of(FILE, bytes, keys, report)?;
    match LogCheckpoint::parse(&text) {
        Ok(checkpoint) => {
            if let Err(error) = SignedCheckpoint::open(bytes, keys)
                && report.findings.iter().all(|finding| finding.file != FILE)
            {
                report.say(FILE, error);
            }
            Some(checkpoint)
        }
        Err(error) => {
            report.say(FILE, error);
            None
        }
    }
}

/// The records whose proofs hold, by position.
fn records(
    files: &PackFiles,
    checkpoint: &LogCheckpoint,
    report: &mut PackReport,
) -> Vec<ProvedRecord> {
    let note = files
        .get("checkpoint.note")
        .map(Vec::as_slice)
        .unwrap_or_default();
    let mut records = Vec::new();
    for (name, bytes) in files.iter().filter(|(name, _)| name.starts_with("proofs/")) {
        match record(name, bytes, note, checkpoint) {
            Ok(record) => records.push(record),
            Err(what) => report.say(name, what),
        }
    }
    records.sort_by_key(|proved| proved.position);
    records
}

fn record(
    name: &str,
    bytes: &[u8],
    note: &[u8],
    checkpoint: &LogCheckpoint,
) -> Result<ProvedRecord, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is no text")?;
    let bundle = InclusionBundle::parse(text).map_err(|error| error.to_string())?;
    if bundle.note.as_bytes() != note {
        return Err("it is by another checkpoint than checkpoint.note".into());
    }
    let position = bundle.index.saturating_add(1);
    // The signature was checked once, with the checkpoint.
    bundle
        .leads_to(checkpoint)
        .map_err(|error| error.to_string())?;
    let record = Record::decode(&bundle.record).map_err(|error| error.to_string())?;
    let proved = ProvedRecord { position, record };
    match proved.file() == name {
        true => Ok(proved),
        false => Err(format!(
            "it proves another record: {} at position {position}",
            proved.record.event.kind().name()
        )),
    }
}

/// README and `check.py`, which are the same in every pack of a version.
fn texts(files: &PackFiles, report: &mut PackReport) {
    let checker = checker();
    let of_now = [("README.md", README), ("check.py", &checker)];
    let mut other = Vec::new();
    for (name, text) in of_now {
        if let Some(found) = files.get(name)
            && found != text.as_bytes()
            && !EARLIER_TEXTS.contains(&sha256_hex(found).as_str())
        {
            other.push(name);
        }
    }
    let about = files
        .get("about.txt")
        .map(|bytes| String::from_utf8_lossy(bytes));
    let format = about.as_deref().and_then(|about| {
        let line = about.lines().next()?.strip_prefix("format")?;
        line.trim().parse::<u32>().ok()
    });
    for name in other {
        report.say(
            name,
            match format {
                Some(format) if format > FORMAT => {
                    "a newer tillroll wrote it: check the pack with that one"
                }
                _ => "it is not what this tillroll, or one before it, puts into a pack",
            },
        );
    }
}

/// What was there when the pack was sealed.
fn listed(files: &PackFiles, sealed: &Seal, keys: usize, report: &mut PackReport) {
    let manifest = files
        .get(seal::MANIFEST)
        .map(Vec::as_slice)
        .unwrap_or_default();
    if sha256_hex(manifest) != sealed.manifest {
        report.say(
            seal::MANIFEST,
            "it is not the list that seal.note was signed for",
        );
    }
    let text = String::from_utf8_lossy(manifest);
    let is_hash = |hash: &str| {
        let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        hash.len() == 64 && hash.bytes().all(hex)
    };
    let lines = text.lines().filter_map(|line| line.split_once("  "));
    let lines = lines.filter(|(hash, _)| is_hash(hash));
    let listed: BTreeMap<&str, &str> = lines.map(|(hash, name)| (name, hash)).collect();
    let lines = listed
        .iter()
        .map(|(name, hash)| format!("{hash}  {name}\n"));
    if lines.collect::<String>().as_bytes() != manifest {
        report.say(
            seal::MANIFEST,
            "it is not one file to a line, in the order of their names",
        );
    }
    let rotations: Vec<String> = (1..keys)
        .map(|number| format!("rotations/{number}.note"))
        .collect();
    let wanted: BTreeSet<&str> = listed
        .keys()
        .copied()
        .chain(ALWAYS)
        .chain(rotations.iter().map(String::as_str))
        .collect();
    for name in wanted {
        if !files.contains_key(name) {
            report.say(name, "it is missing");
        }
    }
    let named: BTreeSet<String> = report
        .findings
        .iter()
        .map(|finding| finding.file.clone())
        .collect();
    let belongs = |name: &str| {
        let known = ALWAYS.contains(&name) || rotations.iter().any(|note| note == name);
        known || name.starts_with("proofs/")
    };
    for (name, bytes) in files {
        match listed.get(name.as_str()) {
            _ if [seal::MANIFEST, seal::FILE].contains(&name.as_str()) => {}
            // Not even the merchant can add what no record accounts for.
            _ if !belongs(name) => report.say(name, "no pack has such a file"),
            None => report.say(name, "it was not in the pack when it was sealed"),
            Some(hash) if sha256_hex(bytes) != **hash && !named.contains(&excerpt(name)) => {
                report.say(name, "it is not what it was when the pack was sealed");
            }
            Some(_) => {}
        }
    }
}
