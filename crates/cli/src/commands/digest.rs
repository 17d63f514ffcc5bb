//! `tillroll digest`: the fingerprint of what the book says.

use clap::Args;
use serde_json::json;

use tillroll_terminal::{Console, Stop};

use crate::as_of::AsOfArgument;
use crate::cli::{DataArgs, JsonArgs};
use crate::fold;

/// Print the digest of balances, orders, splits and stock
///
/// Two books with the same digest say the same, in whatever order they were told. Times and
/// positions are not in it.
#[derive(Debug, Args)]
pub(crate) struct DigestArgs {
    #[command(flatten)]
    data: DataArgs,
    /// The state at a position, or at a time such as 2026-08-01T09:30:00Z
    #[arg(long, value_name = "MOMENT")]
    as_of: Option<AsOfArgument>,
    #[command(flatten)]
    json: JsonArgs,
}

pub(crate) fn run(args: &DigestArgs, console: &mut Console<'_>) -> Result<(), Stop> {
    let folded = fold::fold(&args.data.dir(), args.as_of, console)?;
    let digest = folded.replay.book().digest();
    match args.json.json {
        true => console.json(&json!({
            "object": "digest",
            "position": folded.replay.position().get(),
            "digest": digest.to_string(),
        })),
        false => console.say(format!("digest  {digest}")),
    }
}
