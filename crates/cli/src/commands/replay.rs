//! `tillroll replay`: fold the roll from its start and say what it comes to.

use std::time::{Duration, Instant};

use clap::Args;
use serde_json::json;
use tillroll_money::{Unit, UnitKind};
use tillroll_terminal::{Console, Stop};

use crate::as_of::AsOfArgument;
use crate::cli::{DataArgs, JsonArgs};
use crate::fold;
use crate::output::{count, counted, major};

/// Fold the roll from its start, up to its end or to a moment
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tillroll replay
  tillroll replay --as-of 1200
  tillroll replay --as-of 2026-08-31T23:59:59Z --json")]
pub(crate) struct ReplayArgs {
    #[command(flatten)]
    data: DataArgs,
    /// Up to a position, or a time such as 2026-08-01T09:30:00Z
    #[arg(long, value_name = "MOMENT")]
    as_of: Option<AsOfArgument>,
    #[command(flatten)]
    json: JsonArgs,
}

pub(crate) fn run(args: &ReplayArgs, console: &mut Console<'_>) -> Result<(), Stop> {
    let data = args.data.dir();
    let started = Instant::now();
    let folded = fold::fold(&data, args.as_of, console)?;
    let took = started.elapsed();
    let book = folded.replay.book();
    let position = folded.replay.position().get();
    let ledger = book.ledger();
    let (digest, sums) = (book.digest(), ledger.sums());

    if args.json.json {
        let units = sums
            .iter()
            .map(|(unit, sum)| json!({ "unit": unit.as_str(), "sum": sum.to_string() }));
        console.json(&json!({
            "object": "replay",
            "position": position,
            "head": folded.head,
            "accounts": ledger.account_count(),
            "units": units.collect::<Vec<_>>(),
            "digest": digest.to_string(),
        }))?;
    } else {
        console.say(format!("position  {position} of {}", folded.head))?;
        console.say(format!(
            "accounts  {}",
            count(ledger.account_count() as u64)
        ))?;
        let is_article = |unit: &Unit| unit.kind() == UnitKind::Sku;
        for (unit, sum) in sums
            .iter()
            .filter(|(unit, sum)| *sum != 0 || !is_article(unit))
        {
            console.say(format!("sum       {} {unit}", major(*sum, *unit)))?;
        }
        let articles = sums
            .iter()
            .filter(|(unit, sum)| *sum == 0 && is_article(unit));
        console.say(format!(
            "sum       0 in each of {}",
            counted(articles.count() as u64, "article")
        ))?;
        console.say(format!("digest  {digest}"))?;
    }
    console.note(format!(
        "replayed {} events in {}",
        count(position),
        pace(position, took)
    ))?;
    match sums.iter().find(|(_, sum)| *sum != 0) {
        None => Ok(()),
        Some((unit, sum)) => Err(Stop::failed(format!(
            "debits less credits of {unit} are {}, not zero",
            major(*sum, *unit)
        ))
        .next(data.command("verify"))),
    }
}

/// `1.204 s, 83,056 a second`
pub(super) fn pace(events: u64, took: Duration) -> String {
    let micros = took.as_micros().max(1);
    let rate = u128::from(events) * 1_000_000 / micros;
    format!(
        "{}.{:03} s, {} a second",
        took.as_secs(),
        took.subsec_millis(),
        count(u64::try_from(rate).unwrap_or(u64::MAX))
    )
}
