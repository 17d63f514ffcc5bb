//! Read models that are as far as the roll: those of the directory when they are, otherwise a
//! private copy that is brought up to date. Numbers that are stale are never shown.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;
use tillroll_events::Record;
use tillroll_journal::{Journal, Position};
use tillroll_projections::{Projector, ReadModels};

use crate::as_of::AsOf;
use crate::console::Console;
use crate::data_dir::{DataDir, Roll};
use crate::exit::Stop;

/// Read models and the position that they are true for.
#[derive(Debug)]
pub(crate) struct Models {
    pub(crate) models: ReadModels,
    /// The end of the roll when it was opened, and the position to ask at.
    pub(crate) head: u64,
    /// Goes with the copy.
    _copy: Option<TempDir>,
}

impl Models {
    /// # Errors
    /// When the roll is damaged, or has lost what the read models have seen.
    pub(crate) fn open(data: &DataDir, console: &mut Console<'_>) -> Result<Self, Stop> {
        let path = data.read_models();
        // Taken before the roll is opened: a server may move both on, so that the roll can only
        // be further.
        let built = ReadModels::open(&path).ok();
        let checkpoint = built.as_ref().and_then(|models| models.checkpoint().ok());
        let seen = checkpoint.unwrap_or(0);
        let (roll, report) = data.open_roll(Position::new(seen).next(), |_, _| {})?;
        let head = report.head.position.get();
        if seen > head {
            return Err(Stop::failed(format!(
                "the roll ends at position {head}, and the read models have seen {seen}: \
                 the roll has lost its end"
            ))
            .next(data.command("verify")));
        }
        if let Some(models) = built
            && seen == head
        {
            if same_history(&path, &roll, head)? {
                return Ok(Self {
                    models,
                    head,
                    _copy: None,
                });
            }
            console.note("the read models are those of another book")?;
        }
        copy(&path, checkpoint, &roll, head, console)
    }

    /// The position that a question is asked at.
    pub(crate) fn at(&self, as_of: Option<AsOf>) -> Result<u64, Stop> {
        match as_of {
            None => Ok(self.head),
            Some(AsOf::Position(position)) if position > self.head => {
                Err(beyond(position, self.head))
            }
            Some(AsOf::Position(position)) => Ok(position),
            Some(AsOf::Time(time)) => {
                let position = self.models.position_at(time).map_err(Stop::failed)?;
                Ok(position.min(self.head))
            }
        }
    }
}

pub(crate) fn beyond(position: u64, head: u64) -> Stop {
    Stop::usage(format!(
        "the roll ends at position {head}, before {position}"
    ))
    .next(format!("--as-of {head}, or a time"))
}

/// Whether the read models have seen the event that the roll holds at its end. Ids of events
/// are derived from book and position.
fn same_history(path: &Path, roll: &Roll, head: u64) -> Result<bool, Stop> {
    let Some(bytes) = roll
        .reader()
        .read_one(Position::new(head))
        .map_err(Stop::failed)?
    else {
        return Ok(true);
    };
    let record = Record::decode(&bytes).map_err(Stop::failed)?;
    let seen: rusqlite::Result<String> = read_only(path)
        .and_then(|sql| sql.query_row("SELECT event_id FROM checkpoint", [], |row| row.get(0)));
    Ok(seen.is_ok_and(|seen| seen == record.id.to_string()))
}

/// Copies what is there, or starts with nothing, and projects the rest of the roll.
fn copy(
    path: &Path,
    checkpoint: Option<u64>,
    roll: &Roll,
    head: u64,
    console: &mut Console<'_>,
) -> Result<Models, Stop> {
    let directory = tempfile::tempdir()
        .map_err(|error| Stop::failed(format!("no temporary directory: {error}")))?;
    let own = directory.path().join("read-models.sqlite");
    let begun = checkpoint.filter(|_| match copy_file(path, &own) {
        Ok(()) => true,
        Err(error) => {
            tracing::debug!(%error, "the read models cannot be copied: projecting the whole roll");
            false
        }
    });
    match begun {
        Some(seen) if seen < head => console.note(format!(
            "the read models are at position {seen}, the roll at {head}: bringing a copy up to date"
        ))?,
        Some(_) => console.note("projecting the roll into a copy")?,
        None => console.note(format!(
            "there are no read models: projecting the roll up to position {head}"
        ))?,
    }
    let failed = |error: &dyn std::fmt::Display| Stop::failed(error);
    let mut projector = Projector::open(&own).map_err(|error| failed(&error))?;
    let mut progress = console.progress("projecting", head);
    projector
        .catch_up(&*roll.reader(), &mut |step| {
            progress.set(step.position, || format!("position {}", step.position));
        })
        .map_err(|error| failed(&error))?;
    drop(progress);
    drop(projector);
    Ok(Models {
        models: ReadModels::open(&own).map_err(|error| failed(&error))?,
        head,
        _copy: Some(directory),
    })
}

/// One snapshot of a database that may be written to meanwhile.
fn copy_file(from: &Path, to: &Path) -> rusqlite::Result<()> {
    let sql = read_only(from)?;
    sql.execute("VACUUM INTO ?1", [to.to_string_lossy()])?;
    Ok(())
}

fn read_only(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(path, flags)
}
