//! `tillroll projections`: the read models, which can always be built anew.

use clap::{Args, Subcommand};
use serde_json::json;
use tillroll_log::Position;
use tillroll_projections::Projector;
use tillroll_terminal::{Console, Stop};

use crate::cli::{DataArgs, JsonArgs};

/// Look after the read models
#[derive(Debug, Args)]
pub(crate) struct ProjectionsArgs {
    #[command(subcommand)]
    command: ProjectionsCommand,
}

#[derive(Debug, Subcommand)]
enum ProjectionsCommand {
    Rebuild(RebuildArgs),
}

/// Drop the read models and build them from the roll
#[derive(Debug, Args)]
struct RebuildArgs {
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    json: JsonArgs,
}

pub(crate) fn run(args: &ProjectionsArgs, console: &mut Console<'_>) -> Result<(), Stop> {
    let ProjectionsCommand::Rebuild(args) = &args.command;
    let data = args.data.dir();
    // A server that wrote to them at the same time would be left with rows of two histories.
    let lock = data.lock()?;
    let (roll, report) = data.open_log(Position::FIRST, |_, _| {})?;
    let head = report.head.position.get();
    let path = data.read_models();
    let mut progress = console.progress("projecting", head);
    let rebuilt = Projector::rebuild(&path, &*roll.reader(), &mut |step| {
        progress.set(step.position, || format!("position {}", step.position));
    });
    drop(progress);
    let projector = rebuilt.map_err(|error| Stop::failed(error).next(data.command("verify")))?;
    let position = projector.checkpoint();
    drop((projector, lock));
    match args.json.json {
        true => console.json(&json!({
            "object": "read_models",
            "path": path.display().to_string(),
            "position": position,
        })),
        false => console.say(format!(
            "{} rebuilt up to position {position}",
            path.display()
        )),
    }
}
