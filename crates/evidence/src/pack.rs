//! The files of a pack.

use std::collections::BTreeMap;

use serde_json::Value;
use sha2::{Digest, Sha256};
use tillroll_events::{AccountNames, AccountOpened, DecodeError, Event, OrderId, Record};
use tillroll_ledger::AccountId;
use tillroll_money::Unit;
use tillroll_proofs::{
    BundleError, InclusionBundle, LogCheckpoint, NoteError, SignedCheckpoint, SigningKey,
    VerifierKey,
};

use crate::links::{PackReason, reasons};
use crate::{seal, tables};

/// Contents by relative path, with `/` between directories.
pub type PackFiles = BTreeMap<String, Vec<u8>>;

/// What an auditor reads first. It is the same in every pack: what is particular to one stands in
/// files that are compared.
pub(crate) const README: &str = include_str!("readme.md");
const CHECKER: &str = include_str!("check.py");

/// README and `check.py` of earlier versions, by their SHA-256: packs of then are checked for ever.
/// Whoever changes one of the two adds here what it was, once that was released.
pub(crate) const EARLIER_TEXTS: &[&str] = &[];

/// The version of what the files of a pack look like. A change of any rendered byte is another one.
pub(crate) const FORMAT: u32 = 1;

/// The check without this program, as it is in every pack.
#[must_use]
pub fn checker() -> String {
    CHECKER.replace("{README_SHA256}", &sha256_hex(README.as_bytes()))
}

pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    let hash: [u8; 32] = Sha256::digest(bytes).into();
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A record that is proved, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvedRecord {
    /// Its position, from 1.
    pub position: u64,
    /// What it says.
    pub record: Record,
}

impl ProvedRecord {
    /// The name of its proof, which sorts as the log does.
    pub(crate) fn file(&self) -> String {
        let kind = self.record.event.kind().name();
        format!("proofs/{:020}-{kind}.tlog-proof", self.position)
    }

    /// The order that it names.
    pub(crate) fn order(&self) -> Option<OrderId> {
        self.record.order.or_else(|| self.record.event.order())
    }
}

/// Why a pack cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// A proof does not hold, or is by another checkpoint.
    #[error("the proof of position {position}: {source}")]
    Proof {
        /// The position that the proof claims.
        position: u64,
        /// What is wrong.
        source: BundleError,
    },
    /// A record cannot be read.
    #[error("the record at position {position}: {source}")]
    Record {
        /// Its position.
        position: u64,
        /// What is wrong.
        source: DecodeError,
    },
    /// The seal cannot be written.
    #[error("the seal: {0}")]
    Seal(#[from] NoteError),
}

/// The records of a pack, and what is shown of them.
#[derive(Debug)]
pub struct EvidencePack<'a> {
    order: OrderId,
    /// By position.
    records: &'a [ProvedRecord],
    checkpoint: &'a LogCheckpoint,
    keys: &'a [VerifierKey],
    names: OpenedNames,
    reasons: BTreeMap<u64, PackReason>,
}

/// Accounts by number, as the records of a pack open them.
#[derive(Debug, Default)]
pub(crate) struct OpenedNames(BTreeMap<AccountId, (u64, AccountOpened)>);

impl OpenedNames {
    fn of(records: &[ProvedRecord]) -> Self {
        let opened = records
            .iter()
            .filter_map(|proved| match &proved.record.event {
                Event::AccountOpened(opened) => {
                    Some((opened.account, (proved.position, (**opened).clone())))
                }
                _ => None,
            });
        Self(opened.collect())
    }

    /// Where it was opened, and as what.
    pub(crate) fn get(&self, account: AccountId) -> Option<&(u64, AccountOpened)> {
        self.0.get(&account)
    }
}

impl AccountNames for OpenedNames {
    fn name(&self, account: AccountId) -> Option<(String, Unit)> {
        let (_, opened) = self.get(account)?;
        Some((opened.path.to_string(), opened.unit))
    }
}

impl<'a> EvidencePack<'a> {
    /// What these records show of an order. They are in the order of their positions.
    pub(crate) fn new(
        order: OrderId,
        records: &'a [ProvedRecord],
        checkpoint: &'a LogCheckpoint,
        keys: &'a [VerifierKey],
    ) -> Self {
        let names = OpenedNames::of(records);
        Self {
            order,
            reasons: reasons(order, records, &names),
            records,
            checkpoint,
            keys,
            names,
        }
    }

