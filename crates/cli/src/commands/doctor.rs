//! `tillroll doctor`: is this directory well looked after, and what should be done next.
//!
//! It looks at what surrounds the roll and reads the last segment only. Whether every byte of the
//! roll is as it was written is for `tillroll verify`. It changes nothing.

mod check;
mod machine;
mod safety;
mod snapshot;

use clap::Args;
use serde_json::json;
use tillroll_log::{Deadline, Position};
use tillroll_projections::ReadModels;
use tillroll_runtime::{BookClock, SystemClock};
use tillroll_terminal::{Console, Stop};

use crate::cli::{DataArgs, JsonArgs, KeyArgs};
use crate::data_dir::DataDir;
use crate::output::{Column, Rows, counted};
use check::{Check, Status};

/// Look at what surrounds the roll, and say what to do
#[derive(Debug, Args)]
#[command(
    after_help = "Exit code 1 when a check fails; a warning is no failure. It reads the last
segment only: `tillroll verify` reads everything."
)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    key: KeyArgs,
    #[command(flatten)]
    json: JsonArgs,
}

pub(crate) fn run(args: &DoctorArgs, console: &mut Console<'_>) -> Result<(), Stop> {
    let data = args.key.of(&args.data);
    data.storage()?;
    let mut checks = vec![
        machine::permissions(&data),
        machine::keys(&data),
        machine::disk_space(&data),
    ];
    let busy = data.layout().is_in_use();
    checks.push(Check::ok(
        "server",
        match busy {
            true => "running on this directory",
            false => "not running",
        },
    ));
    // Before the roll: a server may move both on.
    let seen = ReadModels::open(&data.read_models()).and_then(|models| models.checkpoint());
    let seen = seen.ok();
    match data.open_log(Position::new(u64::MAX), |_, _| {}) {
        Ok((roll, report)) => {
            let head = roll.end().position.get();
            checks.push(match report.torn_tail {
                Some(tail) if !busy => Check::warn(
                    "roll",
                    format!(
                        "ends at position {head}, and {} bytes behind it are an append that was \
                         cut short",
                        tail.bytes
                    ),
                    data.command("verify"),
                ),
                _ => Check::ok("roll", format!("ends at position {head}")),
            });
            checks.push(machine::clock(last_recorded(&roll)?, SystemClock.now()));
            checks.push(read_models(&data, seen, head, busy));
            checks.push(snapshot::check(&data, head, busy));
            checks.push(safety::checkpoints(&data, head));
            checks.push(safety::backup(&data, head, SystemClock.now()));
        }
        Err(stop) => checks.push(Check::fail("roll", stop, data.command("verify"))),
    }
    let failed = checks.iter().any(|check| check.status == Status::Fail);
    show(args.json.json, &checks, !failed, console)?;
    match failed {
        true => Err(Stop::Said),
        false => Ok(()),
    }
}

fn last_recorded(
    roll: &tillroll_runtime::ReadOnlyLog,
) -> Result<Option<tillroll_events::Timestamp>, Stop> {
    let last = roll.reader().read_one(roll.end().position, Deadline::NEVER);
    let bytes = last.map_err(Stop::failed)?;
    let record = bytes.and_then(|bytes| tillroll_events::Record::decode(&bytes).ok());
    Ok(record.map(|record| record.recorded_at))
}

/// A server that is busy is always a little behind.
const LAG: u64 = 10_000;

fn read_models(data: &DataDir, seen: Option<u64>, head: u64, busy: bool) -> Check {
    let check = "read models";
    match seen {
        None => Check::warn(
            check,
            "there are none, or they cannot be read",
            data.command("projections rebuild"),
        ),
        Some(seen) if seen > head && !busy => Check::fail(
            check,
            format!("have seen position {seen}: the roll has lost its end"),
            data.command("verify"),
        ),
        Some(seen) => {
            let lag = head.saturating_sub(seen);
            let detail = format!("at position {seen}, {} behind", counted(lag, "event"));
            match (lag, busy) {
                (0, _) => Check::ok(check, format!("at position {seen}, as the roll")),
                (..=LAG, true) => Check::ok(check, detail),
                (_, true) => Check::warn(check, detail, "look at the server's log"),
                (_, false) => Check::warn(check, detail, data.command("projections rebuild")),
            }
        }
    }
}

fn show(json: bool, checks: &[Check], ok: bool, console: &mut Console<'_>) -> Result<(), Stop> {
    if json {
        let checks: Vec<_> = checks.iter().map(Check::view).collect();
        return console.json(&json!({ "object": "health", "ok": ok, "checks": checks }));
    }
    let mut rows = Rows::new(&[
        Column::Left("check"),
        Column::Left(""),
        Column::Left("found"),
        Column::Left("what to do"),
    ]);
    for check in checks {
        rows.push([
            check.name.to_owned(),
            check.status.as_str().to_owned(),
            check.found.clone(),
            check.next.clone().unwrap_or_default(),
        ]);
    }
    rows.print(console, "no checks")
}
