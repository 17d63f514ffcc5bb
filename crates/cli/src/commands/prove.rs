//! `tillroll prove`: proof files that hold without this directory.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Args;
use serde_json::{Value, json};
use tillroll_events::{EventId, Record};
use tillroll_log::{Deadline, Position};
use tillroll_proofs::verify_bundle;
use tillroll_terminal::{Console, Stop};

use crate::cli::{DataArgs, JsonArgs, KeyArgs};
use crate::data_dir::DataDir;
use crate::durable::DurableLog;
use crate::proving;

/// Prove that an event is on the roll, or that the roll has only grown
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tillroll prove --event 1200 --out sale.tlog-proof
  tillroll prove --from monday.note --out grown.proof
  tillroll verify --proof sale.tlog-proof --key public-key.txt

A proof of an event holds the event itself, the hashes that lead from it to the root of a signed
checkpoint, and the checkpoint. It shows nothing else of the roll.")]
pub(crate) struct ProveArgs {
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    key: KeyArgs,
    /// Prove that this event is on the roll: its position, or its id
    #[arg(
        long,
        value_name = "POSITION|ID",
        required_unless_present = "from",
        conflicts_with = "from"
    )]
    event: Option<EventChoice>,
    /// Prove that the roll begins with what this checkpoint was signed for
    #[arg(long, value_name = "CHECKPOINT")]
    from: Option<PathBuf>,
    /// Write the proof to this file
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    json: JsonArgs,
}

/// An event.
#[derive(Clone, Copy, Debug)]
enum EventChoice {
    Position(u64),
    Id(EventId),
}

impl FromStr for EventChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let position = text.parse().ok().filter(|position| *position > 0);
        let id = || text.parse().ok().map(Self::Id);
        position
            .map(Self::Position)
            .or_else(id)
            .ok_or_else(|| "an event has a position from 1 on, or an id such as evt_…".into())
    }
}

pub(crate) fn run(args: &ProveArgs, console: &mut Console<'_>) -> Result<(), Stop> {
    let data = args.key.of(&args.data);
    let failed = |error| proving::prover_stop(&data, error);
    // What cannot be read is said before the roll is hashed.
    let old = args
        .from
        .as_deref()
        .map(proving::read_argument)
        .transpose()?;
    let durable = DurableLog::open(&data)?;
    let position = match args.event {
        Some(EventChoice::Id(id)) => Some(find(id, &data, &durable, console)?),
        Some(EventChoice::Position(position)) => Some(Position::new(position)),
        None => None,
    };
    let mut prover = proving::prover(&data, &durable, console)?;
    let (text, mut facts) = match (position, old) {
        (Some(position), _) => {
            let bundle = prover.prove_event(position).map_err(failed)?;
            let facts = json!({ "object": "inclusion_proof", "position": position.get() });
            (bundle.to_string(), facts)
        }
        (None, old) => {
            let old = old.unwrap_or_default();
            let bundle = prover.prove_consistency(&old).map_err(failed)?;
            (bundle.to_string(), json!({ "object": "consistency_proof" }))
        }
    };
    let verified = verify_bundle(text.as_bytes(), prover.keyring().verifiers())
        .map_err(|error| failed(error.into()))?;
    facts["says"] = json!(verified.to_string());
    facts["proof"] = json!(text);
    show(args, &text, facts, console)
}

fn show(
    args: &ProveArgs,
    text: &str,
    mut facts: Value,
    console: &mut Console<'_>,
) -> Result<(), Stop> {
    if let Some(path) = &args.out {
        proving::write_result(path, text.as_bytes())?;
        facts["file"] = json!(path.display().to_string());
    }
    match (args.json.json, &args.out) {
        (true, _) => console.json(&facts),
        (false, None) => Ok(write!(console.out(), "{text}")?),
        (false, Some(path)) => {
            console.say(facts["says"].as_str().unwrap_or_default())?;
            console.note(format!("to check it: {}", check(path)))
        }
    }
}

/// What its reader is to run.
fn check(path: &Path) -> String {
    format!("tillroll verify --proof {} --key KEY", path.display())
}

/// Where an event is. Ids are in the records only, so all of them are looked at.
fn find(
    id: EventId,
    data: &DataDir,
    durable: &DurableLog,
    console: &mut Console<'_>,
) -> Result<Position, Stop> {
    let head = durable.head().position;
    let mut found = None;
    let mut progress = console.progress("searching", head.get());
    let searched =
        durable
            .reader
            .for_each(Position::FIRST, Deadline::NEVER, &mut |position, bytes| {
                progress.set(position.get(), || format!("position {position}"));
                match Record::decode(bytes) {
                    Ok(record) if record.id == id => {
                        found = Some(position);
                        ControlFlow::Break(())
                    }
                    _ => ControlFlow::Continue(()),
                }
            });
    drop(progress);
    if let Err(error) = searched {
        return Err(Stop::failed(error).next(data.command("verify")));
    }
    found.ok_or_else(|| {
        Stop::failed(format!("there is no event {id} up to position {head}"))
            .next(data.command("events --json"))
    })
}