    /// All files of a pack on an order: the proofs, which come in any order, what is read of them,
    /// the keys and the statements about them, and the seal of the newest key.
    ///
    /// `keys` are the log's, the newest last, and `rotations` the statements that are there. Keys
    /// that no statement joins to the newest are left out, because nothing would bind them.
    ///
    /// # Errors
    /// When a proof does not hold by this checkpoint, or its record cannot be read.
    pub fn seal(
        order: OrderId,
        proofs: &[InclusionBundle],
        signed: &SignedCheckpoint,
        keys: &[VerifierKey],
        rotations: &[Vec<u8>],
        key: &SigningKey,
    ) -> Result<PackFiles, PackError> {
        let mut records = Vec::with_capacity(proofs.len());
        for bundle in proofs {
            records.push(read(bundle, signed)?);
        }
        records.sort_by_key(|proved| proved.position);
        let (keys, rotations) = chain(keys, rotations);
        let pack = EvidencePack::new(order, &records, signed.checkpoint(), keys);
        let mut files = pack.readable();
        let mut add = |name: String, bytes: Vec<u8>| drop(files.insert(name, bytes));
        for (bundle, proved) in proofs.iter().map(|bundle| (bundle, bundle.index + 1)) {
            if let Ok(at) = records.binary_search_by_key(&proved, |proved| proved.position) {
                add(records[at].file(), bundle.to_string().into_bytes());
            }
        }
        add(
            "checkpoint.note".into(),
            signed.note().to_string().into_bytes(),
        );
        let lines: String = keys.iter().map(|key| format!("{key}\n")).collect();
        add("public-key.txt".into(), lines.into_bytes());
        for (number, statement) in (1..).zip(rotations) {
            add(format!("rotations/{number}.note"), statement.to_vec());
        }
        add("README.md".into(), README.as_bytes().to_vec());
        add("check.py".into(), checker().into_bytes());
        let manifest = seal::manifest(&files);
        let note = seal::sign(order, signed.checkpoint().size, &manifest, key)?;
        files.insert(seal::FILE.into(), note.to_string().into_bytes());
        files.insert(seal::MANIFEST.into(), manifest.into_bytes());
        Ok(files)
    }

    /// The files that follow from the records.
    pub(crate) fn readable(&self) -> PackFiles {
        let LogCheckpoint { origin, size, root } = self.checkpoint;
        let source = origin.as_str().replacen("tillroll/", "tillroll:book:", 1);
        let key = self.keys.last().map(ToString::to_string);
        let about = [
            ("format", FORMAT.to_string()),
            ("order", self.order.to_string()),
            ("log", origin.to_string()),
            ("records", size.to_string()),
            ("root", root.to_string()),
            ("key", key.unwrap_or_default()),
            ("events", self.records.len().to_string()),
        ];
        let about = about.map(|(name, value)| format!("{name:<8}{value}\n"));
        let files = [
            ("about.txt", about.concat()),
            ("events.json", pretty(&self.events(&source))),
            ("entries.csv", tables::entries(self.records, &self.names)),
            ("accounts.csv", tables::accounts(self.records, &self.names)),
            (
                "contents.csv",
                tables::contents(self.records, &self.reasons),
            ),
        ];
        let files = files.map(|(name, text)| (name.to_owned(), text.into_bytes()));
        files.into_iter().collect()
    }

    fn events(&self, source: &str) -> Vec<Value> {
        let event = |proved: &ProvedRecord| {
            proved
                .record
                .to_cloud_event(proved.position, source, &self.names)
        };
        self.records.iter().map(event).collect()
    }

    /// What the records lack to be a pack: by file, and what it is.
    pub(crate) fn missing(&self) -> Vec<(String, String)> {
        let numbers = tables::numbers(self.records).into_iter();
        let unopened = numbers.filter(|account| self.names.get(*account).is_none());
        let unopened = unopened.map(|account| {
            let what = format!(
                "account {} is opened by no record of the pack",
                account.get()
            );
            ("entries.csv".to_owned(), what)
        });
        let strangers = self
            .records
            .iter()
            .filter(|proved| !self.reasons.contains_key(&proved.position));
        let strangers = strangers.map(|proved| {
            (
                proved.file(),
                "nothing links this record to the order".to_owned(),
            )
        });
        unopened.chain(strangers).collect()
    }
}

fn pretty(events: &[Value]) -> String {
    let mut text = serde_json::to_string_pretty(events).expect("values are plain data");
    text.push('\n');
    text
}

fn read(bundle: &InclusionBundle, signed: &SignedCheckpoint) -> Result<ProvedRecord, PackError> {
    let position = bundle.index.saturating_add(1);
    let verified = bundle.clone().verify(signed.signers());
    let verified = verified.map_err(|source| PackError::Proof { position, source })?;
    let record = Record::decode(&verified.record);
    Ok(ProvedRecord {
        position,
        record: record.map_err(|source| PackError::Record { position, source })?,
    })
}

/// The keys up to the newest that statements join, and these statements.
fn chain<'a>(
    keys: &'a [VerifierKey],
    rotations: &'a [Vec<u8>],
) -> (&'a [VerifierKey], Vec<&'a [u8]>) {
    let mut statements = Vec::new();
    let mut first = keys.len().saturating_sub(1);
    while let Some(at) = first.checked_sub(1) {
        let joins = |note: &&Vec<u8>| seal::joins(note, &keys[at], &keys[first]);
        let Some(statement) = rotations.iter().find(joins) else {
            break;
        };
        statements.push(statement.as_slice());
        first = at;
    }
    statements.reverse();
    (&keys[first..], statements)
}
