//! `tillroll events`: what is on the roll, as a table or as CloudEvents, one per line.

use std::ops::ControlFlow;

use clap::Args;
use tillroll_events::{AccountNames, Event, Kind, OrderId, Record};
use tillroll_ledger::{AccountId, AccountPath};
use tillroll_log::{Deadline, LogReader, Position};
use tillroll_money::Unit;
use tillroll_terminal::{Console, Stop};

use crate::cli::DataArgs;
use crate::data_dir::DataDir;
use crate::output::{Column, Rows};

/// List events in the order of the roll
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tillroll events --after 1200 --limit 10
  tillroll events --json --limit 1000000 > events.ndjson")]
pub(crate) struct EventsArgs {
    #[command(flatten)]
    data: DataArgs,
    /// Only events after this position
    #[arg(long, value_name = "POSITION", default_value_t = 0)]
    after: u64,
    /// The most events to print
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..))]
    limit: u64,
    /// Only events of this order
    #[arg(long, value_name = "ORDER")]
    order: Option<OrderId>,
    /// Print CloudEvents, one JSON object per line
    #[arg(long)]
    json: bool,
}

/// Accounts by number, as the roll opens them.
#[derive(Debug, Default)]
struct ShownNames(Vec<(AccountPath, Unit)>);

impl ShownNames {
    fn learn(&mut self, bytes: &[u8]) {
        let opens = Kind::AccountOpened.number().to_le_bytes();
        if bytes.starts_with(&opens)
            && let Ok(record) = Record::decode(bytes)
            && let Event::AccountOpened(opened) = record.event
        {
            self.0.push((opened.path, opened.unit));
        }
    }
}

impl AccountNames for ShownNames {
    fn name(&self, account: AccountId) -> Option<(String, Unit)> {
        let index = usize::try_from(account.get()).ok()?;
        let (path, unit) = self.0.get(index)?;
        Some((path.to_string(), *unit))
    }
}

pub(crate) fn run(args: &EventsArgs, console: &mut Console<'_>) -> Result<(), Stop> {
    let data = args.data.dir();
    let mut names = ShownNames::default();
    let (roll, _) = data.open_log(Position::FIRST, |_, bytes| names.learn(bytes))?;
    let more = match args.json {
        true => {
            let source = source(&roll.id());
            each(args, &data, &*roll.reader(), |position, record| {
                let event = record.to_cloud_event(position.get(), &source, &names);
                console.json_line(&event)
            })?
        }
        false => {
            let mut rows = Rows::new(&[
                Column::Right("position"),
                Column::Left("event"),
                Column::Left("order"),
                Column::Left("occurred"),
                Column::Left("recorded"),
            ]);
            let more = each(args, &data, &*roll.reader(), |position, record| {
                let order = record.order.or_else(|| record.event.order());
                rows.push([
                    position.to_string(),
                    record.event.kind().name().into(),
                    order.map_or_else(String::new, |order| order.to_string()),
                    record.occurred_at.to_string(),
                    record.recorded_at.to_string(),
                ]);
                Ok(())
            })?;
            rows.print(console, "no events")?;
            more
        }
    };
    match more {
        Some(last) => console.note(format!("more events: --after {last}")),
        None => Ok(()),
    }
}

/// What names this book as a CloudEvents source, here and on the HTTP interface.
fn source(book: &tillroll_log::LogId) -> String {
    format!("tillroll:book:{book}")
}

/// Shows the events that were asked for; answers the last position shown, when there are more.
fn each(
    args: &EventsArgs,
    data: &DataDir,
    reader: &dyn LogReader,
    mut show: impl FnMut(Position, &Record) -> Result<(), Stop>,
) -> Result<Option<Position>, Stop> {
    let first = Position::new(args.after.saturating_add(1));
    let mut shown = 0;
    let mut last = first;
    let mut end = Ok(None);
    let visited = reader.for_each(first, Deadline::NEVER, &mut |position, bytes| {
        let record = match Record::decode(bytes) {
            Ok(record) => record,
            Err(error) => {
                let what = format!("the record at position {position}: {error}");
                end = Err(Stop::failed(what).next(data.command("verify")));
                return ControlFlow::Break(());
            }
        };
        let order = record.order.or_else(|| record.event.order());
        if args.order.is_some() && args.order != order {
            return ControlFlow::Continue(());
        }
        if shown == args.limit {
            end = Ok(Some(last));
            return ControlFlow::Break(());
        }
        if let Err(stop) = show(position, &record) {
            end = Err(stop);
            return ControlFlow::Break(());
        }
        shown += 1;
        last = position;
        ControlFlow::Continue(())
    });
    match visited {
        Ok(_) => end,
        Err(error) => Err(Stop::failed(error).next(data.command("verify"))),
    }
}
