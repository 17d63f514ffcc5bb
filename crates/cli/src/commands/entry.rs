//! `tillroll entry`: one journal entry, its postings, and what took it back.

use clap::Args;
use tillroll_events::{EntryId, PostingData};
use tillroll_money::Unit;
use tillroll_projections::{EntryRow, ReversalState};
use tillroll_terminal::{Console, Stop};

use crate::as_of::AsOfArgument;
use crate::cli::{DataArgs, JsonArgs};
use crate::models::CurrentModels;
use crate::output::{Column, Rows, major};

/// Show one journal entry, its postings, and the entries that reversed it
#[derive(Debug, Args)]
pub(crate) struct EntryArgs {
    #[command(flatten)]
    data: DataArgs,
    /// The entry: `ent_` and 26 digits
    #[arg(value_name = "ENTRY")]
    entry: EntryId,
    /// As it was at a position, or at a time such as 2026-08-01T09:30:00Z
    #[arg(long, value_name = "MOMENT")]
    as_of: Option<AsOfArgument>,
    #[command(flatten)]
    json: JsonArgs,
}

pub(crate) fn run(args: &EntryArgs, console: &mut Console<'_>) -> Result<(), Stop> {
    let data = args.data.dir();
    let models = CurrentModels::open(&data, console)?;
    let at = Some(models.at(args.as_of)?);
    let found = models.models.entry(args.entry, at).map_err(Stop::failed)?;
    let Some(entry) = found.value else {
        return Err(Stop::failed(format!(
            "there is no entry {} at position {}",
            args.entry, found.position
        ))
        .next(data.command("events")));
    };
    if args.json.json {
        let document = serde_json::to_value(&entry).map_err(Stop::failed)?;
        return console.json(&document);
    }
    print(&entry, console)
}

fn print(entry: &EntryRow, console: &mut Console<'_>) -> Result<(), Stop> {
    console.say(format!(
        "{}  position {}, recorded {}",
        entry.id, entry.position, entry.recorded_at
    ))?;
    if let Some(description) = &entry.description {
        console.say(description)?;
    }
    if let Some(original) = entry.reverses {
        console.say(format!("reverses {original}"))?;
    }
    console.say("")?;
    let titles = &[
        Column::Left("account"),
        Column::Left("side"),
        Column::Right("amount"),
        Column::Left("unit"),
    ];
    let mut postings = Rows::new(titles);
    for posting in &entry.postings {
        let PostingData {
            account,
            unit,
            side,
            ..
        } = posting.clone();
        postings.push([account, side, shown(posting), unit]);
    }
    postings.print(console, "no postings")?;
    match entry.reversal {
        ReversalState::None => return Ok(()),
        ReversalState::Part => console.say("\nreversed in part by")?,
        ReversalState::Whole => console.say("\nreversed in whole by")?,
    }
    let mut reversals = Rows::new(&[
        Column::Right("position"),
        Column::Left("entry"),
        Column::Left("account"),
        Column::Left("side"),
        Column::Right("amount"),
        Column::Left("unit"),
    ]);
    for reversal in &entry.reversed_by {
        for posting in &reversal.postings {
            let PostingData {
                account,
                unit,
                side,
                ..
            } = posting.clone();
            reversals.push([
                reversal.position.to_string(),
                reversal.id.to_string(),
                account,
                side,
                shown(posting),
                unit,
            ]);
        }
    }
    reversals.print(console, "no entries")?;
    match entry.reversed_by_more {
        true => console.note("there are more of them than are shown"),
        false => Ok(()),
    }
}

/// In major units, where the unit is one.
fn shown(posting: &PostingData) -> String {
    match posting.unit.parse::<Unit>() {
        Ok(unit) => major(posting.amount, unit),
        Err(_) => posting.amount.to_string(),
    }
}
