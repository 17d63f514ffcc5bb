//! The files of an archive of evidence, from the roll and the prover.
//!
//! The names of accounts are in the events that opened them, so those are proved as well:
//! otherwise an entry would be numbers without names.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use tillroll_events::{AccountOpened, Event, Kind, OrderId, Record};
use tillroll_log::{Deadline, Position};
use tillroll_proofs::{Prover, SignedCheckpoint};
use tillroll_terminal::{Console, Stop};

use super::table;
use crate::commands::events::{ShownNames, source};
use crate::data_dir::DataDir;
use crate::durable::DurableLog;
use crate::proving;

/// What an auditor reads first.
const README: &str = include_str!("readme.md");
/// The check without this program.
const CHECK: &str = include_str!("check.py");

/// The files of an archive, and what the command says of it.
pub(super) struct Evidence {
    /// Contents by relative path.
    pub(super) files: BTreeMap<String, Vec<u8>>,
    pub(super) events: u64,
    pub(super) accounts: u64,
    /// Of the checkpoint.
    pub(super) size: u64,
    /// The verifier key.
    pub(super) key: String,
}

/// An order's part of the roll.
#[derive(Default)]
struct EvidenceContent {
    names: ShownNames,
    /// Where each account was opened, by its number.
    opened: Vec<(Position, AccountOpened)>,
    events: Vec<(Position, Record)>,
}

impl Evidence {
    pub(super) fn collect(
        order: OrderId,
        data: &DataDir,
        console: &mut Console<'_>,
    ) -> Result<Self, Stop> {
        let durable = DurableLog::open(data)?;
        let found = find(order, data, &durable, console)?;
        if found.events.is_empty() {
            let head = durable.head().position;
            return Err(Stop::failed(format!(
                "there is no event of order {order} up to position {head}"
            ))
            .next(data.command("orders")));
        }
        let mut prover = proving::prover(data, &durable, console)?;
        let signed = prover
            .checkpoint()
            .map_err(|error| proving::prover_stop(data, error))?;
        let accounts = found.accounts();

        let mut files = BTreeMap::new();
        let mut add = |name: &str, bytes: Vec<u8>| drop(files.insert(name.to_owned(), bytes));
        let source = source(&durable.book);
        let events: Vec<_> = found
            .events
            .iter()
            .map(|(position, record)| record.to_cloud_event(position.get(), &source, &found.names))
            .collect();
        let mut json = serde_json::to_vec_pretty(&events).map_err(std::io::Error::from)?;
        json.push(b'\n');
        add("events.json", json);
        add(
            "entries.csv",
            table::entries(&found.events, &found.names).into_bytes(),
        );
        add("accounts.csv", table::accounts(&accounts).into_bytes());
        add("checkpoint.note", signed.note().to_string().into_bytes());
        let verifiers = prover.keyring().verifiers();
        let key = prover.keyring().signing_key().verifier().to_string();
        let keys: String = verifiers.iter().map(|key| format!("{key}\n")).collect();
        add("public-key.txt", keys.into_bytes());
        let rotations = prover.keyring().rotations();
        let rotations = rotations.map_err(|error| proving::keyring_stop(data, error))?;
        for (number, statement) in (1..).zip(rotations) {
            add(&format!("rotations/{number}.note"), statement);
        }
        add("check.py", CHECK.as_bytes().to_vec());
        add(
            "README.md",
            readme(order, &found, accounts.len(), &signed, &key).into_bytes(),
        );

        let positions = found
            .events
            .iter()
            .map(|(position, record)| (*position, record.event.kind()));
        let opened = accounts
            .iter()
            .map(|(position, _)| (*position, Kind::AccountOpened));
        // Accounts of the order's own are among both.
        for (position, kind) in positions.chain(opened).collect::<BTreeMap<_, _>>() {
            let proof = prove(&mut prover, position, &signed, data)?;
            add(&name(position, kind), proof);
        }
        Ok(Self {
            events: found.events.len() as u64,
            accounts: accounts.len() as u64,
            size: signed.checkpoint().size,
            files,
            key,
        })
    }
}

/// The name of an event's proof, which sorts as the roll does.
pub(super) fn name(position: Position, kind: Kind) -> String {
    format!("proofs/{:020}-{}.tlog-proof", position.get(), kind.name())
}

fn prove(
    prover: &mut Prover,
    position: Position,
    signed: &SignedCheckpoint,
    data: &DataDir,
) -> Result<Vec<u8>, Stop> {
    let bundle = prover
        .prove_event_by(position, signed)
        .map_err(|error| proving::prover_stop(data, error))?;
    Ok(bundle.to_string().into_bytes())
}

fn find(
    order: OrderId,
    data: &DataDir,
    durable: &DurableLog,
    console: &mut Console<'_>,
) -> Result<EvidenceContent, Stop> {
    let mut found = EvidenceContent::default();
    let mut wrong = None;
    let mut progress = console.progress("searching", durable.head().position.get());
    let searched =
        durable
            .reader
            .for_each(Position::FIRST, Deadline::NEVER, &mut |position, bytes| {
                progress.set(position.get(), || format!("position {position}"));
                let record = match Record::decode(bytes) {
                    Ok(record) => record,
                    Err(error) => {
                        wrong = Some(format!("the record at position {position}: {error}"));
                        return ControlFlow::Break(());
                    }
                };
                found.names.learn(bytes);
                if let Event::AccountOpened(opened) = &record.event {
                    found.opened.push((position, (**opened).clone()));
                }
                if record.order.or_else(|| record.event.order()) == Some(order) {
                    found.events.push((position, record));
                }
                ControlFlow::Continue(())
            });
    drop(progress);
    let next = || data.command("verify");
    if let Err(error) = searched {
        return Err(Stop::failed(error).next(next()));
    }
    match wrong {
        Some(wrong) => Err(Stop::failed(wrong).next(next())),
        None => Ok(found),
    }
}

impl EvidenceContent {
    /// Numbers of the accounts in the order's entries.
    fn numbers(&self) -> BTreeSet<u32> {
        let mut numbers = BTreeSet::new();
        for (_, record) in &self.events {
            table::each_entry(&record.event, |_, entry| {
                numbers.extend(entry.postings().iter().map(|posting| posting.account.get()));
            });
        }
        numbers
    }

    /// The accounts in the order's entries, and where they were opened.
    fn accounts(&self) -> Vec<(Position, &AccountOpened)> {
        let numbers = self.numbers().into_iter();
        let slots = numbers.filter_map(|number| usize::try_from(number).ok());
        let opened = slots.filter_map(|slot| self.opened.get(slot));
        opened
            .map(|(position, account)| (*position, account))
            .collect()
    }
}

fn readme(
    order: OrderId,
    found: &EvidenceContent,
    accounts: usize,
    signed: &SignedCheckpoint,
    key: &str,
) -> String {
    let stated = signed.checkpoint();
    let (first, record) = &found.events[0];
    [
        ("{ORDER}", order.to_string()),
        ("{EVENTS}", found.events.len().to_string()),
        ("{ACCOUNTS}", accounts.to_string()),
        ("{ORIGIN}", stated.origin.to_string()),
        ("{SIZE}", stated.size.to_string()),
        ("{ROOT}", stated.root.to_string()),
        ("{KEY}", key.to_owned()),
        ("{FIRST}", name(*first, record.event.kind())),
    ]
    .iter()
    .fold(README.to_owned(), |text, (mark, value)| {
        text.replace(mark, value)
    })
}
