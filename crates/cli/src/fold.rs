//! Folding the roll into the book, from the start up to its end or to a moment.

use tillroll_engine::Replay;
use tillroll_events::{Record, Timestamp};
use tillroll_log::Position;
use tillroll_terminal::{Console, Stop};

use crate::as_of::AsOfArgument;
use crate::data_dir::DataDir;
use crate::models::beyond;

/// A book as it was at a position.
#[derive(Debug)]
pub(crate) struct Folded {
    pub(crate) replay: Replay,
    /// Where the roll ends.
    pub(crate) head: u64,
}

/// Bytes that stand before each record in a frame.
const PREFIX: u64 = 4;

/// Checks the whole roll, and folds it up to the moment.
pub(crate) fn fold(
    data: &DataDir,
    as_of: Option<AsOfArgument>,
    console: &mut Console<'_>,
) -> Result<Folded, Stop> {
    let last = match as_of {
        None => None,
        Some(AsOfArgument::Position(position)) => Some(position),
        Some(AsOfArgument::Time(time)) => Some(last_by(data, time)?),
    };
    let mut replay = Replay::new(data.chart()?);
    let mut wrong = None;
    let mut bytes = 0;
    let mut progress = console.progress("replaying", data.layout().log_bytes());
    let (_, report) = data.open_log(Position::FIRST, |position, record| {
        bytes += record.len() as u64 + PREFIX;
        progress.set(bytes, || format!("position {position}"));
        let is_over = last.is_some_and(|last| position.get() > last);
        if !is_over && wrong.is_none() {
            wrong = replay.fold(position, record).err();
        }
    })?;
    drop(progress);
    if let Some(error) = wrong {
        return Err(Stop::failed(error).next(data.command("verify")));
    }
    let head = report.head.position.get();
    if let Some(position) = last
        && position > head
    {
        return Err(beyond(position, head));
    }
    if let Some(tail) = &report.torn_tail {
        console.note(format!(
            "{} bytes at the end of {} are an append that is under way or was cut short: left out",
            tail.bytes, tail.file
        ))?;
    }
    Ok(Folded { replay, head })
}

/// The last position that was recorded at or before a time. Times run backwards where a clock was
/// confirmed, so this takes a look at all of them.
fn last_by(data: &DataDir, time: Timestamp) -> Result<u64, Stop> {
    let mut last = 0;
    data.open_log(Position::FIRST, |position, record| {
        // What cannot be understood is for the fold to say.
        if Record::decode(record).is_ok_and(|record| record.recorded_at <= time) {
            last = position.get();
        }
    })?;
    Ok(last)
}
